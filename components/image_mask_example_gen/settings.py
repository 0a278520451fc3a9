"""Settings of the way from files to records."""

from __future__ import annotations

from dataclasses import dataclass

from components.settings import at_least, between, choice, setting
from schema.labelmap import DEFAULT_IGNORED

KEEP, IGNORE = "keep", "ignore"


@dataclass(frozen=True)
class DataSettings:
    """Where the photos and masks are, and how they become records."""

    data: str = setting("", "folder of the data set; empty: aeroplanes, generated in the workspace")
    images_folder: str = setting("images", "folder of the photos, inside the data folder")
    masks_folder: str = setting("masks", "folder of the masks, inside the data folder")
    labelmap: str = setting("labelmap.txt", "file of classes and mask colours, inside the data folder")
    ignore_classes: tuple[str, ...] = setting(DEFAULT_IGNORED, "names of classes left out of loss and score")
    background: str = setting("", "name of the class that is not an object; empty: the label map's first")
    uncertain: str = setting(
        KEEP, "mask pixels between two colours: keep the best guess, or ignore", choice(KEEP, IGNORE)
    )
    eval_fraction: float = setting(0.2, "share of the photos in the eval split", between(0.01, 0.9))
    max_rejected: float = setting(0.05, "share of the files that may be set aside before the run stops", between(0, 1))
    sample_count: int = setting(240, "photos in the generated data set", at_least(20))
