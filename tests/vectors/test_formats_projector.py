from __future__ import annotations

import numpy as np
import pytest

from vecmill.errors import InputError
from vecmill.vectors.formats import Block
from vecmill.vectors.formats.projector import write_projector


def test_vectors_and_metadata_have_one_line_per_word_in_two_files(tmp_path):
    blocks = [
        Block(["the"], [30], np.array([[0.1, -2]], np.float32)),
        Block(["ice cream", "é"], np.array([4, 3]), np.array([[3, 4], [5, 6.5]], np.float32)),
    ]

    paths = write_projector(tmp_path / "vectors.tsv", blocks, 3, 2)

    assert paths == (tmp_path / "vectors.tsv", tmp_path / "vectors.metadata.tsv")
    assert paths[0].read_text() == "0.1\t-2\n3\t4\n5\t6.5\n"
    assert paths[1].read_text("utf-8") == "word\tcount\nthe\t30\nice cream\t4\né\t3\n"


@pytest.mark.parametrize("word", ["", "a\tb", "a\nb", "a\rb"])
def test_words_with_tabs_or_line_breaks_are_refused_and_no_file_is_left(tmp_path, word):
    with pytest.raises(InputError) as caught:
        write_projector(tmp_path / "v.tsv", [Block([word], [1], np.ones((1, 1), np.float32))], 1, 1)

    assert str(caught.value) == (
        f"{tmp_path}/v.tsv: the word {word!r} cannot be exported, because a tab or line break ends "
        "a word in the metadata; choose word2vec-binary or split it"
    )
    assert list(tmp_path.iterdir()) == []
