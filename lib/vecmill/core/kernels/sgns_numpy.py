"""Skip-gram with negative sampling over rows of the pairs table, in NumPy.

With s(x) = 1 / (1 + exp(-x)), the centre c of a row, its noise words n and every word w of its window:

    L = -[ log s(c . w) + sum_n log s(-n . w) ]
    dL/dw = sum_o (s(o . w) - label_o) o        dL/do = (s(o . w) - label_o) w

where the outputs o are c (label 1) and the n (label 0).

Source: Mikolov et al. 2013, arXiv:1310.4546, eq. 4, negated so that lower is better; the K noise words of a
row replace the expectation over noise. As in word2vec.c a noise word equal to the centre of its row is left
out. Unlike word2vec.c, s() is exact and not a table cut at |x| > 6.

B rows, P words in all windows, K noise words per row, V words in the vocabulary, D dimensions.
In one step: U distinct words, O distinct outputs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from vecmill.core.arrays import Floats, Ids, Places
from vecmill.core.rows import Rows
from vecmill.errors import ShapeError

# Enough rows to outweigh the overhead of NumPy's calls. Larger steps gain little speed. They sum more
# gradients of a frequent word, all taken at the same parameters, and overshoot: at a rate of 0.1 and window
# 5, the loss of steps of 16 rows was within 0.4 % of the loss row by row, and steps of 32 diverged.
ROWS_PER_STEP = 16

# Rows that one plan covers: enough to hide the overhead of calls, few enough to stay in the CPU's cache.
_ROWS_PER_PLAN = 1024

_LARGEST_KEY = int(np.iinfo(np.int64).max)


def update(
    W: Floats,
    C: Floats,
    rows: Rows,
    learning_rates: Floats,
    *,
    rows_per_step: int = ROWS_PER_STEP,
) -> float:
    """One pass of minibatch gradient descent over `rows`, in place on W and C.

        W, C            (V, D)  float32  parameters of the words and of the outputs; changed
        learning_rates  (B,)    float32  one per row
        rows_per_step   consecutive rows whose gradients are taken at the same parameters and summed

    Returns the loss in nats, summed over all words and their outputs, each at the parameters before its
    step. The same arguments give the same bytes. Raises ShapeError. A step costs three products of
    U x O x D. Consecutive rows of a text share most of their words, which keeps U small.
    """
    check(W, C, rows, learning_rates)
    if rows_per_step < 1:
        raise ShapeError(f"rows_per_step must be at least 1, got {rows_per_step}")
    total = 0.0
    for part, first in _parts(rows, rows_per_step):
        plan = _plan(part, rows_per_step)
        rates = learning_rates[first : first + len(part.centers)]
        # label - s(x) = -(tanh(x / 2) - target) / 2 with target +1 for the centre and -1 for noise.
        half_rates = np.float32(-0.5) * rates[:, None] * plan.counted
        half_rates = half_rates.take(plan.row_of_word, axis=0)
        target = -plan.sign
        scores = np.empty(plan.pairs.shape, np.float32)
        for words, outputs, step in plan.steps():
            word_vectors = W.take(words, axis=0)
            output_vectors = C.take(outputs, axis=0)
            pairs = plan.pairs[step]
            matrix = word_vectors @ output_vectors.T
            matrix.take(pairs, out=scores[step], mode="clip")

            gains = scores[step] * np.float32(0.5)
            np.tanh(gains, out=gains)
            gains -= target
            gains *= half_rates[step]
            # The scores are copied, so the same memory can collect the gains of all pairs.
            matrix.fill(0)
            np.add.at(matrix.reshape(-1), pairs.reshape(-1), gains.reshape(-1))

            W[words] = word_vectors + matrix @ output_vectors
            C[outputs] = output_vectors + matrix.T @ word_vectors
        total += _nats(scores, plan)
    return total


def loss(W: Floats, C: Floats, rows: Rows) -> float:
    """The loss of `rows` in nats, summed as in `update`; W and C (V, D) float32 stay. Raises ShapeError."""
    _check_tables(W, C)
    _check_rows(rows, len(W))
    total = 0.0
    for part, _ in _parts(rows, ROWS_PER_STEP):
        plan = _plan(part, ROWS_PER_STEP)
        scores = np.empty(plan.pairs.shape, np.float32)
        for words, outputs, step in plan.steps():
            product = W.take(words, axis=0) @ C.take(outputs, axis=0).T
            product.take(plan.pairs[step], out=scores[step], mode="clip")
        total += _nats(scores, plan)
    return total


class _Plan(NamedTuple):
    """The positions of the scores of some rows in the products (U, O) of words and outputs of their steps.

    A step reads each distinct vector once. So one matrix product holds all its scores, and each row is
    written once.

        words, word_bounds      distinct words, step after step, and where each step begins
        outputs, output_bounds  the same for outputs
        pair_bounds             where each step begins in `pairs`
        pairs        (P, 1+K)   the position of each score in the flattened product of its step
        row_of_word  (P,)       the row of each word
        counted      (B, 1+K)   0 for a noise word equal to the centre of its row, else 1
        sign         (1+K,)     -1 for the centre, +1 for noise: L = sum log(1 + exp(sign * score))
    """

    words: Places
    word_bounds: Places
    outputs: Places
    output_bounds: Places
    pair_bounds: Places
    pairs: Places
    row_of_word: Places
    counted: Floats
    sign: Floats

    def steps(self) -> Iterator[tuple[Places, Places, slice]]:
        """The distinct words and outputs of each step, and its slice of `pairs`."""
        word, output, pair = (
            bounds.tolist() for bounds in (self.word_bounds, self.output_bounds, self.pair_bounds)
        )
        for t in range(len(pair) - 1):
            yield (
                self.words[word[t] : word[t + 1]],
                self.outputs[output[t] : output[t + 1]],
                slice(pair[t], pair[t + 1]),
            )


def _parts(rows: Rows, rows_per_step: int) -> Iterator[tuple[Rows, int]]:
    """`rows` in parts of whole steps, each with the number of its first row; offsets begin at 0."""
    size = max(1, _ROWS_PER_PLAN // rows_per_step) * rows_per_step
    for first in range(0, len(rows.centers), size):
        offsets = rows.offsets[first : first + size + 1]
        yield (
            Rows(
                rows.centers[first : first + size],
                offsets - offsets[0],
                rows.words[offsets[0] : offsets[-1]],
                rows.negatives[first : first + size],
            ),
            first,
        )


def _plan(rows: Rows, rows_per_step: int) -> _Plan:
    n_rows = len(rows.centers)
    n_steps = -(-n_rows // rows_per_step)
    step_of_row = np.arange(n_rows) // rows_per_step
    row_of_word = np.repeat(np.arange(n_rows), np.diff(rows.offsets))
    step_of_word = step_of_row.take(row_of_word)

    candidates = np.concatenate([rows.centers[:, None], rows.negatives], axis=1)
    width = candidates.shape[1]
    words, word_bounds, word_places = distinct(rows.words, step_of_word, n_steps)
    outputs, output_bounds, output_places = distinct(
        candidates.reshape(-1), np.repeat(step_of_row, width), n_steps
    )

    pairs = output_places.reshape(-1, width).take(row_of_word, axis=0)
    pairs += (word_places * np.diff(output_bounds).take(step_of_word))[:, None]
    counted = np.ones(candidates.shape, np.float32)
    counted[:, 1:] = rows.negatives != rows.centers[:, None]
    sign = np.ones(width, np.float32)
    sign[0] = -1
    pair_bounds = rows.offsets[np.minimum(np.arange(n_steps + 1) * rows_per_step, n_rows)]
    return _Plan(
        words,
        word_bounds,
        outputs,
        output_bounds,
        pair_bounds.astype(np.int64),
        pairs,
        row_of_word,
        counted,
        sign,
    )


def distinct(ids: Ids, steps: Places, n_steps: int) -> tuple[Places, Places, Places]:
    """The distinct ids of each step, where each step begins, and each id's position within its step."""
    id_bits, place_bits = int(ids.max(initial=0)).bit_length(), len(ids).bit_length()
    keys = (steps << id_bits) | ids
    if n_steps << (id_bits + place_bits) <= _LARGEST_KEY:
        # Keys with their positions in the low bits: sorting them takes half the time of argsort.
        placed = np.sort((keys << place_bits) | np.arange(len(keys)))
        order, ordered = placed & ((1 << place_bits) - 1), placed >> place_bits
    else:
        order = np.argsort(keys)
        ordered = keys.take(order)
    is_first = np.ones(len(keys), bool)
    np.not_equal(ordered[1:], ordered[:-1], out=is_first[1:])
    kept = ordered[is_first]
    bounds = np.searchsorted(kept, np.arange(n_steps + 1) << id_bits)
    places = np.empty(len(keys), np.int64)
    places[order] = np.cumsum(is_first) - 1
    places -= bounds.take(steps)
    return kept & ((1 << id_bits) - 1), bounds, places


def _nats(scores: Floats, plan: _Plan) -> float:
    """Sum of log(1 + exp(sign * score)) over the pairs that count."""
    nats = softplus(scores * plan.sign)
    nats *= plan.counted.take(plan.row_of_word, axis=0)
    return float(nats.sum(dtype=np.float64))


def softplus(x: Floats) -> Floats:
    """log(1 + exp(x)) to 1e-7, without overflow; NaN, without a warning, for NaN."""
    # Not log1p: NumPy has no vector instructions for it, and it took half the time of the loss.
    nats: Floats = np.log(1 + np.exp(-np.abs(x)))
    nats += np.maximum(x, 0)
    return nats


def check(W: Floats, C: Floats, rows: Rows, learning_rates: Floats) -> None:
    """Raise ShapeError unless the arguments of a kernel are as `update` documents them."""
    _check_tables(W, C)
    _check_rows(rows, len(W))
    check_array("learning_rates", learning_rates, np.float32, (len(rows.centers),))


def _check_tables(W: Floats, C: Floats) -> None:
    if W.ndim != 2:
        raise ShapeError(f"W must have the shape (V, D), got {W.shape}")
    check_array("W", W, np.float32, W.shape)
    check_array("C", C, np.float32, W.shape)


def _check_rows(rows: Rows, vocabulary_size: int) -> None:
    n_rows = len(rows.centers)
    check_array("centers", rows.centers, np.int32, (n_rows,))
    check_array("offsets", rows.offsets, np.int32, (n_rows + 1,))
    check_array("words", rows.words, np.int32, (rows.words.size,))
    if rows.negatives.ndim != 2:
        raise ShapeError(f"negatives must have the shape (B, K), got {rows.negatives.shape}")
    check_array("negatives", rows.negatives, np.int32, (n_rows, rows.negatives.shape[1]))
    first, last = rows.offsets[0], rows.offsets[-1]
    if first < 0 or last > len(rows.words) or (np.diff(rows.offsets) < 0).any():
        raise ShapeError(
            f"offsets must ascend from 0 or more to at most the number of words, {len(rows.words)}, "
            f"got {first}..{last}"
        )
    # A batch may be a view; words outside its offsets are not its own.
    own_words = rows.words[first:last]
    named_ids = {"centers": rows.centers, "words": own_words, "negatives": rows.negatives}
    for name, ids in named_ids.items():
        check_ids(name, ids, vocabulary_size)


def check_ids(name: str, ids: Ids, size: int) -> None:
    """Raise ShapeError if an id is not a row of a table with `size` rows."""
    if ids.size and (ids.min() < 0 or ids.max() >= size):
        raise ShapeError(
            f"{name} must hold ids in 0..{size - 1}, the rows of its table, got {ids.min()}..{ids.max()}"
        )


def check_array(name: str, array: npt.NDArray[np.generic], dtype: type, shape: tuple[int, ...]) -> None:
    """Raise ShapeError if an array has another dtype or shape."""
    if array.dtype != dtype or array.shape != shape:
        raise ShapeError(
            f"{name} must be {np.dtype(dtype)} of shape {shape}, got {array.dtype} of shape {array.shape}"
        )
