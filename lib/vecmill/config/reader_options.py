"""The options that Spark's readers of files know, and what is wrong with other ones.

Spark ignores options that it does not know, so a misspelled one would go unnoticed.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Options of every format that consists of files.
_FILES = _names("""
    basePath ignoreCorruptFiles ignoreInvalidPartitionPaths ignoreMissingFiles ignoredPathSegmentRegex
    modifiedAfter modifiedBefore pathGlobFilter recursiveFileLookup timeZone
""")
_JSON = _names("""
    allowBackslashEscapingAnyCharacter allowComments allowNonNumericNumbers allowNumericLeadingZeros
    allowSingleQuotes allowUnquotedControlChars allowUnquotedFieldNames charset columnNameOfCorruptRecord
    compression dateFormat dropFieldIfAllNull enableDateTimeParsingFallback encoding explodeEmbeddedArray
    ignoreNullFields inferTimestamp lineSep locale mode multiLine prefersDecimal pretty primitivesAsString
    samplingRatio singleVariantColumn sortKeys timeFormat timestampFormat timestampNTZFormat useUnsafeRow
    writeNonAsciiCharacterAsCodePoint
""")
_CSV = _names("""
    charToEscapeQuoteEscaping charset codec columnNameOfCorruptRecord columnPruning comment compression
    dateFormat delimiter emptyValue enableDateTimeParsingFallback encoding enforceSchema escape escapeQuotes
    extension header ignoreLeadingWhiteSpace ignoreTrailingWhiteSpace inferSchema inputBufferSize lineSep
    locale maxCharsPerColumn maxColumns mode multiLine nanValue negativeInf nullValue positiveInf preferDate
    quote quoteAll samplingRatio sep singleVariantColumn timeFormat timestampFormat timestampNTZFormat
    unescapedQuoteHandling
""")

# Options by format, as the documentation of Spark 4 lists them. Options with a dot in their names are
# settings of Hadoop, which Spark passes on.
KNOWN = {
    "text": _FILES | _names("compression encoding lineSep wholetext"),
    "json": _FILES | _JSON,
    "csv": _FILES | _CSV,
    "parquet": _FILES | _names("compression datetimeRebaseMode int96RebaseMode mergeSchema"),
    "orc": _FILES | _names("compression mergeSchema"),
}

# Options that are on or off. Spark reports another value without the name of the option.
_SWITCHES = _names("""
    allowBackslashEscapingAnyCharacter allowComments allowNonNumericNumbers allowNumericLeadingZeros
    allowSingleQuotes allowUnquotedControlChars allowUnquotedFieldNames dropFieldIfAllNull enforceSchema
    escapeQuotes header ignoreCorruptFiles ignoreLeadingWhiteSpace ignoreMissingFiles
    ignoreTrailingWhiteSpace inferSchema inferTimestamp mergeSchema multiLine preferDate prefersDecimal
    primitivesAsString quoteAll recursiveFileLookup wholetext
""")

# What users call formats of Spark.
ALIASES = {
    "txt": "text",
    "plain": "text",
    "jsonl": "json",
    "ndjson": "json",
    "jsonlines": "json",
    "tsv": "csv",
}


def invalid_options(format_name: str, options: Mapping[str, str]) -> Iterator[str]:
    """One sentence per option that the reader of a format does not know, or whose value is invalid."""
    known = {name.lower(): name for name in KNOWN.get(format_name, ())}
    if not known:
        return
    switches = {name.lower() for name in _SWITCHES}
    for name, value in options.items():
        option = name.lower()
        if "." in name or option == "path":
            continue
        if option not in known:
            close = difflib.get_close_matches(option, known, 1)
            remedy = f"the options are: {', '.join(sorted(known.values(), key=str.lower))}"
            if close:
                remedy = f"did you mean {known[close[0]]}?"
            yield f"input.options.{name[:80]} is not an option of Spark's reader of {format_name}; {remedy}"
        elif option in switches and value.lower() not in ("true", "false"):
            yield f"input.options.{name} must be 'true' or 'false', got {value[:80]!r}"


def encoding_in(options: Mapping[str, str]) -> str | None:
    """The encoding that the options name, if any."""
    return next((value for name, value in options.items() if name.lower() in ("encoding", "charset")), None)
