"""The default rule for what a token is: a run of letters, combining marks and digits of any script."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

# Characters that join what stands on both sides of them into one word, and belong to it: the zero width
# joiner and non-joiner (Sinhala, Malayalam, Persian), and the vowel separator of Mongolian.
_JOINERS = r"\x{200C}\x{200D}\x{180E}"
# A place where a word may be broken at the end of a line. The word is the same without it.
_SOFT_HYPHEN = "\u00ad"
_VOWEL_SEPARATOR = re.compile("\u180e".encode())

# A token begins with a letter or a digit. Marks and joiners that follow neither belong to no token: those
# of emoji, for example. This form of the pattern is as fast as a single class of characters; a class
# followed by another one takes RE2 four times as long.
_BETWEEN_TOKENS = rf"[^\p{{L}}\p{{M}}\p{{N}}{_JOINERS}][^\p{{L}}\p{{N}}]*"
_AT_BEGIN = rf"^[\p{{M}}{_JOINERS}]+"
# The virama of Malayalam and a joiner are a letter of their own, with which a word may end.
_JOINERS_AT_END = rf"(^|[^\x{{0D4D}}{_JOINERS}])[{_JOINERS}]+([^\p{{L}}\p{{M}}\p{{N}}{_JOINERS}]|$)"


def split_words(text: pa.StringArray) -> pa.ListArray:
    """The tokens of each text, with empty ones; no text may be null."""
    return pc.split_pattern_regex(_without_stray_marks(text), _BETWEEN_TOKENS)


def _without_stray_marks(text: pa.StringArray) -> pa.StringArray:
    """The texts without soft hyphens, marks at their beginning, and joiners at the end of words."""
    odd = _has_joiners(text) | _begins_with_mark(text)
    if not odd.any():
        return text
    mask = pa.array(odd)
    clean = pc.replace_substring(text.filter(mask), _SOFT_HYPHEN, "")
    clean = pc.replace_substring_regex(clean, _AT_BEGIN, "", max_replacements=1)
    clean = pc.replace_substring_regex(clean, _JOINERS_AT_END, r"\1\2")
    return pc.replace_with_mask(text, mask, clean)


def _has_joiners(text: pa.StringArray) -> npt.NDArray[np.bool_]:
    """Whether each text has a joiner or a soft hyphen."""
    offsets, data = _buffers(text)
    data = data[: offsets[-1]]
    # First the bytes with which the forms begin, C2 AD and E2 80 8C or 8D: other text has few of them.
    first = np.flatnonzero((data[offsets[0] :] & 0xDF) == 0xC2) + offsets[0]
    second, third = (data[np.minimum(first + ahead, len(data) - 1)] for ahead in (1, 2))
    is_soft_hyphen = (data[first] == 0xC2) & (second == 0xAD)
    is_joiner = (data[first] == 0xE2) & (second == 0x80) & ((third == 0x8C) | (third == 0x8D))
    places = [first[is_soft_hyphen | is_joiner]]
    if _VOWEL_SEPARATOR.search(memoryview(data.data)):
        places.append(
            np.array([match.start() for match in _VOWEL_SEPARATOR.finditer(memoryview(data.data))])
        )
    has = np.zeros(len(text), np.bool_)
    found = np.concatenate(places)
    has[np.searchsorted(offsets, found[found >= offsets[0]], side="right") - 1] = True
    return has


def _begins_with_mark(text: pa.StringArray) -> npt.NDArray[np.bool_]:
    offsets, data = _buffers(text)
    begins = offsets[:-1][offsets[:-1] < offsets[1:]]
    if not (data[begins] > 0x7F).any():
        return np.zeros(len(text), np.bool_)
    return pc.match_substring_regex(text, _AT_BEGIN).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _buffers(text: pa.StringArray) -> tuple[npt.NDArray[np.integer], npt.NDArray[np.uint8]]:
    """Where each text begins and ends in the bytes of all texts, and these bytes."""
    _, offsets, data = text.buffers()
    kind = np.dtype(np.int64 if pa.types.is_large_string(text.type) else np.int32)
    places: npt.NDArray[np.integer] = np.frombuffer(offsets, kind)
    return places[text.offset : text.offset + len(text) + 1], np.frombuffer(data or b"", np.uint8)
