"""What is said about an ingestion as a whole: figures where it is sound, words that help where it is not."""

import json

import pytest
from tfx.types import standard_artifacts

from components.image_mask_example_gen import outcome
from components.image_mask_example_gen.duplicates import DuplicateGroup
from components.image_mask_example_gen.rejection import Rejection

SETTINGS = {
    "data": "/data",
    "images_folder": "images",
    "masks_folder": "masks",
    "eval_fraction": 0.2,
    "split_key": "path",
    "max_rejected": 0.5,
}


def rejections(*reasons):
    return [Rejection(f"images/{number}.jpg", reason, "detail") for number, reason in enumerate(reasons)]


@pytest.fixture
def record(tmp_path):
    """Judges lists as the Beam pipeline leaves them; returns the artifact."""

    def judge(rejected=(), duplicates=(), counts=(), **settings):
        for name, lines in (
            (outcome.REJECTIONS_FILE, [one.to_json() for one in rejected]),
            (outcome.DUPLICATES_FILE, [one.to_json() for one in duplicates]),
            (outcome.COUNTS_FILE, [json.dumps({word: count}) for word, count in counts]),
        ):
            if lines:
                (tmp_path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        examples = standard_artifacts.Examples()
        outcome.record_outcome(examples, str(tmp_path), {**SETTINGS, **settings})
        return examples

    return judge


def complaint(record, *arguments, **settings):
    with pytest.raises(outcome.DataError) as caught:
        record(*arguments, **settings)
    return str(caught.value)


def test_figures_are_on_the_artifact(record):
    group = DuplicateGroup(["a", "b"], "train", False, False)
    examples = record(
        rejections("no_mask", "no_image"), [group], [("train", 8), ("eval", 2), ("split_key_unmatched", 3)]
    )
    names = ("train_count", "eval_count", "rejected", "duplicate_groups", "split_key_unmatched")
    assert [examples.get_int_custom_property(name) for name in names] == [8, 2, 2, 1, 3]


@pytest.mark.parametrize(
    ("reasons", "told"),
    [
        ((), "there are no files"),
        (("no_mask",) * 7, "There are no files in masks"),
        (("no_image",), "There are no files in images"),
        (("no_mask", "no_image"), "the extension may differ"),
        (("unexpected",) * 3, "in the program"),
        (("image_damaged_picture", "no_mask"), "1 image_damaged_picture, 1 no_mask"),
    ],
)
def test_no_pair_at_all_is_told_with_what_may_be_wrong(record, reasons, told):
    answer = complaint(record, rejections(*reasons))
    assert "no photo with a mask" in answer
    assert told in answer
    assert len(answer) < 500


@pytest.mark.parametrize(
    ("settings", "duplicates", "told"),
    [
        ({}, [], "add photos or change the fraction"),
        ({"split_key": "folder"}, [], "split-key 'folder'"),
        ({}, [DuplicateGroup(["a", "b"], "train", True, False)], "equal photos stay together"),
    ],
)
def test_an_empty_split_is_told_with_what_may_have_emptied_it(record, settings, duplicates, told):
    answer = complaint(record, (), duplicates, [("train", 9)], **settings)
    assert "9 pairs left the eval split empty" in answer
    assert told in answer
