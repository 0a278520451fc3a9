"""The page's section on the data: classes and photos of both splits, harmless and bounded whatever the names."""

import dataclasses

from test_page import HOSTILE, Outline, content, label_map, render_page

from components.example_validator.figures import Figures
from components.report.data_summary import CLASSES_SHOWN, data_summary
from components.statistics_gen.derived import class_feature
from schema import features

EVEN = Figures(40, 0, 0.4, 0.7, tuple(0.1 * step for step in range(1, 10)))


def figures(**classes: Figures) -> dict[str, Figures]:
    sizes = dict.fromkeys((features.IMAGE_WIDTH, features.IMAGE_HEIGHT), Figures(40, 0, 320, 320, (320.0,) * 9))
    return {
        **sizes,
        features.IMAGE_BRIGHTNESS: EVEN,
        **{class_feature(name): found for name, found in classes.items()},
    }


def test_classes_and_photos_are_told_for_both_splits():
    absent = dataclasses.replace(EVEN, count=8, zeros=8, mean=0.0)
    splits = {"train": figures(sky=EVEN, plane=dataclasses.replace(EVEN, zeros=30)), "eval": figures(plane=absent)}
    text = Outline(data_summary(splits, label_map("sky", "plane"))).text
    for words in ("Pixels, train", "Photos, eval", "40.0 %", "40 of 40", "10 of 40", "absent", "0.50 (0.10 to 0.90)"):
        assert words in text
    assert "320 (" not in text
    assert "no value" in text


def test_the_section_is_on_the_page():
    text = Outline(render_page(content(splits={"train": figures(sky=EVEN, plane=EVEN)}))).text
    assert "The middle photo" in text
    assert "Nothing was counted." in Outline(render_page(content())).text


def test_many_hostile_classes_are_harmless_and_shortened_to_the_rarest():
    names = [f"{number} {HOSTILE * 20}" for number in range(200)]
    rising = {one: dataclasses.replace(EVEN, mean=number / 200) for number, one in enumerate(names)}
    page = data_summary({"train": figures(**rising), HOSTILE: {}}, label_map(*names))
    outline = Outline(page)
    assert not any(tag == "script" for tag, _ in outline.tags)
    assert f"The {CLASSES_SHOWN} rarest of 200 classes" in outline.text
    assert len(page) < 200_000
