"""What the compiled kernels share: tiles of words and outputs that meet, and s(x).

Of a tile every word meets every output, so scores and gradients are products of small matrices. They go by
blocks of two words and six outputs, whose sums stay in registers (`core.registers`). Words are read and
changed where they lie; outputs are copied first, since all gradients are taken at the parameters before the
tile, and words are changed after outputs.

A place of a block without a pair, because the number of words is odd or an output is left out, has vectors
of zeros: its score is 0, its gradient goes into a row that nobody reads, and its loss of log 2 is taken off
at the end. s(x) comes from a rational function of tanh.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from vecmill.core.arrays import Floats
from vecmill.core.kernels.compiling import inlined
from vecmill.core.kernels.registers import ADDRESS, LANES, Numbers, Row, Sums, by_chunks, instruction

# A block: six outputs are word2vec's centre and five noise words; its 12 scores lie in 16 places, word
# after word.
BLOCK_WORDS = 2
BLOCK_OUTPUTS = 6
_PLACES = 16

# Blocks whose likelihoods are multiplied before a logarithm is taken: each is at least 1/2, and float32
# ends at 2^-126.
_MOST_BLOCKS = 100

_LINE_BYTES = 64
_FLOAT_BYTES = 4

LOG_2 = np.log(2.0)
HALF = np.float32(0.5)
ONE = np.float32(1)
ZERO = np.float32(0)

_AT = types.intp

# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 9, to 4e-7 in float32: least squares, reweighted until the
# largest error was least. Beyond 9 tanh is 1 to float32's precision.
_TANH_END = 9.0
_P = (9.999999064e-1, 1.337319788e-1, 3.486582113e-3, 2.047183399e-5, 1.318422820e-8)
_Q = (1.0, 4.670649475e-1, 2.584198003e-2, 3.271385740e-4, 7.702665365e-7)


class Tile(NamedTuple):
    """Words and outputs that meet, and what is computed of them; addresses are those of rows of a table.

    outputs      (O, width)  float32  their vectors, O being a multiple of BLOCK_OUTPUTS
    output_at    (O,)        intp     where they lie
    words_from   (N,)        intp     where the words lie, N being a multiple of BLOCK_WORDS
    words_to     (N,)        intp     the same, but for the word that an odd number lacks
    scores       (O / BLOCK_OUTPUTS, N / BLOCK_WORDS, 16)  float32
    gains        the same shape: what a score's gradient moves along, times the learning rate
    targets      (O / BLOCK_OUTPUTS, 16)  float32  1 for outputs that are contexts, -1 for noise
    likelihood   (16,)       float32  of each place, the product of s(|score|)
    linear       (16,)       float32  of each place, the sum of |score| - target * score
    blocks, idle (1,)        int64    blocks in those two, and places in them without a pair
    zeros, waste (width,)    float32  what such places read, and what they write
    """

    outputs: Any
    output_at: Any
    words_from: Any
    words_to: Any
    scores: Any
    gains: Any
    targets: Any
    likelihood: Any
    linear: Any
    blocks: Any
    idle: Any
    zeros: Any
    waste: Any


@inlined
def new_tile(n_words: int, n_outputs: int, dim: int) -> Tile:
    """A tile with room for so many; all its outputs are noise, and left out."""
    width = (dim + LANES - 1) // LANES * LANES
    word_blocks = (n_words + BLOCK_WORDS - 1) // BLOCK_WORDS
    output_blocks = (n_outputs + BLOCK_OUTPUTS - 1) // BLOCK_OUTPUTS
    zeros, waste = np.zeros(width, np.float32), np.zeros(width, np.float32)
    shape = (output_blocks, word_blocks, _PLACES)
    return Tile(
        np.zeros((output_blocks * BLOCK_OUTPUTS, width), np.float32),
        np.full(output_blocks * BLOCK_OUTPUTS, waste.ctypes.data, np.intp),
        np.zeros(word_blocks * BLOCK_WORDS, np.intp),
        np.zeros(word_blocks * BLOCK_WORDS, np.intp),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.full((output_blocks, _PLACES), -ONE),
        np.ones(_PLACES, np.float32),
        np.zeros(_PLACES, np.float32),
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        zeros,
        waste,
    )


@inlined
def address(table: Floats, row: int) -> Any:
    """Where a row of a table (V, D) lies."""
    return table.ctypes.data + np.int64(row) * table.strides[0]


@inlined
def take_output(tile: Tile, place: int, table: Floats, row: int) -> None:
    """Let the tile's output at a place be a row of a table."""
    tile.output_at[place] = address(table, row)
    _copy(address(table, row), address(tile.outputs, place), table.shape[1])


@inlined
def leave_output(tile: Tile, place: int) -> None:
    """Leave the output at a place out."""
    tile.output_at[place] = tile.waste.ctypes.data
    tile.outputs[place] = ZERO


@inlined
def take_words(tile: Tile, table: Floats, ids: Any) -> None:
    """Let the tile's words be these rows of a table."""
    for place in range(len(ids)):
        tile.words_from[place] = tile.words_to[place] = address(table, ids[place])
    if len(ids) % BLOCK_WORDS:
        tile.words_from[len(ids)] = tile.zeros.ctypes.data
        tile.words_to[len(ids)] = tile.waste.ctypes.data


@inlined
def train_tile(tile: Tile, n_words: int, n_outputs: int, half_rate: np.float32, dim: int) -> Any:
    """A step for all pairs of the tile; the loss in nats of what `loss_of` has not told yet, at times.

    `n_outputs` are those that were not left out.
    """
    nats = 0.0
    output_blocks, word_blocks = len(tile.targets), (n_words + BLOCK_WORDS - 1) // BLOCK_WORDS
    width = tile.outputs.shape[1]
    for q in range(output_blocks):
        outputs = address(tile.outputs, q * BLOCK_OUTPUTS)
        for b in range(word_blocks):
            first, second = tile.words_from[BLOCK_WORDS * b], tile.words_from[BLOCK_WORDS * b + 1]
            scores, gains = tile.scores[q, b].ctypes.data, tile.gains[q, b].ctypes.data
            _score_block(first, second, outputs, width, scores, dim)
            likelihood, linear = tile.likelihood.ctypes.data, tile.linear.ctypes.data
            _weigh_block(scores, tile.targets[q].ctypes.data, half_rate, gains, likelihood, linear)
            tile.blocks[0] += 1
            if tile.blocks[0] == _MOST_BLOCKS:
                nats += loss_of(tile)
    tile.idle[0] += output_blocks * word_blocks * _PLACES - n_words * n_outputs
    for q in range(output_blocks):
        targets = tile.output_at[q * BLOCK_OUTPUTS :].ctypes.data
        _move_outputs(targets, tile.words_from.ctypes.data, word_blocks, tile.gains[q].ctypes.data, dim)
    for q in range(output_blocks):
        outputs = address(tile.outputs, q * BLOCK_OUTPUTS)
        for b in range(word_blocks):
            first, second = tile.words_to[BLOCK_WORDS * b], tile.words_to[BLOCK_WORDS * b + 1]
            _move_words(first, second, outputs, width, tile.gains[q, b].ctypes.data, dim)
    return nats


@inlined
def loss_of(tile: Tile) -> Any:
    """The loss in nats of all that was trained and has not been told yet."""
    # With z = -target * score: log(1 + exp(z)) = max(z, 0) - log s(|z|).
    nats = -tile.idle[0] * LOG_2
    for place in range(_PLACES):
        nats += 0.5 * tile.linear[place] - np.log(tile.likelihood[place])
        tile.likelihood[place], tile.linear[place] = ONE, ZERO
    tile.blocks[0] = tile.idle[0] = 0
    return nats


@instruction(types.void, _AT)
def _prefetch(builder: ir.IRBuilder, at: ir.Value) -> None:
    """Ask for the line of the cache at an address, to be written soon."""
    pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    function = builder.module.declare_intrinsic(
        "llvm.prefetch", [pointer], ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
    )
    for_writing, near, data = number(1), number(3), number(1)
    builder.call(function, [builder.inttoptr(at, pointer), for_writing, near, data])


@inlined
def prefetch_row(table: Floats, row: int) -> None:
    """Ask for a row of a table (V, D), to be written soon."""
    begin = address(table, row)
    for offset in range(0, table.strides[0], _LINE_BYTES):
        _prefetch(begin + offset)


@instruction(types.void, _AT, _AT, _AT)
def _copy(builder: ir.IRBuilder, source: ir.Value, target: ir.Value, dim: ir.Value) -> None:
    """Copy a row."""
    old, new = Row(builder, source), Row(builder, target)
    by_chunks(builder, dim, lambda j, count: new.store(old.load(j, count), j, count))


@instruction(types.float32, types.float32)
def tanh(builder: ir.IRBuilder, x: ir.Value) -> ir.Value:
    """The hyperbolic tangent to 4e-7; the logistic function of x is half of 1 + its value at x / 2."""
    return _tanh(Numbers(builder, x)).value


def _tanh(x: Numbers) -> Numbers:
    x = x.between(-_TANH_END, _TANH_END)
    u = x * x
    p = u * _P[4] + _P[3]
    q = u * _Q[4] + _Q[3]
    for degree in (2, 1, 0):
        p, q = p * u + _P[degree], q * u + _Q[degree]
    return x * p / q


@instruction(types.float32, _AT, _AT, _AT)
def dot(builder: ir.IRBuilder, first: ir.Value, second: ir.Value, dim: ir.Value) -> ir.Value:
    """The product of two rows."""
    a, b, total = Row(builder, first), Row(builder, second), Sums(builder, 1)
    by_chunks(builder, dim, lambda j, count: total.add(0, a.load(j, count) * b.load(j, count)))
    return total.total()


@instruction(types.void, _AT, _AT, types.float32, _AT)
def attract(
    builder: ir.IRBuilder, first: ir.Value, second: ir.Value, gain: ir.Value, dim: ir.Value
) -> None:
    """Add to each of two rows `gain` times what the other one was."""
    a, b, by = Row(builder, first), Row(builder, second), Numbers.spread(builder, gain)

    def add(j: ir.Value, count: int) -> None:
        was = a.load(j, count), b.load(j, count)
        a.store(was[0] + by * was[1], j, count)
        b.store(was[1] + by * was[0], j, count)

    by_chunks(builder, dim, add)


@instruction(types.void, _AT, _AT, _AT, _AT, _AT, _AT)
def _score_block(
    builder: ir.IRBuilder,
    first: ir.Value,
    second: ir.Value,
    outputs: ir.Value,
    width: ir.Value,
    scores: ir.Value,
    dim: ir.Value,
) -> None:
    """The products of two words and six outputs that lie `width` numbers apart, word after word."""
    words = [Row(builder, word) for word in (first, second)]
    rows, sums = _block_rows(builder, outputs, width), Sums(builder, BLOCK_WORDS * BLOCK_OUTPUTS)

    def multiply(j: ir.Value, count: int) -> None:
        vectors = [word.load(j, count) for word in words]
        for o, row in enumerate(rows):
            output = row.load(j, count)
            for t, vector in enumerate(vectors):
                sums.add(t * BLOCK_OUTPUTS + o, vector * output)

    by_chunks(builder, dim, multiply)
    for number, four in enumerate(sums.totals()):
        Row(builder, scores).store(four, ADDRESS(4 * number), 4)


@instruction(types.void, _AT, _AT, types.float32, _AT, _AT, _AT)
def _weigh_block(
    builder: ir.IRBuilder,
    scores: ir.Value,
    targets: ir.Value,
    half_rate: ir.Value,
    gains: ir.Value,
    likelihood: ir.Value,
    linear: ir.Value,
) -> None:
    """The gains of a block's places from their scores, and what the loss needs of those."""
    rate = Numbers.spread(builder, half_rate)
    of_loss = Row(builder, likelihood), Row(builder, linear)
    for begin in range(0, _PLACES, LANES):
        j = ADDRESS(begin)
        score, target = Row(builder, scores).load(j), Row(builder, targets).load(j)
        # s(x) = (1 + tanh(x / 2)) / 2
        tanh_half = _tanh(score * 0.5)
        Row(builder, gains).store(rate * (target - tanh_half), j)
        product, sum_ = (row.load(j) for row in of_loss)
        of_loss[0].store(product * (abs(tanh_half) * 0.5 + 0.5), j)
        of_loss[1].store(sum_ + (abs(score) - target * score), j)


@instruction(types.void, _AT, _AT, _AT, _AT, _AT)
def _move_outputs(
    builder: ir.IRBuilder,
    targets: ir.Value,
    words: ir.Value,
    blocks: ir.Value,
    gains: ir.Value,
    dim: ir.Value,
) -> None:
    """Add to six outputs, one after another, what the gains of some blocks make of their words.

    `targets` and `words` are the addresses of the addresses of outputs and words. What is added to a row is
    summed up first, or a long window would lose the small among its moves.
    """
    outputs = [_row_at(builder, targets, ADDRESS(o)) for o in range(BLOCK_OUTPUTS)]

    def move(j: ir.Value, count: int) -> None:
        sums = Sums(builder, BLOCK_OUTPUTS)
        with cgutils.for_range(builder, blocks) as block:
            by = Row(builder, builder.add(gains, builder.mul(block.index, ADDRESS(_PLACES * _FLOAT_BYTES))))
            for t in range(BLOCK_WORDS):
                place = builder.add(builder.mul(block.index, ADDRESS(BLOCK_WORDS)), ADDRESS(t))
                vector = _row_at(builder, words, place).load(j, count)
                for o in range(BLOCK_OUTPUTS):
                    gain = Numbers.spread(builder, by.number(t * BLOCK_OUTPUTS + o))
                    sums.add(o, gain * vector)
        for o, output in enumerate(outputs):
            output.store(output.load(j, count) + sums.sum(o), j, count)

    by_chunks(builder, dim, move)


def _row_at(builder: ir.IRBuilder, addresses: ir.Value, place: ir.Value) -> Row:
    """The row whose address stands at a place of an array of addresses."""
    begin = builder.inttoptr(addresses, ADDRESS.as_pointer())
    return Row(builder, builder.load(builder.gep(begin, [place])))


@instruction(types.void, _AT, _AT, _AT, _AT, _AT, _AT)
def _move_words(
    builder: ir.IRBuilder,
    first: ir.Value,
    second: ir.Value,
    outputs: ir.Value,
    width: ir.Value,
    gains: ir.Value,
    dim: ir.Value,
) -> None:
    """Add to two words, one after the other, what a block's gains make of its outputs as they were."""
    words = [Row(builder, word) for word in (first, second)]
    rows, by = _block_rows(builder, outputs, width), _block_gains(builder, gains)

    def move(j: ir.Value, count: int) -> None:
        output = rows[0].load(j, count)
        moves = [by[t][0] * output for t in range(BLOCK_WORDS)]
        for o in range(1, BLOCK_OUTPUTS):
            output = rows[o].load(j, count)
            moves = [by[t][o] * output + moved for t, moved in enumerate(moves)]
        # Both may be the same word.
        for word, moved in zip(words, moves, strict=True):
            word.store(word.load(j, count) + moved, j, count)

    by_chunks(builder, dim, move)


def _block_rows(builder: ir.IRBuilder, outputs: ir.Value, width: ir.Value) -> list[Row]:
    row_bytes = builder.mul(width, ADDRESS(_FLOAT_BYTES))
    return [
        Row(builder, builder.add(outputs, builder.mul(row_bytes, ADDRESS(o)))) for o in range(BLOCK_OUTPUTS)
    ]


def _block_gains(builder: ir.IRBuilder, gains: ir.Value) -> list[list[Numbers]]:
    """The gains of a block, by word and output, each in all lanes."""
    row = Row(builder, gains)
    return [
        [Numbers.spread(builder, row.number(t * BLOCK_OUTPUTS + o)) for o in range(BLOCK_OUTPUTS)]
        for t in range(BLOCK_WORDS)
    ]
