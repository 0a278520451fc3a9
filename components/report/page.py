"""The evaluation page as one HTML file that needs neither network nor scripts."""

from __future__ import annotations

from components.report import listings
from components.report.augmented import augmented_pairs
from components.report.confusion import confusion_matrix
from components.report.content import GalleryPhoto, PageContent
from components.report.curve import training_curves
from components.report.data_summary import data_summary
from components.report.document import document, resource, time_tag
from components.report.histogram import iou_histogram
from components.report.photo_grid import photo_grid
from components.report.scores import class_scores
from components.report.slice_scores import slice_scores
from components.report.verdict import verdict

__all__ = ["GalleryPhoto", "PageContent", "render_page"]

LIMIT = 4_900_000
"""Bytes of a page, whatever the data; pictures get what words leave, and never more than `PICTURES`."""

PICTURES = 3_200_000

_LINKS = {
    "verdict": "Verdict",
    "classes": "Classes",
    "slices": "Slices",
    "confusion": "Confusion",
    "histogram": "By photo",
    "gallery": "Photos",
    "training": "Training",
    "data": "Data",
    "anomalies": "Anomalies",
    "rejections": "Rejected files",
    "facts": "Origin",
}


def render_page(content: PageContent) -> str:
    """Renders the page.

    The page holds everything it needs, stays below 5 MB (long lists are shortened, pictures made smaller),
    works without scripts and inside a sandboxed frame, and treats every string of the content as text.

    Args:
        content: What to show.

    Returns:
        A whole HTML document, to be written as UTF-8.

    Raises:
        ValueError: The shapes of a photo, its truth and its prediction differ.
    """
    summary, label_map = content.summary, content.label_map
    above = [
        verdict(summary),
        class_scores(summary, label_map),
        slice_scores(summary, label_map),
        confusion_matrix(summary, label_map),
        iou_histogram(content.photo_iou, content.photo_iou_before),
    ]
    below = [
        training_curves(content.history, content.kept_step),
        augmented_pairs(content.augmented_pairs),
        data_summary(content.splits, label_map),
        listings.anomalies(content.anomalies),
        listings.rejections(content.rejections),
        listings.facts(content.facts),
    ]
    left = LIMIT - len(_document(content, [*above, *below]).encode())
    pictures = photo_grid(content.gallery, label_map, min(PICTURES, left))
    return _document(content, [*above, pictures, *below])


def _document(content: PageContent, sections: list[str]) -> str:
    return document(
        content.title,
        f"Evaluation of {time_tag(content.created)}",
        "\n".join(filter(None, sections)),
        style=resource("page.css"),
        script=resource("sort.js") + resource("page.js"),
        links=_LINKS,
    )
