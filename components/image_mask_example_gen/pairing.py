"""Which mask belongs to which photo, and which split a pair goes to. Pure functions of names."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from components.image_mask_example_gen.rejection import Rejected
from components.image_mask_example_gen.settings import FOLDER, PATH

TRAIN, EVAL = "train", "eval"

SYSTEM_FILES = frozenset(
    {
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "icon\r",
        "labelmap.txt",
        "__macosx",
        "@eadir",
        "$recycle.bin",
        "system volume information",
        "lost+found",
    }
)


@dataclass(frozen=True)
class Pair:
    """A photo and its mask.

    Attributes:
        key: What `key_of` makes of both paths, relative to their folders.
        image: Path of the photo, relative to the data folder.
        mask: Path of the mask, relative to the data folder.
    """

    key: str
    image: str
    mask: str


def key_of(relative_path: str) -> str:
    """The path without its extension: equal for a photo and its mask.

    Letters with marks are composed (NFC): systems differ in how they spell them, and people cannot tell them apart.
    """
    return unicodedata.normalize("NFC", str(PurePosixPath(relative_path).with_suffix("")))


def is_system_file(relative_path: str) -> bool:
    """Whether a file belongs to an operating system or an editor, not to the data set."""
    return any(part.startswith(".") or part.lower() in SYSTEM_FILES for part in relative_path.split("/"))


def pair(key: str, images: Iterable[str], masks: Iterable[str]) -> Pair:
    """Joins the files that share one key.

    Args:
        key: The shared path without extension.
        images: Photos with that key, relative to the data folder.
        masks: Masks with that key, relative to the data folder.

    Raises:
        Rejected: There is not exactly one of each.
    """
    photos, answers = sorted(images), sorted(masks)
    if not answers:
        raise Rejected("no_mask", f"no mask is named {key}.*")
    if not photos:
        raise Rejected("no_image", f"no photo is named {key}.*")
    for kind, paths in (("image", photos), ("mask", answers)):
        if len(paths) > 1:
            raise Rejected(f"duplicate_{kind}", f"one name, several files: {', '.join(paths)}")
    return Pair(key, photos[0], answers[0])


def split_key_of(key: str, rule: str) -> str | None:
    """What decides about a pair's split: pairs with the same split key never straddle training and evaluation.

    Args:
        key: The pair's key.
        rule: `path`: the key itself; `folder`: the key's folder, empty for pairs in no folder; else a regular
            expression, of which the first group, or the whole where it has none, is the split key.

    Returns:
        The split key; None if the expression finds nothing in the key, or only nothing.
    """
    if rule == PATH:
        return key
    if rule == FOLDER:
        return key.rpartition("/")[0]
    found = re.search(unicodedata.normalize("NFC", rule), key)
    return (found.group(1 if found.re.groups else 0) or None) if found else None


def split_of(key: str, eval_fraction: float) -> str:
    """The split of a key: the same in every run, however many other files there are.

    Args:
        key: The pair's split key.
        eval_fraction: Expected share of keys in the eval split, 0 to 1.
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
    return EVAL if int.from_bytes(digest[:8], "big") < eval_fraction * 2**64 else TRAIN
