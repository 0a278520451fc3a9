#!/bin/sh
# Resolves requirements/*.in anew into hash-locked files that plain pip installs. Needs uv.
set -eu
cd "$(dirname "$0")/../requirements"
compile() { uv pip compile --quiet --upgrade --python-version 3.11 --generate-hashes --no-header --no-annotate "$@"; }
compile build.in --output-file build.lock
compile --override overrides.txt dev.in --output-file dev.lock
compile --override overrides.txt --constraint dev.lock runtime.in --output-file runtime.lock
compile gpu.in --output-file gpu.lock
