"""What a person reads while a pipeline runs, on a terminal and in a log."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline import console as console_module
from pipeline.console import Console, duration

PROJECT = Path(__file__).resolve().parents[2]


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    """Time that passes only when told to."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(console_module, "time", clock)
    return clock


def screen(text):
    """The lines that a terminal shows after it obeyed carriage returns and erasures."""
    lines = [""]
    for part in text.replace("\n", "\n\0").split("\0"):
        body, newline = part.removesuffix("\n"), part.endswith("\n")
        if "\r\033[K" in body:
            lines[-1] = body.rsplit("\r\033[K", 1)[1]
        else:
            lines[-1] += body
        if newline:
            lines.append("")
    return lines


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0.0 s"),
        (0.44, "0.4 s"),
        (9.94, "9.9 s"),
        (10, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3600, "1 h 00 min"),
        (7800, "2 h 10 min"),
        (90000, "25 h 00 min"),
    ],
)
def test_durations_in_words(seconds, words):
    assert duration(seconds) == words


def test_a_piece_of_work_ends_with_its_time_and_note(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("Trainer")
    clock.now += 125
    console.end("500 steps, loss 0.123")
    assert " ".join(stream.getvalue().split()) == "Trainer 2 min 05 s 500 steps, loss 0.123"
    assert stream.getvalue().endswith("0.123\n")


def test_times_stand_in_one_column(clock):
    stream = io.StringIO()
    console = Console(stream)
    for label, seconds in (("Pusher", 0.5), ("ImageMaskExampleGen", 200)):
        console.begin(label)
        clock.now += seconds
        console.end()
    first, second = stream.getvalue().splitlines()
    assert len(first) == len(second)
    assert first.endswith("0.5 s")
    assert second.endswith("3 min 20 s")


def test_a_log_gets_a_progress_line_now_and_then(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("Trainer")
    for done in range(1, 101):
        clock.now += 1
        console.progress(done, 100, f"loss {done}")
    lines = stream.getvalue().splitlines()
    assert lines == [
        "  Trainer 20/100 loss 20, about 1 min 20 s left",
        "  Trainer 40/100 loss 40, about 1 min 00 s left",
        "  Trainer 60/100 loss 60, about 40 s left",
        "  Trainer 80/100 loss 80, about 20 s left",
        "  Trainer 100/100 loss 100, about 0.0 s left",
    ]


def test_the_expected_number_serves_where_the_worker_knows_none(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("ImageMaskExampleGen", expected=240)
    console.progress(0, 0, "photos")
    clock.now += 30
    console.progress(60, 0, "photos")
    assert stream.getvalue() == "  ImageMaskExampleGen 60/240 photos, about 1 min 30 s left\n"


def test_time_left_leaves_out_what_came_before_the_first_unit(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("Trainer")
    clock.now += 15  # the graph is traced
    console.progress(1, 11, "loss 9")
    clock.now += 10
    console.progress(6, 11, "loss 3")
    assert stream.getvalue() == "  Trainer 6/11 loss 3, about 10 s left\n"


def test_more_units_than_expected_are_counted_without_a_wrong_total(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("ImageMaskExampleGen", expected=10)
    clock.now += 30
    console.progress(12, 0, "photos")
    assert stream.getvalue() == "  ImageMaskExampleGen 12 photos\n"


def test_the_next_piece_of_work_forgets_the_expectation(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("ImageMaskExampleGen", expected=240)
    console.begin("Evaluator")
    clock.now += 30
    console.progress(3, 0, "photos")
    assert stream.getvalue() == "  Evaluator 3 photos\n"


def test_the_next_piece_of_work_has_its_own_pace(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("Trainer")
    console.progress(1, 2, "loss 9")
    clock.now += 1000
    console.begin("Evaluator")
    console.progress(0, 4, "photos")
    clock.now += 20
    console.progress(2, 4, "photos")
    assert stream.getvalue() == "  Evaluator 2/4 photos, about 20 s left\n"


def test_a_log_holds_no_control_characters(clock):
    stream = io.StringIO()
    console = Console(stream)
    console.begin("Trainer")
    clock.now += 60
    console.progress(1, 2, "loss 1")
    console.end()
    assert "\r" not in stream.getvalue()
    assert "\033" not in stream.getvalue()


def test_a_terminal_shows_progress_in_place_and_only_the_end_remains(clock):
    stream = Terminal()
    console = Console(stream)
    console.begin("Trainer")
    assert screen(stream.getvalue()) == ["Trainer ..."]
    clock.now += 1
    console.progress(1, 4, "loss 2.5")
    assert screen(stream.getvalue()) == ["Trainer 1/4 loss 2.5"]
    clock.now += 0.01
    console.progress(2, 4, "too soon")
    assert "too soon" not in stream.getvalue()
    clock.now += 0.99
    console.progress(3, 4, "loss 2.4")
    assert screen(stream.getvalue()) == ["Trainer 3/4 loss 2.4, about 0.5 s left"]
    clock.now += 1
    console.end("done")
    shown = screen(stream.getvalue())
    assert shown[0].split() == ["Trainer", "3.0", "s", "done"]
    assert shown[1:] == [""]


def test_a_terminal_line_is_never_longer_than_the_screen(clock):
    stream = Terminal()
    console = Console(stream)
    console.begin("Trainer")
    clock.now += 1
    console.progress(1, 4, "x" * 500)
    assert len(screen(stream.getvalue())[0]) <= 100


def test_a_table_has_a_head_and_right_aligned_figures():
    stream = io.StringIO()
    Console(stream).table([["IoU, %", "all", "small"], ["Самолет", "91.2", "7.0"], ["mean", "95.0", "absent"]])
    assert stream.getvalue().splitlines() == [
        "  IoU, %    all   small",
        "  -------  ----  ------",
        "  Самолет  91.2     7.0",
        "  mean     95.0  absent",
    ]


def test_library_output_goes_to_the_log_and_the_person_is_still_reached(tmp_path):
    # In a process of its own: file descriptors 1 and 2 are redirected.
    log = tmp_path / "logs" / "run.log"
    code = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from pipeline.console import output_to_log\n"
        f"with output_to_log(Path({str(log)!r})) as person:\n"
        "    print('from python')\n"
        "    os.write(2, b'from C++\\n')\n"
        "    print('для человека', file=person)\n"
        "print('afterwards')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        capture_output=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.decode().splitlines() == ["для человека", "afterwards"]
    assert done.stderr == b""
    assert set(log.read_text(encoding="utf-8").splitlines()) == {"from python", "from C++"}


def test_output_comes_back_after_a_failure(tmp_path):
    code = (
        "from pathlib import Path\n"
        "from pipeline.console import output_to_log\n"
        "try:\n"
        f"    with output_to_log(Path({str(tmp_path / 'run.log')!r})):\n"
        "        raise ValueError('stop')\n"
        "except ValueError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
    )
    assert done.stdout == "stop\n"
