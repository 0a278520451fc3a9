"""The little language of the setting `loss`: names of losses, joined by `+`, each with a factor if one is wanted.

`cross_entropy`, `cross_entropy+0.5*dice` and `0.5*focal + lovasz` are examples. The standard library is enough to read
it, so that `--help` answers at once.
"""

from __future__ import annotations

import math

from components.settings import nearest

LOSSES = ("cross_entropy", "focal", "dice", "lovasz")
"""Names that an expression may hold."""


class LossExpressionError(ValueError):
    """An expression that says nothing; the message names its part and what would be right."""


def parse_loss(expression: str) -> dict[str, float]:
    """Reads an expression.

    Args:
        expression: Terms `name` or `factor*name`, joined by `+`; spaces do not matter.

    Returns:
        The factor of each loss by name, in the order of the expression.

    Raises:
        LossExpressionError: A name is unknown or comes twice, or a factor is not a number above 0.
    """
    factors: dict[str, float] = {}
    for term in expression.split("+"):
        factor, star, name = term.rpartition("*")
        name = name.strip()
        if name not in LOSSES:
            close = nearest(name, LOSSES)
            meant = f"; did you mean {close}?" if close else ""
            raise LossExpressionError(f"{name!r} is not one of {', '.join(LOSSES)}{meant}")
        if name in factors:
            raise LossExpressionError(f"{name} comes twice in {expression!r}; one factor says it all, as in 2*{name}")
        factors[name] = _factor(factor, name) if star else 1.0
    return factors


def _factor(text: str, name: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = math.nan
    if not 0 < factor < math.inf:
        raise LossExpressionError(f"{text.strip()!r} is not a factor above 0, as in 0.5*{name}")
    return factor


def loss_rule(expression: str) -> str:
    """The rule of the setting: what is wrong with an expression, or an empty string."""
    try:
        parse_loss(expression)
    except LossExpressionError as error:
        return str(error)
    return ""
