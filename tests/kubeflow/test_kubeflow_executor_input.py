"""Messages between Kubeflow and TFX: what is added, mapped and left out on both ways."""

import pytest

from components.trainer.distribution import DeviceError
from pipeline import fingerprint
from pipeline.kubeflow import entrypoint, executor_input
from pipeline.kubeflow.executor_input import folder_of_single_file, for_kubeflow, for_tfx, local_path, remote_uri

ROOT = "minio://mlpipeline/v2/artifacts/pspnet/run"


def definition(title):
    return {"artifactType": {"instanceSchema": f"title: {title}\ntype: object\n"}}


COMPONENT = {
    "inputDefinitions": {"artifacts": {"model": definition("tfx.Model")}},
    "outputDefinitions": {
        "artifacts": {"blessing": definition("tfx.ModelBlessing"), "page": definition("system.HTML")}
    },
}


def given():
    model = {
        "uri": f"{ROOT}/Trainer/model",
        "name": "artifact 7",
        "type": {"instanceSchema": ""},
        "metadata": {"display_name": "model", "store_session_info": "{}", "tfx_type": "Model", "absent": 1.0},
    }
    outputs = {
        key: {"artifacts": [{"uri": f"{ROOT}/Evaluator/{key}", "type": {"schemaTitle": "system.Artifact"}}]}
        for key in ("blessing", "page", "executor-logs")
    }
    return {
        "inputs": {"parameterValues": {"settings": {}, "steps": 5}, "artifacts": {"model": {"artifacts": [model]}}},
        "outputs": {"artifacts": outputs, "outputFile": "/tmp/kfp_outputs/output_metadata.json"},
    }


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("minio://mlpipeline/a/b", "/minio/mlpipeline/a/b"),
        ("s3://bucket/a", "/s3/bucket/a"),
        ("gs://bucket/a", "/gcs/bucket/a"),
        ("/mnt/models/serving", "/mnt/models/serving"),
    ],
)
def test_uris_and_the_launcher_s_copies(uri, path):
    assert local_path(uri, "/") == path
    assert remote_uri(path, "/") == uri


def test_inputs_get_their_types_back_and_lose_kubeflow_s_words():
    model = for_tfx(given(), COMPONENT, {}, "/")["inputs"]["artifacts"]["model"]["artifacts"][0]
    assert model["type"] == definition("tfx.Model")["artifactType"]
    assert model["metadata"] == {"absent": 1.0, "remote_uri": f"{ROOT}/Trainer/model"}
    assert model["uri"] == "/minio/mlpipeline/v2/artifacts/pspnet/run/Trainer/model"
    assert model["name"] == "artifact 7"


def test_properties_take_the_place_of_parameters():
    assert for_tfx(given(), COMPONENT, {"gate": "{}"}, "/")["inputs"]["parameterValues"] == {"gate": "{}"}


def test_the_driver_s_own_output_is_left_out():
    assert set(for_tfx(given(), COMPONENT, {}, "/")["outputs"]["artifacts"]) == {"blessing", "page"}


def test_outputs_have_names_since_tfx_tells_artifacts_apart_by_them():
    blessing = for_tfx(given(), COMPONENT, {}, "/")["outputs"]["artifacts"]["blessing"]["artifacts"][0]
    assert blessing["name"] == f"{ROOT}/Evaluator/blessing"


def test_a_page_is_written_into_a_folder_beside_the_file_it_becomes():
    page = for_tfx(given(), COMPONENT, {}, "/")["outputs"]["artifacts"]["page"]["artifacts"][0]
    wanted = "/minio/mlpipeline/v2/artifacts/pspnet/run/Evaluator/page"
    assert page["uri"] == folder_of_single_file(wanted, "index.html") != wanted


def test_what_was_given_is_not_changed():
    message = given()
    for_tfx(message, COMPONENT, {}, "/")
    assert message == given()


def test_paths_of_every_artifact():
    paths = executor_input.artifact_paths(for_tfx(given(), COMPONENT, {}, "/pod"))
    assert len(paths) == 3
    assert all(path.startswith("/pod/minio/mlpipeline/") for path in paths)


def test_kubeflow_gets_metadata_alone_without_nulls_and_local_paths():
    metadata = {
        "current_model": "/minio/mlpipeline/v2/artifacts/pspnet/run/Trainer/model",
        "baseline_model": None,
        "pushed_destination": "/mnt/models/serving/7",
        "tfx_version": "1.21.0",
        "tables": [{"file": "/s3/bucket/a"}, 3.5, True],
    }
    artifact = {"uri": "/minio/x", "name": "7", "type": {"instanceSchema": "title: tfx.Model"}, "metadata": metadata}
    written = {"artifacts": {"blessing": {"artifacts": [artifact]}}, "parameterValues": {"a": "b"}}
    assert for_kubeflow(written, "/") == {
        "artifacts": {
            "blessing": {
                "artifacts": [
                    {
                        "metadata": {
                            "current_model": f"{ROOT}/Trainer/model",
                            "pushed_destination": "/mnt/models/serving/7",
                            "tables": [{"file": "s3://bucket/a"}, 3.5, True],
                        }
                    }
                ]
            }
        },
        "parameterValues": {"a": "b"},
    }


def test_a_pod_that_does_not_see_its_gpus_fails_before_it_works():
    words = ["--step", "Trainer", "--code", fingerprint.of_project(), "--executor-input", "{}", "--gpus", "2"]
    with pytest.raises(DeviceError, match="2 GPUs were asked for, but TensorFlow sees"):
        entrypoint.main(words)
