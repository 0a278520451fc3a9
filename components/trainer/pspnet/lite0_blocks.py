"""The blocks of EfficientNet-Lite0, planned before they are built. Source: as `efficientnet_lite0.py`."""

import string
from collections.abc import Sequence
from dataclasses import dataclass, replace

from components.trainer.pspnet.blocks import scaled

LAYER_PREFIX = "lite0_"


@dataclass(frozen=True)
class BlockGroup:
    """Consecutive inverted residual blocks; the strides are those of the first block."""

    expand_ratio: int
    kernel_size: int
    strides: int
    filters: int
    repeats: int


BLOCK_GROUPS = (
    BlockGroup(expand_ratio=1, kernel_size=3, strides=1, filters=16, repeats=1),
    BlockGroup(expand_ratio=6, kernel_size=3, strides=2, filters=24, repeats=2),
    BlockGroup(expand_ratio=6, kernel_size=5, strides=2, filters=40, repeats=2),
    BlockGroup(expand_ratio=6, kernel_size=3, strides=2, filters=80, repeats=3),
    BlockGroup(expand_ratio=6, kernel_size=5, strides=1, filters=112, repeats=3),
    BlockGroup(expand_ratio=6, kernel_size=5, strides=2, filters=192, repeats=4),
    BlockGroup(expand_ratio=6, kernel_size=3, strides=1, filters=320, repeats=1),
)
STAGE_COUNT = 1 + len(BLOCK_GROUPS)


@dataclass(frozen=True)
class Block:
    """One inverted residual block: its place in the network and its depthwise convolution's sampling."""

    group: BlockGroup
    name: str
    source: str
    strides: int
    dilation: int
    trainable: bool


def plan_blocks(width: float, blocks: Sequence[int], *, output_stride: int, frozen_stages: int) -> list[Block]:
    """Names every block and says where it strides, how far it is dilated and whether it is trained.

    Args:
        width: Factor on the number of channels.
        blocks: Blocks of each group; empty for the published ones.
        output_stride: The stride of the coarsest features.
        frozen_stages: How many leading stages are not trained; the stem is the first.
    """
    planned: list[Block] = []
    stride, dilation = 2, 1
    repeats = blocks or [group.repeats for group in BLOCK_GROUPS]
    for number, (published, count) in enumerate(zip(BLOCK_GROUPS, repeats, strict=True), start=1):
        group = replace(published, filters=scaled(published.filters, width), repeats=count)
        for repeat in range(count):
            requested = group.strides if repeat == 0 else 1
            strides = requested if stride * requested <= output_stride else 1
            planned.append(
                Block(
                    group=group,
                    name=f"{LAYER_PREFIX}block{number}{string.ascii_lowercase[repeat]}",
                    source=f"_blocks.{len(planned)}",
                    strides=strides,
                    dilation=dilation,
                    trainable=number >= frozen_stages,
                )
            )
            stride *= strides
            # The block that loses its stride still sees undilated input; only those after it are spread out.
            dilation *= requested // strides
    return planned
