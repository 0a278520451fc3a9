import dataclasses
import html
import io
import math
import re
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.evaluator.summary import Check, EvaluationSummary, SliceChange, SliceScores
from components.image_mask_example_gen.rejection import Rejection
from components.report.augmented import BYTES, shrunk
from components.report.confusion import most_confused
from components.report.curve import thinned, ticks
from components.report.lineage import settings_by_difference
from components.report.page import GalleryPhoto, PageContent, render_page
from schema.labelmap import LabelClass, LabelMap

Rows = Sequence[Any]

HOSTILE = "<script>alert(\"1\")</script>' onload='x()' & \u202e\x00\udcff 🛩️ מטוס Самолёт"
VOID = {"meta", "img", "input", "br"}
LIMIT = 5_000_000


class Outline(HTMLParser):
    """Checks that tags are balanced and collects text, tags and attributes."""

    def __init__(self, page: str):
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        assert len({key for key, _ in attrs}) == len(attrs), f"repeated attribute in {tag}"
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        assert "svg" in self.open, f"{tag} closes itself outside SVG"
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] not in ("script", "style"):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", "".join(self.words))


def label_map(*names: str) -> LabelMap:
    classes = tuple(LabelClass(name, (index, 0, 0)) for index, name in enumerate(names))
    return LabelMap(classes, background=names[0])


def scores(name: str = "all photos", plane: float | None = 0.79, **changes: Any) -> SliceScores:
    whole = SliceScores(name, 48, 0.88, 0.968, {"sky": 0.97, "plane": plane}, [[900, 100], [30, 70]])
    return dataclasses.replace(whole, **changes)


def photo(key: str = "images/1.jpg", iou: float | None = 0.5, height: int = 24, width: int = 32) -> GalleryPhoto:
    rng = np.random.default_rng(5)
    truth, prediction = rng.integers(0, 2, (2, height, width)).astype(np.uint8)
    return GalleryPhoto(key, rng.integers(0, 256, (height, width, 3)).astype(np.uint8), truth, prediction, iou)


def content(**changes: Any) -> PageContent:
    passed = Check("mean IoU", 0.8, 0.88, True)
    whole = PageContent(
        title="Aeroplanes",
        created="2025-11-22T17:40:12+00:00",
        summary=EvaluationSummary(True, [passed], [scores()]),
        label_map=label_map("sky", "plane"),
        gallery=[photo()],
        rejections=[Rejection("masks/2.png", "size_differs", "the mask is smaller")],
        anomalies=["train: a value is out of range"],
        history=[{"step": step, "loss": 1 / step, "eval_mean_iou": 1 - 1 / step} for step in range(1, 9)],
        facts={"Versions": {"TensorFlow": "2.21.0"}},
    )
    return dataclasses.replace(whole, **changes)


def with_summary(
    blessed: bool = True, checks: Rows = (), candidate: Rows | None = None, baseline: Rows = (), missing: Rows = ()
) -> PageContent:
    rows = [scores()] if candidate is None else list(candidate)
    return content(summary=EvaluationSummary(blessed, list(checks), rows, list(baseline), list(missing)))


def test_page_is_balanced_and_tells_everything():
    outline = Outline(render_page(content()))
    told = ("Blessed: may be served", "The only check passed.", "2.21.0", "best 0.875 at step 8", "images/1.jpg")
    check = "Mean IoU: 0.8800; at least 0.8 is required, passed by 0.0800"
    for words in (*told, check, "size_differs", "a value is out of range"):
        assert words in outline.text


def test_page_refers_to_nothing_outside():
    page = render_page(content())
    assert not re.search(r"https?://|url\(|@import|srcset", page)
    for tag, attributes in Outline(page).tags:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert (attributes.get("href") or "#").startswith("#")


def test_refusal_names_the_failing_check():
    checks = [Check("mean IoU", 0.8, 0.88, True), Check("IoU of plane", 0.85, 0.79, False)]
    text = Outline(render_page(with_summary(blessed=False, checks=checks))).text
    assert "Refused: not served" in text
    assert "Blessed" not in text
    assert "1 of 2 checks failed. IoU of plane: 0.7900; at least 0.85 is required." in text
    assert "failed by 0.0600" in text


def test_refusal_for_missing_data_says_so():
    checks = [Check("IoU of plane", 0.5, None, False)]
    text = Outline(render_page(with_summary(blessed=False, checks=checks, missing=["setting = fog"]))).text
    assert "IoU of plane: no value; at least 0.5 is required, failed" in text
    assert "setting = fog" in text


def test_margin_that_would_round_to_zero_is_not_zero():
    close = with_summary(blessed=False, checks=[Check("mean IoU", 0.7, 0.69999, False)])
    assert "failed by less than 0.0001" in Outline(render_page(close)).text


def test_limits_from_above_whole_numbers_and_notes_read_as_they_are():
    checks = [
        Check("seconds of that process", 120, 130.5, False, at_most=True, digits=1),
        Check("photos in the eval split", 10, 49, True, digits=0),
        Check("change of mean IoU", -0.01, -0.02, True, note="95 % interval holds <0>"),
    ]
    text = Outline(render_page(with_summary(blessed=False, checks=checks))).text
    assert "Seconds of that process: 130.5; at most 120 is required, failed by 10.5" in text
    assert "Photos in the eval split: 49; at least 10 is required, passed by 39" in text
    assert re.search(r"at least −0.01 is required, passed \(95 % interval holds <0>\)", text)


def test_absent_classes_and_unknown_numbers_are_words():
    rows = [scores(plane=None, confusion=[[5, 0], [0, 0]]), scores("setting = fog", math.nan, mean_iou=None)]
    history = [{"step": 1, "loss": math.nan}, {"step": 2, "loss": 0.5, "eval_mean_iou": math.inf}]
    whole = dataclasses.replace(with_summary(candidate=rows), gallery=[photo(iou=None)], history=history)
    text = Outline(render_page(whole)).text
    assert text.count("absent") >= 4
    assert "absent in truth" in text
    assert "no value (no object)" in text
    assert not re.search(r"\b(nan|None|inf)\b", text, re.IGNORECASE)


def test_deltas_appear_only_with_a_baseline():
    text = Outline(render_page(with_summary(baseline=[scores(plane=0.765, mean_iou=0.9)]))).text
    assert "+0.025" in text
    assert "−0.020" in text
    assert "0.765" in text
    assert "Baseline" not in Outline(render_page(content())).text


def test_hostile_names_are_harmless():
    rows = [dataclasses.replace(scores(), iou={"sky": 0.5, HOSTILE: 0.4}), scores(HOSTILE, iou={})]
    page = render_page(
        PageContent(
            title=HOSTILE,
            created=HOSTILE,
            summary=EvaluationSummary(False, [Check(HOSTILE, 0.5, 0.4, False)], rows, [], [HOSTILE]),
            label_map=label_map("sky", HOSTILE),
            gallery=[photo(HOSTILE)],
            rejections=[Rejection(HOSTILE, HOSTILE, HOSTILE)],
            anomalies=[HOSTILE],
            history=[],
            facts={HOSTILE: {HOSTILE: HOSTILE}},
        )
    )
    outline = Outline(page)
    assert [tag for tag, _ in outline.tags].count("script") == 1
    assert not any(key.startswith("on") for _, attributes in outline.tags for key in attributes)
    assert html.escape("🛩️ מטוס Самолёт") in page
    assert b"\x00" not in page.encode("utf-8")


@pytest.mark.parametrize("blessed", [True, False])
def test_empty_content_has_a_page(blessed):
    summary = EvaluationSummary(blessed, [], [])
    text = Outline(render_page(PageContent("", "", summary, label_map("sky", "plane"), [], [], [], [], {}))).text
    assert ("Blessed" if blessed else "Refused") in text
    assert "No file was rejected." in text


def test_pictures_have_alternatives_and_layers_have_radio_buttons():
    outline = Outline(render_page(content()))
    pictures = [attributes for tag, attributes in outline.tags if tag == "img"]
    assert len(pictures) == 4
    alternatives = [str(one["alt"]) for one in pictures]
    assert all("images/1.jpg" in one and "mean IoU 0.500" in one for one in alternatives)
    layers = [attributes["value"] for tag, attributes in outline.tags if attributes.get("type") == "radio"]
    assert layers == ["photo", "truth", "prediction", "error"]


def test_links_lead_to_sections_that_are_there():
    outline = Outline(render_page(content()))
    targets = {attributes.get("id") for _, attributes in outline.tags}
    links = [str(attributes["href"]).removeprefix("#") for tag, attributes in outline.tags if tag == "a"]
    assert len(links) > 9
    assert set(links) <= targets


def test_intervals_and_changes_stand_beside_the_scores():
    row = scores(
        mean_iou_interval=(0.861, 0.899),
        iou_interval={"sky": (0.951, 0.981), "plane": (0.701, 0.801)},
        dice={"sky": 0.985, "plane": 0.883},
        boundary_iou={"sky": 0.444, "plane": None},
        mean_boundary_iou=0.444,
    )
    slice_row = scores("object/size = small", mean_iou=0.7, mean_iou_interval=(0.611, 0.777))
    changed = SliceChange(
        "all photos", 48, 0.02, {"sky": 0.01, "plane": 0.03}, (0.011, 0.029), {"plane": (-0.004, 0.06)}
    )
    summary = EvaluationSummary(True, [], [row, slice_row], [scores(mean_iou=0.86)], [], [changed], 1000)
    text = Outline(render_page(content(summary=summary))).text
    for told in ("0.861 to 0.899", "0.701 to 0.801", "+0.020", "0.011 to 0.029", "−0.004 to 0.060", "0.611 to 0.777"):
        assert told in text
    for told in ("Boundary IoU", "0.883", "0.444", "Frequency-weighted IoU"):
        assert told in text


def test_the_kept_step_is_marked():
    history = [{"step": step, "loss": 0.5, "eval_mean_iou": 0.5 + step / 100} for step in (10, 20, 30)]
    assert "kept: step 20 (circle)" in Outline(render_page(content(history=history, kept_step=20))).text
    assert "kept" not in Outline(render_page(content(history=history))).text


def test_settings_that_differ_come_before_the_others():
    known = settings_by_difference(
        {"seed": "17", "steps": "800", "tag": ""}, {"seed": "17", "steps": "500", "tag": "a"}
    )
    text = Outline(render_page(content(facts=known))).text
    assert "Settings that differ from their defaults steps800 (default: 500)tagnone (default: a)" in text
    assert text.index("differ from") < text.index("seed")


def jpeg(size):
    stream = io.BytesIO()
    pixels = np.random.default_rng(2).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(stream, "JPEG", quality=95)
    return stream.getvalue()


def test_a_picture_of_augmented_pairs_is_shown_where_there_is_one():
    page = render_page(content(augmented_pairs=jpeg((60, 40))))
    assert "What it was trained on" in Outline(page).text
    assert 'class="sheet"' in page
    for without in (b"", b"no picture"):
        assert 'class="sheet"' not in render_page(content(augmented_pairs=without))


def test_a_large_picture_of_pairs_is_shrunk():
    assert 10_000 < len(shrunk(jpeg((2400, 1600)))) <= BYTES


def test_page_stays_below_its_limit_whatever_the_content():
    large = photo(height=480, width=640)
    names = [f"{index} {HOSTILE * 20}" for index in range(200)]
    matrix = np.random.default_rng(1).integers(0, 10**9, (200, 200)).tolist()
    row = SliceScores("all photos", 5, 0.5, 0.5, dict.fromkeys(names, 0.123456), matrix)
    rows = [row, *(dataclasses.replace(row, name=f"{index} {HOSTILE * 20}") for index in range(500))]
    checks = [Check(f"IoU of {name}", 0.5, 0.1, False) for name in names]
    page = render_page(
        PageContent(
            title=HOSTILE * 100,
            created="",
            summary=EvaluationSummary(False, checks, rows, rows, names),
            label_map=label_map(*names),
            gallery=[dataclasses.replace(large, key=f"{index} {HOSTILE * 20}") for index in range(16)],
            rejections=[Rejection(HOSTILE * 50, f"reason {index % 70}", HOSTILE * 50) for index in range(10_000)],
            anomalies=[HOSTILE * 50] * 1000,
            history=[{"step": step, "loss": 1.0 / (step + 1), "eval_mean_iou": 0.5} for step in range(20_000)],
            photo_iou=[0.5] * 100_000,
            augmented_pairs=jpeg((1600, 1200)),
            facts={HOSTILE * 9: {f"{index} {HOSTILE * 9}": HOSTILE * 50 for index in range(1000)}},
        )
    )
    assert len(page.encode()) < LIMIT
    text = Outline(page).text
    assert "The first 200 of 10,000 files" in text
    assert "10,000 files set aside" in text


def test_most_confused_classes_are_those_with_the_most_wrong_pixels():
    matrix = np.diag([100, 100, 100, 100])
    matrix[1, 3] = 7
    assert most_confused(matrix, 2) == [1, 3]
    assert most_confused(matrix, 9) == [0, 1, 2, 3]


def test_large_confusion_matrix_is_shortened():
    names = [f"class {index}" for index in range(30)]
    row = SliceScores("all photos", 5, 0.5, 0.5, dict.fromkeys(names, 0.5), np.ones((30, 30), int).tolist())
    page = content(label_map=label_map(*names), summary=EvaluationSummary(True, [], [row]))
    assert "The 20 of 30 classes with the most wrong pixels" in Outline(render_page(page)).text


@pytest.mark.parametrize(("low", "high"), [(0, 1.3), (0, 0), (-2, 5), (0, 0.0007), (0, 123456)])
def test_ticks_span_the_range(low, high):
    found = ticks(low, high)
    assert found[0] <= low
    assert found[-1] >= high
    assert 2 <= len(found) <= 7


def test_thinning_keeps_ends_and_spikes():
    points = [(float(step), 0.0) for step in range(5000)]
    points[1234] = (1234.0, 9.0)
    kept = thinned(points, 100)
    assert len(kept) <= 110
    assert {points[0], points[1234], points[-1]} <= set(kept)
