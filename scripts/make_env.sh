#!/bin/sh
# Builds the environment in .venv from the locked requirements, with byte code.
# Uses uv where it is installed and plain pip otherwise; both check every hash.
set -eu

venv=${VENV:-.venv}

fail() { printf 'make env: %s\n' "$1" >&2; exit 1; }

python=
for candidate in ${PYTHON:-python3.11 python3 python}; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail 'Python 3.11 is needed (TFX 1.21 has no release for newer ones): install it, or name it with "make env PYTHON=/path/to/python3.11".'
"$python" -c 'import venv, ensurepip' 2>/dev/null || fail "$python has no venv module: install it (Debian and Ubuntu: python3.11-venv)."
command -v "${CXX:-c++}" >/dev/null 2>&1 || command -v g++ >/dev/null 2>&1 || fail 'a C++ compiler is needed (pyfarmhash is built from source): install g++ (Debian and Ubuntu: build-essential).'

echo "Building $venv with $("$python" --version) (about 3.5 GB; some minutes the first time)"
rm -rf "$venv"
"$python" -m venv "$venv"
if command -v uv >/dev/null 2>&1; then
    install() { VIRTUAL_ENV="$venv" uv pip install --quiet --compile-bytecode --no-build-isolation --no-deps "$@"; }
else
    install() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps "$@"; }
fi
install --require-hashes -r requirements/build.lock
install --require-hashes -r requirements/dev.lock
# The project itself is linked, not copied, so that an edit counts at once.
install --editable .
"$venv/bin/python" -m components.image_mask_example_gen.warm_up
touch "$venv/.complete"
