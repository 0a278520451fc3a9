"""TensorBoard reads what a training logs."""

import pytest
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from components.trainer.history import ScalarLog


def test_tensorboard_shows_the_figures_as_scalars_over_the_steps(tmp_path):
    rows = [{"step": 10, "loss": 0.5, "eval_mean_iou": 0.25}, {"step": 20, "loss": 0.125, "eval_mean_iou": 0.75}]
    ScalarLog(str(tmp_path)).write(*rows)
    log = EventAccumulator(str(tmp_path))
    log.Reload()
    for name in ("loss", "eval_mean_iou"):
        events = log.Tensors(name)
        assert [one.step for one in events] == [10, 20]
        values = [float(tf.make_ndarray(one.tensor_proto)) for one in events]
        assert values == pytest.approx([row[name] for row in rows])
        assert log.SummaryMetadata(name).plugin_data.plugin_name == "scalars"
