"""The page over all runs: what it tells, what it links to, how large it gets."""

import json
import re
from html.parser import HTMLParser

import pytest
import workspaces

from components.pusher.serving import Pushed
from pipeline.runs.index import render_index, write_index
from pipeline.runs.table import address

LIMIT = 5_000_000


class Attributes(HTMLParser):
    """Collects the names of all attributes."""

    def __init__(self):
        super().__init__()
        self.names: list[str] = []

    def handle_starttag(self, _tag, attrs):
        self.names += [name for name, _ in attrs]


def page_of(folder):
    return write_index(folder).read_text(encoding="utf-8")


def rows_of(page):
    return re.findall(r"<tr.*?</tr>", page[page.index("<tbody>") : page.index("</tbody>")], re.DOTALL)


def held(page):
    return json.loads(re.search(r'<script type="application/json" id="comparison">(.*?)</script>', page)[1])


def test_an_empty_workspace_has_a_page(tmp_path):
    page = page_of(tmp_path)
    assert "No run was recorded." in page
    assert "No model was pushed yet." in page


def test_every_run_is_a_row_newest_first(tmp_path):
    rows = rows_of(page_of(workspaces.three_runs(tmp_path)))
    assert [re.search(r"2026-11-0\d", row)[0] for row in rows] == ["2026-11-03", "2026-11-02", "2026-11-01"]
    assert "Refused" in rows[1]
    assert "mean IoU 0.52, at least 0.6 is required" in rows[1]
    assert "246 photos" in rows[0]
    assert [re.search(r"steps</bdi> <b><bdi>(\d+)", row)[1] for row in rows] == ["300", "200", "100"]
    assert "seed" not in rows[0]
    assert 'href="artifacts/EvaluationReport/page/3/index.html"' in rows[0]
    assert 'href="logs/20261103-193015-25404.log"' in rows[0]


def test_what_is_in_service_is_marked(tmp_path):
    page = page_of(workspaces.three_runs(tmp_path))
    assert ["in service" in row for row in rows_of(page)] == [False, False, True]
    told = page[page.index('id="service"') : page.index('id="runs"')]
    assert "0.510" in told
    assert 'href="artifacts/EvaluationReport/page/1/index.html"' in told


def test_after_a_rollback_the_run_of_the_earlier_version_is_in_service(tmp_path):
    workspaces.three_runs(tmp_path)
    back = {"from": 3, "to": 1}
    workspaces.serve(tmp_path, 4, run=workspaces.record(1).run, rolled_back=back, evaluation={"mean_iou": 0.51})
    page = page_of(tmp_path)
    assert ["in service" in row for row in rows_of(page)] == [False, False, True]
    assert "this is version 1 again, after 3" in page


@pytest.mark.parametrize("record", [{}, {"evaluation": 3, "rolled_back": {"to": 2}}, {"evaluation": {"mean_iou": "x"}}])
def test_a_version_without_a_sound_record_is_shown(tmp_path, record):
    assert "unknown" in render_index([workspaces.record(1)], Pushed(9, record), tmp_path)


def test_runs_without_scores_cannot_be_compared(tmp_path):
    failed = workspaces.record(2, verdict="failed", metrics={}, classes={}, slices={}, photo_iou={})
    rows = rows_of(page_of(workspaces.workspace(tmp_path, workspaces.record(1), failed)))
    assert ["checkbox" in row for row in rows] == [False, True]


def test_damaged_records_are_counted(tmp_path):
    workspaces.three_runs(tmp_path)
    (tmp_path / "runs" / "x.json").write_text("{")
    page = page_of(tmp_path)
    assert "1 damaged record left out" in page
    assert len(rows_of(page)) == 3


def test_photos_are_told_by_place_and_thousandths(tmp_path):
    one = workspaces.record(1, photo_iou={"a.jpg": 0.5, "b.jpg": None})
    two = workspaces.record(2, photo_iou={"b.jpg": 0.25, "c.jpg": 1.0})
    told = held(page_of(workspaces.workspace(tmp_path, one, two)))
    assert told["names"] == ["b.jpg", "c.jpg", "a.jpg"]
    assert told["photos"] == [[0, 250, 1, 1000], [2, 500, 0, None]]


def test_links_lead_to_files_of_the_workspace_only(tmp_path):
    inside = tmp_path / "workspace"
    for name in ("page.html", "javascript:alert(1)", 'a" onclick="x', "Самолёт.html"):
        (inside / name).parent.mkdir(exist_ok=True)
        (inside / name).write_text("")
    (tmp_path / "secret.html").write_text("")
    assert address(inside, "page.html") == "page.html"
    assert address(inside, "javascript:alert(1)") == "javascript%3Aalert%281%29"
    assert address(inside, 'a" onclick="x') == "a%22%20onclick%3D%22x"
    assert address(inside, "Самолёт.html").startswith("%D0")
    for outside in ("", "none.html", "../secret.html", str(tmp_path / "secret.html"), ".", "a\0b"):
        assert address(inside, outside) == ""


def hostile(number, many=40):
    name = workspaces.HOSTILE
    return workspaces.record(
        number % 28 + 1,
        run=f"{number}",
        data=f"/data/{name}{number}",
        reason=name * 20,
        data_fingerprint=name,
        settings={f"{name}{one}": f"{name * 9}{number}" for one in range(many)},
        metrics={"mean IoU": 0.5, name: 0.1},
        classes={f"{one}{name}": 0.5 for one in range(many)},
        slices={f"{one}{name}": 0.5 for one in range(many)},
        photo_iou={f"{one}{name * 3}{number}": 0.5 for one in range(10 * many)},
        page=name,
    )


def test_hostile_names_are_harmless(tmp_path):
    page = render_index([hostile(1), hostile(2)], Pushed(3, {"run": workspaces.HOSTILE}), tmp_path)
    assert len(re.findall(r"<script\b", page)) == 2
    assert "<!--" not in page
    seen = Attributes()
    seen.feed(page)
    assert len(seen.names) > 50
    assert not [one for one in seen.names if one.startswith("on")]
    assert "מטוס" in page
    page.encode("utf-8")


@pytest.mark.parametrize("runs", [5, 400])
def test_the_page_stays_below_its_limit_whatever_the_number_of_runs(tmp_path, runs):
    page = render_index([hostile(number, 100) for number in range(runs)], None, tmp_path)
    assert len(page.encode()) < LIMIT
    assert len(rows_of(page)) >= 5
    if runs > 300:
        assert re.search(rf"The newest \d+ of {runs:,} runs", page)


def test_many_ordinary_runs_are_shown_with_their_photos(tmp_path):
    photos = {f"images/photo-{number:05d}.jpg": 0.876 for number in range(2000)}
    page = render_index([workspaces.record(1, run=str(one), photo_iou=photos) for one in range(400)], None, tmp_path)
    assert len(page.encode()) < LIMIT
    assert len(rows_of(page)) == len(held(page)["runs"]) == 300
    assert len(held(page)["photos"]) >= 60
