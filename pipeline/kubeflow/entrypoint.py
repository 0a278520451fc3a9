"""What a container of the cluster runs: one step of the pipeline.

The step builds the graph with the values of its run, and runs its own node through TFX's executor. Kubeflow's launcher
is around it: it has copied the inputs to local paths, and uploads the outputs from there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from components.settings import SettingError
from pipeline import fingerprint
from pipeline.kubeflow.settings import RUN_FACTS, STEPS, VERDICT

DONE, FAILED, REFUSED = 0, 1, 3


def main(arguments: list[str] | None = None) -> int:
    """Runs a step and returns the exit code."""
    parsed, beam_arguments = _parser().parse_known_args(arguments)
    given = json.loads(parsed.executor_input)
    from pipeline.console import quiet_libraries

    quiet_libraries()
    try:
        _check_code(parsed.code)
        from components import object_store  # noqa: F401 - makes s3:// known

        if parsed.gpus:
            from components.trainer.distribution import require_gpus

            require_gpus(parsed.gpus)
        if parsed.step == RUN_FACTS:
            _run_facts(given)
        elif parsed.step == VERDICT:
            return _verdict(given, parsed.launcher_root)
        else:
            _run_node(parsed, given, beam_arguments)
    except SettingError as error:
        print(f"{parsed.step}: {error}", file=sys.stderr)
        return FAILED
    return DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="entrypoint", description=__doc__, allow_abbrev=False)
    parser.add_argument("--step", required=True, choices=STEPS)
    parser.add_argument("--code", required=True, help="fingerprint of the code that compiled the pipeline")
    parser.add_argument("--executor-input", required=True, help="Kubeflow's ExecutorInput, JSON")
    parser.add_argument("--gpus", type=int, default=0, help="GPUs that the pod was given")
    parser.add_argument("--launcher-root", default="/", help="where Kubeflow's launcher keeps its copies")
    return parser


def _check_code(compiled: str) -> None:
    here = fingerprint.of_project()
    if here != compiled:
        raise SettingError(
            f"the image holds other code ({here}) than the machine that compiled the pipeline "
            f"({compiled}): build the image anew, or compile with the code of the image"
        )


def _values(given: dict[str, Any]) -> Any:
    from pipeline.config import Config
    from pipeline.kubeflow.run_values import RunValues

    return RunValues(Config(), serving_dir="").with_parameters(given.get("inputs", {}).get("parameterValues", {}))


def _run_facts(given: dict[str, Any]) -> None:
    from pipeline.kubeflow.run_facts import find_facts

    found = find_facts(_values(given))
    for name, one in given["outputs"]["parameters"].items():
        file = Path(one["outputFile"])
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(found[name], encoding="utf-8")


def _verdict(given: dict[str, Any], root: str) -> int:
    from components.evaluator.summary import read_summary
    from pipeline.kubeflow.executor_input import local_path

    evaluation = given["inputs"]["artifacts"]["evaluation"]["artifacts"][0]["uri"]
    summary = read_summary(local_path(evaluation, root))
    print("Verdict: may be served" if summary.blessed else "Verdict: refused, not served")
    for told in (*summary.checks, *(f"nothing to judge in {one}" for one in summary.missing)):
        print(f"  {told}")
    return DONE if summary.blessed else REFUSED


def _run_node(parsed: argparse.Namespace, given: dict[str, Any], beam_arguments: list[str]) -> None:
    from pipeline.kubeflow import executor_input, tfx_step

    step = tfx_step.find(_values(given).pipeline(), parsed.step)
    prepared = executor_input.for_tfx(given, step.component, step.properties, parsed.launcher_root)
    for path in executor_input.artifact_paths(prepared):
        # Object stores hold no empty folders, and the launcher makes only the parents of outputs.
        if not os.path.exists(path):
            os.makedirs(path)
    step.run(prepared, beam_arguments)
    _unfold_single_files(given, step.component, parsed.launcher_root)
    file = Path(given["outputs"]["outputFile"])
    written = json.loads(file.read_text(encoding="utf-8"))
    file.write_text(json.dumps(executor_input.for_kubeflow(written, parsed.launcher_root)), encoding="utf-8")


def _unfold_single_files(given: dict[str, Any], component: dict[str, Any], root: str) -> None:
    """Puts what a component wrote as the one file of a folder where Kubeflow wants that file."""
    from pipeline.kubeflow import executor_input

    for key, definition in component.get("outputDefinitions", {}).get("artifacts", {}).items():
        if file_name := executor_input.SINGLE_FILE_TYPES.get(executor_input.title(definition)):
            wanted = executor_input.local_path(given["outputs"]["artifacts"][key]["artifacts"][0]["uri"], root)
            folder = executor_input.folder_of_single_file(wanted, file_name)
            os.replace(os.path.join(folder, file_name), wanted)
            shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
