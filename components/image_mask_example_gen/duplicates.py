"""Photos that are byte for byte equal: which there are, and how they stay in one split."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class Seen:
    """A photo that became a record.

    Attributes:
        key: The pair's key.
        own_split: The split that the pair's own split key gives.
        split: The split that it went to.
        mask: A digest of its class map.
    """

    key: str
    own_split: str
    split: str
    mask: bytes


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos with equal content.

    Attributes:
        keys: Keys of their pairs, sorted; two or more.
        split: The split that all of them are in.
        would_straddle: Whether their own split keys would have put them into both splits.
        masks_differ: Whether equal photos have unequal masks: at least one of these is wrong.
    """

    keys: list[str]
    split: str
    would_straddle: bool
    masks_differ: bool

    @staticmethod
    def among(photos: Iterable[Seen]) -> Iterator[DuplicateGroup]:
        """The group that photos of equal content are; none if there is but one."""
        found = sorted(photos, key=lambda one: one.key)
        if len(found) > 1:
            yield DuplicateGroup(
                [one.key for one in found],
                found[0].split,
                len({one.own_split for one in found}) > 1,
                len({one.mask for one in found}) > 1,
            )

    def to_json(self) -> str:
        """One line of `duplicates.jsonl`."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @staticmethod
    def from_json(line: str) -> DuplicateGroup:
        """Restores what `to_json` wrote."""
        return DuplicateGroup(**json.loads(line))


def two_or_more(items: Iterable[Item]) -> Iterator[Item]:
    """The items, or nothing if there is but one; never holds more than two of them."""
    rest = iter(items)
    start = list(itertools.islice(rest, 2))
    if len(start) > 1:
        yield from start
        yield from rest


def tied(split_keys: Iterable[str]) -> Iterator[list[str]]:
    """The different split keys of equal photos, sorted; nothing if there is but one."""
    found = sorted(set(split_keys))
    if len(found) > 1:
        yield found


def leaders(ties: Iterable[Iterable[str]]) -> dict[str, str]:
    """Joins split keys that equal photos tie together, also over several steps.

    Args:
        ties: Split keys that must lie in the same split, one collection a group of equal photos.

    Returns:
        For each of them, the smallest of all that it is tied to; those that lead themselves are left out.
    """
    above: dict[str, str] = {}

    def top(one: str) -> str:
        while one in above:
            # Halving the way keeps it short for those who come later.
            above[one] = above.get(above[one], above[one])
            one = above[one]
        return one

    for tied in ties:
        tops = sorted({top(one) for one in tied})
        above.update((other, tops[0]) for other in tops[1:])
    return {one: top(one) for one in list(above)}


def describe(groups: list[DuplicateGroup]) -> list[str]:
    """The groups in words, for people: a line for all, and one for those whose masks differ."""
    told = []
    for chosen, words in (
        (groups, "groups of photos are byte for byte equal; each group is kept in one split"),
        ([one for one in groups if one.masks_differ], "groups of equal photos have masks that differ: one is wrong"),
    ):
        if chosen:
            told.append(f"{len(chosen):,} {words}. First: {' = '.join(chosen[0].keys[:5])}")
    return told
