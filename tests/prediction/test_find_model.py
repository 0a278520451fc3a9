import pytest

from components.prediction.find_model import ModelError, find_model


def model(path):
    path.mkdir(parents=True)
    (path / "saved_model.pb").touch()
    return path


@pytest.fixture
def workspace(tmp_path):
    for version in ("9", "10"):
        model(tmp_path / "workspace" / "serving" / version)
    return tmp_path / "workspace"


def test_a_saved_model_is_itself(workspace):
    assert find_model(workspace / "serving" / "9") == workspace / "serving" / "9"


def test_the_highest_number_is_the_newest_version(workspace):
    assert find_model(workspace / "serving") == workspace / "serving" / "10"


def test_half_a_push_and_other_folders_are_no_versions(workspace):
    (workspace / "serving" / "11").mkdir()
    model(workspace / "serving" / "²")
    model(workspace / "serving" / "best")
    assert find_model(workspace / "serving") == workspace / "serving" / "10"


@pytest.mark.parametrize(
    ("given", "told", "meant"),
    [
        (".", "holds neither", "serving/10"),
        ("servin", "there is no", "serving/10"),
        ("serving/8", "there is no", "serving/10"),
        ("serving/10/variables", "holds neither", "serving/10"),
        ("serving/10/saved_model.pb", "is a file", "serving/10"),
        ("serving/10/variable/x", "there is no", "serving/10"),
    ],
)
def test_a_wrong_path_names_the_nearest_model(workspace, given, told, meant):
    (workspace / "serving" / "10" / "variables").mkdir()
    with pytest.raises(ModelError) as caught:
        find_model(workspace / given)
    assert told in str(caught.value)
    assert str(caught.value).endswith(str(workspace / meant))


def test_where_no_model_is_near_the_message_says_what_is(tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(ModelError, match="holds the folders photos"):
        find_model(tmp_path)
    with pytest.raises(ModelError, match=f"did you mean {tmp_path}/photos"):
        find_model(tmp_path / "photo")
