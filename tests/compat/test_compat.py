"""What stands for Keras 3 in both versions of Keras must do the same in both."""

import keras
import numpy as np
import tensorflow as tf

from asd_tf import compat


class Pair(keras.layers.Layer):
    """Holds layers in a tuple, in a dict and directly, one of them twice."""

    def __init__(self):
        super().__init__()
        self.pair = (keras.layers.Dense(2, name="a"), keras.layers.Dense(2, name="b"))
        self.named = {"c": keras.layers.Dense(2, name="c")}
        self.again = self.pair[0]

    def call(self, x):
        """Calls all of them."""
        for layer in (*self.pair, *self.named.values()):
            x = layer(x)
        return x


def test_layers_are_found_in_layers_and_in_models():
    """Each layer must be found once, however deep it is, and the layer itself never."""
    x = keras.Input([2])
    inner = keras.Model(x, Pair()(x), name="inner")
    x = keras.Input([2])
    outer = keras.Model(x, keras.layers.Dense(1, name="top")(inner(x)))
    names = [layer.name for layer in compat.sublayers(outer)]
    for name in ("a", "b", "c", "top", "inner"):
        assert names.count(name) == 1
    assert outer not in compat.sublayers(outer)
    assert not compat.sublayers(keras.layers.Dense(1))


def test_a_path_names_the_layers_of_a_variable():
    layer = keras.layers.Dense(2, name="dense")
    keras.Model(x := keras.Input([2]), layer(x))
    assert compat.path_of(layer.kernel) == "dense/kernel"
    assert compat.path_of(tf.Variable(1.0, name="alone")) == "alone"


def test_a_checkpoint_holds_the_whole_state(tmp_path):
    """Norms and counters inside layers, and the moments, must be in the state of a training."""
    models = []
    for seed in (1, 2):
        keras.utils.set_random_seed(seed)
        x = keras.Input([2])
        norm = keras.layers.BatchNormalization(name="norm")
        model = keras.Model(x, Pair()(keras.Model(x, norm(x))(x)))
        model.compile(keras.optimizers.Adam(0.1), "mse", jit_compile=False)
        model.optimizer.build(model.trainable_variables)
        models.append(model)
    trained, other = models
    trained.fit(np.ones([8, 2]), np.ones([8, 2]), verbose=0)
    tf.train.Checkpoint(**compat.state_of_training(trained)).write(str(tmp_path / "x"))
    checkpoint = tf.train.Checkpoint(**compat.state_of_training(other))
    checkpoint.read(str(tmp_path / "x")).assert_consumed()
    for of in (lambda model: model.weights, lambda model: model.optimizer.variables):
        for one, two in zip(of(trained), of(other), strict=True):
            np.testing.assert_array_equal(one.numpy(), two.numpy())


def test_weights_in_the_older_layout_are_read_by_keras(tmp_path):
    x = keras.Input([2])
    inner = keras.Model(x, keras.layers.Dense(3, name="inner_dense")(x), name="inner")
    model = keras.Model(x, keras.layers.BatchNormalization(name="norm")(inner(x)))
    expected = model.get_weights()
    compat.save_h5(model, tmp_path / "weights.h5")
    model.set_weights([value + 1 for value in expected])
    model.load_weights(tmp_path / "weights.h5")
    for value, weight in zip(expected, model.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, value)


def test_a_layer_takes_the_name_of_an_aggregation():
    layer = compat.Layer()
    found = layer.add_weight(name="w", shape=[], initializer="zeros", aggregation="mean")
    assert compat.native(found).aggregation == tf.VariableAggregation.MEAN
