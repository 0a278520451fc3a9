"""The first part of the page: may the model be served, and why."""

from __future__ import annotations

from typing import TypeVar

from components.evaluator.summary import ALL_PHOTOS, Check, EvaluationSummary, Interval, SliceChange, SliceScores
from components.report.markup import NO_VALUE, change, count, decimal, details, finite, interval, name, score, text

MANY_CHECKS = 16
NAMED_FAILURES = 3
MISSING_SHOWN = 50

_TILES = {
    "mean_dice": "Mean Dice",
    "mean_boundary_iou": "Mean boundary IoU",
    "frequency_weighted_iou": "Frequency-weighted IoU",
    "pixel_accuracy": "Pixel accuracy",
}

Row = TypeVar("Row", SliceScores, SliceChange)


def whole(rows: list[Row]) -> Row | None:
    """What is told of all photos, or None where that is nothing."""
    return next((row for row in rows if row.name == ALL_PHOTOS), None)


def verdict(summary: EvaluationSummary) -> str:
    """The verdict, the scores that matter most, and each check as a sentence."""
    kind, symbol, words = (
        ("blessed", "✓", "Blessed: may be served") if summary.blessed else ("refused", "✕", "Refused: not served")
    )
    return (
        f'<section class="verdict {kind}" aria-labelledby="verdict">\n'
        f'<div class="ruling"><span class="seal" aria-hidden="true">{symbol}</span>'
        f'<div><h2 id="verdict">{words}</h2><p>{_reason(summary)}</p></div></div>\n'
        f"{_tiles(summary)}\n{_checks(summary)}\n{_missing(summary.missing)}</section>"
    )


def _reason(summary: EvaluationSummary) -> str:
    failed = [check for check in summary.checks if not check.passed]
    total = len(summary.checks)
    if summary.blessed and failed:
        return f"The evaluator blessed the model although {len(failed)} of {count(total, 'check')} did not pass."
    if failed:
        heading = f"{len(failed)} of {count(total, 'check')} failed"
        if len(failed) == 1:
            return f"{heading}. {_finding(failed[0])}."
        named = ", ".join(name(check.what) for check in failed[:NAMED_FAILURES])
        more = f" and {len(failed) - NAMED_FAILURES} more" if len(failed) > NAMED_FAILURES else ""
        return f"{heading}: {named}{more}."
    if summary.missing:
        missing = count(len(summary.missing), "value")
        return f"Not in the data, though a threshold needs it: {missing}."
    passed = {0: "No check was made.", 1: "The only check passed."}.get(total, f"All {total} checks passed.")
    return passed if summary.blessed else f"{passed} The evaluator refused for another reason."


def _tiles(summary: EvaluationSummary) -> str:
    now, before = whole(summary.candidate), whole(summary.baseline)
    if now is None:
        return '<p class="note">There are no scores over all photos.</p>'
    changes = whole(summary.changes)
    noise = changes.mean_iou_interval if changes else None
    tiles = [_tile("Mean IoU", now.mean_iou, before, "mean_iou", now.mean_iou_interval, noise)]
    tiles += [_tile(label, getattr(now, one), before, one) for one, label in _TILES.items()]
    tiles.append(f"<div><dt>Photos</dt><dd>{now.photos:,}</dd></div>")
    return f'<dl class="tiles">{"".join(tiles)}</dl>'


def _tile(
    label: str,
    now: float | None,
    baseline: SliceScores | None,
    attribute: str,
    noise: Interval | None = None,
    change_noise: Interval | None = None,
) -> str:
    span = f'<dd class="against">{interval(noise, lead="95 %: ")}</dd>' if noise else ""
    against = ""
    if baseline:
        shown = change(getattr(baseline, attribute), now)
        against = f'<dd class="against">{shown} against baseline{interval(change_noise, lead="95 %: ")}</dd>'
    return f"<div><dt>{label}</dt><dd>{score(now, missing=NO_VALUE)}</dd>{span}{against}</div>"


def _checks(summary: EvaluationSummary) -> str:
    ordered = sorted(summary.checks, key=lambda check: check.passed)
    if len(ordered) <= MANY_CHECKS:
        return _check_list(ordered)
    failed = [check for check in ordered if not check.passed]
    passed = [check for check in ordered if check.passed]
    folded = details(f"{count(len(passed), 'check')} passed", _check_list(passed)) if passed else ""
    return _check_list(failed) + folded


def _check_list(checks: list[Check]) -> str:
    return f'<ul class="checks">{"".join(map(_check, checks))}</ul>' if checks else ""


def _check(check: Check) -> str:
    kind, symbol = ("passed", "✓") if check.passed else ("failed", "✕")
    margin = finite(check.margin)
    # A rule may hold although its number does not, or fail although it does: then the note says why.
    told = margin is not None and check.passed == (margin >= 0)
    by = f" by {_margin(margin, check.digits)}" if told and margin is not None else ""
    noted = f" ({text(check.note)})" if check.note else ""
    return (
        f'<li class="{kind}"><span class="mark" aria-hidden="true">{symbol}</span>'
        f"<span>{_finding(check)}, <strong>{kind}{by}</strong>{noted}</span></li>"
    )


def _finding(check: Check) -> str:
    what = name(check.what[:1].upper() + check.what[1:], 120)
    value = finite(check.value)
    found = "no value" if value is None else f"<strong>{decimal(value, check.digits)}</strong>"
    return f"{what}: {found}; {check.bound} {_plain(check.required)} is required"


def _margin(difference: float, digits: int) -> str:
    shown = f"{abs(difference):.{digits}f}"
    return shown if float(shown) or not difference else f"less than {10**-digits:g}"


def _plain(value: float) -> str:
    """A threshold as a person would write it, with a typographic minus."""
    return f"{value:g}".replace("-", "−")


def _missing(missing: list[str]) -> str:
    if not missing:
        return ""
    items = "".join(f"<li>{text(one)}</li>" for one in missing[:MISSING_SHOWN])
    left = len(missing) - MISSING_SHOWN
    rest = f"<p>and {left:,} more</p>" if left > 0 else ""
    heading = "<h3>Needed by a threshold, but not in the data</h3>"
    return f'<div class="missing">{heading}<ul>{items}</ul>{rest}</div>'
