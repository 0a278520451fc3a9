"""TFDV's anomalies in words that need no knowledge of TFDV, each with its own severity."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import Any

from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator import executor as tfx_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils

_INFO = anomalies_pb2.AnomalyInfo
DISTANT = _INFO.COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH
FEWER = _INFO.COMPARATOR_LOW_NUM_EXAMPLES

_WORDS = {
    _INFO.SCHEMA_MISSING_COLUMN: "no record has this feature: were the records made by other code?",
    _INFO.FEATURE_TYPE_LOW_FRACTION_PRESENT: "some records lack this feature: were they made by other code?",
    _INFO.FEATURE_TYPE_LOW_NUMBER_PRESENT: "too few records have this feature: were they made by other code?",
    _INFO.FEATURE_TYPE_NOT_PRESENT: "no record has this feature: were the records made by other code?",
    _INFO.SCHEMA_NEW_COLUMN: "records have a feature that the schema does not know",
    _INFO.ENUM_TYPE_UNEXPECTED_STRING_VALUES: "there are values beside those that the schema lists",
    _INFO.FLOAT_TYPE_HAS_NAN: "there are values that are no number",
}
_OUT_OF_RANGE = (
    _INFO.FLOAT_TYPE_BIG_FLOAT,
    _INFO.FLOAT_TYPE_SMALL_FLOAT,
    _INFO.INT_TYPE_BIG_INT,
    _INFO.INT_TYPE_SMALL_INT,
)
_PRECISION = " (up to six significant digits)"
_NOT_FATAL = (DISTANT, FEWER, _INFO.SCHEMA_NEW_COLUMN)


def in_plain_words(
    anomalies: anomalies_pb2.Anomalies, *, only_notable: Collection[str], change: Callable[[str, str], str]
) -> anomalies_pb2.Anomalies:
    """Puts words before TFDV's descriptions and parts a feature's warnings from its errors.

    TFDV gives a feature one severity, the highest of all its rules.

    Args:
        anomalies: What TFDV found.
        only_notable: Words of the rules whose breach does not stop a run.
        change: What to say of a feature whose distribution differs; takes its name and TFDV's short description.

    Returns:
        New anomalies: one entry a feature and severity, one reason a broken rule.
    """
    told = anomalies_pb2.Anomalies()
    told.CopyFrom(anomalies)
    told.ClearField("anomaly_info")
    for key, info in anomalies.anomaly_info.items():
        feature = info.path.step[0] if info.path.step else key
        for reason in info.reason:
            notable = reason.type in _NOT_FATAL or reason.short_description in only_notable
            target = told.anomaly_info[f"{key} (worth a look)" if notable else key]
            target.path.CopyFrom(info.path)
            target.severity = _INFO.WARNING if notable else _INFO.ERROR
            target.reason.append(_reason(feature, reason, change))
    for info in told.anomaly_info.values():
        info.description = "; ".join(reason.description for reason in info.reason)
        info.short_description = info.reason[0].short_description
    if anomalies.HasField("dataset_anomaly_info"):
        _reword_whole(told.dataset_anomaly_info)
    return told


def _reason(
    feature: str, reason: anomalies_pb2.AnomalyInfo.Reason, change: Callable[[str, str], str]
) -> anomalies_pb2.AnomalyInfo.Reason:
    if reason.type == _INFO.CUSTOM_VALIDATION:
        words, where = reason.short_description, feature
    else:
        usual = "values are out of range" if reason.type in _OUT_OF_RANGE else "the records are not as the schema says"
        words = change(feature, reason.short_description) if reason.type == DISTANT else _WORDS.get(reason.type, usual)
        where = f"{feature}: {reason.description.replace(_PRECISION, '')}"
    return _INFO.Reason(type=reason.type, short_description=words, description=f"{words} ({where})")


def _reword_whole(info: anomalies_pb2.DatasetAnomalyInfo) -> None:
    if all(reason.type in _NOT_FATAL for reason in info.reason):
        info.severity = _INFO.WARNING
    for reason in info.reason:
        if reason.type == FEWER:
            reason.short_description = "far fewer photos than in the last data: are some missing?"
            reason.description = f"{reason.short_description} ({reason.description.replace(_PRECISION, '')})"
    info.description = "; ".join(reason.description for reason in info.reason)


def read_anomalies(artifact: Any) -> dict[str, anomalies_pb2.Anomalies]:
    """Reads the anomalies of every split from an ExampleAnomalies artifact."""
    found = {}
    for split in artifact_utils.decode_split_names(artifact.split_names):
        path = os.path.join(artifact_utils.get_split_uri([artifact], split), tfx_executor.DEFAULT_FILE_NAME)
        with fileio.open(path, "rb") as stream:
            found[split] = anomalies_pb2.Anomalies.FromString(stream.read())
    return found


def describe(split: str, anomalies: anomalies_pb2.Anomalies, least_severity: int) -> list[str]:
    """One line for each broken rule that is at least that severe."""
    lines = [
        f"{split} split: {reason.description}"
        for _, info in sorted(anomalies.anomaly_info.items())
        for reason in info.reason
        if info.severity >= least_severity
    ]
    whole = anomalies.dataset_anomaly_info
    if anomalies.HasField("dataset_anomaly_info") and whole.severity >= least_severity:
        lines.append(f"{split} split: {whole.description}")
    return lines


def findings(artifact: Any) -> list[str]:
    """What is worth a look in an ExampleAnomalies artifact, a short line for each, without TFDV's own words."""
    return [
        f"{split} split: {reason.short_description}"
        for split, anomalies in read_anomalies(artifact).items()
        for found in (*anomalies.anomaly_info.values(), anomalies.dataset_anomaly_info)
        for reason in found.reason
    ]
