"""The state that the optimizers of the Adam family share."""

from asd_tf.compat import Optimizer


class MomentOptimizer(Optimizer):
    """Base of optimizers that keep a first and a second moment of each gradient."""

    def build(self, variables):
        """Creates the moments of the variables."""
        if self.built:
            return
        super().build(variables)
        self._first, self._second = (
            [self.add_variable_from_reference(variable, name=moment) for variable in variables]
            for moment in ("m", "v")
        )

    def _moments(self, variable):
        """Returns the first and the second moment of the gradient of a variable."""
        index = self._get_variable_index(variable)
        return self._first[index], self._second[index]
