"""Settings from flags and YAML: what is accepted, what wins, and answers that name the nearest right choice."""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import local_runner
from components.settings import SettingError
from pipeline.command_line import Parser, add_settings, read_config
from pipeline.config import COMPONENTS, Config

PROJECT = Path(__file__).resolve().parents[2]


def config_of(*flags):
    parser = Parser(prog="local_runner.py", allow_abbrev=False)
    add_settings(parser)
    return read_config(parser.parse_args(flags))


def complaint(*flags):
    with pytest.raises(SettingError) as caught:
        config_of(*flags)
    return str(caught.value)


def yaml_file(tmp_path, text):
    path = tmp_path / "settings.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def python(*arguments):
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(PROJECT), "COLUMNS": "100"},
    )


@pytest.fixture(scope="module")
def help_text():
    done = python("local_runner.py", "--help")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_flags_every_setting_has_its_default():
    assert config_of() == Config()


@pytest.mark.parametrize("name", Config().flat())
def test_help_tells_every_flag_with_its_default(help_text, name):
    section = re.search(rf"^  --{name.replace('_', '-')}\b.*?(?=^  -|\Z)", help_text, re.MULTILINE | re.DOTALL)
    assert section, f"--{name} is not in --help"
    assert "(default: " in " ".join(section.group().split())


def test_help_tells_the_exit_codes_and_the_config_flag(help_text):
    assert "--config FILE" in help_text
    assert "exit codes" in help_text


def test_defaults_in_help_are_accepted_as_they_stand(help_text):
    default = Config()
    told = dict(re.findall(r"--([a-z0-9-]+) [A-Z][^\n]*?\n?.*?\(default:\s+([^)]*)\)", help_text, re.DOTALL))
    assert "image-size" in told
    for name, value in told.items():
        value = value.strip('"')
        if value not in ("", "none"):
            assert config_of(f"--{name}", value) == default


def test_help_and_checks_need_no_heavy_library():
    heavy = ("tensorflow", "tfx", "numpy", "PIL", "apache_beam", "keras")
    code = (
        "import sys, local_runner\n"
        "from pipeline import command_line, config\n"
        "config.Config()\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = python("-c", code)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("flags", "name", "value"),
    [
        (("--steps", "800"), "steps", 800),
        (("--steps=1e3",), "steps", 1000),
        (("--learning-rate", "5e-4"), "learning_rate", 5e-4),
        (("--image-size", "192x256"), "image_size", (192, 256)),
        (("--image-size", "192X256"), "image_size", (192, 256)),
        (("--photo-size", "448x640"), "photo_size", (448, 640)),
        (("--photo-size", ""), "photo_size", ()),
        (("--test-scales", "0.5, 1"), "test_scales", (0.5, 1.0)),
        (("--flip-test",), "flip_test", True),
        (("--bins", "1, 2,3"), "bins", (1, 2, 3)),
        (("--bins", ""), "bins", ()),
        (("--ignore-classes", "край,void"), "ignore_classes", ("край", "void")),
        (("--ignore-classes", ""), "ignore_classes", ()),
        (("--no-flip",), "flip", False),
        (("--flip",), "flip", True),
        (("--data", "набор"), "data", "набор"),
        (("--until", "Trainer"), "until", "Trainer"),
        (("--eval-fraction", "0.01"), "eval_fraction", 0.01),
        (("--eval-fraction", "0.9"), "eval_fraction", 0.9),
    ],
)
def test_flags_become_values_of_the_right_type(flags, name, value):
    found = config_of(*flags).flat()[name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--steps", "0"), ("steps", "0", "nearest value that works is 1")),
        (("--steps", "many"), ("steps", "'many'", "whole number")),
        (("--steps", "1.5"), ("steps", "'1.5'", "whole number")),
        (("--steps", "inf"), ("steps", "'inf'", "whole number")),
        (("--batch-size", "-3"), ("batch-size", "-3", "is 1")),
        (("--eval-fraction", "1"), ("eval-fraction", "1 is not from 0.01 to 0.9", "is 0.9")),
        (("--eval-fraction", "0"), ("eval-fraction", "is 0.01")),
        (("--eval-fraction", "nan"), ("eval-fraction", "nan", "0.01 to 0.9")),
        (("--learning-rate", "fast"), ("learning-rate", "'fast'", "a number")),
        (("--max-rejected", "1.1"), ("max-rejected", "1.1", "is 1")),
        (("--uncertain", "ignroe"), ("uncertain", "'ignroe'", "keep, ignore", "did you mean ignore?")),
        (("--backbone", "resnet"), ("backbone", "'resnet'", "did you mean resnet50?")),
        (("--decoder", "fpn9"), ("decoder", "'fpn9'", "bilinear, unet")),
        (("--until", "trainer"), ("until", "'trainer'", "did you mean Trainer?")),
        (("--encoder-blocks", "3,0"), ("encoder-blocks", "3,0", "from 1")),
        (("--encoder-blocks", "3,4"), ("encoder-blocks", "7 stages", "1,2,2,3,3,4,1")),
        (("--output-stride", "12"), ("output-stride", "12", "0, 8, 16, 32", "is 8")),
        (("--backbone", "resnet50"), ("weights", "resnet50", "--weights none", "Keras-applications")),
        (("--backbone", "resnet18"), ("weights", "resnet18", "--weights none", "pushed model")),
        (("--weights", "imagnet"), ("weights", "'imagnet'", "did you mean imagenet?")),
        (("--encoder-width", "0.5"), ("weights", "encoder-width", "--weights none")),
        (("--stem", "plain"), ("stem", "efficientnet_lite0", "resnet50")),
        (("--batch-norm", "frozen", "--weights", "none"), ("batch-norm", "plain or synchronized")),
        (("--bins", "1,0"), ("bins", "1,0", "from 1")),
        (("--bins", "1,x"), ("bins", "'1,x'", "a list")),
        (("--decoder-channels", "96,64"), ("decoder-channels", "96,64", "4 numbers")),
        (("--image-size", "224"), ("image-size", "'224'", "224x320")),
        (("--image-size", "axb"), ("image-size", "'axb'", "height x width")),
        (("--image-size", ""), ("image-size", "''", "height x width")),
        (("--photo-size", "448"), ("photo-size", "'448'", "height x width")),
        (("--photo-size", "448x300"), ("photo-size 448x300", "448x320")),
        (("--test-scales", "1,9"), ("test-scales", "9", "4")),
        (("--image-size", "1x2x3"), ("image-size", "'1x2x3'", "height x width")),
        (("--sample-count", "5"), ("sample-count", "5", "is 20")),
        (("--seed", "-1"), ("seed", "-1", "is 0")),
    ],
)
def test_an_impossible_value_is_told_with_the_setting_and_what_would_work(flags, told):
    answer = complaint(*flags)
    assert answer.startswith(told[0])
    for expected in told[1:]:
        assert expected in answer


@pytest.mark.parametrize("backbone", ["efficientnet_lite0", "resnet50"])
@pytest.mark.parametrize("bins", ["1,2,3,6", "1", "2,9"])
@pytest.mark.parametrize("size", ["225x320", "1x1", "100x333", "31x2047", "0x0", "-64x320", "240x239"])
def test_a_refused_image_size_names_one_that_is_then_accepted(backbone, bins, size):
    others = ("--backbone", backbone, "--bins", bins, "--weights", "none")
    answer = complaint(*others, f"--image-size={size}")
    assert answer.startswith(f"image-size {size}")
    named = re.search(r"nearest size that works is (\d+x\d+)$", answer).group(1)
    accepted = config_of(*others, f"--image-size={named}").network.image_size
    assert "x".join(map(str, accepted)) == named


@pytest.mark.parametrize(
    ("backbone", "bins", "size", "nearest"),
    [
        ("efficientnet_lite0", "1,2,3,6", "160x320", "192x320"),  # a pyramid of 6 cells needs 6 strides
        ("efficientnet_lite0", "1,2", "224x330", "224x320"),
        ("resnet50", "1,2,3,6", "40x320", "48x320"),
        ("resnet50", "1,2,3,6", "227x321", "224x320"),
    ],
)
def test_the_nearest_image_size_is_named(backbone, bins, size, nearest):
    answer = complaint("--backbone", backbone, "--bins", bins, "--weights", "none", f"--image-size={size}")
    assert answer.endswith(f"nearest size that works is {nearest}")


def test_yaml_comes_before_defaults_and_flags_before_yaml(tmp_path):
    path = yaml_file(tmp_path, "steps: 300\nbatch-size: 4\nlearning_rate: 1e-3\nflip: false\ndata: набор\n")
    config = config_of("--config", path, "--steps", "7")
    assert config.training.steps == 7
    assert config.training.batch_size == 4
    assert config.training.learning_rate == 1e-3  # YAML 1.1 reads 1e-3 as text
    assert config.training.flip is False
    assert config.data.data == "набор"
    assert config.training.seed == Config().training.seed
    assert config_of("--config", path, "--flip").training.flip is True


@pytest.mark.parametrize("size", ["192x256", "[192, 256]"])
def test_yaml_takes_sizes_and_lists_in_both_spellings(tmp_path, size):
    path = yaml_file(tmp_path, f"image-size: {size}\nbins: [1, 2, 3]\nignore-classes: край, void\n")
    config = config_of("--config", path)
    assert config.network.image_size == (192, 256)
    assert config.network.bins == (1, 2, 3)
    assert config.data.ignore_classes == ("край", "void")


@pytest.mark.parametrize("text", ["", "# nothing yet\n"])
def test_an_empty_yaml_file_changes_nothing(tmp_path, text):
    assert config_of("--config", yaml_file(tmp_path, text)) == Config()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("stesp: 3\n", ("'stesp'", "did you mean steps?")),
        ("batchsize: 3\n", ("'batchsize'", "did you mean batch-size?")),
        ("xyzzy: 3\n", ("there is no setting 'xyzzy'",)),
        ("training:\n  steps: 3\n", ("'training'",)),
        ("steps: [1\n", ("config: ", "settings.yaml", "not YAML")),
        ("- steps\n", ("config: ", "settings.yaml", "steps: 800")),
        ("steps\n", ("config: ", "settings.yaml", "steps: 800")),
        ("steps: true\n", ("steps", "True", "whole number")),
        ("steps: 2.5\n", ("steps", "2.5", "whole number")),
        ("steps:\n", ("steps", "None", "whole number")),
        ("flip: 1\n", ("flip", "true or false")),
        ("flip: maybe\n", ("flip", "'maybe'", "true or false")),
        ("bins: 3\n", ("bins", "a list")),
        ("image-size: 224\n", ("image-size", "224", "height x width")),
        ("eval-fraction: 2\n", ("eval-fraction", "0.9")),
    ],
)
def test_wrong_yaml_is_told_with_the_setting_or_the_file(tmp_path, text, told):
    answer = complaint("--config", yaml_file(tmp_path, text))
    for expected in told:
        assert expected in answer


def test_an_empty_yaml_value_is_never_taken_for_a_folder_named_none(tmp_path):
    path = yaml_file(tmp_path, "data:\n")
    assert config_of("--config", path).data.data == ""


@pytest.mark.parametrize("text", ["image-size: [.inf, 320]\n", "image-size: [224.5, 320]\n"])
def test_a_yaml_size_of_no_whole_pixels_is_refused(tmp_path, text):
    assert "image-size" in complaint("--config", yaml_file(tmp_path, text))


def test_a_missing_yaml_file_is_named(tmp_path):
    answer = complaint("--config", str(tmp_path / "none.yaml"))
    assert str(tmp_path / "none.yaml") in answer
    assert "No such file" in answer


def test_yaml_in_another_encoding_is_named(tmp_path):
    path = tmp_path / "settings.yaml"
    path.write_bytes("data: набор\n".encode("cp1251"))
    assert str(path) in complaint("--config", str(path))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--stesp", "3"], "did you mean --steps?"),
        (["--batch_size=3"], "did you mean --batch-size?"),
        (["--xyzzy"], "--help lists every setting"),
        (["surplus"], "unrecognized arguments: surplus"),
        ([""], "--help"),
        (["--steps"], "argument --steps: expected one argument"),
        (["--step", "3"], "did you mean --steps?"),
        (["--steps", "none"], "local_runner: steps: 'none' is not a whole number"),
        (["--image-size", "225x320"], "the nearest size that works is 224x320"),
    ],
)
def test_a_wrong_command_line_is_answered_in_one_line_with_code_1(capsys, monkeypatch, flags, told):
    monkeypatch.setattr(sys, "argv", ["local_runner.py"])
    try:
        code = local_runner.main(flags)
    except SystemExit as stop:
        code = stop.code
    answer = capsys.readouterr()
    assert code == 1
    assert told in answer.err
    assert answer.err.startswith("local_runner: ")
    assert answer.err.count("\n") == 1
    assert answer.out == ""


def test_every_flag_names_its_setting_and_nothing_else():
    parser = argparse.ArgumentParser()
    add_settings(parser)
    flags = {flag.removeprefix("--").replace("-", "_") for one in parser._actions for flag in one.option_strings[:1]}
    assert flags - {"h", "_h", "help", "config"} == set(Config().flat())


@pytest.mark.parametrize("until", COMPONENTS)
def test_a_run_ends_with_the_named_component(until):
    components = config_of("--until", until).components
    assert components[-1] == until
    assert components == COMPONENTS[: len(components)]


def test_a_run_has_every_component_by_default():
    assert config_of().components == COMPONENTS
