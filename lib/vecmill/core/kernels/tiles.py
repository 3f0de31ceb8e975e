"""Tiles, which compiled kernels train on: words and outputs that all meet.

Every word of a tile meets every output, so scores and gradients are products of small matrices. They are
computed in blocks of two words and six outputs, whose sums stay in registers (`core.kernels.registers`).
Words are read and changed in their table. Outputs are copied first: all gradients are taken at the
parameters before the tile, and words are changed after outputs.

A position of a block has no pair if the number of words is odd or if an output is left out. It has vectors
of zeros, its score is 0, and its gradient goes to a row that is never read. `loss_of` subtracts its loss of
log 2. s(x) is computed from tanh, which is approximated by a rational function.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba.core import cgutils, types

from vecmill.core.arrays import Floats
from vecmill.core.kernels.compiling import inlined
from vecmill.core.kernels.registers import ADDRESS, LANES, Numbers, Row, Sums, by_chunks, instruction

# A block: six outputs are word2vec's centre and five noise words. Its 12 scores take 16 positions, word
# after word.
BLOCK_WORDS = 2
BLOCK_OUTPUTS = 6
_POSITIONS = 16

# Blocks whose likelihoods are multiplied before a logarithm is taken. Each likelihood is at least 1/2, and
# the smallest normal float32 is 2^-126.
_MOST_BLOCKS = 100

_LINE_BYTES = 64
_FLOAT_BYTES = 4

LOG_2 = np.log(2.0)
HALF = np.float32(0.5)
ONE = np.float32(1)
ZERO = np.float32(0)

_AT = types.intp

# tanh(x) = x P(x^2) / Q(x^2) for |x| <= 9, with an error of at most 4e-7 in float32. Fitted by least
# squares, reweighted to minimise the largest error. Beyond 9 tanh is 1 in float32.
_TANH_END = 9.0
_P = (9.999999064e-1, 1.337319788e-1, 3.486582113e-3, 2.047183399e-5, 1.318422820e-8)
_Q = (1.0, 4.670649475e-1, 2.584198003e-2, 3.271385740e-4, 7.702665365e-7)


class Tile(NamedTuple):
    """Words and outputs that meet, and working memory. N and O are multiples of the sizes of a block.

    outputs      (O, width)  float32  copies of the outputs' vectors
    output_at    (O,)        intp     the addresses of the outputs in their table
    words_from   (N,)        intp     the addresses that words are read from
    words_to     (N,)        intp     the addresses that words are written to
    scores       (O / BLOCK_OUTPUTS, N / BLOCK_WORDS, 16)  float32
    gains        (like scores)        float32  -dL/dscore times the learning rate
    targets      (O / BLOCK_OUTPUTS, 16)  float32  1 for outputs that are contexts, -1 for noise
    likelihood   (16,)       float32  per position of a block, the product of s(|score|)
    linear       (16,)       float32  per position of a block, the sum of |score| - target * score
    blocks, idle (1,)        int64    the blocks in `likelihood`, and their positions without a pair
    zeros, waste (width,)    float32  the rows that positions without a pair read and write
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
    """A tile with room for words and outputs; all its outputs are noise and are left out."""
    width = (dim + LANES - 1) // LANES * LANES
    word_blocks = (n_words + BLOCK_WORDS - 1) // BLOCK_WORDS
    output_blocks = (n_outputs + BLOCK_OUTPUTS - 1) // BLOCK_OUTPUTS
    zeros, waste = np.zeros(width, np.float32), np.zeros(width, np.float32)
    shape = (output_blocks, word_blocks, _POSITIONS)
    return Tile(
        np.zeros((output_blocks * BLOCK_OUTPUTS, width), np.float32),
        np.full(output_blocks * BLOCK_OUTPUTS, waste.ctypes.data, np.intp),
        np.zeros(word_blocks * BLOCK_WORDS, np.intp),
        np.zeros(word_blocks * BLOCK_WORDS, np.intp),
        np.zeros(shape, np.float32),
        np.zeros(shape, np.float32),
        np.full((output_blocks, _POSITIONS), -ONE),
        np.ones(_POSITIONS, np.float32),
        np.zeros(_POSITIONS, np.float32),
        np.zeros(1, np.int64),
        np.zeros(1, np.int64),
        zeros,
        waste,
    )


@inlined
def address(table: Floats, row: int) -> Any:
    """The address of a row of a table (V, D)."""
    return table.ctypes.data + np.int64(row) * table.strides[0]


@inlined
def take_output(tile: Tile, position: int, table: Floats, row: int) -> None:
    """Make a row of a table the tile's output at a position."""
    tile.output_at[position] = address(table, row)
    _copy(address(table, row), address(tile.outputs, position), table.shape[1])


@inlined
def leave_output(tile: Tile, position: int) -> None:
    """Leave out the output at a position."""
    tile.output_at[position] = tile.waste.ctypes.data
    tile.outputs[position] = ZERO


@inlined
def take_words(tile: Tile, table: Floats, ids: Any) -> None:
    """Make rows of a table the tile's words."""
    for position in range(len(ids)):
        tile.words_from[position] = tile.words_to[position] = address(table, ids[position])
    if len(ids) % BLOCK_WORDS:
        tile.words_from[len(ids)] = tile.zeros.ctypes.data
        tile.words_to[len(ids)] = tile.waste.ctypes.data


@inlined
def train_tile(tile: Tile, n_words: int, n_outputs: int, half_rate: np.float32, dim: int) -> Any:
    """Train all pairs of the tile; `n_outputs` excludes outputs that are left out.

    Returns the part of the loss in nats that `loss_of` will not return: 0 for most tiles, since logarithms
    are taken once per _MOST_BLOCKS blocks.
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
    tile.idle[0] += output_blocks * word_blocks * _POSITIONS - n_words * n_outputs
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
    """The loss in nats of what was trained, without the parts that were returned before."""
    # With z = -target * score: log(1 + exp(z)) = max(z, 0) - log s(|z|).
    nats = -tile.idle[0] * LOG_2
    for position in range(_POSITIONS):
        nats += 0.5 * tile.linear[position] - np.log(tile.likelihood[position])
        tile.likelihood[position], tile.linear[position] = ONE, ZERO
    tile.blocks[0] = tile.idle[0] = 0
    return nats


@instruction(types.void, _AT)
def _prefetch(builder: ir.IRBuilder, at: ir.Value) -> None:
    """Prefetch the cache line at an address, for writing."""
    pointer, number = ir.IntType(8).as_pointer(), ir.IntType(32)
    function = builder.module.declare_intrinsic(
        "llvm.prefetch", [pointer], ir.FunctionType(ir.VoidType(), [pointer, number, number, number])
    )
    for_writing, near, data = number(1), number(3), number(1)
    builder.call(function, [builder.inttoptr(at, pointer), for_writing, near, data])


@inlined
def prefetch_row(table: Floats, row: int) -> None:
    """Prefetch a row of a table (V, D), for writing."""
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
    """The hyperbolic tangent of x to 4e-7; s(x) is half of 1 plus its value at x / 2."""
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
    """The dot product of two rows."""
    a, b, total = Row(builder, first), Row(builder, second), Sums(builder, 1)
    by_chunks(builder, dim, lambda j, count: total.add(0, a.load(j, count) * b.load(j, count)))
    return total.total()


@instruction(types.void, _AT, _AT, types.float32, _AT)
def attract(
    builder: ir.IRBuilder, first: ir.Value, second: ir.Value, gain: ir.Value, dim: ir.Value
) -> None:
    """Add to each of two rows `gain` times the old value of the other row."""
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
    """The dot products of two words with six outputs that lie `width` numbers apart, word after word."""
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
    """The gains of a block from its scores; adds the scores to the sums that give the loss."""
    rate = Numbers.spread(builder, half_rate)
    of_loss = Row(builder, likelihood), Row(builder, linear)
    for begin in range(0, _POSITIONS, LANES):
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
    """Add to six outputs the sums over their blocks of gain times word.

    `targets` and `words` point to arrays of addresses, of outputs and of words. The sum is formed before it
    is added to a row; otherwise small terms of a long window would be lost in rounding.
    """
    outputs = [_row_at(builder, targets, ADDRESS(o)) for o in range(BLOCK_OUTPUTS)]

    def move(j: ir.Value, count: int) -> None:
        sums = Sums(builder, BLOCK_OUTPUTS)
        with cgutils.for_range(builder, blocks) as block:
            offset = builder.mul(block.index, ADDRESS(_POSITIONS * _FLOAT_BYTES))
            by = Row(builder, builder.add(gains, offset))
            for t in range(BLOCK_WORDS):
                position = builder.add(builder.mul(block.index, ADDRESS(BLOCK_WORDS)), ADDRESS(t))
                vector = _row_at(builder, words, position).load(j, count)
                for o in range(BLOCK_OUTPUTS):
                    gain = Numbers.spread(builder, by.number(t * BLOCK_OUTPUTS + o))
                    sums.add(o, gain * vector)
        for o, output in enumerate(outputs):
            output.store(output.load(j, count) + sums.sum(o), j, count)

    by_chunks(builder, dim, move)


def _row_at(builder: ir.IRBuilder, addresses: ir.Value, position: ir.Value) -> Row:
    """The row whose address is at a position of an array of addresses."""
    begin = builder.inttoptr(addresses, ADDRESS.as_pointer())
    return Row(builder, builder.load(builder.gep(begin, [position])))


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
    """Add to two words, one after the other, the sums over a block of gain times copied output."""
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
    """The gains of a block by word and output, each spread over all lanes."""
    row = Row(builder, gains)
    return [
        [Numbers.spread(builder, row.number(t * BLOCK_OUTPUTS + o)) for o in range(BLOCK_OUTPUTS)]
        for t in range(BLOCK_WORDS)
    ]
