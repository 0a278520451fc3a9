"""The first step of a run: looks at data, weights and what earlier runs left, as the local runner does by itself."""

from __future__ import annotations

from dataclasses import replace

from components.settings import SettingError
from pipeline.create import training_fingerprint
from pipeline.earlier import look_back
from pipeline.inputs import look_at_data
from pipeline.kubeflow.run_values import FACTS, RunValues


def find_facts(values: RunValues) -> dict[str, str]:
    """Finds out what the other steps are told, see `FACTS`.

    Raises:
        SettingError: The data folder is not named, or is not there, or lacks a folder; there are no such weights.
        LabelMapError: The label map is missing or wrong.
    """
    if not values.config.data.data:
        raise SettingError(
            "data: name the folder of the data set as the cluster sees it, on the form or at compilation"
        )
    data = look_at_data(values.config)
    if data.folder != values.config.data.data:
        # Steps get the folder from the form, and their work is cached by it.
        raise SettingError(f"data: {values.config.data.data!r} is not an absolute path; nearest is {data.folder}")
    known = replace(
        values,
        label_map=data.label_map,
        data_fingerprint=data.fingerprint,
        weights_path=data.weights,
        weights_fingerprint=data.weights_fingerprint,
    )
    earlier = look_back(values.serving_dir, training_fingerprint(values.config, known.data), known.data)
    found = (
        *(data.label_map.to_json(), data.fingerprint, data.weights, data.weights_fingerprint),
        *(earlier.baseline, earlier.reference),
    )
    return dict(zip(FACTS, found, strict=True))
