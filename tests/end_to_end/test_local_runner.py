"""The pipeline as a user runs it: a good model is pushed, the same run costs nothing, a worse model is refused."""

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

PROJECT = Path(__file__).resolve().parents[2]

SETTINGS = [
    "--sample-count",
    "36",
    "--eval-fraction",
    "0.3",
    "--image-size",
    "96x160",
    "--bins",
    "1,2,3",
    "--head-channels",
    "64",
    "--eval-every",
    "20",
    "--batch-size",
    "4",
    "--min-mean-iou",
    "0.55",
    "--min-class-iou",
    "0.2",
    "--max-drop",
    "0.02",
    "--min-eval-photos",
    "4",
]

pytestmark = pytest.mark.end_to_end


def run(workspace: Path, *settings: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "local_runner.py", "--workspace", str(workspace), *SETTINGS, *settings],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def workspace(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("workspace")


@pytest.fixture(scope="module")
def first(workspace) -> subprocess.CompletedProcess:
    return run(workspace, "--steps", "60")


@pytest.fixture(scope="module")
def again(workspace, first) -> subprocess.CompletedProcess:
    return run(workspace, "--steps", "60")


@pytest.fixture(scope="module")
def worse(workspace, again) -> subprocess.CompletedProcess:
    return run(workspace, "--steps", "1")


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory) -> Path:
    workspace = tmp_path_factory.mktemp("two_workers")
    done = run(workspace, "--beam-workers", "2", "--until", "Transform")
    assert done.returncode == 0, done.stdout + done.stderr
    return workspace


def versions(workspace: Path) -> list[Path]:
    return sorted((workspace / "serving").iterdir())


def latest(workspace: Path, component: str, output: str) -> Path:
    return max((workspace / "artifacts" / component / output).iterdir(), key=lambda path: int(path.name))


def test_a_good_model_is_pushed(workspace, first):
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Verdict: may be served" in first.stdout
    (version,) = versions(workspace)[:1]
    assert (version / "saved_model.pb").is_file()
    assert str(version) in first.stdout
    card = json.loads((version / "assets.extra" / "model_card.json").read_text())
    assert [(one["number"], one["name"], one["color"]) for one in card["classes"]] == [
        (0, "background", [0, 0, 0]),
        (1, "plane", [255, 0, 0]),
    ]


def test_the_console_shows_components_and_figures_and_no_noise(first):
    lines = first.stdout.splitlines()
    for component in ("ImageMaskExampleGen", "Transform", "Trainer", "Evaluator", "EvaluationReport", "Pusher"):
        assert any(line.startswith(component) for line in lines)
    assert any(line.strip().startswith("plane") for line in lines)
    for noise in ("WARNING", "I0000", "oneDNN", "Traceback", "absl"):
        assert noise not in first.stdout + first.stderr
    assert len(lines) < 60


def test_the_page_and_the_log_exist_where_the_console_says(first):
    for label, name in (("Page", "index.html"), ("Log", ".log")):
        path = next(line.split(maxsplit=1)[1] for line in first.stdout.splitlines() if line.startswith(label))
        assert path.endswith(name)
        assert Path(path).stat().st_size > 0


def test_tensorboard_logs_lie_in_the_model_run(workspace, first):
    run_dir = latest(workspace, "Trainer", "model_run")
    tags = {
        value.tag
        for path in run_dir.glob("events.out.tfevents.*")
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    }
    assert {"loss", "learning_rate", "eval_mean_iou", "eval_iou/plane"} <= tags


def test_the_same_run_again_comes_from_the_cache_and_pushes_nothing(workspace, first, again):
    assert again.returncode == 0, again.stdout + again.stderr
    lines = [line for line in again.stdout.splitlines() if line.startswith(("Trainer", "Evaluator", "Pusher"))]
    assert len(lines) == 3
    assert all("from an earlier run" in line for line in lines[:2])
    (version,) = versions(workspace)
    assert f"version {version.name}, in service already" in lines[2]


def test_every_run_is_on_the_page_over_all_runs(workspace, worse):
    records = sorted((workspace / "runs").iterdir())
    told = [json.loads(path.read_text()) for path in records]
    assert [one["verdict"] for one in told] == ["pushed", "pushed", "refused"]
    assert told[0]["photo_iou"] == told[1]["photo_iou"]
    assert told[0]["photo_iou"].keys() == told[2]["photo_iou"].keys()
    assert len(told[0]["photo_iou"]) > 5
    assert [path.stem for path in records] == [path.stem for path in sorted((workspace / "logs").iterdir())]
    page = (workspace / "index.html").read_text()
    assert str(workspace / "index.html") in worse.stdout
    assert page.count("in service</span>") == 2
    assert all(f'href="logs/{path.stem}.log"' in page for path in records)


def test_a_pushed_version_leads_to_its_run_and_its_page(workspace, worse):
    (version,) = versions(workspace)
    record = json.loads((version / "assets.extra" / "push.json").read_text())
    assert (workspace / record["page"] / "index.html").is_file()
    assert (workspace / "runs" / f"{record['run']}.json").is_file()
    assert record["facts"]["steps"] == "60"
    listed = run(workspace, "--versions")
    assert (listed.returncode, version.name in listed.stdout) == (0, True)
    assert f"{100 * record['evaluation']['mean_iou']:.1f}" in listed.stdout


def test_a_worse_model_meets_the_baseline_and_is_refused(workspace, worse):
    assert worse.returncode == 3, worse.stdout + worse.stderr
    assert "Verdict: refused, not served" in worse.stdout
    assert f"baseline: version {versions(workspace)[0].name}" in worse.stdout
    assert "change of mean IoU against the model in service" in worse.stdout
    assert len(versions(workspace)) == 1


def test_a_changed_training_setting_reuses_what_does_not_depend_on_it(worse):
    by_name = {line.split()[0]: line for line in worse.stdout.splitlines() if line and line[0].isalpha()}
    for reused in ("ImageMaskExampleGen", "StatisticsGen", "ExampleValidator", "Transform"):
        assert "from an earlier run" in by_name[reused]
    for fresh in ("Trainer", "Evaluator", "EvaluationReport", "Pusher"):
        assert "from an earlier run" not in by_name[fresh]


def test_iou_equals_a_count_by_hand(workspace, worse):
    """Every eval photo goes through the pushed model's serving signature; pixels are counted one class at a time."""
    serve = tf.saved_model.load(str(versions(workspace)[0])).signatures["serving_default"]
    intersection, union = np.zeros(2), np.zeros(2)
    files = sorted(str(path) for path in latest(workspace, "ImageMaskExampleGen", "examples").glob("Split-eval/*"))
    for record in tf.data.TFRecordDataset(files):
        feature = tf.train.Example.FromString(record.numpy()).features.feature
        truth = np.asarray(Image.open(io.BytesIO(feature["mask/encoded"].bytes_list.value[0])))
        photo = tf.constant([feature["image/encoded"].bytes_list.value[0]])
        answer = np.asarray(Image.open(io.BytesIO(serve(image_bytes=photo)["class_map_bytes"].numpy()[0])))
        for number in range(2):
            intersection[number] += np.sum((truth == number) & (answer == number))
            union[number] += np.sum((truth == number) | (answer == number))
    summary = json.loads((latest(workspace, "Evaluator", "evaluation") / "summary.json").read_text())
    whole = summary["baseline"][0]
    assert whole["iou"]["background"] == pytest.approx(intersection[0] / union[0], abs=1e-9)
    assert whole["iou"]["plane"] == pytest.approx(intersection[1] / union[1], abs=1e-9)
    assert whole["mean_iou"] == pytest.approx(np.mean(intersection / union), abs=1e-9)


def pictures_of(workspace: Path, component: str, output: str, *names: str) -> set[tuple[bytes, ...]]:
    """Key, photo and mask of every record; records come in any order, and so do the features in them."""
    files = sorted(str(path) for path in latest(workspace, component, output).glob("Split-*/*"))
    examples = [tf.train.Example.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]
    return {tuple(example.features.feature[name].bytes_list.value[0] for name in names) for example in examples}


@pytest.mark.parametrize(
    ("component", "output", "names"),
    [
        ("ImageMaskExampleGen", "examples", ("image/key", "image/encoded", "mask/encoded")),
        ("Transform", "transformed_examples", ("key", "image", "mask")),
    ],
)
def test_beam_in_several_processes_makes_the_same_records(workspace, first, two_workers, component, output, names):
    made = pictures_of(two_workers, component, output, *names)
    assert len(made) == 36
    assert made == pictures_of(workspace, component, output, *names)


def recorded(workspace: Path) -> tuple[str, str]:
    (path,) = (workspace / "runs").iterdir()
    record = json.loads(path.read_text())
    return record["verdict"], record["reason"]


def test_until_stops_after_a_component(tmp_path):
    stopped = run(tmp_path, "--until", "ImageMaskExampleGen")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert "Stopped after ImageMaskExampleGen" in stopped.stdout
    assert recorded(tmp_path) == ("stopped", "after ImageMaskExampleGen, as asked")
    assert not (tmp_path / "artifacts" / "Transform").exists()


def test_anomalies_stop_the_run_with_a_readable_message(tmp_path):
    data = tmp_path / "data"
    for folder in ("images", "masks"):
        (data / folder).mkdir(parents=True)
    (data / "labelmap.txt").write_text("background:0,0,0\nplane:255,0,0\n")
    rng = np.random.default_rng(5)
    for number in range(30):
        Image.fromarray(rng.integers(0, 255, (48, 64, 3), np.uint8)).save(data / "images" / f"{number}.jpg")
        # Green is in no palette of this label map; a mask with more of it would be set aside on its own.
        mask = np.zeros((48, 64, 3), np.uint8)
        mask[:, :16] = (255, 0, 0)
        mask[:, 40:] = (0, 255, 0)
        Image.fromarray(mask).save(data / "masks" / f"{number}.jpg")
    stopped = run(tmp_path, "--data", str(data))
    assert stopped.returncode == 1
    assert "ExampleValidator failed: the data breaks the schema" in stopped.stdout
    verdict, reason = recorded(tmp_path)
    assert verdict == "failed"
    assert reason.startswith("ExampleValidator: the data breaks the schema")
    assert "mask/off_palette_fraction" in stopped.stdout
    assert not (tmp_path / "artifacts" / "Trainer").exists()
