"""How many pixels of JPEG masks get the right class, beside simpler rules.

    python benchmarks/mask_cleaning.py [--data FOLDER ...] [--quick]

A data folder needs labelmap.txt, masks/NAME.jpg and masks_png/NAME.png (pixel values are the class numbers, exact).
The generated matrix always runs and is the same every time: 2 to 12 classes, grey levels and colours, blur, quality,
chroma at half and at full resolution, lines of 1 to 5 pixels; and a few cells of areas without lines.
"""

from __future__ import annotations

import argparse
import io
import itertools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from components.image_mask_example_gen import warm_up
from components.image_mask_example_gen.mask import Palette, read_mask
from schema.features import IGNORE_LABEL
from schema.labelmap import LabelClass, LabelMap, read_labelmap

SIZE = (240, 320)
COLORS = [(0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0), (255, 0, 255), (0, 255, 255)]
COLORS += [(255, 255, 255), (128, 0, 0), (0, 128, 0), (0, 0, 128), (128, 128, 128)]
TIE = 0.0005  # mean IoU that does not count as a difference
NEAR = 3  # a class that is nowhere within so many pixels in the true mask is a false one

Method = Callable[[bytes, Palette], np.ndarray]


def main() -> int:
    """Runs everything and prints tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", nargs="*", default=[], type=Path, help="folders with masks and masks_png")
    parser.add_argument("--quick", action="store_true", help="every 20th mask, and a tenth of the matrix")
    arguments = parser.parse_args()
    warm_up.main()  # The time to load or make machine code is no mask's.
    step, seeds = (20, 1) if arguments.quick else (1, 2)
    for folder in arguments.data:
        print("\n".join(_folder_table(folder, step)), flush=True)
    for title, some in cells(arguments.quick).items():
        print("\n".join(_cells_table(title, some, seeds)), flush=True)
    return 0


@dataclass
class Score:
    """What one method did on some masks."""

    classes: int
    confusion: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    false: int = 0
    masks: int = 0
    seconds: float = 0.0

    def add(self, answer: np.ndarray, truth: np.ndarray, seconds: float) -> None:
        """Counts a mask; both maps hold class numbers, or the number of classes where nothing counts."""
        count = self.classes + 1
        found = np.bincount(truth.ravel() * count + answer.ravel(), minlength=count**2).reshape(count, count)
        self.confusion = self.confusion + found if self.masks else found
        self.false += _false_pixels(answer, truth)
        self.masks += 1
        self.seconds += seconds

    @property
    def mean_iou(self) -> float:
        """Over the classes that occur."""
        both = np.diag(self.confusion)[: self.classes]
        either = (self.confusion.sum(axis=0) + self.confusion.sum(axis=1))[: self.classes] - both
        return float((both[either > 0] / either[either > 0]).mean())

    def row(self) -> str:
        """Cells of a Markdown table."""
        per = 10_000 / self.confusion.sum()
        wrong = 10_000 - np.trace(self.confusion) * per
        return f"{self.mean_iou:.4f} | {wrong:.2f} | {self.false * per:.2f} | {self.milliseconds:.0f}"

    @property
    def milliseconds(self) -> float:
        """CPU time per mask."""
        return self.seconds / self.masks * 1000


def _false_pixels(answer: np.ndarray, truth: np.ndarray) -> int:
    bits = np.pad(np.uint64(1) << truth.astype(np.uint64), NEAR)
    for axis in (0, 1):
        bits = np.bitwise_or.reduce([np.roll(bits, shift, axis) for shift in range(-NEAR, NEAR + 1)])
    around = bits[NEAR:-NEAR, NEAR:-NEAR]
    return int((around >> answer.astype(np.uint64) & np.uint64(1) == 0).sum())


def _distances(content: bytes, palette: Palette) -> np.ndarray:
    pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(np.float32)
    return np.stack([np.sqrt(((pixels - color) ** 2).sum(axis=2)) for color in palette.colors])


def nearest(content: bytes, palette: Palette) -> np.ndarray:
    """Every pixel's nearest colour."""
    return palette.labels[_distances(content, palette).argmin(axis=0)]


def majority(content: bytes, palette: Palette) -> np.ndarray:
    """The most frequent nearest colour of 5 x 5 pixels."""
    indices = _distances(content, palette).argmin(axis=0)
    votes = [ndimage.uniform_filter((indices == index).astype(np.float32), 5) for index in range(len(palette.colors))]
    return palette.labels[np.argmax(votes, axis=0)]


def seeds(content: bytes, palette: Palette) -> np.ndarray:
    """Pixels well inside areas of one clear colour; all others take the nearest of these."""
    distances = _distances(content, palette)
    indices = distances.argmin(axis=0)
    gaps = np.linalg.norm(palette.colors[:, None] - palette.colors[None], axis=2)
    gap = gaps[gaps > 0].min()
    sure = (distances.min(axis=0) < gap / 4) & (
        ndimage.minimum_filter(indices, 3) == ndimage.maximum_filter(indices, 3)
    )
    if sure.any():
        indices = indices[tuple(ndimage.distance_transform_edt(~sure, return_distances=False, return_indices=True))]
    return palette.labels[indices]


def this_project(content: bytes, palette: Palette) -> np.ndarray:
    """The cleaning that the pipeline uses."""
    width, height = Image.open(io.BytesIO(content)).size
    return read_mask(content, palette, (height, width)).class_map


METHODS: dict[str, Method] = {
    "nearest colour": nearest,
    "nearest + 5x5 majority": majority,
    "plain seeds": seeds,
    "this project": this_project,
}


def _score(masks: Iterator[tuple[bytes, np.ndarray]], palette: Palette) -> dict[str, Score]:
    scores = {name: Score(palette.classes) for name in METHODS}
    for content, truth in masks:
        for name, method in METHODS.items():
            start = time.process_time()
            answer = method(content, palette)
            scores[name].add(_numbered(answer, palette), _numbered(truth, palette), time.process_time() - start)
    return scores


def _numbered(labels: np.ndarray, palette: Palette) -> np.ndarray:
    return np.where(labels == IGNORE_LABEL, palette.classes, labels).astype(np.int64)


def _folder_table(folder: Path, step: int) -> list[str]:
    palette = Palette.of(read_labelmap(folder / "labelmap.txt"))
    files = sorted((folder / "masks").iterdir())[::step]
    truths = (np.asarray(Image.open(folder / "masks_png" / f"{file.stem}.png")) for file in files)
    exact = (np.where(truth < palette.classes, truth, IGNORE_LABEL) for truth in truths)
    masks = ((file.read_bytes(), truth) for file, truth in zip(files, exact, strict=True))
    lines = [f"### {folder.name}: {len(files)} masks", ""]
    lines += ["| method | mean IoU | wrong per 10,000 | false class per 10,000 | CPU ms per mask |", "|---" * 5 + "|"]
    lines += [f"| {name} | {score.row()} |" for name, score in _score(masks, palette).items()]
    return [*lines, ""]


@dataclass(frozen=True)
class Cell:
    """One kind of generated mask."""

    coding: str
    sigma: int
    quality: int
    chroma: str
    classes: int
    lines: bool = True

    def palette(self) -> Palette:
        """Grey levels evenly apart, or colours."""
        levels = [(round(255 * one / (self.classes - 1)),) * 3 for one in range(self.classes)]
        colors = levels if self.coding == "grey levels" else COLORS[: self.classes]
        return Palette.of(LabelMap(tuple(LabelClass(str(number), color) for number, color in enumerate(colors))))

    def encode(self, truth: np.ndarray) -> bytes:
        """The true mask painted, blurred and stored."""
        painted = self.palette().colors[truth]
        if self.sigma:
            painted = ndimage.gaussian_filter(painted, (self.sigma, self.sigma, 0))
        picture = Image.fromarray(painted.round().astype(np.uint8))
        mode, chroma = ("L", "4:4:4") if self.coding == "grey levels" else ("RGB", self.chroma)
        buffer = io.BytesIO()
        picture.convert(mode).save(buffer, "JPEG", quality=self.quality, subsampling=chroma)
        return buffer.getvalue()


def cells(quick: bool) -> dict[str, list[Cell]]:
    """The matrix, and areas without lines; grey pictures have no chroma."""
    counts = (5,) if quick else (2, 3, 5, 8, 12)
    kinds = [("grey levels", "none"), ("colours", "4:2:0"), ("colours", "4:4:4")]
    grid = itertools.product(kinds, (0, 1, 2), (10, 50, 75, 90, 95), counts)
    matrix = [Cell(coding, sigma, quality, chroma, count) for (coding, chroma), sigma, quality, count in grid]
    grey, color = (((0, 95), (0, 50), (1, 90), (2, 90)), ((0, 75), (2, 90)))
    areas = [Cell("grey levels", sigma, quality, "none", 5, lines=False) for sigma, quality in grey]
    areas += [Cell("colours", sigma, quality, "4:2:0", 5, lines=False) for sigma, quality in color]
    return {"Generated masks": matrix, "Generated masks of areas without lines": areas}


def scene(classes: int, seed: int, *, lines: bool = True) -> np.ndarray:
    """A true mask, int64 [height, width]: areas with soft outlines, and perhaps lines of 1, 2, 3 and 5 pixels."""
    rng = np.random.default_rng([classes, seed])
    height, width = SIZE
    fields = [ndimage.gaussian_filter(rng.normal(size=SIZE), 24) for _ in range(classes)]
    picture = Image.fromarray(np.argmax(fields, axis=0).astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for thickness in (1, 2, 3, 5) if lines else ():
        x, y = rng.integers(20, width - 20), rng.integers(20, height - 20)
        angle, length = rng.choice([0, np.pi / 2, rng.uniform(0, np.pi)]), rng.uniform(40, 100)
        end = (x + length * np.cos(angle), y + length * np.sin(angle))
        pen.line([(x, y), end], fill=int(rng.integers(classes)), width=thickness)
    return np.asarray(picture).astype(np.int64)


def _cells_table(title: str, some: list[Cell], seeds: int) -> list[str]:
    lines = [f"### {title}: mean IoU, mean over the numbers of classes", ""]
    lines += [f"| coding | chroma | blur sigma | quality | {' | '.join(METHODS)} | CPU ms |", "|" + "---|" * 9]
    groups: dict[tuple[str, str, int, int], list[dict[str, Score]]] = {}
    lost = []
    for cell in some:
        truths = [scene(cell.classes, seed, lines=cell.lines) for seed in range(seeds)]
        scores = _score(((cell.encode(truth), truth) for truth in truths), cell.palette())
        groups.setdefault((cell.coding, cell.chroma, cell.sigma, cell.quality), []).append(scores)
        *others, own = (score.mean_iou for score in scores.values())
        if own < max(others) - TIE:
            lost.append(f"- {cell}: {own:.4f}, best other {max(others):.4f}")
    for key, members in groups.items():
        means = [np.mean([scores[name].mean_iou for scores in members]) for name in METHODS]
        cost = np.mean([scores["this project"].milliseconds for scores in members])
        lines.append(f"| {' | '.join(map(str, key))} | {' | '.join(f'{mean:.4f}' for mean in means)} | {cost:.0f} |")
    lines += ["", f"Cells in which another method is better by more than {TIE}: {len(lost)} of {len(some)}", "", *lost]
    return [*lines, ""]


if __name__ == "__main__":
    sys.exit(main())
