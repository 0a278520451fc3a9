"""What a sound data set is beyond types and ranges: conditions that TFDV evaluates, and what to say if one fails."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tensorflow_data_validation.anomalies.proto import custom_validation_config_pb2
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.example_validator.figures import Figures, percent
from components.statistics_gen.derived import class_feature
from schema import features
from schema.labelmap import LabelMap

ERROR, WARNING = anomalies_pb2.AnomalyInfo.ERROR, anomalies_pb2.AnomalyInfo.WARNING
TRAIN, EVAL = "train", "eval"

MAX_OFF_PALETTE = 0.05
MAX_OFF_PALETTE_IN_A_MASK = 0.25
MAX_UNCERTAIN = 0.25
NOTABLE_UNCERTAIN = 0.05
MAX_UNCERTAIN_IN_A_MASK = 0.5
MIN_WITH_OBJECT = 0.01
NOTABLE_WITH_OBJECT = 0.1
MAX_OBJECT_CLASS = 0.99
NOTABLE_OBJECT_CLASS = 0.8
NOTABLE_BACKGROUND = 0.99
MAX_STRANGERS = 0.05
MIN_STRANGERS = 3
BRIGHTNESS = (0.1, 0.9)

_MEAN = "feature.num_stats.mean"
_MAX = "feature.num_stats.max"
_ZEROS = "feature.num_stats.num_zeros"
_COUNT = "feature.num_stats.common_stats.num_non_missing"


@dataclass(frozen=True)
class Rule:
    """A condition on one feature of a split.

    Attributes:
        feature: The feature's name.
        sound: SQL over TFDV's statistics of the feature that holds where all is well.
        words: What to say where it does not.
        severity: ERROR stops the run, WARNING goes to the evaluation page.
    """

    feature: str
    sound: str
    words: str
    severity: int = WARNING


def rules_for(split: str, figures: Mapping[str, Mapping[str, Figures]], label_map: LabelMap) -> list[Rule]:
    """The rules for a split.

    Args:
        split: Its name.
        figures: Figures by split and feature; a rule for a feature without figures is left out, since TFDV
            refuses it (the schema's `presence` speaks then).
        label_map: The classes.
    """
    here = figures[split]
    rules: list[Rule] = []
    if features.IMAGE_BRIGHTNESS in here:
        rules += _brightness(here[features.IMAGE_BRIGHTNESS])
    rules += _masks(here)
    if features.IMAGE_SATURATION in here:
        rules += _colour(here[features.IMAGE_SATURATION], _grey_share(figures))
    if split == TRAIN and features.OBJECT_FRACTION in here:
        rules += _objects(here[features.OBJECT_FRACTION])
    for name in label_map.names:
        if class_feature(name) in here:
            rules += _class(name, split, figures, label_map)
    return rules


def as_config(rules: list[Rule]) -> custom_validation_config_pb2.CustomValidationConfig:
    """The rules as TFDV takes them."""
    config = custom_validation_config_pb2.CustomValidationConfig()
    for rule in rules:
        feature = config.feature_validations.add()
        feature.feature_path.step.append(rule.feature)
        feature.validations.add(sql_expression=rule.sound, severity=rule.severity, description=rule.words)
    return config


def _masks(here: Mapping[str, Figures]) -> Iterator[Rule]:
    strange = here.get(features.MASK_OFF_PALETTE_FRACTION)
    unsure = here.get(features.MASK_UNCERTAIN_FRACTION)
    if strange is not None:
        yield from _palette(strange)
    # A colour of no palette is midway between others as well; that says nothing new.
    if unsure is not None and not (strange is not None and strange.mean > MAX_OFF_PALETTE):
        yield from _uncertain(unsure)


def _palette(found: Figures) -> Iterator[Rule]:
    feature = features.MASK_OFF_PALETTE_FRACTION
    yield Rule(
        feature,
        f"{_MEAN} <= {MAX_OFF_PALETTE}",
        f"{percent(found.mean)} of the mask pixels have no colour of the palette; at most {percent(MAX_OFF_PALETTE)} "
        "is allowed: is labelmap.txt the right one for these masks?",
        ERROR,
    )
    yield Rule(
        feature,
        f"{_MAX} <= {MAX_OFF_PALETTE_IN_A_MASK} OR {_MEAN} > {MAX_OFF_PALETTE}",
        f"in at least one mask {percent(found.highest)} of the pixels have no colour of the palette; more than "
        f"{percent(MAX_OFF_PALETTE_IN_A_MASK)} in one mask is worth a look: does it belong to another set?",
    )


def _uncertain(found: Figures) -> Iterator[Rule]:
    feature = features.MASK_UNCERTAIN_FRACTION
    midway = f"{percent(found.mean)} of the mask pixels lie midway between two colours of the palette; "
    yield Rule(
        feature,
        f"{_MEAN} <= {MAX_UNCERTAIN}",
        f"{midway}at most {percent(MAX_UNCERTAIN)} is allowed: does labelmap.txt lack a colour, or are the masks "
        "see-through layers over the photo?",
        ERROR,
    )
    yield Rule(
        feature,
        f"{_MEAN} <= {NOTABLE_UNCERTAIN} OR {_MEAN} > {MAX_UNCERTAIN}",
        f"{midway}more than {percent(NOTABLE_UNCERTAIN)} is worth a look: were the masks blurred or scaled?",
    )
    yield Rule(
        feature,
        f"{_MAX} <= {MAX_UNCERTAIN_IN_A_MASK} OR {_MEAN} > {NOTABLE_UNCERTAIN}",
        f"in at least one mask {percent(found.highest)} of the pixels lie midway between two colours of the palette; "
        f"more than {percent(MAX_UNCERTAIN_IN_A_MASK)} in one mask is worth a look",
    )


def _brightness(found: Figures) -> Iterator[Rule]:
    low, high = BRIGHTNESS
    yield Rule(
        features.IMAGE_BRIGHTNESS,
        f"{_MEAN} BETWEEN {low} AND {high}",
        f"the photos are nearly {'black' if found.mean < 0.5 else 'white'}: mean brightness {found.mean:.2f}; "
        f"{low} to {high} is usual (0 is black, 1 is white): were they read or exported right?",
    )


def _grey_share(figures: Mapping[str, Mapping[str, Figures]]) -> float:
    """Share of grey photos in all splits together."""
    found = [split[features.IMAGE_SATURATION] for split in figures.values() if features.IMAGE_SATURATION in split]
    return sum(one.zeros for one in found) / sum(one.count for one in found)


def _colour(found: Figures, grey_share: float) -> Iterator[Rule]:
    """Grey photos in a coloured set, or coloured ones in a grey set; a few are not worth a word."""
    if grey_share <= 0.5:
        strangers, sql, kind, rest = found.zeros, _ZEROS, "grey", "in colour"
    else:
        strangers, sql, kind, rest = found.count - found.zeros, f"({_COUNT} - {_ZEROS})", "in colour", "grey"
    yield Rule(
        features.IMAGE_SATURATION,
        f"{sql} < {MIN_STRANGERS} OR {sql} <= {MAX_STRANGERS} * {_COUNT}",
        f"{strangers} of {found.count} photos are {kind} ({percent(strangers / found.count)}), most of the data is "
        f"{rest}; up to {percent(MAX_STRANGERS)} is usual: are they scans or from another camera?",
    )


def _objects(found: Figures) -> Iterator[Rule]:
    feature = features.OBJECT_FRACTION
    present = f"{_COUNT} - {_ZEROS}"
    shown = found.count - found.zeros
    some = f"{shown} of {found.count} photos show an object ({percent(shown / found.count)}); "
    none = f"none of {found.count} photos shows an object, every mask is background only; "
    yield Rule(
        feature,
        f"{present} >= {MIN_WITH_OBJECT} * {_COUNT}",
        f"{some if shown else none}at least {percent(MIN_WITH_OBJECT)} must: are these the right masks, and is "
        "labelmap.txt theirs?",
        ERROR,
    )
    yield Rule(
        feature,
        f"{present} >= {NOTABLE_WITH_OBJECT} * {_COUNT} OR {present} < {MIN_WITH_OBJECT} * {_COUNT}",
        f"only {some}below {percent(NOTABLE_WITH_OBJECT)} is worth a look: are masks missing or empty?",
    )


def _class(name: str, split: str, figures: Mapping[str, Mapping[str, Figures]], label_map: LabelMap) -> Iterator[Rule]:
    feature = class_feature(name)
    found = figures[split][feature]
    known = figures.get(TRAIN, {}).get(feature)
    if split == TRAIN:
        yield Rule(
            feature,
            f"{_ZEROS} < {_COUNT}",
            f"class {name!r} is in none of {found.count} photos, so the network cannot learn it: is its colour in "
            "labelmap.txt right, or is the class left over?",
        )
    elif known is not None and known.zeros < known.count:
        yield Rule(
            feature,
            f"{_ZEROS} < {_COUNT}",
            f"class {name!r} is in {known.count - known.zeros} of {known.count} train photos, but in none of "
            f"{found.count} here, so nobody can say how well it is found: add photos or raise eval-fraction",
        )
    yield from _giant(name, found, is_background=name == label_map.background)


def _giant(name: str, found: Figures, *, is_background: bool) -> Iterator[Rule]:
    feature = class_feature(name)
    covers = f"class {name!r} covers {percent(found.mean)} of the pixels; "
    if is_background:
        # Tiny objects on a large background are rare, but honest work.
        yield Rule(
            feature,
            f"{_MEAN} <= {NOTABLE_BACKGROUND}",
            f"{covers}above {percent(NOTABLE_BACKGROUND)} is worth a look: objects so small may vanish when photos are "
            "fitted into image-size, or masks are empty",
        )
        return
    yield Rule(
        feature,
        f"{_MEAN} <= {MAX_OBJECT_CLASS}",
        f"{covers}at most {percent(MAX_OBJECT_CLASS)} is allowed for anything but the background: a network that "
        "always answers this class would be right nearly everywhere. Are the masks filled, or colours of "
        "labelmap.txt swapped?",
        ERROR,
    )
    yield Rule(
        feature,
        f"{_MEAN} <= {NOTABLE_OBJECT_CLASS} OR {_MEAN} > {MAX_OBJECT_CLASS}",
        f"{covers}above {percent(NOTABLE_OBJECT_CLASS)} is worth a look for anything but the background: are colours "
        "of labelmap.txt swapped, or is another class the background (--background)?",
    )
