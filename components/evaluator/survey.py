"""A first look at the eval split, without any prediction: how to slice it, and which photos have extreme sizes.

Memory stays the same whatever the number of photos: values come from a sample, the same in any order of records.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import apache_beam as beam
import tensorflow as tf

from components.evaluator.slices import SliceRules, Value, slice_rules, slice_values
from schema import features

SAMPLE = 10_000
"""Photos whose values decide about the slices."""


@dataclass(frozen=True)
class ExtremePhoto:
    """A photo at an end of the range of sizes.

    Attributes:
        key: Its key.
        height: In pixels.
        width: In pixels.
        content: The encoded photo.
    """

    key: bytes
    height: int
    width: int
    content: bytes

    def to_record(self) -> bytes:
        """Serialises for `from_record`."""
        values = {
            features.IMAGE_KEY: tf.train.Feature(bytes_list=tf.train.BytesList(value=[self.key])),
            features.IMAGE_HEIGHT: tf.train.Feature(int64_list=tf.train.Int64List(value=[self.height])),
            features.IMAGE_WIDTH: tf.train.Feature(int64_list=tf.train.Int64List(value=[self.width])),
            features.IMAGE_ENCODED: tf.train.Feature(bytes_list=tf.train.BytesList(value=[self.content])),
        }
        return tf.train.Example(features=tf.train.Features(feature=values)).SerializeToString()

    @staticmethod
    def from_record(record: bytes) -> ExtremePhoto:
        """Reads what `to_record` wrote, or a record of ImageMaskExampleGen."""
        held = tf.train.Example.FromString(record).features.feature
        height, width = (held[name].int64_list.value[0] for name in (features.IMAGE_HEIGHT, features.IMAGE_WIDTH))
        key, content = (held[name].bytes_list.value[0] for name in (features.IMAGE_KEY, features.IMAGE_ENCODED))
        return ExtremePhoto(key, height, width, content)


_EXTREMES: dict[str, Callable[[ExtremePhoto], float]] = {
    "smallest": lambda photo: -photo.height * photo.width,
    "largest": lambda photo: photo.height * photo.width,
    "tallest": lambda photo: photo.height / photo.width,
    "widest": lambda photo: photo.width / photo.height,
}
"""By name, what no photo has more of: a model must be able to answer these."""


@dataclass
class Survey:
    """What the first look found.

    Attributes:
        photos: Number of photos.
        sample: By a number that depends on the photo's key alone, the values of its features.
        extremes: By name, see `_EXTREMES`.
    """

    photos: int = 0
    sample: dict[int, dict[str, Value]] = field(default_factory=dict)
    extremes: dict[str, ExtremePhoto] = field(default_factory=dict)

    def rules(self, most_values: int) -> SliceRules:
        """How photos are sliced."""
        return slice_rules([self.sample[place] for place in sorted(self.sample)], most_values)

    def missing(self, names: Iterable[str]) -> list[str]:
        """Features that no photo has."""
        found = {name for values in self.sample.values() for name in values}
        return [name for name in names if name not in found]

    def add(self, photo: ExtremePhoto, values: Mapping[str, Value]) -> None:
        """Looks at a photo with the values of its features."""
        self.photos += 1
        self.sample[int.from_bytes(hashlib.blake2b(photo.key, digest_size=8).digest(), "big")] = dict(values)
        if len(self.sample) > 2 * SAMPLE:
            self.trim()
        for name in _EXTREMES:
            self._offer(name, photo)

    def merge(self, other: Survey) -> None:
        """Adds what another one found."""
        self.photos += other.photos
        self.sample |= other.sample
        self.trim()
        for name, photo in other.extremes.items():
            self._offer(name, photo)

    def trim(self) -> None:
        """Cuts the sample to size."""
        self.sample = {place: self.sample[place] for place in sorted(self.sample)[:SAMPLE]}

    def _offer(self, name: str, photo: ExtremePhoto) -> None:
        def rank(one: ExtremePhoto) -> tuple[float, bytes]:
            # Of equal sizes the same photo wins, in whatever order they come.
            return _EXTREMES[name](one), one.key

        if name not in self.extremes or rank(photo) > rank(self.extremes[name]):
            self.extremes[name] = photo


class TakeSurvey(beam.CombineFn):
    """Serialized records of ImageMaskExampleGen to a `Survey`."""

    def __init__(self, slice_by: Iterable[str]):
        """Takes the names of the features to slice by."""
        self._slice_by = tuple(slice_by)

    def create_accumulator(self) -> Survey:
        """An empty survey."""
        return Survey()

    def add_input(self, accumulator: Survey, element: bytes) -> Survey:
        """Looks at one record."""
        values = slice_values(tf.train.Example.FromString(element), self._slice_by)
        accumulator.add(ExtremePhoto.from_record(element), values)
        return accumulator

    def merge_accumulators(self, accumulators: Iterable[Survey]) -> Survey:
        """Adds surveys."""
        merged = Survey()
        for one in accumulators:
            merged.merge(one)
        return merged

    def extract_output(self, accumulator: Survey) -> Survey:
        """The survey, its sample cut to size."""
        accumulator.trim()
        return accumulator
