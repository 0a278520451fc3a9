"""The last part of the page: rejected files, anomalies and facts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from components.image_mask_example_gen.rejection import Rejection
from components.report.markup import count, details, head_row, name, note, scrolling, section, text

REJECTIONS_SHOWN = 200
REASONS_SHOWN = 50
ANOMALIES_SHOWN = 100
FACTS_SHOWN = 150
FACTS_OPEN = 20
OPEN_UP_TO = 10


def rejections(rejected: list[Rejection]) -> str:
    """How many files were set aside for which reason, and the first of them."""
    if not rejected:
        return section("rejections", "Rejected files", note("No file was rejected."))
    remark = note(f"{count(len(rejected), 'file')} set aside before training.")
    return section("rejections", "Rejected files", remark, _reasons(rejected), _files(rejected))


def _reasons(rejected: list[Rejection]) -> str:
    by_reason = Counter(one.reason for one in rejected).most_common()
    rows = [(name(reason), number) for reason, number in by_reason[:REASONS_SHOWN]]
    rest = by_reason[REASONS_SHOWN:]
    if rest:
        rows.append((count(len(rest), "other reason"), sum(number for _, number in rest)))
    body = "".join(f'<tr><th scope="row">{reason}</th><td class="num">{number:,}</td></tr>' for reason, number in rows)
    table = f"<table>{head_row(['Reason', 'Files'])}<tbody>{body}</tbody></table>"
    return scrolling("Rejected files by reason", table)


def _files(rejected: list[Rejection]) -> str:
    shown = rejected[:REJECTIONS_SHOWN]
    rows = "".join(
        f'<tr><th scope="row">{name(one.path, 200)}</th><td>{name(one.reason)}</td>'
        f"<td>{name(one.detail, 300)}</td></tr>"
        for one in shown
    )
    head = head_row(["File", "Reason", "Detail"], numeric_from=3)
    table = scrolling("Rejected files", f'<table class="files">{head}<tbody>{rows}</tbody></table>', tall=True)
    if len(rejected) <= OPEN_UP_TO:
        return table
    words = f"The first {len(shown)} of {len(rejected):,} files" if len(shown) < len(rejected) else "All of them"
    return details(words, table)


def anomalies(found: list[str]) -> str:
    """What the data validation found."""
    if not found:
        return section("anomalies", "Anomalies in the data", note("No anomalies were found."))
    items = "".join(f"<li>{name(one, 400)}</li>" for one in found[:ANOMALIES_SHOWN])
    left = len(found) - ANOMALIES_SHOWN
    rest = note(f"The first {ANOMALIES_SHOWN} of {len(found):,}.") if left > 0 else ""
    return section("anomalies", "Anomalies in the data", rest, f'<ul class="anomalies">{items}</ul>')


def facts(known: Mapping[str, Mapping[str, str]]) -> str:
    """Lineage, settings and versions, each under its heading; long lists are folded."""
    groups = [_group(heading, list(values.items())) for heading, values in known.items() if values]
    return section("facts", "Where this comes from", *(groups or [note("Nothing was recorded.")]))


def _group(heading: str, items: list[tuple[str, str]]) -> str:
    rows = "".join(
        f'<tr><th scope="row">{name(key, 120)}</th><td>{_fact(value)}</td></tr>' for key, value in items[:FACTS_SHOWN]
    )
    remark = note(f"The first {FACTS_SHOWN} of {len(items):,}.") if len(items) > FACTS_SHOWN else ""
    table = remark + scrolling(text(heading), f'<table class="facts"><tbody>{rows}</tbody></table>')
    if len(items) > FACTS_OPEN:
        return details(f"{name(heading)} ({len(items):,})", table)
    return f"<h3>{name(heading)}</h3>\n{table}"


def _fact(value: str) -> str:
    return f"<bdi>{text(value, 600)}</bdi>" if value else '<span class="none">no value</span>'
