"""Whether tokens are whole clauses of a script that is written without spaces between words."""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc


class Script(NamedTuple):
    """Languages that are written without spaces, the characters of their script, and who segments them."""

    languages: str
    characters: str
    segmenter: str


# The first that has most of the characters counts: Japanese has Chinese ones too.
SCRIPTS = (
    Script("Japanese", "\u3040-\u30ff", "fugashi or sudachipy"),
    Script("Chinese", "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f", "jieba or pkuseg"),
    Script("Thai", "\u0e00-\u0e7f", "pythainlp"),
    Script("Lao", "\u0e80-\u0eff", "laonlp"),
    Script("Khmer", "\u1780-\u17ff", "khmer-nltk"),
    Script("Burmese", "\u1000-\u109f", "pyidaungsu"),
)

# A word of these languages has one to four characters of Chinese, and rarely more than eight of the others.
_LONG = {"Chinese": 5, "Japanese": 7}
_LONG_OTHERS = 13

# Text in which tokens are shorter on average, in bytes, does not have whole clauses as tokens. English has
# 6 bytes per token, Hindi and Tamil 12 to 25 with spaces between words.
FEWEST_BYTES_PER_TOKEN = 10

_ALL = "".join(script.characters for script in SCRIPTS)


def unsegmented(tokens: pa.StringArray) -> Script | None:
    """The script in which most of the tokens are written, if they are longer than its words; else None."""
    within = tokens.filter(pc.match_substring_regex(tokens, f"[{_ALL}]"))
    if 2 * len(within) <= len(tokens):
        return None
    text = "".join(within.to_pylist())
    counts = {script: len(re.findall(f"[{script.characters}]", text)) for script in SCRIPTS}
    total = sum(counts.values())
    japanese, chinese = SCRIPTS[0], SCRIPTS[1]
    most = max(SCRIPTS, key=lambda script: counts[script])
    # A tenth of kana is enough for Japanese.
    script = japanese if most is chinese and counts[japanese] > total / 10 else most
    limit = _LONG.get(script.languages, _LONG_OTHERS)
    long = pc.sum(pc.greater_equal(pc.utf8_length(within), limit)).as_py()
    return script if 3 * long > len(within) else None
