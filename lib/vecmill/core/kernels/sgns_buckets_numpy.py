"""Skip-gram with negative sampling over a bucket, for blocked training, in NumPy.

The loss has the terms of `core.kernels.sgns_numpy`. With s(x) = 1 / (1 + exp(-x)), they are -log s(c . w)
for every pair (w, c) of the bucket, and -log s(-n . w) for every noisy word w and each noise word n of its
step.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from vecmill.core.arrays import Floats, Places
from vecmill.core.buckets import STEP_PAIRS, TILE_NOISE, TILE_WORDS, Bucket
from vecmill.core.kernels.sgns_numpy import check_array, check_ids, distinct, softplus
from vecmill.errors import ShapeError

# Steps whose gradients are taken at the same parameters. Enough to outweigh the overhead of NumPy's calls;
# together they have about as many pairs as a step of `core.kernels.sgns_numpy`.
STEPS_TOGETHER = 4

# Steps that one plan covers.
_STEPS_PER_PLAN = 256


def update(
    W: Floats,
    C: Floats,
    bucket: Bucket,
    learning_rates: Floats,
    steps: range | None = None,
    *,
    steps_together: int = STEPS_TOGETHER,
) -> float:
    """One pass of minibatch gradient descent over the steps of a bucket, in place on W and C.

        W               (words of the region, D)     float32  changed
        C               (contexts of the region, D)  float32  changed
        learning_rates  (G,)                         float32  one per step
        steps           consecutive steps to train; None trains all
        steps_together  consecutive steps whose gradients are taken at the same parameters and summed

    Returns the loss in nats, summed over pairs and noise, each at the parameters before its minibatch. The
    same arguments give the same bytes. Raises ShapeError.
    """
    steps = range(len(learning_rates)) if steps is None else steps
    check(W, C, bucket, learning_rates, steps)
    if steps_together < 1:
        raise ShapeError(f"steps_together must be at least 1, got {steps_together}")
    size = max(1, _STEPS_PER_PLAN // steps_together) * steps_together
    total = 0.0
    for first in range(steps.start, steps.stop, size):
        plan = _plan(bucket, first, min(first + size, steps.stop), steps_together)
        scores = np.empty(len(plan.places), np.float32)
        # s(x) - label = (tanh(x / 2) - target) / 2 with target +1 for a context and -1 for noise.
        half_rates = np.float32(-0.5) * learning_rates[plan.step]
        for number in range(len(plan.word_bounds) - 1):
            words = plan.words[plan.word_bounds[number] : plan.word_bounds[number + 1]]
            outputs = plan.outputs[plan.output_bounds[number] : plan.output_bounds[number + 1]]
            own = slice(plan.pair_bounds[number], plan.pair_bounds[number + 1])
            word_vectors, output_vectors = W.take(words, axis=0), C.take(outputs, axis=0)
            product = word_vectors @ output_vectors.T
            product.take(plan.places[own], out=scores[own], mode="clip")
            gains = (np.tanh(scores[own] * np.float32(0.5)) - plan.target[own]) * half_rates[own]
            gain_matrix = np.zeros_like(product)
            np.add.at(gain_matrix.reshape(-1), plan.places[own], gains)
            W[words] = word_vectors + gain_matrix @ output_vectors
            C[outputs] = output_vectors + gain_matrix.T @ word_vectors
        total += float(softplus(-plan.target * scores).sum(dtype=np.float64))
    return total


class _Plan(NamedTuple):
    """The positions of the S scores of some steps in the products (U, O) of their minibatches.

    words, word_bounds      distinct words, minibatch after minibatch, and where each minibatch begins
    outputs, output_bounds  the same for outputs
    pair_bounds             where each minibatch begins among the scores
    places  (S,)            the position of each score in the flattened product of its minibatch
    target  (S,)  float32   1 for a pair, -1 for noise
    step    (S,)            the step of each score, counted from the first step of the bucket
    """

    words: Places
    word_bounds: Places
    outputs: Places
    output_bounds: Places
    pair_bounds: Places
    places: Places
    target: Floats
    step: Places


def _plan(bucket: Bucket, begin: int, end: int, steps_together: int) -> _Plan:
    steps = len(bucket.noise)
    pair_steps, pairs = _items(len(bucket.words), begin, end, steps)
    noisy_steps, noisy = _items(len(bucket.noisy), begin, end, steps)
    n_pairs, n_words = len(pair_steps), len(pair_steps) + len(noisy_steps)
    n_batches = -(-(end - begin) // steps_together)

    word_batch = (np.concatenate([pair_steps, noisy_steps]) - begin) // steps_together
    ids = np.concatenate([bucket.words[pairs], bucket.noisy[noisy]])
    words, word_bounds, word_places = distinct(ids, word_batch, n_batches)

    noise_batch = np.repeat((np.arange(begin, end) - begin) // steps_together, TILE_NOISE)
    output_batch = np.concatenate([word_batch[:n_pairs], noise_batch])
    ids = np.concatenate([bucket.contexts[pairs], bucket.noise[begin:end].ravel()])
    outputs, output_bounds, output_places = distinct(ids, output_batch, n_batches)

    noise_places = output_places[n_pairs:].reshape(-1, TILE_NOISE)[noisy_steps - begin]
    # Pairs first, then each noisy word with the noise words of its step; then sorted by minibatch.
    word_of = np.concatenate([np.arange(n_pairs), np.repeat(np.arange(n_pairs, n_words), TILE_NOISE)])
    batch = word_batch[word_of]
    places = word_places[word_of] * np.diff(output_bounds)[batch]
    places += np.concatenate([output_places[:n_pairs], noise_places.ravel()])
    target = np.full(len(places), -1, np.float32)
    target[:n_pairs] = 1
    step = np.concatenate([pair_steps, noisy_steps])[word_of]
    order = np.argsort(batch, kind="stable")
    pair_bounds = np.searchsorted(batch[order], np.arange(n_batches + 1))
    return _Plan(
        words,
        word_bounds,
        outputs,
        output_bounds,
        pair_bounds,
        places[order],
        target[order],
        step[order],
    )


def _items(items: int, begin: int, end: int, steps: int) -> tuple[Places, slice]:
    """The step of each item in steps `begin` to `end`, and the slice of these items among all."""
    bounds = np.arange(begin, end + 1) * items // steps
    return np.repeat(np.arange(begin, end), np.diff(bounds)), slice(bounds[0], bounds[-1])


def check(W: Floats, C: Floats, bucket: Bucket, learning_rates: Floats, part: range) -> None:
    """Raise ShapeError unless the arguments of a kernel are as `update` documents them."""
    if W.ndim != 2:
        raise ShapeError(f"W must have the shape (V, D), got {W.shape}")
    check_array("W", W, np.float32, W.shape)
    check_array("C", C, np.float32, (*C.shape[:1], W.shape[1]))
    n_pairs, n_noisy, steps = len(bucket.words), len(bucket.noisy), len(bucket.noise)
    check_array("words", bucket.words, np.int32, (n_pairs,))
    check_array("contexts", bucket.contexts, np.int32, (n_pairs,))
    check_array("noisy", bucket.noisy, np.int32, (n_noisy,))
    check_array("noise", bucket.noise, np.int32, (steps, TILE_NOISE))
    check_array("learning_rates", learning_rates, np.float32, (steps,))
    if part.step != 1 or part.start < 0 or part.stop > steps:
        raise ShapeError(f"steps must be consecutive steps in 0..{steps}, got {part}")
    # The compiled kernel multiplies the likelihoods of all pairs of a step before it takes a logarithm.
    if n_pairs > STEP_PAIRS * steps or n_noisy > TILE_WORDS * steps:
        raise ShapeError(
            f"noise must have one step per {STEP_PAIRS} of {n_pairs} pairs and per {TILE_WORDS} of "
            f"{n_noisy} noisy words, got {steps} steps"
        )
    for name, ids, size in (
        ("words", bucket.words, len(W)),
        ("noisy", bucket.noisy, len(W)),
        ("contexts", bucket.contexts, len(C)),
        ("noise", bucket.noise, len(C)),
    ):
        check_ids(name, ids, size)
