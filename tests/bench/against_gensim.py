"""vecmill and gensim on the same tokens with the same settings: scores and CPU time, in one table.

    python -m tests.bench.against_gensim --corpus FILE --analogies FILE --similarity FILE --shards 1 2 8

`--corpus` is text with one document a line; words are what a-z spells after lower-casing. Both train
100 dimensions, window 5, 5 negatives, 5 epochs, from a rate of 0.025; gensim with one worker. Scores are
gensim's own evaluations over the 30,000 most frequent words. CPU is that of training alone: for gensim
its process while it trains, for vecmill the tasks of all shards, with the reading of pairs and the
handing over of changes.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from gensim.models import KeyedVectors, Word2Vec
from tests.bench.measure import measure

_EPOCHS = 5
_RESTRICT = 30_000
_ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Result(NamedTuple):
    """One trainer's line of the table."""

    name: str
    vectors: KeyedVectors
    cpu_microseconds_per_word: float
    wall_seconds: float


class Documents:
    """The corpus as gensim wants it: documents of words, as often as it asks."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __iter__(self) -> Iterator[list[str]]:
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                yield re.findall("[a-z]+", line.lower())


def train_gensim(corpus: Path) -> Result:
    documents = Documents(corpus)
    started = time.monotonic()
    model = Word2Vec(vector_size=100, window=5, sg=1, negative=5, min_count=5, workers=1, seed=1)
    model.build_vocab(documents)
    words = sum(model.wv.get_vecattr(word, "count") for word in model.wv.index_to_key)
    # Split once, so that gensim is not charged for our regular expression in every epoch.
    split = list(documents)
    cpu = time.process_time()
    model.train(split, total_examples=model.corpus_count, epochs=_EPOCHS)
    cpu = time.process_time() - cpu
    return Result("gensim", model.wv, cpu / (words * _EPOCHS) * 1e6, time.monotonic() - started)


def train_vecmill(corpus: Path, shards: int, folder: Path) -> Result:
    settings = {
        "input.path": corpus.absolute(),
        "output.path": folder,
        "tokenizer.pattern": "'[a-z]+'",
        "train.epochs": _EPOCHS,
        "train.shards": shards,
        "train.holdout": 0.0,
    }
    overrides = [f"--set={key}={value}" for key, value in settings.items()]
    usage = measure([sys.executable, "-m", "vecmill", "run", *overrides], env={**os.environ, **_ONE_THREAD})
    if usage.exit_code:
        raise SystemExit(f"vecmill ended with exit code {usage.exit_code}")
    rounds = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    words = sum(line["words"] for line in rounds)
    cpu = sum(line["cpu_microseconds_per_word"] * line["words"] for line in rounds) / words
    vectors = KeyedVectors.load_word2vec_format(folder / "exports" / "vectors.bin", binary=True)
    return Result(f"vecmill, {shards} shards", vectors, cpu, usage.wall_seconds)


def told(result: Result, analogies: Path | None, similarity: Path | None) -> str:
    scores = []
    if analogies:
        score, _ = result.vectors.evaluate_word_analogies(analogies, restrict_vocab=_RESTRICT)
        scores.append(f"{100 * score:9.1f}")
    if similarity:
        spearman = result.vectors.evaluate_word_pairs(similarity, restrict_vocab=_RESTRICT)[1]
        scores.append(f"{spearman[0]:9.3f}")
    figures = f"{result.cpu_microseconds_per_word:9.2f} {result.wall_seconds:9.0f}"
    return " ".join([f"{result.name:<20}", *scores, figures])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--analogies", type=Path, help="the Google analogy questions")
    parser.add_argument("--similarity", type=Path, help="word pairs with scores, such as WordSim-353")
    parser.add_argument("--shards", type=int, nargs="*", default=[1])
    arguments = parser.parse_args()
    head = [
        *(["  analogy"] if arguments.analogies else []),
        *(["spearman "] if arguments.similarity else []),
    ]
    print(f"{platform.platform()}, {os.cpu_count()} cores; {arguments.corpus}, seed 1")
    print(" ".join([f"{'':<20}", *head, "us a word", "wall    s"]), flush=True)
    print(told(train_gensim(arguments.corpus), arguments.analogies, arguments.similarity), flush=True)
    with tempfile.TemporaryDirectory(prefix="vecmill-bench-") as scratch:
        for shards in arguments.shards:
            result = train_vecmill(arguments.corpus, shards, Path(scratch) / str(shards))
            print(told(result, arguments.analogies, arguments.similarity), flush=True)


if __name__ == "__main__":
    main()
