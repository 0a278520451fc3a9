"""Reading labelmap.txt: both line formats, what is skipped, and messages that say where to look."""

import pytest

from schema.labelmap import LabelClass, LabelMap, LabelMapError, read_labelmap


def written(tmp_path, text, name="labelmap.txt"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    return path


def complaint(path, **options):
    with pytest.raises(LabelMapError) as caught:
        read_labelmap(path, **options)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "Небо:0,0,0\nСамолет:255,0,0\n",
        "Небо:0,0,0::\nСамолет:255,0,0::\n",
        "# label:color_rgb:parts:actions\n\n  Небо:0,0,0:wing,tail:\n   # remark\nСамолет : 255, 0, 0 ::run,stop",
        "\ufeffНебо:0,0,0\r\nСамолет:255,0,0\r\n",
    ],
    ids=["pascal-voc", "cvat", "remarks-parts-actions", "windows-bom"],
)
def test_every_spelling_gives_the_same_classes_in_file_order(tmp_path, text):
    label_map = read_labelmap(written(tmp_path, text))
    assert label_map.classes == (LabelClass("Небо", (0, 0, 0)), LabelClass("Самолет", (255, 0, 0)))
    assert label_map.ignored == ()
    assert label_map.names == ["Небо", "Самолет"]
    assert (label_map.background, label_map.background_index) == ("Небо", 0)
    assert label_map.foreground == ["Самолет"]


@pytest.mark.parametrize("name", ["void", "Void", "IGNORE", "Unlabelled", "unlabeled"])
def test_colours_that_nobody_labelled_take_no_class_number(tmp_path, name):
    text = f"sky:0,0,0\n{name}:224,224,192\nplane:255,0,0\n"
    label_map = read_labelmap(written(tmp_path, text))
    assert label_map.names == ["sky", "plane"]
    assert label_map.ignored == (LabelClass(name, (224, 224, 192)),)


def test_ignored_names_may_be_chosen_in_any_case_and_script(tmp_path):
    path = written(tmp_path, "Небо:0,0,0\nКРАЙ:9,9,9\nСамолет:255,0,0\nvoid:1,1,1\n")
    label_map = read_labelmap(path, ignored_names=[" край "])
    assert label_map.names == ["Небо", "Самолет", "void"]
    assert [one.name for one in label_map.ignored] == ["КРАЙ"]


def test_background_is_the_named_class(tmp_path):
    path = written(tmp_path, "plane:255,0,0\nsky:0,0,0\nland:0,255,0\n")
    label_map = read_labelmap(path, background="sky")
    assert label_map.background_index == 1
    assert label_map.foreground == ["plane", "land"]


def test_background_is_the_first_class_that_counts(tmp_path):
    path = written(tmp_path, "void:1,2,3\nsky:0,0,0\nplane:255,0,0\n")
    assert read_labelmap(path).background == "sky"


@pytest.mark.parametrize("background", ["land", "void"])
def test_a_background_that_is_no_class_is_refused_with_the_choices(tmp_path, background):
    path = written(tmp_path, "sky:0,0,0\nplane:255,0,0\nvoid:1,1,1\n")
    told = complaint(path, background=background)
    assert str(path) in told
    assert repr(background) in told
    assert "sky, plane" in told


@pytest.mark.parametrize(
    "line",
    [
        "plane",
        "plane:",
        "plane:255,0",
        "plane:255,0,0,0",
        "plane:256,0,0",
        "plane:-1,0,0",
        "plane:red",
        "plane:1.5,0,0",
        ":255,0,0",
        "255,0,0",
    ],
)
def test_a_wrong_line_is_named_with_its_number_and_text(tmp_path, line):
    path = written(tmp_path, f"# classes\nsky:0,0,0\n\n{line}\n")
    told = complaint(path)
    assert f"{path}, line 4: {line!r}" in told
    assert "name:red,green,blue" in told


def test_a_repeated_name_is_refused(tmp_path):
    path = written(tmp_path, "sky:0,0,0\nplane:255,0,0\nplane:0,255,0\n")
    told = complaint(path)
    assert str(path) in told
    assert "line 3" in told
    assert "'plane'" in told
    assert "twice" in told


def test_a_colour_of_two_classes_is_refused_with_both_names(tmp_path):
    path = written(tmp_path, "sky:0,0,0\nplane:255,0,0\nvoid:255,0,0\n")
    told = complaint(path)
    for expected in (str(path), "line 3", "'plane'", "'void'", "(255, 0, 0)"):
        assert expected in told


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("# nothing\n", 0), ("sky:0,0,0\n", 1), ("sky:0,0,0\nvoid:1,1,1\n", 1)]
)
def test_fewer_than_two_classes_are_refused(tmp_path, text, count):
    path = written(tmp_path, text)
    told = complaint(path)
    assert told.startswith(f"{path}: {count} class")
    assert "at least 2" in told


def many(count):
    return "".join(f"c{number}:{number},0,0\n" for number in range(count))


def test_class_numbers_fit_beside_the_ignore_label(tmp_path):
    assert len(read_labelmap(written(tmp_path, many(254))).classes) == 254
    path = written(tmp_path, many(255))
    told = complaint(path)
    assert told.startswith(f"{path}: 255 classes")
    assert "254" in told


def test_a_missing_file_is_named_with_what_it_should_hold(tmp_path):
    told = complaint(tmp_path / "labels.txt")
    assert str(tmp_path / "labels.txt") in told
    assert "no such file" in told
    assert "name:red,green,blue" in told


def test_another_encoding_is_named_with_the_byte(tmp_path):
    path = written(tmp_path, "sky:0,0,0\nСамолет:255,0,0\n".encode("cp1251"))
    told = complaint(path)
    assert str(path) in told
    assert "UTF-8" in told
    assert "byte 10" in told


def test_a_folder_in_place_of_the_file_is_refused_by_name(tmp_path):
    assert str(tmp_path) in complaint(tmp_path)


def test_json_brings_back_an_equal_label_map():
    label_map = LabelMap(
        (LabelClass("Небо", (0, 0, 0)), LabelClass("Самолет", (255, 0, 0))),
        (LabelClass("void", (224, 224, 192)),),
        "Самолет",
    )
    text = label_map.to_json()
    restored = LabelMap.from_json(text)
    assert restored == label_map
    assert restored.to_json() == text
    assert "Самолет" in text  # readable in the metadata store, not \\u0421...


def test_json_differs_where_order_colour_or_background_differ():
    sky, plane = LabelClass("sky", (0, 0, 0)), LabelClass("plane", (255, 0, 0))
    maps = [
        LabelMap((sky, plane), (), "sky"),
        LabelMap((plane, sky), (), "sky"),
        LabelMap((sky, plane), (), "plane"),
        LabelMap((sky, LabelClass("plane", (254, 0, 0))), (), "sky"),
    ]
    assert len({one.to_json() for one in maps}) == len(maps)
