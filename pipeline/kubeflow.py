"""The same pipeline as a specification for Kubeflow Pipelines."""

from __future__ import annotations

from typing import Any

from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

from pipeline.config import Config
from pipeline.create import create_pipeline
from pipeline.inputs import DataFacts


def pipeline_specification(
    config: Config, data: DataFacts, *, image: str, root: str, serving_dir: str
) -> dict[str, Any]:
    """Compiles the pipeline.

    Args:
        config: All settings.
        data: Facts of the data as the cluster sees it.
        image: Container image that holds this project and its environment.
        root: Where the steps' artifacts go, as the cluster sees it.
        serving_dir: Where blessed models are pushed, as the cluster sees it.

    Returns:
        A PipelineSpec, schema version 2.1.0: open-source Kubeflow Pipelines takes neither an older one nor the
        job that TFX wraps around it.
    """
    pipeline = create_pipeline(config, data, root=root, serving_dir=serving_dir, baseline="")
    runner = KubeflowV2DagRunner(KubeflowV2DagRunnerConfig(default_image=image, use_pipeline_spec_2_1=True))
    return runner.run(pipeline, write_out=False)["pipelineSpec"]
