"""Artifact types that TFX does not bring.

TFX's Kubeflow compiler wants names of the form `package.Type`; `system.HTML` is Kubeflow's own type for pages.
"""

from tfx.types.artifact import Artifact


class Rejections(Artifact):
    """Files that ExampleGen set aside.

    `rejections.jsonl` has one record a file, `duplicates.jsonl` one a group of equal photos, `counts.json` figures; a
    list without entries has no file.
    """

    TYPE_NAME = "pspnet.Rejections"


class EvaluationPage(Artifact):
    """One self-contained page, `index.html`, that shows an evaluation to people."""

    TYPE_NAME = "system.HTML"
