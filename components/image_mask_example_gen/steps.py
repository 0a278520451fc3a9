"""The steps of ImageMaskExampleGen's Beam pipeline, one class a step."""

from __future__ import annotations

import contextlib
import hashlib
import os
import posixpath
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import apache_beam as beam
from tfx.dsl.io import fileio

from components import progress
from components.image_mask_example_gen import files, listing, pairing
from components.image_mask_example_gen.duplicates import Seen, leaders
from components.image_mask_example_gen.record import make_record
from components.image_mask_example_gen.rejection import Rejected, Rejection
from schema import features
from schema.labelmap import LabelMap

REJECTED, SEEN, COUNTED = "rejected", "seen", "counted"
UNEXPECTED = "unexpected"
SPLIT_KEY_UNMATCHED = "split_key_unmatched"
SPLITS = (pairing.TRAIN, pairing.EVAL)


class ListFiles(beam.DoFn):
    """(kind, folder, the other folder) to (key, (kind, path inside the data folder)), and rejections."""

    def __init__(self, data: str):
        self._data = data

    def process(self, element: tuple[str, str, str]) -> Iterator[Any]:
        """Lists one folder."""
        kind, folder, other = element
        # Masks in a folder of the photos' folder are no photos.
        nested = posixpath.relpath(other, folder)
        without = "" if nested.startswith("..") else nested
        for file in listing.walk(os.path.join(self._data, folder), without=without):
            path = posixpath.normpath(posixpath.join(folder, file.path))
            if file.refusal:
                yield set_aside(path, file.refusal)
            else:
                yield pairing.key_of(file.path), (kind, path)


class MakePairs(beam.DoFn):
    """(key, files) to a pair, or to rejections of every file with that key."""

    def process(self, element: tuple[str, Iterable[tuple[str, str]]]) -> Iterator[Any]:
        """Joins the files of one key."""
        key, grouped = element
        found = list(grouped)
        by_kind = {kind: [path for one, path in found if one == kind] for kind in ("image", "mask")}
        try:
            yield pairing.pair(key, by_kind["image"], by_kind["mask"])
        except Rejected as rejected:
            for _, path in found:
                yield set_aside(path, rejected)


class SizeOfPhoto(beam.DoFn):
    """A pair to (bytes of the photo, pair): only photos of one size can be equal."""

    def __init__(self, data: str):
        self._data = data

    def process(self, pair: pairing.Pair) -> Iterator[tuple[int, pairing.Pair]]:
        """Lists the pair under its photo's size; one that cannot be read is left to `ReadPair`."""
        with contextlib.suppress(Rejected):
            size = files.size_of(os.path.join(self._data, pair.image))
            if 0 < size <= files.MAX_BYTES:
                yield size, pair


class DigestOfPhoto(beam.DoFn):
    """A pair to (digest of the photo's bytes, split key)."""

    def __init__(self, data: str, rule: str):
        self._data, self._rule = data, rule

    def process(self, pair: pairing.Pair) -> Iterator[tuple[bytes, str]]:
        """Reads the photo; one that cannot be read is left to `ReadPair`."""
        with contextlib.suppress(Rejected):
            content = files.read_file(os.path.join(self._data, pair.image))
            yield hashlib.sha256(content).digest(), _split_key(pair, self._rule)[0]


class ReadPair(beam.DoFn):
    """A pair to a serialized example in the output of its split, or to a rejection.

    Beside it go (digest, `Seen`) for the search for duplicates, and words to be counted.
    """

    def __init__(self, settings: dict[str, Any]):
        self._data = settings["data"]
        self._label_map = LabelMap.from_json(settings["label_map"])
        self._cleaning = {"cleaning": settings["mask_cleaning"], "uncertain": settings["uncertain"]}
        self._eval_fraction = settings["eval_fraction"]
        self._rule = settings["split_key"]
        self._leaders: dict[str, str] | None = None

    def process(self, pair: pairing.Pair, ties: list[list[str]]) -> Iterator[beam.pvalue.TaggedOutput]:
        """Reads one pair; `ties` are split keys that equal photos tie together, the same for all pairs."""
        progress.advance("photos")
        if self._leaders is None:
            self._leaders = leaders(ties)
        try:
            yield from list(self._read(pair, self._leaders))
        except Rejected as rejected:
            yield set_aside(pair.mask if rejected.reason.startswith("mask_") else pair.image, rejected)
        except Exception as error:  # One file that nobody thought of must not end a run of thousands.
            yield set_aside(pair.image, _unexpected(error, pair))

    def _read(self, pair: pairing.Pair, leaders_of: dict[str, str]) -> Iterator[beam.pvalue.TaggedOutput]:
        image, mask = self._bytes("image", pair.image), self._bytes("mask", pair.mask)
        example = make_record(pair.key, image, mask, self._label_map, **self._cleaning)
        split_key, matched = _split_key(pair, self._rule)
        split = pairing.split_of(leaders_of.get(split_key, split_key), self._eval_fraction)
        class_map = example.features.feature[features.MASK_ENCODED].bytes_list.value[0]
        seen = Seen(
            pair.key, pairing.split_of(split_key, self._eval_fraction), split, hashlib.sha256(class_map).digest()
        )
        yield beam.pvalue.TaggedOutput(split, example.SerializeToString(deterministic=True))
        yield beam.pvalue.TaggedOutput(SEEN, (hashlib.sha256(image).digest(), seen))
        yield beam.pvalue.TaggedOutput(COUNTED, split)
        if not matched:
            yield beam.pvalue.TaggedOutput(COUNTED, SPLIT_KEY_UNMATCHED)

    def _bytes(self, kind: str, path: str) -> bytes:
        try:
            return files.read_file(os.path.join(self._data, path))
        except Rejected as rejected:
            raise Rejected(f"{kind}_{rejected.reason}", rejected.detail) from None


class WriteLines(beam.DoFn):
    """(file name, lines) to a file with that plain name, so that people find it."""

    def __init__(self, folder: str):
        self._folder = folder

    def process(self, element: tuple[str, Iterable[str]]) -> None:
        """Writes one file."""
        name, lines = element
        with fileio.open(os.path.join(self._folder, name), "w") as stream:
            for line in lines:
                stream.write(line + "\n")


def set_aside(path: str, rejected: Rejected) -> beam.pvalue.TaggedOutput:
    """A rejection on its way to the list, counted in Beam's metrics."""
    beam.metrics.Metrics.counter("rejected", rejected.reason).inc()
    return beam.pvalue.TaggedOutput(REJECTED, Rejection(path, rejected.reason, rejected.detail))


def _split_key(pair: pairing.Pair, rule: str) -> tuple[str, bool]:
    """A pair's split key, and whether the rule gave it; a pair that the rule does not know stands for itself."""
    found = pairing.split_key_of(pair.key, rule)
    return (pair.key, False) if found is None else (found, True)


def _unexpected(error: Exception, pair: pairing.Pair) -> Rejected:
    where = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{os.path.basename(where.filename)}:{where.lineno}"
    return Rejected(UNEXPECTED, f"{type(error).__name__}: {error} ({place}, with the mask {pair.mask})")
