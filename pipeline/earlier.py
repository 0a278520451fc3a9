"""What earlier runs left behind, as it is when a run begins."""

from __future__ import annotations

import os
from dataclasses import dataclass

from components.blessed_model.baseline import find_baseline
from components.example_validator.reference import find_reference
from pipeline.inputs import DataFacts


@dataclass(frozen=True)
class Earlier:
    """Names that components carry as parameters, so that the cache notices when they change.

    Attributes:
        baseline: Version of the pushed model that a new one has to meet; empty if there is none.
        reference: Name of the statistics that the data's are compared with; empty if there are none.
    """

    baseline: str = ""
    reference: str = ""


def look_back(serving_dir: str, training: str, data: DataFacts) -> Earlier:
    """Looks in and beside the folder of pushed models.

    Args:
        serving_dir: The folder of pushed models; it may be missing.
        training: Fingerprint of this run's training.
        data: Facts of this run's data.
    """
    return Earlier(
        find_baseline(serving_dir, training, data.label_map.names),
        find_reference(references_dir(serving_dir), data.fingerprint),
    )


def references_dir(serving_dir: str) -> str:
    """The folder of earlier data's statistics.

    Beside the pushed models, not among them: what serves models watches their folder.
    """
    return os.path.join(os.path.dirname(serving_dir.rstrip("/")), "reference_statistics")
