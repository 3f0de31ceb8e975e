"""Vectors of float32 in registers, as LLVM instructions within functions that Numba compiles.

If LLVM vectorises loops over arrays, it tests before each loop whether arrays overlap, and keeps a pointer
per row. For rows as short as word vectors that costs as much as the arithmetic, and sums without a register
go to memory and back. This module emits each load, product and store itself, in the width of the machine's
registers.

Rows are passed by address, without bounds checks: callers have checked ids.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, Self

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

# float32 numbers per vector: one register of 512 bits, one of 256 bits, or two of 128 bits.
LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8

# If LANES does not divide a row's length, the rest is processed four numbers at a time, then one at a time.
_CHUNKS = (LANES, 4, 1)

_FLOAT = ir.FloatType()
_NUMBER = ir.IntType(32)
ADDRESS = ir.IntType(64)

# Not "nnan" and "ninf": a NaN loss has to reach the caller, so that a run can stop.
_FLAGS = ("contract", "reassoc", "nsz", "arcp")

_SIGN = 1 << 31


class Numbers:
    """A float32 or a vector of float32 in the code being built; arithmetic emits instructions."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    @classmethod
    def zeros(cls, builder: ir.IRBuilder, lanes: int = LANES) -> Self:
        """A vector of zeros."""
        return cls(builder, ir.Constant(ir.VectorType(_FLOAT, lanes), [0.0] * lanes))

    @classmethod
    def spread(cls, builder: ir.IRBuilder, number: ir.Value) -> Self:
        """One number in all lanes."""
        first = builder.insert_element(cls.zeros(builder).value, number, _NUMBER(0))
        return cls(builder, first).lanes([0] * LANES)

    def __add__(self, other: Numbers | float) -> Self:
        return self._by(self.builder.fadd, other)

    def __sub__(self, other: Numbers | float) -> Self:
        return self._by(self.builder.fsub, other)

    def __mul__(self, other: Numbers | float) -> Self:
        return self._by(self.builder.fmul, other)

    def __truediv__(self, other: Numbers | float) -> Self:
        return self._by(self.builder.fdiv, other)

    def __abs__(self) -> Self:
        kind = self.value.type
        bits = ir.VectorType(_NUMBER, kind.count)
        mask = ir.Constant(bits, [_SIGN - 1] * kind.count)
        masked = self.builder.and_(self.builder.bitcast(self.value, bits), mask)
        return type(self)(self.builder, self.builder.bitcast(masked, kind))

    def between(self, low: float, high: float) -> Self:
        """Clamps to [low, high]; NaN stays NaN."""
        value = self.value
        for sign, end in (("<", low), (">", high)):
            beyond = self.builder.fcmp_ordered(sign, value, self._constant(end))
            value = self.builder.select(beyond, self._constant(end), value)
        return type(self)(self.builder, value)

    def lanes(self, positions: Sequence[int], other: Numbers | None = None) -> Self:
        """The numbers at positions of this vector followed by the other one."""
        second = self.value if other is None else other.value
        mask = ir.Constant(ir.VectorType(_NUMBER, len(positions)), list(positions))
        return type(self)(self.builder, self.builder.shuffle_vector(self.value, second, mask))

    def _by(self, operation: Callable[..., ir.Value], other: Numbers | float) -> Self:
        value = other.value if isinstance(other, Numbers) else self._constant(other)
        return type(self)(self.builder, operation(self.value, value, flags=_FLAGS))

    def _constant(self, number: float) -> ir.Constant:
        kind, rounded = self.value.type, float(np.float32(number))
        return ir.Constant(kind, [rounded] * kind.count if isinstance(kind, ir.VectorType) else rounded)


class Row:
    """Consecutive float32 numbers in memory, from an address on."""

    def __init__(self, builder: ir.IRBuilder, address: ir.Value) -> None:
        self._builder = builder
        self._begin = builder.inttoptr(address, _FLOAT.as_pointer())

    def number(self, position: int) -> ir.Value:
        """The number at a position, as a scalar."""
        return self._builder.load(self._at(ADDRESS(position)), align=4)

    def load(self, position: ir.Value, count: int = LANES) -> Numbers:
        """A vector of the `count` numbers at a position, filled up with zeros to LANES numbers."""
        builder = self._builder
        if count == 1:
            number = builder.load(self._at(position), align=4)
            zeros = Numbers.zeros(builder)
            return Numbers(builder, builder.insert_element(zeros.value, number, _NUMBER(0)))
        loaded = Numbers(builder, builder.load(self._vector_at(position, count), align=4))
        if count == LANES:
            return loaded
        return loaded.lanes([*range(count), *[count] * (LANES - count)], Numbers.zeros(builder, count))

    def store(self, numbers: Numbers, position: ir.Value, count: int = LANES) -> None:
        """Write the first `count` numbers of a vector to a position."""
        builder = self._builder
        if count == 1:
            builder.store(builder.extract_element(numbers.value, _NUMBER(0)), self._at(position), align=4)
            return
        if count < numbers.value.type.count:
            numbers = numbers.lanes(range(count))
        builder.store(numbers.value, self._vector_at(position, count), align=4)

    def _at(self, position: ir.Value) -> ir.Value:
        return self._builder.gep(self._begin, [position])

    def _vector_at(self, position: ir.Value, count: int) -> ir.Value:
        return self._builder.bitcast(self._at(position), ir.VectorType(_FLOAT, count).as_pointer())


def by_chunks(builder: ir.IRBuilder, dim: ir.Value, body: Callable[[ir.Value, int], None]) -> None:
    """Emit code that runs `body(position, count)` for all `dim` positions of a row, chunk by chunk."""
    begin: ir.Value = ADDRESS(0)
    for count in _CHUNKS:
        times = builder.udiv(builder.sub(dim, begin), ADDRESS(count))
        with cgutils.for_range(builder, times) as loop:
            body(builder.add(begin, builder.mul(loop.index, ADDRESS(count))), count)
        begin = builder.add(begin, builder.mul(times, ADDRESS(count)))


class Sums:
    """Vectors that are summed in a loop. They stay in registers if the machine has enough of them."""

    def __init__(self, builder: ir.IRBuilder, count: int) -> None:
        zeros = Numbers.zeros(builder).value
        self._builder = builder
        self._slots: list[ir.Value] = [_on_stack(builder, zeros.type) for _ in range(count)]
        for slot in self._slots:
            builder.store(zeros, slot)

    def add(self, number: int, numbers: Numbers) -> None:
        """Add a vector to one of the sums."""
        self._builder.store((numbers + self.sum(number)).value, self._slots[number])

    def totals(self) -> list[Numbers]:
        """The sum over the lanes of each sum, four per vector; needs a multiple of four sums."""
        sums = [self.sum(number) for number in range(len(self._slots))]
        # Neighbours are added within groups of four lanes, since moves between groups are expensive.
        for _ in range(2):
            sums = [_paired(first, second) for first, second in zip(sums[::2], sums[1::2], strict=True)]
        width = LANES
        while width > 4:
            width //= 2
            sums = [x.lanes(range(width)) + x.lanes(range(width, 2 * width)) for x in sums]
        return sums

    def total(self) -> ir.Value:
        """The sum over the lanes of a single sum."""
        [slot] = self._slots
        total, width = Numbers(self._builder, self._builder.load(slot)), LANES
        while width > 1:
            width //= 2
            total = total.lanes(range(width)) + total.lanes(range(width, 2 * width))
        return self._builder.extract_element(total.value, _NUMBER(0))

    def sum(self, number: int) -> Numbers:
        """One of the sums."""
        return Numbers(self._builder, self._builder.load(self._slots[number]))


def _on_stack(builder: ir.IRBuilder, kind: ir.Type) -> ir.Value:
    return cgutils.alloca_once(builder, kind)  # type: ignore[no-untyped-call]


def _paired(first: Numbers, second: Numbers) -> Numbers:
    """Sums of neighbours: in every group of four lanes, two sums of `first`, then two of `second`."""
    begins = [vector + group for group in range(0, LANES, 4) for vector in (0, LANES)]
    even, odd = ([begin + lane + shift for begin in begins for lane in (0, 2)] for shift in (0, 1))
    return first.lanes(even, second) + first.lanes(odd, second)


def instruction(returns: types.Type, *takes: types.Type) -> Callable[[Callable[..., Any]], Any]:
    """Turn a function that emits code, `build(builder, *arguments)`, into one that compiled code can call.

    Numba converts its arguments to the types `takes`.
    """

    def decorate(build: Callable[..., Any]) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            result = build(builder, *arguments)
            return context.get_dummy_value() if result is None else result

        @functools.wraps(build)
        def typed(context: Any, *given: Any) -> Any:
            return returns(*takes), generate

        # Numba reads the number of arguments from this signature; the first one is its own context.
        typed.__signature__ = inspect.signature(build)  # type: ignore[attr-defined]
        return intrinsic(typed)

    return decorate
