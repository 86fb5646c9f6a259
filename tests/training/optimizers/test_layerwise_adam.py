"""Two learning rates must both be right, and moments must survive saving and resuming."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from asd_tf.training.one_cycle import one_cycle_momentum, one_cycle_rate
from asd_tf.training.optimizers.layerwise_adam import LayerwiseAdam, rate_factors

SHAPES = {"kernel": [3, 3, 2, 4], "dense": [5, 6], "bias": [6]}
FACTORS = {"kernel": 0.5, "dense": 2.0}


def written_out(start, gradients, rates, betas, factor):
    """Algorithm 1 in double precision, a value at a time corrected by the step's own beta_1."""
    value, first, second = start.copy(), np.zeros_like(start), np.zeros_like(start)
    for step, (gradient, rate, beta) in enumerate(zip(gradients, rates, betas, strict=True), 1):
        first = beta * first + (1 - beta) * gradient
        second = 0.999 * second + 0.001 * gradient**2
        corrected = first / (1 - beta**step), second / (1 - 0.999**step)
        value = value - factor * rate * corrected[0] / (np.sqrt(corrected[1]) + 1e-8)
    return value


@pytest.mark.parametrize("cycled", [False, True])
def test_every_step_is_adams_times_the_factor(cycled):
    rng = np.random.default_rng(0)
    starts = {name: rng.normal(size=shape) for name, shape in SHAPES.items()}
    gradients = {name: rng.normal(size=[12, *shape]) for name, shape in SHAPES.items()}
    variables = {n: tf.Variable(v, name=n, dtype=tf.float32) for n, v in starts.items()}
    rate, beta = (one_cycle_rate(0.1, 12), one_cycle_momentum(12)) if cycled else (0.1, 0.9)
    optimizer = LayerwiseAdam(rate, FACTORS, beta)
    for step in range(12):
        optimizer.apply_gradients(
            [(tf.constant(gradients[n][step], tf.float32), v) for n, v in variables.items()]
        )
    steps = np.arange(12)
    rates = rate(steps).numpy() if cycled else np.full(12, 0.1)
    betas = beta(steps).numpy() if cycled else np.full(12, 0.9)
    for name, variable in variables.items():
        factor = FACTORS.get(name, 1.0)
        expected = written_out(starts[name], gradients[name], rates, betas, factor)
        np.testing.assert_allclose(variable, expected, atol=2e-5, err_msg=name)
        moved = np.abs(expected - starts[name]).max()
        assert moved > 0.01


def network(**kwargs):
    """Convolution, norm and dense layer, the first two within a model of their own."""
    keras.utils.set_random_seed(0)
    image = keras.Input([6, 6, 1])
    x = keras.layers.Conv2D(3, 3, name="stem", **kwargs)(image)
    x = keras.layers.BatchNormalization(dtype="float32", name="norm")(x)
    backbone = keras.Model(image, keras.layers.Flatten()(x), name="backbone")
    image = keras.Input([6, 6, 1])
    outputs = keras.layers.Dense(2, dtype="float32", name="head")(backbone(image))
    return keras.Model(image, outputs)


def batch(step):
    rng = np.random.default_rng(step)
    return rng.normal(size=[8, 6, 6, 1]).astype(np.float32), rng.normal(size=[8, 2])


def compiled(model):
    factors = rate_factors(model, convolution=0.5)
    optimizer = LayerwiseAdam(one_cycle_rate(0.05, 20), factors, one_cycle_momentum(20))
    model.compile(optimizer, "mse")
    optimizer.build(model.trainable_variables)
    return model


def test_convolutions_and_their_norms_have_the_factor():
    names = ["stem/kernel", "stem/bias", "norm/gamma", "norm/beta"]
    assert rate_factors(network(), convolution=0.5) == dict.fromkeys(names, 0.5)


def test_factors_of_another_model_are_refused():
    """Names that match no variable, or several, must be refused."""
    optimizer = LayerwiseAdam(factors={"elsewhere/kernel": 0.5})
    with pytest.raises(ValueError, match=r"got elsewhere/kernel of 0 variables"):
        optimizer.build(network().trainable_variables)
    twice = [tf.Variable([0.0], name="same"), tf.Variable([0.0], name="same")]
    with pytest.raises(ValueError, match="of 2 variables"):
        LayerwiseAdam(factors={"same": 0.5}).build(twice)


def test_a_resumed_training_takes_the_same_steps(tmp_path):
    """A checkpoint must restore the moments and the step count exactly."""
    whole = compiled(network())
    for step in range(5):
        whole.train_on_batch(*batch(step))
        if step == 2:
            tf.train.Checkpoint(model=whole, optimizer=whole.optimizer).write(str(tmp_path / "x"))
    resumed = compiled(network())
    checkpoint = tf.train.Checkpoint(model=resumed, optimizer=resumed.optimizer)
    checkpoint.read(str(tmp_path / "x")).assert_consumed()
    for step in range(3, 5):
        resumed.train_on_batch(*batch(step))
    for one, other in zip(whole.weights, resumed.weights, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())
    for one, other in zip(whole.optimizer.variables, resumed.optimizer.variables, strict=True):
        np.testing.assert_array_equal(one.numpy(), other.numpy())


def test_it_is_saved_with_a_model(tmp_path):
    model = compiled(network())
    model.train_on_batch(*batch(0))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for one in (model, loaded):
        one.train_on_batch(*batch(1))
    for one, other in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6)


def test_it_learns_in_mixed_precision():
    """Scaled losses must not break the steps: the weights stay float32 and move."""
    model = network(dtype=keras.mixed_precision.Policy("mixed_float16"))
    factors = rate_factors(model, convolution=0.5)
    optimizer = LayerwiseAdam(0.02, factors)
    model.compile(keras.mixed_precision.LossScaleOptimizer(optimizer), "mse")
    x, y = batch(0)
    losses = model.fit(x, y, epochs=40, verbose=0).history["loss"]
    assert {tf.as_dtype(weight.dtype) for weight in model.trainable_weights} == {tf.float32}
    assert losses[-1] < 0.2 * losses[0]
