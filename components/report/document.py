"""One HTML file that holds everything it needs: style, script and data; the standard library is enough to make it."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from importlib import resources
from typing import Any

from components.report.markup import name, text


def document(
    title: str,
    remark: str,
    body: str,
    *,
    style: str,
    script: str,
    data: Mapping[str, Any] | None = None,
    links: Mapping[str, str] | None = None,
) -> str:
    """A whole HTML document, to be written as UTF-8.

    Args:
        title: Heading; any characters.
        remark: HTML of the line below the heading.
        body: HTML of the sections.
        style: CSS.
        script: JavaScript; the only one that a browser will run.
        data: What the script reads as JSON, by the id of the element that holds it.
        links: Short names of sections by the id of their heading.
    """
    held = "".join(
        f'<script type="application/json" id="{text(key)}">{embedded(value)}</script>\n'
        for key, value in (data or {}).items()
    )
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_security_policy(script)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(title, 200)}</title>
<style>{style}</style>
</head>
<body>
<main>
<header>
<h1>{name(title, 200)}</h1>
<p>{remark}</p>{_links(links or {})}
</header>
{body}
</main>
{held}<script>{script}</script>
</body>
</html>
"""


def embedded(value: Any) -> str:
    """A value as JSON that cannot end the script element around it; lone surrogates become question marks."""
    told = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return told.encode("utf-8", "replace").decode("utf-8").replace("<", "\\u003c")


def resource(file_name: str, package: str = __package__) -> str:
    """A text file of a package."""
    return resources.files(package).joinpath(file_name).read_text(encoding="utf-8")


def time_tag(moment: str) -> str:
    """An ISO time to the minute; other text as it is."""
    try:
        known = datetime.fromisoformat(moment)
    except ValueError:
        return name(moment)
    zone = f" {known.tzname()}" if known.tzinfo else ""
    return f'<time datetime="{text(moment)}">{known:%Y-%m-%d %H:%M}{text(zone)}</time>'


def _links(links: Mapping[str, str]) -> str:
    shown = "".join(f'<li><a href="#{anchor}">{text(words)}</a></li>' for anchor, words in links.items())
    return f'\n<nav aria-label="Sections"><ul>{shown}</ul></nav>' if links else ""


def _security_policy(script: str) -> str:
    # A second wall behind the escaping: the browser fetches nothing and runs no script but this very one.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    return f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
