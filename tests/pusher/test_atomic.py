"""Servers see whole models only, whatever happens to a push."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import breaking
import pushed_models as models
import pytest

from components.pusher import atomic
from components.pusher.serving import in_service, pushed_versions

PROJECT = Path(__file__).resolve().parents[2]


def script(*arguments: object) -> list[str]:
    return [sys.executable, *map(str, arguments)]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PROJECT)}


@pytest.mark.parametrize("how", ["kill", "fail"])
def test_a_push_that_breaks_anywhere_leaves_the_old_or_the_new(tmp_path, how):
    new = models.model(tmp_path / "model", "new")
    pattern = tmp_path / "serving"
    for number in (1, 2, 3):
        models.served(pattern / str(number), f"old {number}", {"digest": f"old {number}"})
    before = breaking.seen(pattern)
    whole = {**breaking.contents(new), "assets.extra/push.json": json.dumps({"digest": "new"}, indent=2)}
    done = subprocess.run(
        script(PROJECT / "tests/pusher/breaking.py", new, pattern, how),
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    outcomes = set()
    for row in rows:
        highest = max(row["seen"], key=int)
        outcomes.add(row["seen"][highest] == whole)
        for number, found in row["seen"].items():
            assert found == before.get(number, whole)
        assert {"3"} <= set(row["seen"])
        assert len(row["seen"]) <= 4
        (second,) = set(row["after"]) - {"3"}
        assert row["after"] == {"3": before["3"], second: whole}
        assert row["left_after"] == sorted(row["after"])
    assert outcomes == {True, False}
    assert [row["broken"] for row in rows] == [True] * (len(rows) - 1) + [False]
    assert len(rows) > 20
    if how == "kill":
        assert any(name.startswith(".") for row in rows for name in row["left"])


def test_a_server_that_never_stops_looking_sees_whole_models_only(tmp_path):
    serving = tmp_path / "serving"
    sources = [models.model(tmp_path / f"model {number}", str(number) * 5000) for number in range(25)]
    whole = {tuple(sorted(breaking.contents(one).items())) for one in sources}
    atomic.push(sources[0], serving, {"digest": "0"}, keep=2)
    stop, looks, partial = threading.Event(), [0], []

    def look():
        while not stop.is_set():
            highest = serving / str(models.numbers(serving)[-1])
            found = breaking.contents(highest)
            found.pop("assets.extra/push.json", None)
            # A version that is removed while it is read is an old one.
            if tuple(sorted(found.items())) not in whole and highest.exists():
                partial.append(found)
            looks[0] += 1

    reader = threading.Thread(target=look)
    reader.start()
    for number, source in enumerate(sources):
        while looks[0] < 3 * number and reader.is_alive():
            time.sleep(0.001)
        atomic.push(source, serving, {"digest": str(number)}, keep=2)
    stop.set()
    reader.join()
    assert not partial
    assert looks[0] >= 3 * 24


def test_pushes_at_the_same_time_each_make_a_version(tmp_path):
    code = (
        "import sys; from pathlib import Path; from components.pusher.atomic import push\n"
        "print(push(Path(sys.argv[1]), Path(sys.argv[2]), {'digest': sys.argv[1]}, keep=9)[0])"
    )
    sources = [models.model(tmp_path / f"model {number}", str(number)) for number in range(4)]
    running = [
        subprocess.Popen(script("-c", code, one, tmp_path / "serving"), env=ENVIRONMENT, stdout=subprocess.PIPE)
        for one in sources
    ]
    made = sorted(int(one.communicate(timeout=60)[0]) for one in running)
    assert len(set(made)) == 4
    assert pushed_versions(str(tmp_path / "serving")) == made


def test_the_version_is_the_time_and_always_the_highest(tmp_path):
    serving = tmp_path / "serving"
    first, _ = atomic.push(models.model(tmp_path / "a", "a"), serving, {"digest": "a"}, keep=5)
    assert abs(first - time.time()) < 3600
    ahead = first + 10**6
    (serving / str(ahead)).mkdir()  # somebody's, and no model: a server looks there first nevertheless
    second, new = atomic.push(models.model(tmp_path / "b", "b"), serving, {"digest": "b"}, keep=5)
    assert (second, new) == (ahead + 1, True)


def test_the_model_in_service_is_not_pushed_again(tmp_path):
    serving, source = tmp_path / "serving", models.model(tmp_path / "a", "a")
    first = atomic.push(source, serving, {"digest": "a"}, keep=5)
    assert atomic.push(source, serving, {"digest": "a"}, keep=5) == (first[0], False)
    assert models.numbers(serving) == [first[0]]


def test_a_model_that_is_no_longer_in_service_is_pushed_again(tmp_path):
    serving = tmp_path / "serving"
    sources = {name: models.model(tmp_path / name, name) for name in "ab"}
    made = [atomic.push(sources[name], serving, {"digest": name}, keep=5) for name in "aba"]
    assert [new for _, new in made] == [True] * 3
    assert models.numbers(serving) == [version for version, _ in made]


def test_a_model_below_a_foreign_version_is_not_in_service(tmp_path):
    serving, source = tmp_path / "serving", models.model(tmp_path / "a", "a")
    first, _ = atomic.push(source, serving, {"digest": "a"}, keep=5)
    (serving / str(first + 7)).mkdir()
    assert atomic.push(source, serving, {"digest": "a"}, keep=5) == (first + 8, True)


def test_old_versions_go_and_other_peoples_models_stay(tmp_path):
    serving = tmp_path / "serving"
    (serving / "7").mkdir(parents=True)
    (serving / "7" / "saved_model.pb").write_text("no card, so no push")
    for number in range(5):
        text = str(number)
        atomic.push(models.model(tmp_path / text, text), serving, {"digest": text}, keep=3)
    assert len(pushed_versions(str(serving))) == 3
    assert models.numbers(serving)[0] == 7
    assert [in_service(str(serving)).record["digest"]] == ["4"]
    assert not [one for one in serving.iterdir() if not one.name.isdigit()]


def test_servers_of_other_users_may_read_what_was_pushed(tmp_path):
    version, _ = atomic.push(models.model(tmp_path / "a", "a"), tmp_path / "serving", {"digest": "a"}, keep=5)
    for path in (tmp_path / "serving" / str(version)).rglob("*"):
        expected = 0o755 if path.is_dir() else 0o644
        assert path.stat().st_mode & 0o777 == expected & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
