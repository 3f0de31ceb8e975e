"""The stage tokenize: the input to tokens/."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pyspark.errors import IllegalArgumentException, PySparkException
from pyspark.sql import Observation, SparkSession
from pyspark.sql import functions as F

from vecmill.config import Config
from vecmill.corpus.segmentation import FEWEST_BYTES_PER_TOKEN, unsegmented
from vecmill.corpus.tokens import TextCounts, python_tokenizer, tokenize_documents
from vecmill.errors import ConfigError, InputError, VecmillError
from vecmill.formatting import MIB, parse_bytes, shorten
from vecmill.pipeline.stage import Stage
from vecmill.runs.run import Run
from vecmill.spark.failures import first_line
from vecmill.spark.session import using
from vecmill.storage.documents import EVERY_ENCODING, explained, is_utf8, read_documents
from vecmill.storage.files import FileStatus
from vecmill.storage.input_checks import MOST_LISTED, check_input, find_long_line
from vecmill.storage.input_files import FILE_FORMATS, find_input
from vecmill.storage.schemas import TOKENS
from vecmill.storage.text_checks import MOST_NULS, Damage

# Java holds several copies of the longest document, and of one per core: a line of 128 MB was read with a
# heap of 2 GiB and one of 200 MB was not, nor one of 64 MB with 1 GiB.
_HEAP_PER_DOCUMENT = 32

# Documents and tokens of each that show whether words are separated.
_SAMPLED_DOCUMENTS, _SAMPLED_TOKENS = 500, 500

# Documents with invalid bytes, as a share of all, that are worth a line.
_MANY_INVALID = 0.01


def _run(run: Run) -> Mapping[str, Any]:
    """Raises InputError if the input is not text, or has no token."""
    settings, source = run.config.tokenizer, run.config.input
    if settings.kind == "regex" and settings.pattern:
        _check_pattern(run.spark, settings.pattern)
    if settings.kind == "python":
        _check_function(settings.pattern or "")
    most_bytes = _longest_document(run.spark)
    listed = _check_files(run, most_bytes)
    encoding = source.read_encoding or "UTF-8"
    observed = Observation()
    with using(run.spark, {} if is_utf8(encoding) else EVERY_ENCODING):
        documents = read_documents(
            run.spark,
            format=source.format,
            path=source.path,
            column=source.text_column,
            options=source.options,
            tokenized=settings.kind == "column",
            encoding=encoding,
        )
        tokens = tokenize_documents(
            documents,
            column=source.text_column,
            kind=settings.kind,
            lowercase=settings.lowercase,
            language=settings.language,
            pattern=settings.pattern,
            min_length=settings.min_length,
            is_decoded=source.format not in ("text", "parquet", "orc") or not is_utf8(encoding),
            counts=observed,
        )
        with _explained(run.config, listed, most_bytes):
            staged = run.store.stage([tokens], "tokens", TOKENS)
    counts = TextCounts.of(observed.get)
    _check_text(run.config, counts)
    if staged.elements == 0:
        raise InputError(
            f"input.path: {source.path} holds no token ({counts.documents:,} documents, "
            f"{counts.null_documents:,} of them null); check input.column and the tokenizer"
        )
    run.store.publish(staged, "tokens")
    if counts.invalid_utf8 > _MANY_INVALID * counts.documents:
        run.say(
            "tokenize",
            f"{counts.invalid_utf8:,} documents have bytes that are not {encoding}, which became U+FFFD; "
            f"if they have another encoding, set {_encoding_key(source.format)}",
        )
    if settings.kind not in ("python", "column"):
        _report_unsegmented(run, counts.bytes / staged.elements)
    return {
        "documents": counts.documents,
        "null_documents": counts.null_documents,
        "invalid_utf8": counts.invalid_utf8,
        "empty_documents": counts.documents - counts.null_documents - staged.rows,
        "tokens": staged.elements,
    }


def _check_files(run: Run, most_bytes: int) -> Sequence[FileStatus]:
    """Raise InputError if a file is no text; the first files of the input."""
    source = run.config.input
    if source.path is None or source.format not in FILE_FORMATS:
        return ()
    files = find_input(run.spark, source.path, source.options)
    listed = files.first(MOST_LISTED)
    check_input(
        files,
        listed,
        format_name=source.format,
        encoding=source.read_encoding,
        most_bytes=most_bytes,
    )
    return listed


def _longest_document(spark: SparkSession) -> int:
    """Bytes of the longest document that Java has memory for."""
    settings = spark.sparkContext.getConf()
    is_local = str(settings.get("spark.master", "local")).startswith("local")
    heap = str(settings.get("spark.driver.memory" if is_local else "spark.executor.memory", "1g"))
    return parse_bytes(heap, MIB) // _HEAP_PER_DOCUMENT


@contextmanager
def _explained(config: Config, listed: Sequence[FileStatus], most_bytes: int) -> Iterator[None]:
    """Name the option or the line of the input that made Spark fail, if that is the cause."""
    source = config.input
    where = source.path or f"the {source.format} source"
    try:
        yield
    except VecmillError:
        raise
    except IllegalArgumentException:
        with explained(where, source.format):
            raise
    except Exception as error:
        long_line = find_long_line(listed, most_bytes) if source.format == "text" else None
        if long_line is not None:
            raise long_line from error
        raise


def _check_text(config: Config, counts: TextCounts) -> None:
    """Raise InputError if what was read is not text in its encoding."""
    source = config.input
    damage = Damage(counts.invalid_characters, counts.foreign_characters, counts.bytes)
    # Of other formats it is not known whether the bytes were invalid or have been replaced by their writer.
    if damage.is_another_encoding and source.format in ("text", "csv"):
        raise InputError(
            f"input.path: {source.path} is not {source.read_encoding}: {counts.invalid_utf8:,} of "
            f"{counts.documents:,} documents have invalid bytes; set input.encoding, or convert the files "
            "with iconv"
        )
    if counts.nul_characters > MOST_NULS * counts.bytes:
        raise InputError(
            f"input.path: {source.path} has {counts.nul_characters:,} NUL characters among "
            f"{counts.bytes:,} bytes, as no text has; give text (UTF-16 can be converted with iconv)"
        )


def _encoding_key(format_name: str) -> str:
    return "input.encoding" if format_name in ("text", "csv") else "input.options.encoding"


def _report_unsegmented(run: Run, bytes_per_token: float) -> None:
    """Say in one line if most tokens are clauses of a script without spaces."""
    if bytes_per_token < FEWEST_BYTES_PER_TOKEN:
        return
    column = F.slice("tokens", 1, _SAMPLED_TOKENS).alias("tokens")
    sample = run.store.frame("tokens", TOKENS).select(column).limit(_SAMPLED_DOCUMENTS).toArrow()
    script = unsegmented(sample["tokens"].combine_chunks().flatten())
    if script is not None:
        run.say(
            "tokenize",
            f"most tokens are whole clauses of {script.languages}, which has no spaces between words; to "
            f"separate them, set tokenizer.kind = 'python' with a function that calls {script.segmenter}",
        )


def _check_pattern(spark: SparkSession, pattern: str) -> None:
    try:
        spark.range(1).select(F.regexp_extract_all(F.lit("a"), F.lit(pattern), F.lit(0))).collect()
    except PySparkException as error:
        cause = re.sub(r"\s+", " ", first_line(error))
        raise ConfigError(
            [
                "tokenizer.pattern must be a Java regular expression, got "
                f"{shorten(repr(pattern), 120)}: {shorten(cause, 300)}"
            ]
        ) from error


def _check_function(name: str) -> None:
    try:
        python_tokenizer(name)
    except (Exception, SystemExit) as error:
        cause = shorten(f"{type(error).__name__}: {error}", 300)
        raise ConfigError(
            [
                f"tokenizer.pattern: {name} cannot be imported ({cause}); give its module with --py-files, "
                "or install it"
            ]
        ) from error


STAGE = Stage(
    "tokenize",
    ("tokenize",),
    reads=(),
    settings=lambda c: {"input": c.input.model_dump(), "tokenizer": c.tokenizer.model_dump()},
    outside=lambda outside: [list(file) for file in outside.files],
    work=_run,
    outputs=lambda record: ["tokens"],
)
