"""The page over all runs as people use it, in a real browser."""

import pytest
import workspaces

from pipeline.runs.index import write_index

pytestmark = pytest.mark.browser

DATES = "[...document.querySelectorAll('#run-table tbody th')].map((one) => one.textContent.slice(8, 10))"
CHOSEN = "[...document.querySelectorAll('#run-table input')].filter((one) => one.checked).map((one) => one.value)"
COMPARED = "document.getElementById('compared').innerText"
FOCUSED = "document.activeElement.textContent"


@pytest.fixture
def index(tmp_path):
    return write_index(workspaces.three_runs(tmp_path))


@pytest.fixture
def page(browser, index):
    opened = browser.open(index)
    yield opened
    assert opened.errors == []
    assert opened.requests == []


def heading(page, words):
    heads = "[...document.querySelectorAll('#run-table thead th')]"
    place = page.evaluate(f"{heads}.findIndex((one) => one.textContent.startsWith('{words}')) + 1")
    return f"#run-table th:nth-child({place}) button"


def test_it_loads_without_errors_and_asks_for_nothing(page):
    assert page.evaluate("document.title").startswith("Runs in ")
    assert page.evaluate(DATES) == ["03", "02", "01"]


@pytest.mark.parametrize(
    ("words", "first", "second"),
    [
        ("Run", ["01", "02", "03"], ["03", "02", "01"]),
        ("Mean IoU", ["03", "02", "01"], ["01", "02", "03"]),
        ("Verdict", ["03", "01", "02"], ["02", "03", "01"]),
        ("Minutes", ["03", "02", "01"], ["01", "02", "03"]),
    ],
)
def test_a_click_sorts_and_a_second_one_turns_the_order_around(page, words, first, second):
    page.click(heading(page, words))
    assert page.evaluate(DATES) == first
    page.click(heading(page, words))
    assert page.evaluate(DATES) == second
    assert page.evaluate("document.querySelectorAll('[aria-sort]').length") == 1


def test_keys_sort(page):
    page.press("Tab")
    while not page.evaluate(FOCUSED).startswith("Mean IoU"):
        page.press("Tab")
    page.press("Enter")
    assert page.evaluate("document.activeElement.closest('th').getAttribute('aria-sort')") == "descending"
    page.press(" ")
    assert page.evaluate(DATES) == ["01", "02", "03"]


def test_what_has_no_value_comes_last_in_either_order(browser, tmp_path):
    failed = workspaces.record(9, verdict="failed", metrics={}, classes={})
    page = browser.open(write_index(workspaces.workspace(workspaces.three_runs(tmp_path), failed)))
    for expected in (["03", "02", "01", "09"], ["01", "02", "03", "09"]):
        page.click(heading(page, "Mean IoU"))
        assert page.evaluate(DATES) == expected


def test_at_first_the_two_newest_runs_are_compared(page):
    assert page.evaluate(CHOSEN) == ["0", "1"]
    told = page.evaluate(COMPARED)
    assert "Before: the run of 2026-11-02 19:30. After: the run of 2026-11-03 19:30." in told
    assert "mean IoU\t0.520\t0.530\t▲ +0.010" in told
    assert "rider\t–\t–\t–" in told
    assert "steps\t200\t300" in told
    assert "seed" not in told


def test_choosing_by_mouse_compares_the_photos_too(page):
    page.click("input[value='1']")
    assert "Choose two runs" in page.evaluate(COMPARED)
    page.click("input[value='2']")
    told = page.evaluate(COMPARED)
    assert "Before: the run of 2026-11-01 19:30. After: the run of 2026-11-03 19:30." in told
    lost, gained = told.split("Photos that lost most")[1].split("Photos that gained most")
    # Scores are (run * (photo + 1) % 10) / 10: photo 3 falls from 0.4 to 0.2, photo 2 rises from 0.3 to 0.9.
    assert "images/3.jpg\t0.400\t0.200\t▼ −0.200" in lost
    assert gained.split("Change\n")[1].startswith("images/2.jpg\t0.300\t0.900\t▲ +0.600")
    assert page.evaluate("document.getElementById('compare-status').textContent").startswith("Before: the run of 2026")


def test_a_third_choice_by_keyboard_replaces_the_first(page):
    page.evaluate("document.querySelector(`input[value='2']`).focus()")
    page.press(" ")
    assert page.evaluate(CHOSEN) == ["1", "2"]
    assert "Before: the run of 2026-11-01" in page.evaluate(COMPARED)


def test_the_choice_stays_with_its_run_when_the_order_changes(page):
    before = page.evaluate(COMPARED)
    page.click(heading(page, "Minutes"))
    page.click(heading(page, "Minutes"))
    assert page.evaluate(CHOSEN) == ["1", "0"]
    assert page.evaluate(COMPARED) == before


def test_other_data_is_told(browser, tmp_path):
    other = workspaces.record(9, data="/data/camvid")
    page = browser.open(write_index(workspaces.workspace(workspaces.three_runs(tmp_path), other)))
    told = page.evaluate(COMPARED)
    assert "The data is not the same" in told
    assert "The runs used different folders of data." in told


@pytest.mark.parametrize("dark", [False, True])
def test_a_narrow_screen_scrolls_within_the_table_only(browser, index, dark, tmp_path):
    page = browser.open(index, width=400, dark=dark)
    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert page.evaluate("document.querySelector('#run-table').parentElement.scrollWidth") > 400
    page.screenshot(tmp_path / "narrow.png")
    assert (tmp_path / "narrow.png").stat().st_size > 10_000
    assert not page.errors


def test_without_scripts_the_runs_are_there(browser, index):
    page = browser.open(index, scripts=False)
    # The document is asked through the protocol: its own scripts do not run.
    document = page.send("DOM.getDocument")["root"]["nodeId"]
    told = page.send("DOM.getOuterHTML", nodeId=document)["outerHTML"]
    assert "2026-11-03" in told
    assert "<button" not in told
    assert "needs JavaScript" in told


def test_links_open_the_page_of_the_run(page, index):
    page.loaded = False
    page.click("#run-table tbody th a")
    page.wait_until_loaded()
    assert page.evaluate("location.pathname").endswith("artifacts/EvaluationReport/page/3/index.html")
    page.requests.clear()


def test_hostile_names_run_nothing(browser, tmp_path):
    hostile = [
        workspaces.record(
            number,
            classes={f"{workspaces.HOSTILE}{one}": 0.1 * number for one in range(3)},
            settings={workspaces.HOSTILE: str(number)},
            photo_iou={workspaces.HOSTILE: 0.1 * number},
            reason=workspaces.HOSTILE,
            data=f"/data/{workspaces.HOSTILE}",
        )
        for number in (1, 2)
    ]
    page = browser.open(write_index(workspaces.workspace(tmp_path, *hostile)))
    assert page.errors == []
    assert page.evaluate("document.scripts.length") == 2
    assert 'alert("1")' in page.evaluate(COMPARED)
