"""TFDV's verdict on a split: the schema, the rules, and the comparison with other photos."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2, statistics_pb2

from components.example_validator.comparison import arm, describe_change
from components.example_validator.figures import Figures, figures_of
from components.example_validator.rules import EVAL, TRAIN, WARNING, as_config, rules_for
from components.example_validator.wording import in_plain_words
from components.statistics_gen.derived import class_feature
from schema import features
from schema.labelmap import LabelMap

Statistics = Mapping[str, statistics_pb2.DatasetFeatureStatisticsList]

_SKEW = "training and serving"


def validate(
    split: str, statistics: Statistics, previous: Statistics, schema: schema_pb2.Schema, label_map: LabelMap
) -> anomalies_pb2.Anomalies:
    """Validates one split.

    Args:
        split: Which one.
        statistics: Statistics of all splits.
        previous: Those of the last other data; empty if there was none.
        schema: What holds for every data set.
        label_map: The classes.

    Returns:
        What is wrong, in plain words.
    """
    figures = {name: figures_of(one) for name, one in statistics.items()}
    rules = rules_for(split, figures, label_map)
    # Eval is a random part of the same data: what it says against the last data, train says with more photos.
    is_train = split == TRAIN
    # TFDV calls it serving; here it is what the network will be judged by.
    other, before = (statistics.get(EVAL), previous.get(TRAIN)) if is_train else (None, None)
    skew, drift = _figures(other), _figures(before)
    whole = with_derived(schema, label_map.names)
    arm(whole, "skew_comparator", figures[split], skew)
    arm(whole, "drift_comparator", figures[split], drift)
    found = tfdv.validate_statistics(
        statistics[split],
        whole,
        previous_statistics=before,
        serving_statistics=other,
        custom_validation_config=as_config(rules),
    )

    def change(feature: str, description: str) -> str:
        against, whose = (skew, "the eval split") if _SKEW in description else (drift, "the last data")
        return describe_change(feature, figures[split][feature], against[feature], whose)

    notable = {rule.words for rule in rules if rule.severity == WARNING}
    return in_plain_words(found, only_notable=notable, change=change)


def _figures(statistics: statistics_pb2.DatasetFeatureStatisticsList | None) -> dict[str, Figures]:
    return figures_of(statistics) if statistics is not None else {}


def with_derived(schema: schema_pb2.Schema, class_names: Iterable[str]) -> schema_pb2.Schema:
    """The schema with the columns that StatisticsGen derives; the classes are known only at run time."""
    whole = schema_pb2.Schema()
    whole.CopyFrom(schema)
    for name in (features.IMAGE_ASPECT, *map(class_feature, class_names)):
        feature = whole.feature.add(name=name, type=schema_pb2.FLOAT)
        feature.presence.min_fraction, feature.presence.min_count = 1.0, 1
        feature.shape.SetInParent()
        feature.float_domain.min = 0.0
        if name != features.IMAGE_ASPECT:
            feature.float_domain.max = 1.0
    return whole
