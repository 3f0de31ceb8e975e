"""Short lists of English words for a first look at a model, without test files."""

from __future__ import annotations

from collections.abc import Sequence

from vecmill.vectors.word_vectors import WordVectors

FAMILIAR_WORDS = (
    "king", "bread", "music", "mountain", "water", "war", "joy", "physics", "red",
    "doctor", "river", "moses", "three", "city", "ship", "winter",
)  # fmt: skip

# a is to b as c is to d.
ANALOGIES = (
    ("man", "king", "woman", "queen"),
    ("france", "paris", "germany", "berlin"),
    ("slow", "slower", "strong", "stronger"),
    ("go", "went", "see", "saw"),
    ("he", "she", "his", "her"),
    ("brother", "sister", "son", "daughter"),
    ("japan", "tokyo", "italy", "rome"),
    ("son", "sons", "daughter", "daughters"),
    ("day", "night", "light", "darkness"),
    ("father", "mother", "man", "woman"),
)

# Female first, so that a direction computed from them points to the female side.
GENDER_PAIRS = (
    ("she", "he"),
    ("her", "his"),
    ("woman", "man"),
    ("girl", "boy"),
    ("mother", "father"),
    ("daughter", "son"),
    ("sister", "brother"),
    ("queen", "king"),
    ("wife", "husband"),
    ("herself", "himself"),
)

MALE_FEMALE = (
    ("man", "woman"),
    ("king", "queen"),
    ("uncle", "aunt"),
    ("nephew", "niece"),
    ("brother", "sister"),
    ("actor", "actress"),
    ("duke", "duchess"),
    ("emperor", "empress"),
)

COMPARATIVES = (
    ("slow", "slower", "slowest"),
    ("short", "shorter", "shortest"),
    ("strong", "stronger", "strongest"),
    ("loud", "louder", "loudest"),
    ("clear", "clearer", "clearest"),
    ("soft", "softer", "softest"),
    ("dark", "darker", "darkest"),
    ("large", "larger", "largest"),
)

CAPITALS = (
    ("france", "paris"),
    ("germany", "berlin"),
    ("italy", "rome"),
    ("spain", "madrid"),
    ("austria", "vienna"),
    ("poland", "warsaw"),
    ("greece", "athens"),
    ("russia", "moscow"),
    ("japan", "tokyo"),
    ("egypt", "cairo"),
)

PAST_TENSES = (
    ("go", "went"),
    ("see", "saw"),
    ("take", "took"),
    ("write", "wrote"),
    ("speak", "spoke"),
    ("know", "knew"),
    ("give", "gave"),
    ("find", "found"),
)

OCCUPATIONS = (
    "accountant",
    "actor",
    "architect",
    "artist",
    "astronomer",
    "baker",
    "barber",
    "captain",
    "carpenter",
    "chemist",
    "clerk",
    "composer",
    "cook",
    "dancer",
    "doctor",
    "economist",
    "engineer",
    "farmer",
    "hairdresser",
    "historian",
    "housekeeper",
    "journalist",
    "judge",
    "lawyer",
    "librarian",
    "maid",
    "mathematician",
    "mechanic",
    "musician",
    "novelist",
    "nurse",
    "painter",
    "philosopher",
    "photographer",
    "physician",
    "pilot",
    "poet",
    "politician",
    "priest",
    "professor",
    "programmer",
    "receptionist",
    "sailor",
    "scientist",
    "secretary",
    "singer",
    "soldier",
    "surgeon",
    "teacher",
    "waiter",
)


# Fewer known words than these say that the corpus is in another language.
_MIN_FAMILIAR = 3


def words_to_show(
    vectors: WordVectors,
    requested: Sequence[str] = (),
    count: int = 9,
    *,
    familiar: Sequence[str] = FAMILIAR_WORDS,
) -> list[str]:
    """Words of `vectors` whose neighbours say something to a reader.

    All known words of `requested` as the vocabulary spells them, or without it at most `count` of the
    `familiar` ones. If fewer than three of those are known, `count` words of medium frequency and of more
    than three letters.
    """
    if requested:
        return [vectors.spelling(word) for word in requested if word in vectors]
    known = [word for word in familiar if word in vectors]
    if len(known) >= _MIN_FAMILIAR:
        return known[:count]
    medium = [word for word in vectors.words[50:2000] if len(word) > 3] or vectors.words
    return medium[:: max(1, len(medium) // count)][:count]
