"""The stage texts: tokens/ and vocabulary/ to texts/; counts the words of every slice and shard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vecmill.corpus import texts
from vecmill.corpus.texts import HOLDOUT_SLICE
from vecmill.errors import InputError
from vecmill.pipeline.stage import Stage, pick
from vecmill.runs.run import Run, vocabulary_columns
from vecmill.spark.session import LONG_ROWS, using
from vecmill.storage.schemas import TEXTS, TEXTS_BY, TOKENS
from vecmill.storage.task_table import TaskTable


def _run(run: Run) -> Mapping[str, Any]:
    """Raises InputError if no text is left to train on."""
    settings = run.config.train
    words = run.spark.sparkContext.broadcast(vocabulary_columns(run.store, "word")["word"])
    try:
        with using(run.spark, LONG_ROWS):
            encoded = texts.encode(
                run.store.read("tokens", TOKENS),
                words,
                slices=settings.slices,
                shards=settings.shards,
                holdout=settings.holdout,
                seed=settings.seed,
            )
            staged = run.store.stage([TaskTable(encoded)], "texts", TEXTS, TEXTS_BY)
    finally:
        words.destroy()
    run.store.publish(staged, "texts")
    words_of = [[*part.values, part.elements] for part in staged.parts]
    trained_on = [of_shard for of_shard in words_of if of_shard[0] != HOLDOUT_SLICE]
    if not trained_on:
        raise InputError(
            "no document has two words of the vocabulary, so there is nothing to train on; "
            "lower vocabulary.min_count, or give documents and not single words"
        )
    total = sum(words for _, _, words in trained_on)
    return {
        "texts": staged.rows,
        "words": total,
        "held_out_words": staged.elements - total,
        "words_of": trained_on,
    }


STAGE = Stage(
    "texts",
    ("pairs",),
    # It needs the words of the vocabulary and not its sampling probabilities. So its key has the settings
    # that determine the words, and not the key of the whole stage.
    reads=("tokenize",),
    needs=lambda config: ("vocabulary", "plan"),
    settings=lambda c: c.vocabulary.model_dump() | pick(c.train, "shards", "slices", "seed", "holdout"),
    work=_run,
    outputs=lambda record: ["texts"],
)
