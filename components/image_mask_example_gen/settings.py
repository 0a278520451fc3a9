"""Settings of the way from files to records."""

from __future__ import annotations

import re
from dataclasses import dataclass

from components.settings import at_least, between, choice, nearest, setting
from schema.labelmap import DEFAULT_IGNORED

KEEP, IGNORE = "keep", "ignore"
EXACT, NEAREST = "exact", "nearest"
PATH, FOLDER = "path", "folder"


def split_key_rule(value: str) -> str:
    """The rule for `split_key`: a known word, or a regular expression that can tell keys apart."""
    if value in (PATH, FOLDER):
        return ""
    if re.escape(value) == value:
        close = nearest(value, (PATH, FOLDER))
        meant = f"; did you mean {close}?" if close else ""
        return f"{value!r} is neither {PATH}, {FOLDER} nor a regular expression such as (.*)_\\d+${meant}"
    try:
        re.compile(value)
    except (re.error, OverflowError, RecursionError) as error:
        return f"{value!r} is no regular expression: {error}"
    return ""


@dataclass(frozen=True)
class DataSettings:
    """Where the photos and masks are, and how they become records."""

    data: str = setting("", "folder of the data set; empty: aeroplanes, generated in the workspace")
    images_folder: str = setting("images", "folder of the photos, inside the data folder")
    masks_folder: str = setting("masks", "folder of the masks, inside the data folder")
    labelmap: str = setting("labelmap.txt", "file of classes and mask colours, inside the data folder")
    ignore_classes: tuple[str, ...] = setting(DEFAULT_IGNORED, "names of classes left out of loss and score")
    background: str = setting("", "name of the class that is not an object; empty: the label map's first")
    mask_cleaning: str = setting(
        EXACT,
        "from JPEG masks to classes: exact seeks the class map that explains the file, nearest takes each pixel's"
        " nearest colour, at a tenth of the time",
        choice(EXACT, NEAREST),
    )
    uncertain: str = setting(
        KEEP, "mask pixels between two colours: keep the best guess, or ignore", choice(KEEP, IGNORE)
    )
    eval_fraction: float = setting(0.2, "share of the photos in the eval split", between(0.01, 0.9))
    split_key: str = setting(
        PATH,
        "which photos go to the same split: each path for itself, folder (all of a folder), or those for which a"
        " regular expression finds the same in the path, its first group where it has one",
        split_key_rule,
    )
    max_rejected: float = setting(0.05, "share of the files that may be set aside before the run stops", between(0, 1))
    sample_count: int = setting(240, "photos in the generated data set", at_least(20))
