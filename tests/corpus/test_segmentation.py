"""Text without spaces between words is recognized by its tokens."""

from __future__ import annotations

import pyarrow as pa
import pytest

from vecmill.corpus.segmentation import unsegmented


def languages(*tokens: str) -> str | None:
    script = unsegmented(pa.array(tokens))
    return script and script.languages


@pytest.mark.parametrize(
    ("language", "tokens"),
    [
        ("Chinese", ["我们今天去公园散步", "明天再见", "他说这本书非常有意思", "2024年"]),
        ("Japanese", ["今日は公園に散歩に行きました", "この本はとても面白いと思います", "東京"]),
        ("Thai", ["วันนี้เราไปเดินเล่นที่สวนสาธารณะ", "หนังสือเล่มนี้น่าสนใจมาก"]),
        ("Lao", ["ມື້ນີ້ພວກເຮົາໄປຍ່າງຫຼິ້ນຢູ່ສວນສາທາລະນະ"]),
        ("Khmer", ["ថ្ងៃនេះយើងទៅដើរលេងនៅសួនច្បារ"]),
        ("Burmese", ["ယနေ့ကျွန်ုပ်တို့ပန်းခြံသို့လမ်းလျှောက်သွားကြသည်"]),
    ],
)
def test_clauses_of_a_script_without_spaces_are_named(language, tokens):
    assert languages(*tokens) == language


@pytest.mark.parametrize(
    "tokens",
    [
        ["我们", "今天", "去", "公园", "散步"],
        ["今日", "は", "公園", "に", "行きました"],
        ["วันนี้", "เรา", "ไป", "เดินเล่น", "ที่", "สวน"],
        ["오늘", "우리는", "공원에", "산책하러", "갔습니다"],
        ["हम", "आज", "पार्क", "में", "टहलने"],
        ["the", "quick", "brown", "fox", "我们今天去公园散步"],
        ["internationalization", "donaudampfschifffahrt"],
        [],
    ],
)
def test_words_are_not(tokens):
    assert unsegmented(pa.array(tokens, pa.string())) is None
