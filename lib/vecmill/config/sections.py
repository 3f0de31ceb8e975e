"""The sections of the configuration: keys, defaults, limits and descriptions."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model, field_validator

from vecmill.config import reader_options
from vecmill.models import MODELS

_Number = Annotated[float, Field(strict=True, allow_inf_nan=False)]
_Text = Annotated[str, Field(min_length=1)]

# The largest id of a word, and the largest count.
_MOST_WORDS = 2**31 - 1
_MOST_TOKENS = 2**63 - 1


class Section(BaseModel):
    """A table of the configuration that cannot be changed and has no other keys than its own."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Input(Section):
    """Which text is read, and how Spark reads it."""

    format: str = Field(
        "text",
        min_length=1,
        description="format of the input: text (one document per line), json (one object per line), csv, "
        "parquet, orc, or the name of any other data source of Spark",
    )
    path: str | None = Field(
        None,
        min_length=1,
        description="file, folder with all files below it, or glob; hdfs://, s3a:// and abfss:// work too; "
        "required for files",
        examples=["corpus.txt"],
    )
    column: str | None = Field(
        None,
        min_length=1,
        description='column that holds the text; by default "value" for text and "text" for other formats',
        examples=["value"],
    )
    encoding: str = Field(
        "UTF-8",
        min_length=1,
        description="text and csv: encoding of the files, such as ISO-8859-1, windows-1252 or Shift_JIS; "
        "it must contain ASCII as it is, which UTF-16 does not",
    )
    options: dict[str, str] = Field(
        {},
        description="options for Spark's reader, all of them strings; by default none",
        examples=[{"wholetext": "true"}],
    )

    @property
    def text_column(self) -> str:
        """The column to read: the configured one, or the usual name in text files or in other formats."""
        return self.column or ("value" if self.format == "text" else "text")

    @property
    def read_encoding(self) -> str | None:
        """The encoding in which text, csv or json is read; None if Spark finds it out, or there is none."""
        if self.format not in ("text", "csv", "json"):
            return None
        if self.format != "text" and "encoding" not in self.model_fields_set:
            named = reader_options.encoding_in(self.options)
            return None if named and self.format == "json" else named or self.encoding
        return self.encoding

    @field_validator("format")
    @classmethod
    def _in_lower_case(cls, name: str) -> str:
        """Spark's own formats by one spelling; it reads "JSON" as "json"."""
        return name.lower() if name.lower() in reader_options.KNOWN else name


class Tokenizer(Section):
    """How a document is split into tokens."""

    kind: Literal["sentences", "regex", "whitespace", "column", "python"] = Field(
        "regex",
        description="regex (every match of pattern), whitespace, sentences (Java's rules for words, by "
        "script), column (the column already is array<string>), python (a function of your own)",
    )
    lowercase: bool = Field(
        True, description='fold case by Unicode\'s rules; false keeps "Apple" and "apple" apart'
    )
    language: Literal["tr", "az"] | None = Field(
        None,
        description="language whose rules fold case: tr (Turkish) and az (Azerbaijani) fold I to a dotless "
        "i; by default the rule of all other languages",
        examples=["tr"],
    )
    pattern: str | None = Field(
        None,
        min_length=1,
        description="regex: a Java regular expression, by default runs of letters, combining marks and "
        'digits of any script, single quotes keep its backslashes; python: a function as "module:function"',
        examples=["[a-z]+"],
    )
    min_length: int = Field(
        1,
        ge=1,
        le=1_000_000,
        description="length of the shortest tokens kept, in characters; 1 or 2 is usual",
    )


class Vocabulary(Section):
    """Which words get a vector."""

    min_count: int = Field(
        5,
        ge=1,
        le=_MOST_TOKENS,
        description="words that occur less often are dropped; 5 to 100, more for more text; word2vec.c's "
        "default",
    )
    max_size: int | None = Field(
        None,
        ge=1,
        le=_MOST_WORDS,
        description="largest number of words, the most frequent are kept; by default no limit; it bounds "
        "memory everywhere",
        examples=[1_000_000],
    )


class Pairs(Section):
    """How training pairs are drawn from the tokens."""

    window: int = Field(
        5,
        ge=1,
        le=1000,
        description="context words on each side; each window is drawn from 1 to this; 2 to 10 is usual; "
        "word2vec.c's default",
    )
    negatives: int = Field(
        5,
        ge=0,
        le=1000,
        description="noise words per pair; 5 to 15, fewer for more text; word2vec.c's default",
    )
    subsample: _Number = Field(
        1e-3,
        ge=0,
        le=1,
        description="relative frequency above which occurrences of a word are dropped at random; 1e-3 to "
        "1e-5 is usual, 0 is off; word2vec.c's default",
    )
    noise_exponent: _Number = Field(
        0.75,
        ge=0,
        le=2,
        description="noise words are drawn in proportion to count ** noise_exponent; 0 to 1 is usual; "
        "word2vec.c's default",
    )
    materialize: bool = Field(
        True,
        description="true writes the pairs; false draws the same pairs during training and saves the disk "
        "space",
    )


class ModelSection(Section):
    """Which model is trained; a kind of model may add keys of its own."""

    kind: str = Field(
        "sgns",
        description="kind of model: "
        + ", ".join(f"{name} ({kind.title})" for name, kind in MODELS.items()),
    )

    @property
    def options(self) -> dict[str, Any]:
        """The values of the keys that this kind adds."""
        return {name: getattr(self, name) for name in type(self).model_fields if name != "kind"}

    @classmethod
    def of_kind(cls, kind: str) -> type[ModelSection]:
        """The section with the keys that a kind of model adds."""
        fields: dict[str, Any] = {
            name: (option.type, Field(option.default, description=option.description))
            for name, option in MODELS[kind].options.items()
        }
        return create_model("ModelSection", __base__=cls, **fields)


class Train(Section):
    """How the model is trained."""

    dim: int = Field(
        100,
        ge=1,
        le=10_000,
        description="numbers per vector; 50 to 300 is usual; memory and time grow with it; word2vec.c's "
        "default",
    )
    epochs: int = Field(
        5,
        ge=1,
        le=1_000_000,
        description="passes over the text; 3 to 15, more for less text; word2vec.c's default",
    )
    learning_rate: _Number = Field(
        0.025,
        gt=0,
        le=10,
        description="learning rate at the start, from which it falls linearly; word2vec.c's default is "
        "0.025; 0.05 scored better with one shard; the best rate depends on shards, slices and merge",
    )
    min_learning_rate: _Number = Field(
        2.5e-6,
        ge=0,
        description="lower limit of the learning rate; word2vec.c has learning_rate / 10,000",
    )
    strategy: Literal["auto", "averaging", "blocked"] = Field(
        "averaging",
        description="averaging: each shard trains a copy of the model, and the copies are merged; "
        "blocked: each shard trains rows of its own, as accurate with 128 shards as with 1; auto: the "
        "faster of the two, with shards, slices, threads and, unless it is set, learning_rate",
    )
    shards: int = Field(
        1, ge=1, le=100_000, description="tasks that train in parallel; 1 while that is fast enough"
    )
    slices: int = Field(
        1,
        ge=1,
        le=10_000,
        description="averaging: rounds per epoch, each with a merge, 4 to 16 with more than one shard; "
        "blocked: passes per epoch, about 8",
    )
    threads: int = Field(
        1,
        ge=1,
        le=10_000,
        description="threads per task, which share the model without locks; more than 1 needs the kernel "
        "numba and as many spark.task.cpus, and gives slightly different vectors each time",
    )
    kernel: Literal["auto", "numba", "numpy"] = Field(
        "auto",
        description="library of the training kernel: numba (compiled, about five times as fast; pip "
        "install numba), numpy, or auto, which is numba if it is installed",
    )
    merge: Literal["mean", "adasum"] = Field(
        "mean",
        description="averaging: how changes of the shards are merged: mean, or adasum, which adds "
        "orthogonal changes and averages parallel ones",
    )
    warm_up: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description="averaging: rounds at the start in which the shards train one after another; a "
        "twentieth of all rounds helps analogies if adasum merges 32 shards, and hardly if it merges 8",
    )
    seed: int = Field(
        1, ge=0, lt=2**63, description="seed of all random numbers; the same seed gives the same vectors"
    )
    holdout: _Number = Field(
        1e-3,
        ge=0,
        le=0.5,
        description="share of the text that is not trained on and gives the held-out loss; 0 to 0.5, 0 is "
        "off",
    )


class Evaluate(Section):
    """Which tests the vectors take after export."""

    files: list[_Text] = Field(
        [],
        description="test files on the driver's machine; by default none, and the stage is skipped",
        examples=[["wordsim353.tsv", "questions-words.txt"]],
    )
    restrict: int = Field(
        30_000,
        ge=1,
        le=_MOST_WORDS,
        description="number of words, the most frequent, that can answer an analogy; 30,000 is usual",
    )
    floors: dict[str, _Number] = Field(
        {},
        description="lowest score allowed for a file or for file:section; a score below it ends the run "
        "with exit code 4; by default none",
        examples=[{"wordsim353.tsv": 0.5, "questions-words.txt:family": 0.3}],
    )

    def floor(self, file: str, section: str) -> float | None:
        """The lowest score allowed for a section, or for the whole file if `section` is ""."""
        return self.floors.get(f"{file}:{section}" if section else file)


class Output(Section):
    """Where the results are written."""

    path: str = Field(
        min_length=1,
        description="folder of the run, on any file system that Hadoop supports; it holds all tables and "
        "exports",
    )
