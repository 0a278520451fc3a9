"""The TFX component that brings photos and masks into the pipeline."""

from __future__ import annotations

from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import channel, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import Rejections
from components.image_mask_example_gen.executor import Executor


class ImageMaskExampleGenSpec(ComponentSpec):
    """Inputs, outputs and parameters; the meaning of the parameters is told in `pipeline.config`."""

    PARAMETERS = {  # noqa: RUF012 - TFX's interface
        "data": ExecutionParameter(type=str),
        "images_folder": ExecutionParameter(type=str),
        "masks_folder": ExecutionParameter(type=str),
        "label_map": ExecutionParameter(type=str),
        "mask_cleaning": ExecutionParameter(type=str),
        "uncertain": ExecutionParameter(type=str),
        "eval_fraction": ExecutionParameter(type=float),
        "split_key": ExecutionParameter(type=str),
        "max_rejected": ExecutionParameter(type=float),
        "data_fingerprint": ExecutionParameter(type=str),
        "code_fingerprint": ExecutionParameter(type=str),
    }
    INPUTS: dict = {}  # noqa: RUF012
    OUTPUTS = {  # noqa: RUF012
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "rejections": ChannelParameter(type=Rejections),
    }


class ImageMaskExampleGen(base_beam_component.BaseBeamComponent):
    """Pairs photos with masks, cleans the masks, and splits the records into train and eval.

    The two fingerprints are not read by the executor: they make the cache notice that a file or the code
    changed, also where the backend does not look (Kubeflow Pipelines compares parameters only).
    """

    SPEC_CLASS = ImageMaskExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(Executor)

    def __init__(self, **parameters: str | float):
        super().__init__(
            ImageMaskExampleGenSpec(
                examples=channel.Channel(standard_artifacts.Examples),
                rejections=channel.Channel(Rejections),
                **parameters,
            )
        )
