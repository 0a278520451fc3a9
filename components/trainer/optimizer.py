"""Optimisers with a poly schedule and a slower rate for the encoder."""

from __future__ import annotations

import keras
import tensorflow as tf

from components.trainer.pspnet.model import ENCODER_PREFIXES

POLY_POWER = 0.9
MOMENTUM = 0.9


class WarmUpPoly(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up, then base * (1 - step / total) ** 0.9 (Zhao et al., section 5.1)."""

    def __init__(self, base: float, total_steps: int, warm_up_steps: int):
        """Takes the highest rate, the number of steps of the training, and the steps of the warm-up."""
        self.base = base
        self.total_steps = total_steps
        self.warm_up_steps = warm_up_steps

    def __call__(self, step):
        """The rate of a step that counts from 0."""
        step = tf.cast(step, tf.float32)
        warm_up = tf.minimum(1.0, (step + 1) / max(1, self.warm_up_steps))
        left = tf.maximum(0.0, 1 - step / self.total_steps)
        return self.base * warm_up * left**POLY_POWER

    def get_config(self) -> dict:
        """The schedule's settings, for saving."""
        return {"base": self.base, "total_steps": self.total_steps, "warm_up_steps": self.warm_up_steps}


class _SlowerEncoder:
    """Scales the rate of encoder variables, which Keras has no setting for. Takes gradients summed over replicas."""

    encoder_rate = 1.0

    # It is called once a variable while the step is traced: AutoGraph would convert it anew each time.
    @tf.autograph.experimental.do_not_convert
    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable with its own rate."""
        # Keras hands over the bare TensorFlow variable here; its own one knows the layer's name.
        owner = self._trainable_variables[self._get_variable_index(variable)]  # type: ignore[attr-defined]
        super().update_step(gradient, variable, learning_rate * self._factor(owner))  # type: ignore[misc]

    @tf.autograph.experimental.do_not_convert
    def _apply_weight_decay(self, variables):
        """Decays kernels at their own rate; Keras would decay all of them at the full one."""
        for variable in variables:
            if self._use_weight_decay(variable):  # type: ignore[attr-defined]
                rate = self.learning_rate * self._factor(variable)  # type: ignore[attr-defined]
                variable.assign(variable * (1 - rate * self.weight_decay))  # type: ignore[attr-defined]

    def _all_reduce_sum_gradients(self, grads_and_vars):
        """Leaves them as they are: the training step sums over the replicas before it clips."""
        return grads_and_vars

    def _factor(self, variable: keras.Variable) -> float:
        return self.encoder_rate if variable.path.startswith(ENCODER_PREFIXES) else 1.0


class _FusedAdam(keras.optimizers.AdamW):
    """AdamW by TensorFlow's one operation a variable; Keras' twenty take seconds to trace."""

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable; the arithmetic is Keras'."""
        index = self._get_variable_index(variable)
        step = tf.cast(self.iterations + 1, variable.dtype)
        tf.raw_ops.ResourceApplyAdam(
            var=variable.handle,
            m=self._momentums[index].value.handle,
            v=self._velocities[index].value.handle,
            beta1_power=tf.pow(tf.cast(self.beta_1, variable.dtype), step),
            beta2_power=tf.pow(tf.cast(self.beta_2, variable.dtype), step),
            lr=tf.cast(learning_rate, variable.dtype),
            beta1=self.beta_1,
            beta2=self.beta_2,
            epsilon=self.epsilon,
            grad=gradient,
        )


class SlowerEncoderAdamW(_SlowerEncoder, _FusedAdam):
    """AdamW with a factor on the encoder's rate."""


class SlowerEncoderSGD(_SlowerEncoder, keras.optimizers.SGD):
    """SGD with momentum and a factor on the encoder's rate."""


def make_optimizer(
    name: str, *, rate: float, encoder_rate: float, steps: int, warm_up_steps: int, weight_decay: float
) -> keras.optimizers.Optimizer:
    """Builds the optimiser.

    Args:
        name: `adamw` or `sgd` (momentum 0.9).
        rate: Highest rate, of new layers.
        encoder_rate: Factor on the rate of encoder layers.
        steps: Steps of the whole training.
        warm_up_steps: Steps until the highest rate.
        weight_decay: Decoupled weight decay of kernels.
    """
    schedule = WarmUpPoly(rate, steps, warm_up_steps)
    common = {"learning_rate": schedule, "weight_decay": weight_decay}
    optimizer = SlowerEncoderAdamW(**common) if name == "adamw" else SlowerEncoderSGD(momentum=MOMENTUM, **common)
    optimizer.encoder_rate = encoder_rate
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
