"""The contents of a report, collected from a run or from vectors alone."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np
import pyarrow as pa

from vecmill.core.arrays import Doubles, Places
from vecmill.errors import InputError
from vecmill.evaluation import score_table, scores
from vecmill.evaluation.score_table import EVALUATION, RunScores
from vecmill.evaluation.scores import Rules, Score
from vecmill.evaluation.word_tests import WordTest
from vecmill.report.markup import shown_word
from vecmill.report.reading import RunFiles
from vecmill.report.run_record import Record, RoundRecord, json_object, read_record, read_rounds
from vecmill.report.vector_answers import VectorAnswers, collect_answers
from vecmill.runs.manifest import MANIFEST, METRICS_FILE
from vecmill.vectors.formats import Vectors
from vecmill.vectors.word_vectors import WordVectors

VOCABULARY_COLUMNS = ["id", "word", "count", "keep_probability", "noise_probability"]

# Points of a curve over the vocabulary, at equal steps of the logarithm of the rank.
CURVE_POINTS = 140
# More rounds would be closer than a pixel or two in a chart.
MAX_ROUNDS = 200


@dataclass(frozen=True)
class StageSummary:
    """A stage of the run; `rate` is in words of the corpus per second, None if the stage reads none."""

    name: str
    state: str
    seconds: float | None
    counts: dict[str, int]
    rate: float | None


@dataclass(frozen=True)
class RankedWord:
    """A word of the vocabulary, for a point of the curves.

    rank     1 for the most frequent word
    count    number of occurrences
    share    its share of the corpus
    covered  the share of the corpus of this word and all more frequent ones
    kept     the probability that subsampling keeps an occurrence
    drawn    its share of the negatives
    """

    rank: int
    word: str
    count: int
    share: float
    covered: float
    kept: float
    drawn: float


@dataclass(frozen=True)
class Report:
    """Everything that the page shows; parts that are None or empty are left out."""

    title: str
    versions: dict[str, str] = field(default_factory=dict)
    configuration: dict[str, dict[str, Any]] = field(default_factory=dict)
    source: dict[str, Any] = field(default_factory=dict)
    seed: int | None = None
    model_title: str = ""
    stages: list[StageSummary] = field(default_factory=list)
    rounds: list[RoundRecord] = field(default_factory=list)
    curve: list[RankedWord] = field(default_factory=list)
    vocabulary_size: int | None = None
    scores: list[Score] = field(default_factory=list)
    rules: str = ""
    answers: VectorAnswers | None = None


def collect_run(run: RunFiles, words: Sequence[str], tests: Sequence[WordTest] = ()) -> Report:
    """The Report of a run, finished or not.

    words  words whose neighbours are shown, instead of the default words
    tests  tests to score the vectors in, instead of the run's own evaluation

    Raises InputError if there is no run, if a file of it is broken, if one of the `words` is unknown, and
    if `words` or `tests` are given but the run has no vectors.
    """
    text = run.text(MANIFEST)
    if text is None:
        raise InputError(f"{run.root} holds no run ({MANIFEST} is missing); run 'vecmill run' first")
    record = read_record(text, f"{run.root}/{MANIFEST}")
    stages: Record = record["stages"]
    rounds = read_rounds(run.text(METRICS_FILE) or "", f"{run.root}/{METRICS_FILE}")
    vocabulary = run.table("vocabulary", VOCABULARY_COLUMNS)
    vectors = run.vectors() if _is_exported(stages) else None
    counts = vocabulary["count"].to_numpy() if vocabulary is not None else None
    tokens = stages.get("tokenize", {}).get("tokens")
    if vectors is None and (words or tests):
        raise InputError(
            f"{run.root} has no vectors of its last training to show; run 'vecmill export' first, or leave "
            "out --words and --tests"
        )
    if tests and vectors is not None:
        evaluation = score_vectors(vectors, tests)
    else:
        evaluation = json_object(run.text(EVALUATION) or "{}", f"{run.root}/{EVALUATION}")
    seed = record.get("seed")
    return Report(
        title=_title(record, run.root),
        versions=record["versions"],
        configuration=record["configuration"],
        source=record["input"],
        seed=seed,
        model_title=str(record["model"].get("title") or ""),
        stages=summarise_stages(stages, rounds),
        rounds=rounds,
        curve=_curve_of(vocabulary, tokens),
        vocabulary_size=len(vocabulary) if vocabulary is not None else None,
        scores=first_run_scores(evaluation),
        rules=describe_rules(evaluation),
        answers=collect_answers(vectors, counts, words, seed or 1) if vectors is not None else None,
    )


def collect_vectors(
    vectors: WordVectors, title: str, words: Sequence[str], tests: Sequence[WordTest] = ()
) -> Report:
    """The Report of vectors without a run; `words` and `tests` as for `collect_run`."""
    evaluation = score_vectors(vectors, tests) if tests else {}
    return Report(
        title=title,
        vocabulary_size=len(vectors),
        scores=first_run_scores(evaluation),
        rules=describe_rules(evaluation),
        answers=collect_answers(vectors, None, words, 1),
    )


def score_vectors(vectors: WordVectors, tests: Sequence[WordTest]) -> dict[str, Any]:
    """The scores of `vectors` in `tests` by the default rules, as JSON of `vecmill evaluate`."""
    rules = Rules()
    results = scores.score_tests(tests, Vectors(vectors.words, vectors.vectors), rules)
    return score_table.to_json([RunScores("", results)], rules)


def first_run_scores(evaluation: Record) -> list[Score]:
    """The finite scores of the first run in JSON of `vecmill evaluate`, in their order.

    A score is NaN if no word of its test is known. What has another form is left out, because the file
    may come from another version.
    """
    runs = score_table.from_json(evaluation)
    return [score for score in runs[0].scores if math.isfinite(score.value)] if runs else []


def describe_rules(evaluation: Record) -> str:
    """A sentence on the rules of scoring in JSON of `vecmill evaluate`; "" if they are missing."""
    settings = evaluation.get("settings")
    if not isinstance(settings, Mapping):
        return ""
    clauses = []
    if settings.get("unknown"):
        clauses.append(f"questions with an unknown word are {settings['unknown']}")
    restrict = settings.get("restrict")
    if type(restrict) is int and restrict:
        clauses.append(f"analogies are asked of the {restrict:,} most frequent words")
    if isinstance(settings.get("ignore_case"), bool):
        clauses.append("case is ignored" if settings["ignore_case"] else "case matters")
    text = "; ".join(clauses)
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def summarise_stages(stages: Record, rounds: Sequence[RoundRecord]) -> list[StageSummary]:
    """The stages of run.json in the order in which they ran, with their counts and speed.

    The speed of training is that of its rounds, because its time counts only from the last resume.
    """
    tokens = stages.get("tokenize", {}).get("tokens")
    words_of = {
        "tokenize": tokens,
        "vocabulary": tokens,
        "texts": tokens,
        "train": sum(r.words for r in rounds),
    }
    pairs, texts = stages.get("pairs", {}), stages.get("texts", {})
    if texts.get("words"):
        words_of["pairs"] = texts["words"] * len(pairs.get("epochs") or ())
    trained = sum(r.words / r.words_per_second for r in rounds if r.words_per_second)

    summaries = []
    for name, stage in stages.items():
        seconds, words = stage.get("seconds"), words_of.get(name)
        busy = trained if name == "train" else seconds
        counts = {k: v for k, v in stage.items() if type(v) is int and k not in ("round", "rounds")}
        rate = words / busy if words and busy else None
        summaries.append(StageSummary(name, stage.get("state", "unknown"), seconds, counts, rate))
    return summaries


def thin_rounds(rounds: Sequence[RoundRecord], at_most: int = MAX_ROUNDS) -> list[RoundRecord]:
    """At most so many of the rounds, at equal steps, including the first and the last."""
    if len(rounds) <= at_most:
        return list(rounds)
    return [rounds[n] for n in np.linspace(0, len(rounds) - 1, at_most).round().astype(int)]


def vocabulary_curve(
    words: Sequence[str], counts: Places, tokens: int, kept: Doubles, drawn: Doubles
) -> list[RankedWord]:
    """Words at equal steps of the logarithm of their rank, for the curves of the vocabulary.

    words   V, sorted by falling frequency
    counts  (V,), above 0
    tokens  number of words in the corpus, including those that are not in the vocabulary
    kept    (V,) the probability that subsampling keeps an occurrence of a word
    drawn   (V,) the probability that a negative is this word
    """
    covered = np.cumsum(counts)
    return [
        RankedWord(
            rank=int(id_) + 1,
            word=shown_word(words[id_]),
            count=int(counts[id_]),
            share=int(counts[id_]) / tokens,
            covered=int(covered[id_]) / tokens,
            kept=float(kept[id_]),
            drawn=float(drawn[id_]),
        )
        for id_ in log_spaced(len(words), CURVE_POINTS)
    ]


def log_spaced(count: int, points: int) -> Places:
    """At most `points` of the ids below `count`, at equal steps of the logarithm of their rank."""
    if not count:
        return np.zeros(0, np.int64)
    ranks: Places = np.unique(np.geomspace(1, count, points).round().astype(np.int64))
    return ranks - 1


def _curve_of(vocabulary: pa.Table | None, tokens: int | None) -> list[RankedWord]:
    if vocabulary is None or not len(vocabulary):
        return []
    counts = vocabulary["count"].to_numpy()
    return vocabulary_curve(
        vocabulary["word"].to_pylist(),
        counts,
        tokens or max(1, int(counts.sum())),
        vocabulary["keep_probability"].to_numpy(),
        vocabulary["noise_probability"].to_numpy(),
    )


def _is_exported(stages: Record) -> bool:
    """Whether vectors/ comes from the last training, and not from one before it."""
    train, export = (stages.get(name, {}) for name in ("train", "export"))
    done = all(stage.get("state") == "done" for stage in (train, export))
    return done and train.get("finished", "") <= export.get("finished", "")


def _title(record: Record, root: str) -> str:
    """The name of the run's input, or of its folder."""
    path = record["configuration"]["input"].get("path")
    return PurePath(str(path or root)).name or root
