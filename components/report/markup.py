"""Small pieces of HTML. Every string that comes from data passes through `text` here."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable
from numbers import Real

ABSENT = "absent"
NO_VALUE = "no value"
NAME_LIMIT = 80
TEXT_LIMIT = 400

# Control characters have no meaning in HTML (NUL is even an error), so their pictures are shown instead.
_CONTROL_PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\t\n"} | {0x7F: 0x2421}


def text(value: object, limit: int = TEXT_LIMIT) -> str:
    """Escapes a value for element content and quoted attributes.

    Args:
        value: Anything; file names with undecodable bytes (lone surrogates) too.
        limit: Longer strings lose their middle, because the end of a path tells more than its middle.
    """
    clean = str(value).encode("utf-8", "replace").decode("utf-8").translate(_CONTROL_PICTURES)
    if len(clean) > limit:
        head = limit // 2
        clean = f"{clean[:head]}…{clean[len(clean) - (limit - head - 1) :]}"
    return html.escape(clean, quote=True)


def name(value: object, limit: int = NAME_LIMIT) -> str:
    """A name from the data, isolated so that right-to-left letters do not reorder what surrounds it."""
    return f"<bdi>{text(value, limit)}</bdi>"


def name_in_attribute(value: object, limit: int = NAME_LIMIT) -> str:
    """Like `name` for attributes, where isolating needs Unicode's own characters instead of an element."""
    return f"\u2068{text(value, limit)}\u2069"


def finite(value: float | None) -> float | None:
    """The value, or None where it is not a number that can be shown."""
    return float(value) if isinstance(value, Real) and math.isfinite(value) else None


def score(value: float | None, *, missing: str = ABSENT, digits: int = 3) -> str:
    """A score with a fixed number of decimals, or the word for "there is none"."""
    known = finite(value)
    return f'<span class="none">{missing}</span>' if known is None else decimal(known, digits)


def decimal(value: float, digits: int) -> str:
    """A number with a typographic minus."""
    shown = f"{value:.{digits}f}"
    return shown.replace("-", "−") if float(shown) else f"{0:.{digits}f}"


def change(before: float | None, now: float | None) -> str:
    """The difference of two scores with sign and arrow, or `no value` where one of them is missing."""
    first, second = finite(before), finite(now)
    if first is None or second is None:
        return f'<span class="none">{NO_VALUE}</span>'
    difference = round(second - first, 3)
    if not difference:
        return '<span class="same">±0.000</span>'
    kind, arrow, sign = ("better", "▲", "+") if difference > 0 else ("worse", "▼", "−")
    return f'<span class="{kind}"><span aria-hidden="true">{arrow}</span> {sign}{abs(difference):.3f}</span>'


def interval(known: tuple[float, float] | None, *, lead: str = "") -> str:
    """A 95 % interval as a small line of its own, after a few words; nothing without one."""
    if known is None:
        return ""
    low, high = (decimal(one, 3) for one in known)
    words = lead or '<span class="unseen">, 95 % interval </span>'
    return f'<span class="interval">{words}{low} to {high}</span>'


def change_with_interval(
    before: float | None, now: float | None, difference: float | None, noise: tuple[float, float] | None
) -> str:
    """A change with its 95 % interval; `difference` is used where it is known."""
    shown = change(0.0, difference) if finite(difference) is not None else change(before, now)
    return shown + interval(noise)


def data_bar(value: float | None, noise: tuple[float, float] | None = None) -> str:
    """A table cell with a score, a thin bar below it and its interval; sorts by the score."""
    known = finite(value)
    style = "" if known is None else f' style="--share:{100 * known:.1f}%"'
    order = "" if known is None else f"{known:.6f}"
    return f'<td class="num data" data-value="{order}"{style}>{score(value)}{interval(noise)}</td>'


def share(part: float, whole: float) -> str:
    """A percentage; a part that would round to zero is told from none."""
    if not whole:
        return NO_VALUE
    percent = 100 * part / whole
    return "&lt;0.1 %" if 0 < percent < 0.05 else f"{percent:.1f} %"


def count(number: int, singular: str, plural: str = "") -> str:
    """A number with its noun, as in `1 file` and `10,000 files`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def section(anchor: str, heading: str, *parts: str) -> str:
    """A section with its heading; empty parts are left out."""
    body = "\n".join(part for part in parts if part)
    return f'<section aria-labelledby="{anchor}">\n<h2 id="{anchor}">{heading}</h2>\n{body}\n</section>'


def note(sentence: str) -> str:
    """A paragraph that explains what is above or below; the sentence is HTML."""
    return f'<p class="note">{sentence}</p>'


def scrolling(label: str, inner: str, *, tall: bool = False) -> str:
    """A container that scrolls by itself; it takes the focus so that keys can scroll it."""
    kind = "scroll tall" if tall else "scroll"
    return f'<div class="{kind}" role="region" aria-label="{label}" tabindex="0">{inner}</div>'


def head_row(cells: Iterable[str], *, numeric_from: int = 1, sortable: bool = False) -> str:
    """The header of a table; the cells are HTML. A script makes the columns of a sortable one sort."""
    sorts = " data-sortable" if sortable else ""
    row = "".join(
        f'<th scope="col"{" class=num" if index >= numeric_from else ""}{sorts}>{cell}</th>'
        for index, cell in enumerate(cells)
    )
    return f"<thead><tr>{row}</tr></thead>"


def details(summary: str, inner: str) -> str:
    """Content that opens on demand, without a script."""
    return f"<details><summary>{summary}</summary>{inner}</details>"
