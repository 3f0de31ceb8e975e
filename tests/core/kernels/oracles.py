"""The oracle of every model: the model in plain loops, which its kernels must agree with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

from tests.core.kernels import sgns_oracle
from tests.core.kernels.sgns_oracle import Parameters, Updated
from vecmill.core.arrays import Doubles, Floats
from vecmill.core.kernels.sgns_buckets_numpy import STEPS_TOGETHER
from vecmill.core.kernels.sgns_numpy import ROWS_PER_STEP


class Oracle(NamedTuple):
    """A model in plain loops. A batch is rows, or a bucket if the model has kernels of buckets.

    kind           the name of the model in `vecmill.models.MODELS`
    loss           loss(tables, batch) -> nats, all at the given parameters
    gradients      gradients(tables, batch) -> the gradient of that loss by every table
    update         by library: update(tables, rows, rates) -> new tables and loss, with the minibatches of
                   the library's kernel
    update_bucket  the same for buckets
    options        the model's options
    """

    kind: str
    loss: Callable[[Parameters, Any], float]
    gradients: Callable[[Parameters, Any], dict[str, Doubles]]
    update: Mapping[str, Callable[[Parameters, Any, Floats], Updated]]
    update_bucket: Mapping[str, Callable[[Parameters, Any, Floats], Updated]] = {}
    options: Mapping[str, Any] = {}


# One or more per model, with different options; the keys are names of tests.
ORACLES = {
    "sgns": Oracle(
        "sgns",
        sgns_oracle.loss,
        sgns_oracle.gradients,
        {
            "numba": partial(sgns_oracle.update, together=1),
            "numpy": partial(sgns_oracle.update, together=ROWS_PER_STEP),
        },
        {
            "numba": sgns_oracle.update_in_turn,
            "numpy": partial(sgns_oracle.update, together=STEPS_TOGETHER),
        },
    ),
}
