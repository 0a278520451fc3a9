# make run    builds .venv, then runs the whole pipeline on a generated data set
# make test   builds .venv, then checks the style, the types and the behaviour
VENV ?= .venv
PYTHON_IN_ENV := $(VENV)/bin/python

.PHONY: run test lint unit env lock clean

run: env
	$(PYTHON_IN_ENV) local_runner.py

test: lint
	$(PYTHON_IN_ENV) -m pytest

lint: env
	$(PYTHON_IN_ENV) -m ruff check .
	$(PYTHON_IN_ENV) -m ruff format --check .
	$(PYTHON_IN_ENV) -m mypy

unit: env
	$(PYTHON_IN_ENV) -m pytest -m "not end_to_end"

env: $(VENV)/.complete

$(VENV)/.complete: requirements/build.lock requirements/dev.lock setup.py pyproject.toml scripts/make_env.sh
	@VENV=$(VENV) PYTHON="$(PYTHON)" sh scripts/make_env.sh

lock:
	sh scripts/lock.sh

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache
