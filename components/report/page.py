"""The evaluation page as one HTML file that needs neither network nor scripts."""

from __future__ import annotations

from components.report import listings
from components.report.confusion import confusion_matrix
from components.report.content import GalleryPhoto, PageContent
from components.report.curve import training_curves
from components.report.data_summary import data_summary
from components.report.document import document, resource, time_tag
from components.report.photo_grid import photo_grid
from components.report.scores import class_scores, slice_scores
from components.report.verdict import verdict

__all__ = ["GalleryPhoto", "PageContent", "render_page"]


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
    sections = [
        verdict(summary),
        class_scores(summary, label_map),
        slice_scores(summary, label_map),
        confusion_matrix(summary, label_map),
        photo_grid(content.gallery, label_map),
        training_curves(content.history),
        data_summary(content.splits, label_map),
        listings.rejections(content.rejections),
        listings.anomalies(content.anomalies),
        listings.facts(content.facts),
    ]
    return document(
        content.title,
        f"Evaluation of {time_tag(content.created)}",
        "\n".join(sections),
        style=resource("page.css"),
        script=resource("page.js"),
    )
