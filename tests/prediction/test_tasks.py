import os
from pathlib import Path

import pytest

from components.prediction.tasks import TaskError, check_outputs, distinct_stems, list_tasks


@pytest.fixture
def photos(tmp_path):
    for name in ("b.jpg", "a/1.jpg", "a/2.png"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return tmp_path / "photos"


def planned(places, out):
    return {task.photo: task.stem for task in list_tasks([str(place) for place in places], out)}


def test_a_folder_is_searched_to_its_depths(photos, tmp_path):
    assert planned([photos], tmp_path / "out") == {"a/1.jpg": "a/1", "a/2.png": "a/2", "b.jpg": "b"}


def test_several_places_keep_apart(photos, tmp_path):
    other = tmp_path / "other" / "b.jpg"
    other.parent.mkdir()
    other.touch()
    found = planned([photos, other.parent, photos / "b.jpg"], tmp_path / "out")
    # The photo that is named and lies in the folder is predicted once.
    assert found == {
        "photos/a/1.jpg": "photos/a/1",
        "photos/a/2.png": "photos/a/2",
        "photos/b.jpg": "photos/b",
        "other/b.jpg": "other/b",
    }


@pytest.mark.parametrize(
    ("names", "stems"),
    [
        (["a.jpg", "b.jpg"], ["a", "b"]),
        (["a.jpg", "a.png", "b.png"], ["a.jpg", "a.png", "b"]),
        (["a.jpg", "A.png"], ["a.jpg", "A.png"]),
        (["x/a.jpg", "a.jpg"], ["x/a", "a"]),
        (["a.jpg", "a.png", "a.jpg.tif"], ["a.jpg", "a.png", "a.jpg-2"]),
        (["a.jpg", "a.jpg", "a.jpg"], ["a.jpg", "a.jpg-2", "a.jpg-3"]),
        (["a", "a.jpg"], ["a", "a.jpg"]),
    ],
)
def test_answers_never_share_a_name(names, stems):
    assert distinct_stems(names) == stems
    assert len({stem.casefold() for stem in stems}) == len(stems)


def test_answers_of_an_earlier_run_are_no_photos(photos):
    out = photos / "out"
    out.mkdir()
    (out / "b.png").touch()
    assert set(planned([photos], out)) == {"a/1.jpg", "a/2.png", "b.jpg"}


def test_the_folder_of_the_photos_is_no_place_for_answers(photos):
    with pytest.raises(TaskError, match="is the folder of the photos"):
        planned([photos], photos)


def test_photos_are_never_written_over(photos):
    tasks = list_tasks([str(photos / "a" / "2.png")], photos / "a")
    for overwrite in (False, True):
        with pytest.raises(TaskError, match=r"2\.png is one of the photos"):
            check_outputs(tasks, photos / "a", overlay=True, overwrite=overwrite)
    # Nor through a link.
    os.symlink(photos / "a", photos.parent / "linked")
    with pytest.raises(TaskError, match="is one of the photos"):
        check_outputs(tasks, photos.parent / "linked", overlay=True, overwrite=True)


def test_other_files_are_written_over_only_when_told(photos, tmp_path):
    tasks, out = list_tasks([str(photos)], tmp_path / "out"), tmp_path / "out"
    check_outputs(tasks, out, overlay=True, overwrite=False)
    out.mkdir()
    (out / "b_overlay.jpg").touch()
    check_outputs(tasks, out, overlay=False, overwrite=False)
    check_outputs(tasks, out, overlay=True, overwrite=True)
    with pytest.raises(TaskError, match=r"b_overlay\.jpg exists already; .* --overwrite"):
        check_outputs(tasks, out, overlay=True, overwrite=False)


@pytest.mark.parametrize(
    ("given", "told"),
    [("photo", "did you mean"), ("zzz", "nothing of a similar name"), ("zzz/x", "does not exist either")],
)
def test_a_missing_place_is_named_with_the_nearest(photos, given, told):
    with pytest.raises(TaskError, match=told):
        list_tasks([str(photos.parent / given)], Path("out"))


def test_an_empty_folder_and_a_remote_one_are_refused(tmp_path):
    with pytest.raises(TaskError, match="there are no files"):
        list_tasks([str(tmp_path)], Path("out"))
    with pytest.raises(TaskError, match="remote"):
        list_tasks(["gs://bucket/photos"], Path("out"))


def test_what_cannot_be_opened_is_listed_with_its_reason(photos, tmp_path):
    (photos / "gone.jpg").symlink_to(photos / "nothing.jpg")
    refused = {task.photo: task.refusal.reason for task in list_tasks([str(photos)], tmp_path / "out") if task.refusal}
    assert refused == {"gone.jpg": "broken_link"}
