"""AdamP must take the steps of the published optimizer, also in mixed precision."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.training.optimizers.adamp import AdamP

GOLDEN = Path(__file__).parents[2] / "golden" / "adamp.npz"

# Published kernels have the output first, ours have it last.
TO_KERAS = {"conv": (2, 3, 1, 0), "dense": (1, 0), "bias": (0,)}


class Exactly(keras.optimizers.schedules.LearningRateSchedule):
    """A constant rate in double precision; Keras would store a plain number in float32."""

    def __call__(self, step):
        """Returns the rate."""
        return tf.constant(1e-3, tf.float64)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 1e-6)])
def test_the_published_steps(dtype, tolerance):
    """Five steps, with and without either projection, must end where the authors' code does."""
    with np.load(GOLDEN) as golden:
        steps = {
            name: [golden[f"{name}_{step}"].transpose(axes) for step in range(6)]
            for name, axes in TO_KERAS.items()
        }
        gradients = {
            name: [golden[f"{name}_grad{step}"].transpose(axes) for step in range(1, 6)]
            for name, axes in TO_KERAS.items()
        }
    variables = {name: tf.Variable(values[0].astype(dtype)) for name, values in steps.items()}
    optimizer = AdamP(Exactly(), weight_decay=1e-2)
    for step in range(5):
        pairs = [(tf.constant(gradients[n][step], dtype), v) for n, v in variables.items()]
        optimizer.apply_gradients(pairs)
        for name, variable in variables.items():
            np.testing.assert_allclose(
                variable.numpy(), steps[name][step + 1], rtol=0, atol=tolerance, err_msg=name
            )


def test_weights_before_a_norm_keep_their_length():
    """The norm of scale-invariant weights must not grow as under Adam."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=[64, 12]).astype(np.float32), rng.normal(size=[64, 8])

    def growth(optimizer):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.layers.Dense(8, use_bias=False),
                                  keras.layers.BatchNormalization(scale=False)])  # fmt: skip
        model.compile(optimizer, "mse")
        model.build([None, 12])
        before = np.linalg.norm(model.weights[0].numpy(), axis=0)
        model.fit(x, y, epochs=60, batch_size=64, verbose=0)
        return (np.linalg.norm(model.weights[0].numpy(), axis=0) / before).mean()

    plain, projected = growth(keras.optimizers.Adam(0.02)), growth(AdamP(0.02))
    assert plain > 1.1
    assert projected - 1 < 0.5 * (plain - 1)


def test_it_is_saved_with_a_model(tmp_path):
    """A loaded model must have its optimizer with arguments and moments."""
    model = keras.Sequential([keras.layers.Dense(3)])
    model.compile(AdamP(0.01, weight_decay=1e-3, delta=0.2, decay_ratio=0.3), "mse")
    model.fit(np.ones([4, 2], np.float32), np.ones([4, 3]), verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for mine, theirs in zip(model.optimizer.variables, loaded.optimizer.variables, strict=True):
        np.testing.assert_array_equal(mine.numpy(), theirs.numpy())


def test_it_learns_in_mixed_precision():
    """Scaled losses must not break the steps: the weights stay float32 and move."""
    layer = keras.layers.Dense(1, dtype=keras.mixed_precision.Policy("mixed_float16"))
    model = keras.Sequential([layer, keras.layers.Activation("linear", dtype="float32")])
    model.compile(keras.mixed_precision.LossScaleOptimizer(AdamP(0.05)), "mse")
    x = np.linspace(-1, 1, 32, dtype=np.float32)[:, None]
    losses = model.fit(x, 3 * x, epochs=120, verbose=0).history["loss"]
    assert layer.kernel.dtype == tf.float32
    assert losses[-1] < 0.2 * losses[0]
