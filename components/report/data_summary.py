"""What the data looks like: balance of the classes, light and size of the photos, train beside eval."""

from __future__ import annotations

from collections.abc import Mapping

from components.example_validator.figures import Figures
from components.report.markup import ABSENT, NO_VALUE, head_row, name, note, scrolling, section, share
from components.statistics_gen.derived import class_feature
from schema import features
from schema.labelmap import LabelMap

CLASSES_SHOWN = 60
MANY_CLASSES = 20

_PHOTOS = (
    (features.IMAGE_WIDTH, "Width, pixels", 0),
    (features.IMAGE_HEIGHT, "Height, pixels", 0),
    (features.IMAGE_ASPECT, "Width divided by height", 2),
    (features.IMAGE_BRIGHTNESS, "Brightness (0 black, 1 white)", 2),
    (features.IMAGE_SATURATION, "Colour (0 grey, 1 purest)", 2),
    (features.OBJECT_FRACTION, "Share of the photo that objects cover", 3),
)

Splits = Mapping[str, Mapping[str, Figures]]


def data_summary(splits: Splits, label_map: LabelMap) -> str:
    """Share of the pixels and number of photos of each class, and what most photos are like.

    Args:
        splits: Figures by split and feature; empty where nothing was counted.
        label_map: The classes.
    """
    if not splits:
        return section("data", "Data", note("Nothing was counted."))
    shown = _rarest(splits, label_map)
    remark = "A class's share of the pixels is the mean over the photos; beside it the photos that show it."
    if len(shown) < len(label_map.names):
        remark += f" The {len(shown)} rarest of {len(label_map.names)} classes."
    classes = scrolling("Classes", _classes(splits, shown), tall=len(shown) > MANY_CLASSES)
    middle = note("The middle photo, and in brackets what four of five photos lie between.")
    return section("data", "Data", note(remark), classes, middle, scrolling("Photos", _photos(splits)))


def _rarest(splits: Splits, label_map: LabelMap) -> list[str]:
    def mean(one: str) -> float:
        found = [figures[class_feature(one)].mean for figures in splits.values() if class_feature(one) in figures]
        return max(found, default=0.0)

    kept = set(sorted(label_map.names, key=mean)[:CLASSES_SHOWN])
    return [one for one in label_map.names if one in kept]


def _classes(splits: Splits, shown: list[str]) -> str:
    heads = ["Class"]
    for split in splits:
        heads += [f"Pixels, {name(split)}", f"Photos, {name(split)}"]
    rows = ""
    for one in shown:
        cells = "".join(_class_cells(figures.get(class_feature(one))) for figures in splits.values())
        rows += f'<tr><th scope="row">{name(one)}</th>{cells}</tr>'
    return f"<table>{head_row(heads)}<tbody>{rows}</tbody></table>"


def _class_cells(found: Figures | None) -> str:
    if found is None or found.zeros == found.count:
        return f'<td class="num none">{ABSENT}</td><td class="num">0</td>'
    present = found.count - found.zeros
    bar = f'<td class="num data" style="--share:{100 * found.mean:.1f}%">{share(found.mean, 1)}</td>'
    return f'{bar}<td class="num">{present:,} of {found.count:,}</td>'


def _photos(splits: Splits) -> str:
    rows = ""
    for feature, words, digits in _PHOTOS:
        cells = "".join(f'<td class="num">{_span(figures.get(feature), digits)}</td>' for figures in splits.values())
        rows += f'<tr><th scope="row">{words}</th>{cells}</tr>'
    return f"<table>{head_row(['Photos', *map(name, splits)])}<tbody>{rows}</tbody></table>"


def _span(found: Figures | None, digits: int) -> str:
    if found is None:
        return f'<span class="none">{NO_VALUE}</span>'
    low, middle, high = (f"{found.deciles[index]:,.{digits}f}" for index in (0, 4, 8))
    return middle if low == high else f"{middle} ({low} to {high})"
