"""Rules of the settings of data."""

import pytest

from components.image_mask_example_gen.settings import split_key_rule


@pytest.mark.parametrize("value", ["path", "folder", r"^(\d+TP)_", r"(.*)_\d+$", ".*", "день.*/"])
def test_words_and_expressions_that_can_tell_keys_apart_are_taken(value):
    assert split_key_rule(value) == ""


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("folders", "did you mean folder?"),
        ("Path", "did you mean path?"),
        ("", "regular expression such as"),
        ("scene", "neither path, folder"),
        ("(a", "no regular expression: missing )"),
        ("*", "no regular expression"),
    ],
)
def test_anything_else_is_refused_with_what_would_be_right(value, told):
    assert told in split_key_rule(value)
