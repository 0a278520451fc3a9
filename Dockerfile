# One image for every step of the pipeline on Kubeflow.
#
#   docker build -t registry.example/pspnet-tfx:1 .
#   docker build -t registry.example/pspnet-tfx:1-gpu --build-arg VARIANT=gpu .
#
# The GPU variant adds the CUDA libraries that this TensorFlow release asks for; the node brings the driver.
ARG PYTHON_VERSION=3.11

FROM python:${PYTHON_VERSION}-slim-bookworm AS environment
# pyfarmhash is built from source; the compiler stays in this stage.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends g++ \
    && rm -rf /var/lib/apt/lists/*
RUN python -m venv /opt/venv
ENV PATH=/opt/venv/bin:${PATH} PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY requirements/build.lock requirements/runtime.lock /requirements/
RUN pip install --no-deps --require-hashes -r /requirements/build.lock \
    && pip install --no-deps --no-build-isolation --require-hashes -r /requirements/runtime.lock
ARG VARIANT=cpu
COPY requirements/gpu.lock /requirements/
RUN case "${VARIANT}" in \
      cpu) ;; \
      gpu) pip install --no-deps --require-hashes -r /requirements/gpu.lock ;; \
      *) echo "VARIANT is cpu or gpu, not ${VARIANT}" >&2; exit 1 ;; \
    esac
COPY setup.py pyproject.toml README.md local_runner.py kubeflow_runner.py /source/
COPY components /source/components
COPY pipeline /source/pipeline
COPY schema /source/schema
# pip compiles what it installs; without byte code TFX would take a minute to import in every step.
RUN pip install --no-deps --no-build-isolation /source

FROM python:${PYTHON_VERSION}-slim-bookworm
# Kubernetes compares numbers: a user by name is refused where pods must not run as root.
RUN useradd --uid 1000 --create-home pspnet
COPY --from=environment /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    TF_CPP_MIN_LOG_LEVEL=2
USER 1000:1000
WORKDIR /home/pspnet
# Numba compiles the mask search, and keeps it in the user's cache: on nodes like the building one no step waits for it.
RUN python -m components.image_mask_example_gen.warm_up
# Kubeflow's launcher gives the command of each step; by hand the image answers what it can do.
CMD ["python", "-m", "pipeline.kubeflow.entrypoint", "--help"]
