"""What a report tells, collected from a run directory or from vectors alone into plain values."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vecmill.errors import InputError
from vecmill.evaluation import score_table, scores
from vecmill.evaluation.score_table import Evaluated
from vecmill.evaluation.scores import Rules
from vecmill.evaluation.word_tests import WordTest
from vecmill.report.answers import Asked, ask
from vecmill.report.evaluation import EVALUATION, Score, how_asked, read_evaluation
from vecmill.report.reading import RunFiles
from vecmill.runs.directory import MANIFEST, METRICS
from vecmill.vectors.formats import Vectors
from vecmill.vectors.word_vectors import WordVectors

Record = Mapping[str, Any]
Counts = npt.NDArray[np.int64]
Shares = npt.NDArray[np.float64]

VOCABULARY_COLUMNS = ["id", "word", "count", "keep_probability", "noise_probability"]

# Still at work while it writes the page, so that there is nothing to tell of it.
OWN_STAGE = "report"

# Points of a curve over the vocabulary, spread evenly over the logarithm of the rank.
CURVE_POINTS = 140
# A chart as wide as a hand shows no more rounds than this.
ROUNDS_SHOWN = 200


@dataclass(frozen=True)
class Stage:
    """One stage of the run; `words` and `rate` (words a second) are None where it counts none."""

    name: str
    state: str
    seconds: float | None
    counts: dict[str, int]
    words: int | None
    rate: float | None


@dataclass(frozen=True)
class Round:
    """One round of the training, as metrics.jsonl has it; losses in nats a pair."""

    number: int
    epoch: int
    words: int
    loss: float
    held_out_loss: float | None
    learning_rate: float
    words_per_second: float


@dataclass(frozen=True)
class RankedWord:
    """A word of the vocabulary at a point of its curves.

    rank     from 1
    count    how often the word occurs
    covered  the share of the corpus that this word and all more frequent ones make up
    kept     the probability that subsampling keeps it; None where that is unknown
    drawn    its share of the negatives; None where that is unknown
    """

    rank: int
    word: str
    count: int
    share: float
    covered: float
    kept: float | None = None
    drawn: float | None = None


@dataclass(frozen=True)
class Report:
    """All that a page shows; a part that is None or empty is left out."""

    title: str
    versions: dict[str, str] = field(default_factory=dict)
    configuration: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    stages: list[Stage] = field(default_factory=list)
    rounds: list[Round] = field(default_factory=list)
    curve: list[RankedWord] = field(default_factory=list)
    vocabulary_size: int | None = None
    scores: list[Score] = field(default_factory=list)
    how_asked: str = ""
    asked: Asked | None = None


def gather_run(run: RunFiles, words: Sequence[str], tests: Sequence[WordTest] = ()) -> Report:
    """Everything there is to tell of a run, finished or not; `words` are those to look at closely.

    With `tests`, their scores stand in place of those that the run's own evaluation left.

    Raises InputError where there is no run, or a file of it is not what it should be.
    """
    text = run.text(MANIFEST)
    if text is None:
        raise InputError(f"{run.root} holds no run ({MANIFEST} is missing); run 'vecmill run' first")
    record = _json_object(text, f"{run.root}/{MANIFEST}")
    stages: Record = record.get("stages") or {}
    rounds = read_rounds(run.text(METRICS) or "", f"{run.root}/{METRICS}")
    vocabulary = run.table("vocabulary", VOCABULARY_COLUMNS)
    vectors = run.vectors() if _is_exported(stages) else None
    counts = vocabulary["count"].to_numpy() if vocabulary is not None else None
    tokens = (stages.get("tokenize") or {}).get("tokens")
    if tests and vectors is not None:
        evaluation = scored(vectors, tests)
    else:
        evaluation = _json_object(run.text(EVALUATION) or "{}", f"{run.root}/{EVALUATION}")
    seed = record.get("seed")
    return Report(
        title=_title(record, run.root),
        versions=record.get("versions") or {},
        configuration=record.get("configuration") or {},
        source=record.get("input") or {},
        seed=seed,
        stages=read_stages(stages, rounds),
        rounds=rounds,
        curve=_curve_of(vocabulary, tokens),
        vocabulary_size=len(vocabulary) if vocabulary is not None else None,
        scores=read_evaluation(evaluation),
        how_asked=how_asked(evaluation),
        asked=ask(vectors, counts, words, seed or 1) if vectors is not None else None,
    )


def gather_vectors(
    vectors: WordVectors,
    counts: Counts | None,
    title: str,
    words: Sequence[str],
    tests: Sequence[WordTest] = (),
) -> Report:
    """What vectors tell without the run they come from; `counts` (V,) where they are known."""
    evaluation = scored(vectors, tests) if tests else {}
    return Report(
        title=title,
        curve=curve(vectors.words, counts, int(counts.sum())) if counts is not None else [],
        vocabulary_size=len(vectors),
        scores=read_evaluation(evaluation),
        how_asked=how_asked(evaluation),
        asked=ask(vectors, counts, words, 1),
    )


def scored(vectors: WordVectors, tests: Sequence[WordTest]) -> dict[str, Any]:
    """The scores of `vectors` in `tests`, as `vecmill evaluate` tells them by its own rules."""
    rules = Rules()
    found = scores.scores(tests, Vectors(vectors.words, vectors.vectors), rules)
    return score_table.content([Evaluated("", found)], rules)


def read_stages(stages: Record, rounds: Sequence[Round]) -> list[Stage]:
    """The stages of run.json in the order they ran, with what they counted and their speed.

    Training's speed is that of its rounds, which also holds where it went on after a stop.
    """
    tokens = (stages.get("tokenize") or {}).get("tokens")
    words_of = {
        "tokenize": tokens,
        "vocabulary": tokens,
        "texts": tokens,
        "train": sum(r.words for r in rounds),
    }
    pairs, texts = stages.get("pairs") or {}, stages.get("texts") or {}
    if texts.get("words"):
        words_of["pairs"] = texts["words"] * len(pairs.get("epochs") or ())
    trained = sum(r.words / r.words_per_second for r in rounds if r.words_per_second)

    found = []
    for name, stage in stages.items():
        if name == OWN_STAGE:
            continue
        seconds, words = stage.get("seconds"), words_of.get(name) or None
        busy = trained if name == "train" else seconds
        counts = {k: v for k, v in stage.items() if type(v) is int and k not in ("round", "rounds")}
        rate = words / busy if words and busy else None
        found.append(Stage(name, stage.get("state", "unknown"), seconds, counts, words, rate))
    return found


def read_rounds(text: str, where: str) -> list[Round]:
    """The rounds of a metrics.jsonl. Raises InputError naming the line that is none."""
    rounds = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            record = json.loads(line)
            held_out = record.get("held_out_loss")
            rounds.append(
                Round(
                    int(record["round"]),
                    int(record["epoch"]),
                    int(record["words"]),
                    float(record["loss"]),
                    None if held_out is None else float(held_out),
                    float(record["learning_rate"]),
                    float(record["words_per_second"]),
                )
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                f"{where}, line {number}: expected a round as 'vecmill train' writes it, got "
                f"{line[:60]!r} ({error}); train again, or take the file from the same run"
            ) from error
    return rounds


def thinned(rounds: Sequence[Round], at_most: int = ROUNDS_SHOWN) -> list[Round]:
    """At most so many of the rounds, evenly spread, the first and the last among them."""
    if len(rounds) <= at_most:
        return list(rounds)
    return [rounds[n] for n in np.linspace(0, len(rounds) - 1, at_most).round().astype(int)]


def curve(
    words: Sequence[str],
    counts: Counts,
    tokens: int,
    kept: Shares | None = None,
    drawn: Shares | None = None,
) -> list[RankedWord]:
    """Words at ranks spread evenly over their logarithm, with what the curves show of them.

    words   V, in falling frequency
    counts  (V,), above 0
    tokens  of the whole corpus, rare words included
    kept    (V,) the probability that subsampling keeps a word
    drawn   (V,) the probability that a negative is this word
    """
    covered = np.cumsum(counts)
    return [
        RankedWord(
            rank=int(id_) + 1,
            word=words[id_],
            count=int(counts[id_]),
            share=int(counts[id_]) / tokens,
            covered=int(covered[id_]) / tokens,
            kept=None if kept is None else float(kept[id_]),
            drawn=None if drawn is None else float(drawn[id_]),
        )
        for id_ in log_spaced(len(words), CURVE_POINTS)
    ]


def log_spaced(count: int, points: int) -> npt.NDArray[np.int64]:
    """At most `points` of the ids below `count`, evenly spread over the logarithm of their rank."""
    if not count:
        return np.zeros(0, np.int64)
    ranks: npt.NDArray[np.int64] = np.unique(np.geomspace(1, count, points).round().astype(np.int64))
    return ranks - 1


def _curve_of(vocabulary: pa.Table | None, tokens: int | None) -> list[RankedWord]:
    if vocabulary is None or not len(vocabulary):
        return []
    counts = vocabulary["count"].to_numpy()
    return curve(
        vocabulary["word"].to_pylist(),
        counts,
        tokens or int(counts.sum()),
        vocabulary["keep_probability"].to_numpy(),
        vocabulary["noise_probability"].to_numpy(),
    )


def _is_exported(stages: Record) -> bool:
    """Whether vectors/ is of the last training: a training begun since has none to show yet."""
    train, export = (stages.get(name) or {} for name in ("train", "export"))
    done = all(stage.get("state") == "done" for stage in (train, export))
    return done and train.get("finished", "") <= export.get("finished", "")


def _title(record: Record, root: str) -> str:
    """What the run was made of, as a name: its input's, or that of its folder."""
    path = ((record.get("configuration") or {}).get("input") or {}).get("path")
    return PurePath(str(path or root)).name or root


def _json_object(text: str, where: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise InputError(f"{where} is not JSON ({error}); make it again") from error
    if not isinstance(found, dict):
        raise InputError(f"{where} must be a JSON object, got {type(found).__name__}; make it again")
    return found
