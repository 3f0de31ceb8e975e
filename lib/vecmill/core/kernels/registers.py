"""Vectors of float32 in registers, as instructions put straight into what Numba compiles.

Where loops over arrays are left to LLVM, it tests ahead of each that no two arrays overlap and keeps a
pointer for every row: with rows as short as word vectors that costs as much as the arithmetic, and sums
that have no register go to memory and back. Here each load, product and store is said outright, in the
width that the machine has.

Rows are told by their addresses, and nobody checks bounds: callers have checked ids.
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

# float32 numbers that go through the machine at once: in a register of 512 bits, of 256, or in two of 128.
LANES = 16 if llvm.get_host_cpu_features().get("avx512f") else 8

# What is left of a row that LANES does not divide goes by four numbers, and then by one.
_CHUNKS = (LANES, 4, 1)

_FLOAT = ir.FloatType()
_NUMBER = ir.IntType(32)
ADDRESS = ir.IntType(64)

# Not "nnan" and "ninf": a loss that is no number has to come through, so that a run can stop.
_FLAGS = ("contract", "reassoc", "nsz", "arcp")

_SIGN = 1 << 31


class Numbers:
    """A float32 or a vector of them in the code being built; arithmetic adds the instruction for it."""

    def __init__(self, builder: ir.IRBuilder, value: ir.Value) -> None:
        self.builder, self.value = builder, value

    @classmethod
    def zeros(cls, builder: ir.IRBuilder, lanes: int = LANES) -> Self:
        """So many zeros."""
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
        """The numbers, but none below `low` or above `high`; what is no number stays so."""
        found = self.value
        for sign, end in (("<", low), (">", high)):
            beyond = self.builder.fcmp_ordered(sign, found, self._constant(end))
            found = self.builder.select(beyond, self._constant(end), found)
        return type(self)(self.builder, found)

    def lanes(self, places: Sequence[int], other: Numbers | None = None) -> Self:
        """The numbers at these places of this vector and, behind it, of the other one."""
        second = self.value if other is None else other.value
        mask = ir.Constant(ir.VectorType(_NUMBER, len(places)), list(places))
        return type(self)(self.builder, self.builder.shuffle_vector(self.value, second, mask))

    def _by(self, operation: Callable[..., ir.Value], other: Numbers | float) -> Self:
        value = other.value if isinstance(other, Numbers) else self._constant(other)
        return type(self)(self.builder, operation(self.value, value, flags=_FLAGS))

    def _constant(self, number: float) -> ir.Constant:
        kind, rounded = self.value.type, float(np.float32(number))
        return ir.Constant(kind, [rounded] * kind.count if isinstance(kind, ir.VectorType) else rounded)


class Row:
    """Numbers that lie one after another in memory, from an address on."""

    def __init__(self, builder: ir.IRBuilder, address: ir.Value) -> None:
        self._builder = builder
        self._begin = builder.inttoptr(address, _FLOAT.as_pointer())

    def number(self, place: int) -> ir.Value:
        """The number at a place, as it is."""
        return self._builder.load(self._at(ADDRESS(place)), align=4)

    def load(self, place: ir.Value, count: int = LANES) -> Numbers:
        """LANES numbers, those beyond `count` being 0."""
        builder = self._builder
        if count == 1:
            number = builder.load(self._at(place), align=4)
            zeros = Numbers.zeros(builder)
            return Numbers(builder, builder.insert_element(zeros.value, number, _NUMBER(0)))
        found = Numbers(builder, builder.load(self._vector_at(place, count), align=4))
        if count == LANES:
            return found
        return found.lanes([*range(count), *[count] * (LANES - count)], Numbers.zeros(builder, count))

    def store(self, numbers: Numbers, place: ir.Value, count: int = LANES) -> None:
        """The first `count` of the numbers."""
        builder = self._builder
        if count == 1:
            builder.store(builder.extract_element(numbers.value, _NUMBER(0)), self._at(place), align=4)
            return
        if count < numbers.value.type.count:
            numbers = numbers.lanes(range(count))
        builder.store(numbers.value, self._vector_at(place, count), align=4)

    def _at(self, place: ir.Value) -> ir.Value:
        return self._builder.gep(self._begin, [place])

    def _vector_at(self, place: ir.Value, count: int) -> ir.Value:
        return self._builder.bitcast(self._at(place), ir.VectorType(_FLOAT, count).as_pointer())


def by_chunks(builder: ir.IRBuilder, dim: ir.Value, body: Callable[[ir.Value, int], None]) -> None:
    """Code that does `body(place, count)` for all of a row's `dim` places, as many at once as can be."""
    begin: ir.Value = ADDRESS(0)
    for count in _CHUNKS:
        times = builder.udiv(builder.sub(dim, begin), ADDRESS(count))
        with cgutils.for_range(builder, times) as loop:
            body(builder.add(begin, builder.mul(loop.index, ADDRESS(count))), count)
        begin = builder.add(begin, builder.mul(times, ADDRESS(count)))


class Sums:
    """Vectors that are added up in a loop; they stay in registers where there are enough of those."""

    def __init__(self, builder: ir.IRBuilder, count: int) -> None:
        zeros = Numbers.zeros(builder).value
        self._builder = builder
        self._places: list[ir.Value] = [_on_stack(builder, zeros.type) for _ in range(count)]
        for place in self._places:
            builder.store(zeros, place)

    def add(self, number: int, numbers: Numbers) -> None:
        """Add to one of them."""
        place = self._places[number]
        self._builder.store((numbers + self.sum(number)).value, place)

    def totals(self) -> list[Numbers]:
        """The sum over the lanes of each, four to a vector; their count must be a multiple of four."""
        found = [self.sum(number) for number in range(len(self._places))]
        # Neighbours are added within groups of four lanes, since it is dear to move numbers between groups.
        for _ in range(2):
            found = [_paired(first, second) for first, second in zip(found[::2], found[1::2], strict=True)]
        width = LANES
        while width > 4:
            width //= 2
            found = [x.lanes(range(width)) + x.lanes(range(width, 2 * width)) for x in found]
        return found

    def total(self) -> ir.Value:
        """The sum over the lanes of the only one."""
        [place] = self._places
        found, width = Numbers(self._builder, self._builder.load(place)), LANES
        while width > 1:
            width //= 2
            found = found.lanes(range(width)) + found.lanes(range(width, 2 * width))
        return self._builder.extract_element(found.value, _NUMBER(0))

    def sum(self, number: int) -> Numbers:
        """One of them."""
        return Numbers(self._builder, self._builder.load(self._places[number]))


def _on_stack(builder: ir.IRBuilder, kind: ir.Type) -> ir.Value:
    return cgutils.alloca_once(builder, kind)  # type: ignore[no-untyped-call]


def _paired(first: Numbers, second: Numbers) -> Numbers:
    """Sums of neighbours: in every group of four lanes two of the first, then two of the second."""
    begins = [vector + group for group in range(0, LANES, 4) for vector in (0, LANES)]
    even, odd = ([begin + place + shift for begin in begins for place in (0, 2)] for shift in (0, 1))
    return first.lanes(even, second) + first.lanes(odd, second)


def instruction(returns: types.Type, *takes: types.Type) -> Callable[[Callable[..., Any]], Any]:
    """Make a function that builds code, `build(builder, *arguments)`, one that compiled code can call.

    What it is called with has the types `takes`, or is converted to them.
    """

    def decorate(build: Callable[..., Any]) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, signature: Any, arguments: Any) -> Any:
            result = build(builder, *arguments)
            return context.get_dummy_value() if result is None else result

        @functools.wraps(build)
        def typed(context: Any, *given: Any) -> Any:
            return returns(*takes), generate

        # Numba asks for as many arguments as there are names here, the first being its context.
        typed.__signature__ = inspect.signature(build)  # type: ignore[attr-defined]
        return intrinsic(typed)

    return decorate
