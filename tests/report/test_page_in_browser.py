"""The evaluation page as people use it, in a real browser."""

import html

import numpy as np
import pytest
from test_page import HOSTILE, content, label_map, photo, scores

from components.evaluator.summary import EvaluationSummary
from components.report.page import GalleryPhoto, render_page

pytestmark = pytest.mark.browser

LAYER = "document.querySelector('input[name=layer]:checked').value"
SLICES = "[...document.querySelectorAll('.slices tbody th')].map((one) => one.textContent)"
FOCUSED = "document.activeElement"
PHOTOS = 5


def visible(layer):
    return f"getComputedStyle(document.querySelector('.overlay.{layer}')).display !== 'none'"


def cut(place):
    return f"document.querySelectorAll('.cut')[{place}]"


def picture(number):
    truth = np.zeros((60, 80), np.uint8)
    truth[10:50, 20:60] = 1
    prediction = np.roll(truth, 3 * number, axis=1)
    noise = np.random.default_rng(number).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    return GalleryPhoto(f"images/{number}.jpg", noise, truth, prediction, number / 10, 0.2, 0.05, "Worst")


@pytest.fixture
def written(tmp_path):
    rows = [scores(), *(scores(f"size = {one}", mean_iou=iou) for one, iou in (("a", 0.7), ("b", None), ("c", 0.9)))]
    told = content(
        summary=EvaluationSummary(True, [], rows),
        gallery=[picture(number) for number in range(PHOTOS)],
        photo_iou=[0.1, 0.5, 0.52, None],
    )
    path = tmp_path / "index.html"
    path.write_text(render_page(told), encoding="utf-8")
    return path


@pytest.fixture
def page(browser, written):
    opened = browser.open(written)
    yield opened
    assert opened.errors == []
    assert opened.requests == []


def test_every_picture_is_decoded(page):
    images = "[...document.images]"
    assert page.evaluate(f"{images}.length") == 4 * PHOTOS
    assert page.evaluate(f"{images}.every((one) => one.complete && one.naturalWidth > 0 && one.alt)")


def test_the_mouse_chooses_what_is_laid_over(page):
    assert page.evaluate(visible("prediction"))
    page.click("#layer-error")
    assert page.evaluate(visible("error"))
    assert not page.evaluate(visible("prediction"))
    page.click("#layer-photo")
    assert not any(page.evaluate(visible(layer)) for layer in ("truth", "prediction", "error"))


def test_keys_choose_what_is_laid_over(page):
    page.evaluate("document.getElementById('layer-prediction').focus()")
    page.press("ArrowRight")
    assert page.evaluate(LAYER) == "error"
    page.press("2")
    assert page.evaluate(LAYER) == "truth"


def test_arrow_keys_uncover_a_photo_and_go_to_the_next_one(page):
    page.evaluate(f"{cut(0)}.focus()")
    page.press("ArrowLeft", times=30)
    assert page.evaluate(f"{cut(0)}.value") == "70"
    # The overlay ends where the slider is; other photos stay covered.
    clip = "getComputedStyle(document.querySelectorAll('.overlay.prediction')[{}]).clipPath"
    assert "30%" in page.evaluate(clip.format(0))
    assert "30%" not in page.evaluate(clip.format(1))
    page.press("ArrowDown")
    assert page.evaluate(f"{FOCUSED} === {cut(1)}")
    assert page.evaluate(f"{cut(0)}.value") == "70"
    page.press("ArrowUp", times=2)
    assert page.evaluate(f"{FOCUSED} === {cut(0)}")
    assert page.evaluate("getComputedStyle(document.querySelector('.stack')).outlineStyle") == "solid"


def test_a_click_into_a_photo_uncovers_half_of_it(page):
    page.click(".cut")
    assert abs(int(page.evaluate(f"{cut(0)}.value")) - 50) <= 2


def test_a_touch_uncovers_too(page):
    page.send("Emulation.setTouchEmulationEnabled", enabled=True)
    page.evaluate(f"{cut(0)}.scrollIntoView({{block: 'center'}})")
    box = page.evaluate(f"(({{x, y, width, height}}) => [x, y, width, height])({cut(0)}.getBoundingClientRect())")
    x, y, width, height = box
    for kind, part in (("touchStart", 0.9), ("touchMove", 0.6), ("touchMove", 0.25)):
        points = [{"x": x + part * width, "y": y + height / 2}]
        page.send("Input.dispatchTouchEvent", type=kind, touchPoints=points)
    page.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    assert abs(int(page.evaluate(f"{cut(0)}.value")) - 25) <= 3


def test_photos_are_enlarged_by_mouse_and_keyboard(page):
    width = "document.querySelector('.photos figure').getBoundingClientRect().width"
    before = page.evaluate(width)
    page.click(".enlarge")
    assert page.evaluate(width) > 2 * before
    assert page.evaluate("document.querySelector('.enlarge').getAttribute('aria-pressed')") == "true"
    page.press("Escape")
    assert page.evaluate(width) == before
    page.evaluate(f"{cut(0)}.focus()")
    page.press("Enter")
    assert page.evaluate(width) > 2 * before


def test_slices_sort_by_mouse_and_keyboard(page):
    page.click(".slices th:nth-child(3) button")
    assert page.evaluate(SLICES) == ["size = c", "all photos", "size = a", "size = b"]
    page.press("Enter")
    assert page.evaluate(SLICES) == ["size = a", "all photos", "size = c", "size = b"]
    assert page.evaluate("document.querySelector('.slices [aria-sort]').getAttribute('aria-sort')") == "ascending"
    page.click(".slices th:nth-child(1) button")
    assert page.evaluate(SLICES)[0] == "all photos"


def test_classes_sort_and_their_mean_stays_below(page):
    page.click(".scores th:nth-child(2) button")
    page.press(" ")
    heads = "[...document.querySelectorAll('.scores tr th[scope=row]')].map((one) => one.textContent)"
    assert page.evaluate(heads) == ["plane", "sky", "Mean"]


def test_links_move_to_their_section(page):
    page.click("nav a[href='#facts']")
    assert page.evaluate(f"{FOCUSED}.id") == "facts"


def test_a_sandboxed_frame_as_kubeflow_makes_it(browser, written, tmp_path):
    outer = tmp_path / "outer.html"
    inner = html.escape(written.read_text(encoding="utf-8"))
    frame = (
        f'<iframe sandbox="allow-scripts" srcdoc="{inner}" style="border: 0; width: 1200px; height: 850px"></iframe>'
    )
    outer.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body style="margin: 0">{frame}', encoding="utf-8")
    page = browser.open(outer)
    (page.frame,) = page.frames
    assert page.evaluate("self.origin") == "null"
    page.click("#layer-truth")
    assert page.evaluate(visible("truth"))
    page.click("nav a[href='#facts']")
    assert page.evaluate(f"{FOCUSED}.id") == "facts"
    page.click(".slices th:nth-child(3) button")
    assert page.evaluate(SLICES)[0] == "size = c"
    page.click(".cut")
    page.press("ArrowLeft", times=3)
    assert 44 <= int(page.evaluate(f"{cut(0)}.value")) <= 50
    assert page.errors == []
    assert page.requests == []


@pytest.mark.parametrize(("width", "dark"), [(400, False), (400, True), (1400, False), (2560, True)])
def test_no_screen_scrolls_sideways(browser, written, tmp_path, width, dark):
    page = browser.open(written, width=width, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    light = sum(map(int, page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)")))
    assert (light < 3 * 60) == dark
    page.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").stat().st_size > 10_000


def test_a_hundred_classes_with_long_names_fit_a_narrow_screen(browser, tmp_path):
    names = [f"class_{number}_{'long' * 20}" for number in range(100)]
    matrix = np.random.default_rng(0).integers(0, 1000, (100, 100)).tolist()
    absent = {name: None if number % 3 else 0.5 for number, name in enumerate(names)}
    rows = [scores(one, iou=absent, confusion=matrix) for one in ("all photos", *(f"folder = {n}" for n in range(60)))]
    gallery = [picture(number) for number in range(12)]
    told = content(
        label_map=label_map(*names), summary=EvaluationSummary(True, [], rows, rows), gallery=gallery, history=[]
    )
    path = tmp_path / "index.html"
    path.write_text(render_page(told), encoding="utf-8")
    assert path.stat().st_size < 5_000_000
    page = browser.open(path, width=400)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    page.click(".scores th:nth-child(2) button")
    values = page.evaluate("[...document.querySelectorAll('.scores .barcell .value')].map((one) => one.textContent)")
    assert values[:34] == ["0.500"] * 34
    assert values[34:100] == ["absent"] * 66
    assert page.errors == []


def test_without_scripts_layers_still_switch(browser, written):
    page = browser.open(written, scripts=False)
    document = page.send("DOM.getDocument")["root"]["nodeId"]
    shown = page.send("DOM.querySelector", nodeId=document, selector=".overlay.prediction")["nodeId"]
    assert page.send("DOM.getBoxModel", nodeId=shown)["model"]["width"] > 50
    handle = page.send("DOM.querySelector", nodeId=document, selector=".enlarge")["nodeId"]
    with pytest.raises(RuntimeError, match="box model"):
        page.send("DOM.getBoxModel", nodeId=handle)


def test_hostile_names_run_nothing(browser, tmp_path):
    hostile = HOSTILE + "</script><img src=x onerror=alert(1)>"
    path = tmp_path / "index.html"
    rows = [scores(hostile, iou={hostile: 0.5}), scores(iou={"sky": 0.9, hostile: 0.5})]
    told = content(
        title=hostile,
        summary=EvaluationSummary(False, [], rows),
        label_map=label_map("sky", hostile),
        gallery=[photo(hostile)],
        facts={hostile: {hostile: hostile}},
        anomalies=[hostile],
    )
    path.write_text(render_page(told), encoding="utf-8")
    page = browser.open(path)
    assert page.errors == []
    assert page.requests == []
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("document.images.length") == 4
    assert 'alert("1")' in page.evaluate("document.body.innerText")
