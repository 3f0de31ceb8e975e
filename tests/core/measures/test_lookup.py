"""Lookup of words by spellings that are one word."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vecmill.core.measures.lookup import WordIds, query_keys, word_key

DOTLESS, DOTTED = "\N{LATIN SMALL LETTER DOTLESS I}", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}"
COMPOSED, DECOMPOSED = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"


@pytest.mark.parametrize("ignore_case", [True, False])
@pytest.mark.parametrize("known", [COMPOSED, DECOMPOSED])
@pytest.mark.parametrize("asked", [COMPOSED, DECOMPOSED])
def test_letters_may_be_composed_or_decomposed(known, asked, ignore_case):
    ids = WordIds(["the", known], ignore_case=ignore_case)

    assert ids.get(asked) == 1
    assert ids.known([asked, "of"]) == ([1], ("of",))


def test_turkish_words_that_differ_in_the_dot_stay_apart():
    words = ["kir", f"k{DOTLESS}r", "istanbul", f"{DOTLESS}sparta"]
    ids = WordIds(words, ignore_case=True)

    assert [ids.get(word) for word in words] == [0, 1, 2, 3]
    assert ids.get(f"K{DOTLESS}r") == 1
    assert ids.get(f"{DOTTED}stanbul") == ids.get("ISTANBUL") == 2
    assert ids.get("ISPARTA") == 3, "the capital of the dotless i, if no word has the dotted one"
    assert ids.first_spellings(words).tolist() == [0, 1, 2, 3]


def test_the_capital_i_is_that_of_i_if_both_words_are_known():
    ids = WordIds([f"k{DOTLESS}r", "kir"], ignore_case=True)

    assert ids.get("KIR") == 1
    assert ids.get(f"K{DOTTED}R") == 1
    assert WordIds([f"k{DOTLESS}r"], ignore_case=False).get("KIR") is None


@pytest.mark.parametrize(
    "spellings",
    [
        ("Apple", "APPLE", "apple"),
        ("stra\N{LATIN SMALL LETTER SHARP S}e", "STRASSE", "strasse"),
        (
            "\N{GREEK SMALL LETTER SIGMA}",
            "\N{GREEK SMALL LETTER FINAL SIGMA}",
            "\N{GREEK CAPITAL LETTER SIGMA}",
        ),
        (f"{DOTTED}zmir", "izmir", f"{DOTTED.lower()}zmir", "Izmir"),
        ("\N{LATIN SMALL LETTER O WITH DIAERESIS}l", "O\N{COMBINING DIAERESIS}L"),
    ],
)
def test_spellings_that_differ_in_case_are_one_word_unless_the_caller_forbids_it(spellings):
    first, *others = spellings

    assert all(WordIds([first], ignore_case=True).get(other) == 0 for other in others)
    assert len({word_key(word, ignore_case=False) for word in spellings}) == len(spellings)


@given(st.text())
def test_the_key_of_a_word_does_not_depend_on_its_composition(word):
    for ignore_case in (True, False):
        keys = {
            word_key(unicodedata.normalize(form, word), ignore_case=ignore_case) for form in ("NFC", "NFD")
        }
        assert keys == {word_key(word, ignore_case=ignore_case)}
        assert word_key(word, ignore_case=ignore_case) in query_keys(word, ignore_case=ignore_case)


@given(st.text(st.characters(exclude_characters=f"{DOTLESS}{DOTTED}", max_codepoint=0x24F)))
def test_latin_words_agree_as_in_gensim(word):
    # gensim compares words in upper case.
    for other in (word.upper(), word.lower(), word.title()):
        if other.upper() == word.upper() and DOTLESS not in other:
            assert word_key(other, ignore_case=True) == word_key(word, ignore_case=True)
