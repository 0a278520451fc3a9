import pytest

from components.trainer.loss_expression import LossExpressionError, loss_rule, parse_loss
from components.trainer.settings import TrainingSettings


@pytest.mark.parametrize(
    ("expression", "factors"),
    [
        ("cross_entropy", {"cross_entropy": 1.0}),
        ("cross_entropy+0.5*dice", {"cross_entropy": 1.0, "dice": 0.5}),
        (" 2 * focal + lovasz + 1e-2*dice", {"focal": 2.0, "lovasz": 1.0, "dice": 0.01}),
        (TrainingSettings().loss, {"cross_entropy": 1.0, "dice": 0.5}),
    ],
)
def test_reads_names_and_factors(expression, factors):
    assert parse_loss(expression) == factors
    assert loss_rule(expression) == ""


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("cross_entrophy+dice", "'cross_entrophy' is not one of .*; did you mean cross_entropy?"),
        ("0.5*dise", "'dise' is not one of .*; did you mean dice?"),
        ("", "'' is not one of cross_entropy, focal, dice, lovasz$"),
        ("dice+", "'' is not one of"),
        ("dice*0.5", "'0.5' is not one of"),
        ("dice+2*dice", "dice comes twice"),
        ("0*dice", "'0' is not a factor above 0, as in 0.5\\*dice"),
        ("-1*dice", "'-1' is not a factor"),
        ("nan*dice", "'nan' is not a factor"),
        ("inf*dice", "'inf' is not a factor"),
        ("a*b*focal", "'a\\*b' is not a factor"),
    ],
)
def test_refuses_what_says_nothing(expression, told):
    with pytest.raises(LossExpressionError, match=told):
        parse_loss(expression)
    assert loss_rule(expression)
