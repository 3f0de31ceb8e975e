"""A fixed part of the cases of `tests.fuzz.readers`, and its bookkeeping."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.fuzz import readers
from tests.fuzz.mutations import MUTATIONS, mutated
from tests.fuzz.subjects import Subject
from vecmill.errors import ConfigError, InputError


def test_damaged_files_of_every_format_are_answered_or_refused_in_one_sentence():
    outcomes = list(readers.run_all(seed=20, cases=2000, processes=1))

    assert len(outcomes) == 2000
    assert [outcome for outcome in outcomes if outcome.result == "lost"] == []
    assert {outcome.result for outcome in outcomes} == {"answered", "refused"}


def test_the_same_seed_and_case_give_the_same_files():
    subject = Subject("any", {"a": b"0123456789" * 9, "b": b"abc"}, lambda folder: None)

    first, second = (readers.case_files(subject, 1, 7) for _ in range(2))

    assert first == second
    assert first != subject.files
    assert readers.case_files(subject, 2, 7) != first


@pytest.mark.parametrize("mutation", MUTATIONS)
@pytest.mark.parametrize("content", [b"", b"a", b"2 3\nking 1 2 3\n" * 30])
def test_every_mutation_takes_content_of_any_size(mutation, content):
    for seed in range(20):
        mutation(bytearray(content), readers.random.Random(seed))
    assert isinstance(mutated(content, readers.random.Random(1)), bytes)


def raising(error: BaseException) -> Subject:
    def read(folder: Path) -> None:
        raise error

    return Subject("raising", {"file": b"content"}, read)


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (InputError("file: expected a word, got none; repair it"), "refused"),
        (InputError("two\nlines"), "lost"),
        (InputError("long " * 1000), "lost"),
        (ConfigError(["not the fault of the configuration"]), "lost"),
        (ValueError("a traceback"), "lost"),
        (MemoryError(), "lost"),
        (TimeoutError("more than 5 seconds"), "lost"),
    ],
)
def test_only_a_short_sentence_is_a_refusal(tmp_path, error, result):
    assert readers.run_case(raising(error), tmp_path, 1, 1).result == result


def test_the_table_has_one_row_per_format_and_the_sum():
    counts = Counter({("npy", "refused"): 1200, ("npy", "lost"): 1, ("GloVe", "answered"): 3})

    rows = [line.split() for line in readers.format_table(counts)]

    assert rows == [
        ["tried", "answered", "refused", "lost"],
        ["GloVe", "3", "3", "0", "0"],
        ["npy", "1,201", "0", "1,200", "1"],
        ["all", "1,204", "3", "1,200", "1"],
    ]
