"""Equal photos: ties between split keys, groups, and words about them."""

import itertools

import pytest

from components.image_mask_example_gen.duplicates import DuplicateGroup, Seen, describe, leaders, tied, two_or_more


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        ([], {}),
        ([["a", "b"]], {"b": "a"}),
        ([["b", "c"], ["a", "b"]], {"b": "a", "c": "a"}),
        ([["c", "d"], ["a", "b"], ["b", "d"]], {"b": "a", "c": "a", "d": "a"}),
        ([["a", "b"], ["x", "y", "z"], ["a", "b"]], {"b": "a", "y": "x", "z": "x"}),
        ([["", "b"]], {"b": ""}),
    ],
)
def test_ties_join_over_several_steps_whatever_their_order(ties, expected):
    assert leaders(ties) == leaders(reversed(ties)) == expected


def test_a_long_chain_of_ties_has_one_leader():
    names = [f"{number:05}" for number in range(5000)]
    assert set(leaders(itertools.pairwise(names)).values()) == {names[0]}


@pytest.mark.parametrize(("given", "expected"), [("", []), ("a", []), ("ab", ["a", "b"]), ("abc", ["a", "b", "c"])])
def test_what_is_alone_is_no_group(given, expected):
    assert list(two_or_more(iter(given))) == expected


def test_photos_of_one_split_key_need_no_tie():
    assert list(tied(["a", "a"])) == []
    assert list(tied(["b", "a", "b"])) == [["a", "b"]]


def test_a_group_tells_its_photos_and_what_is_odd_about_them():
    one, other = Seen("b", "train", "eval", b"1"), Seen("a", "eval", "eval", b"2")
    assert list(DuplicateGroup.among([one])) == []
    (group,) = DuplicateGroup.among([one, other])
    assert group == DuplicateGroup(["a", "b"], "eval", would_straddle=True, masks_differ=True)
    assert DuplicateGroup.from_json(group.to_json()) == group


def test_people_are_told_in_words():
    assert describe([]) == []
    same = DuplicateGroup(["a", "день/1"], "eval", False, False)
    assert len(describe([same])) == 1
    assert "a = день/1" in describe([same])[0]
    told = describe([same, DuplicateGroup(["x", "y"], "train", False, True)])
    assert "2 groups" in told[0]
    assert "x = y" in told[1]
    assert "masks" in told[1]
