"""How settings are declared: a default, an explanation and a rule, beside the code that uses them.

The standard library is enough to read declarations, so that `--help` answers at once.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import field, fields
from typing import Any

Rule = Callable[[Any], str]
"""Takes a value; returns what is wrong with it and what would be right, or an empty string."""


class SettingError(ValueError):
    """A setting that cannot be used; the message names it, its value and the nearest valid choice."""


def setting(default: Any, explanation: str, rule: Rule | None = None) -> Any:
    """A dataclass field with its explanation for `--help` and the rule that its values must follow."""
    return field(default=default, metadata={"help": explanation, "rule": rule})


def check(settings: Any) -> None:
    """Checks every field of a settings dataclass against its rule.

    Raises:
        SettingError: The first value that breaks its rule.
    """
    for one in fields(settings):
        rule, value = one.metadata.get("rule"), getattr(settings, one.name)
        complaint = rule(value) if rule else ""
        if complaint:
            raise SettingError(f"{one.name.replace('_', '-')}: {complaint}")


def with_tuples(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values of settings by name as they come out of JSON, which has lists only; settings hold tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}


def nearest(value: str, choices: Iterable[str]) -> str:
    """The choice that looks most like `value`, or an empty string if none does."""
    return next(iter(difflib.get_close_matches(value, list(choices), n=1, cutoff=0.5)), "")


def choice(*choices: str) -> Rule:
    """One of a few words."""

    def rule(value: str) -> str:
        if value in choices:
            return ""
        close = nearest(value, choices)
        meant = f"; did you mean {close}?" if close else ""
        return f"{value!r} is not one of {', '.join(name for name in choices if name)}{meant}"

    rule.choices = choices  # type: ignore[attr-defined]  # for --help
    return rule


def one_of(*numbers: int) -> Rule:
    """One of a few numbers."""

    def rule(value: int) -> str:
        if value in numbers:
            return ""
        close = min(numbers, key=lambda number: abs(number - value))
        return f"{value} is not one of {', '.join(map(str, numbers))}; the nearest that works is {close}"

    rule.choices = tuple(map(str, numbers))  # type: ignore[attr-defined]  # for --help
    return rule


def empty_or(rule: Rule) -> Rule:
    """A list that may be empty, and otherwise follows a rule."""
    return lambda values: rule(values) if values else ""


def between(low: float, high: float) -> Rule:
    """A number of a closed range."""

    def rule(value: float) -> str:
        if low <= value <= high:
            return ""
        if math.isnan(value):
            return f"nan is not a number; it must be from {low:g} to {high:g}"
        return (
            f"{value:g} is not from {low:g} to {high:g}; the nearest value that works is {min(max(value, low), high):g}"
        )

    return rule


def rising_pair(low: float, high: float) -> Rule:
    """Two numbers of a closed range, the second not below the first."""
    one = between(low, high)

    def rule(values: tuple[float, ...]) -> str:
        if len(values) != 2:
            return f"{','.join(map(str, values)) or 'an empty list'} is not two numbers, separated by a comma"
        told = one(values[0]) or one(values[1])
        first, second = values
        return told or (f"{first:g},{second:g} falls; did you mean {second:g},{first:g}?" if first > second else "")

    return rule


def at_least(low: int) -> Rule:
    """A number with a lower bound."""
    return lambda value: "" if value >= low else f"{value} is too small; the nearest value that works is {low}"


def distinct_positive_integers(values: tuple[int, ...]) -> str:
    """The rule for a list of different numbers from 1."""
    told = positive_integers()(values)
    repeated = next((value for value in values if values.count(value) > 1), None)
    return told or (f"{repeated} is listed twice" if repeated else "")


def positive_integers(*, count: int | None = None) -> Rule:
    """A list of numbers from 1, of a fixed length where `count` is given."""

    def rule(values: tuple[int, ...]) -> str:
        if values and min(values) >= 1 and (count is None or len(values) == count):
            return ""
        wanted = f"{count} numbers" if count else "one or more numbers"
        return f"{','.join(map(str, values)) or 'an empty list'} is not {wanted} from 1, separated by commas"

    return rule
