"""Artifact types that TFX does not bring.

TFX's Kubeflow compiler wants names of the form `package.Type`; `system.HTML` is Kubeflow's own type for pages.
"""

from tfx.types.artifact import Artifact


class Rejections(Artifact):
    """Files that ExampleGen set aside: `rejections.jsonl`, one record a file."""

    TYPE_NAME = "pspnet.Rejections"


class EvaluationPage(Artifact):
    """One self-contained page, `index.html`, that shows an evaluation to people."""

    TYPE_NAME = "system.HTML"
