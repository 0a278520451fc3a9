"""Artifact types that TFX does not bring.

TFX's Kubeflow compiler wants names of the form `package.Type`; those of `system` are Kubeflow's
own, which its page shows.
"""

from tfx.types.artifact import Artifact

REMOTE_URI = "remote_uri"
"""Custom property of an input that a cluster's step works on as a local copy: where it really is."""


def place_of(artifact: Artifact) -> str:
    """Where an artifact is for good."""
    return artifact.get_string_custom_property(REMOTE_URI) or artifact.uri


class Rejections(Artifact):
    """Files that ExampleGen set aside.

    `rejections.jsonl` has one record a file, `duplicates.jsonl` one a group of equal photos, `counts.json` figures; a
    list without entries has no file.
    """

    TYPE_NAME = "pspnet.Rejections"


class EvaluationPage(Artifact):
    """One self-contained page, `index.html`, that shows an evaluation to people."""

    TYPE_NAME = "system.HTML"


class EvaluationScores(Artifact):
    """Figures of an evaluation, one custom property each; no file."""

    TYPE_NAME = "system.Metrics"


class ConfusionMatrix(Artifact):
    """Pixels by true and predicted class, in the custom property that Kubeflow's page draws; no file."""

    TYPE_NAME = "system.ClassificationMetrics"
