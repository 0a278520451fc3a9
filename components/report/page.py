"""The evaluation page as one HTML file that needs neither network nor scripts."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from importlib import resources

from components.report import listings
from components.report.confusion import confusion_matrix
from components.report.content import GalleryPhoto, PageContent
from components.report.curve import training_curves
from components.report.data_summary import data_summary
from components.report.markup import name, text
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
    return _document(content, "\n".join(sections))


def _document(content: PageContent, body: str) -> str:
    style, script = _resource("page.css"), _resource("page.js")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_security_policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(content.title, 200)}</title>
<style>{style}</style>
</head>
<body>
<main>
<header>
<h1>{name(content.title, 200)}</h1>
<p>Evaluation of {_time(content.created)}</p>
</header>
{body}
</main>
<script>{script}</script>
</body>
</html>
"""


def _security_policy(script: str) -> str:
    # A second wall behind the escaping: the browser fetches nothing and runs no script but this very one.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


def _resource(file_name: str) -> str:
    return resources.files(__package__).joinpath(file_name).read_text(encoding="utf-8")


def _time(created: str) -> str:
    try:
        moment = datetime.fromisoformat(created)
    except ValueError:
        return name(created)
    zone = f" {moment.tzname()}" if moment.tzinfo else ""
    return f'<time datetime="{text(created)}">{moment:%Y-%m-%d %H:%M}{text(zone)}</time>'
