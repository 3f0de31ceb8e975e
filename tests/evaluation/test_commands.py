"""`vecmill evaluate`, `neighbors` and `analogy` with files of every format, and their error messages."""

from __future__ import annotations

import pytest

from tests.evaluation.conftest import ANALOGIES, PAIRS, PLANTED, scores_by_name, write_vectors

FORMATS = ["word2vec-text", "word2vec-binary", "glove-text", "npy", "safetensors", "parquet"]
ENDINGS = {"npy": ".npy", "safetensors": ".safetensors", "parquet": ""}


@pytest.mark.parametrize("form", FORMATS)
class TestFormats:
    def test_give_the_same_scores(self, evaluate, planted, write_file, tmp_path, form):
        vectors = write_vectors(tmp_path / f"v{ENDINGS.get(form, '.any')}", PLANTED, form)
        files = write_file("a.txt", ANALOGIES), write_file("pairs.tsv", PAIRS)

        assert scores_by_name(evaluate("--vectors", vectors, *files)) == scores_by_name(
            evaluate("--vectors", planted, *files)
        )

    def test_give_neighbours_and_analogies(self, vecmill, tmp_path, form):
        vectors = write_vectors(tmp_path / f"v{ENDINGS.get(form, '.any')}", PLANTED, form)

        near = vecmill("neighbors", "--vectors", vectors, "warm", "-n", 1)
        assert (near.code, near.printed) == (0, "warm:\n  0.995  hot\n")
        analogy = vecmill("analogy", "--vectors", vectors, "man", "king", "woman", "-n", 1)
        assert analogy.code == 0
        assert analogy.printed.split()[-1] == "queen"


def test_neighbours_are_found_however_the_word_is_composed(vecmill, tmp_path):
    composed, decomposed = "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"
    vectors = write_vectors(tmp_path / "v.txt", {composed: [1, 0], "bar": [0.9, 0.1], "tea": [0, 1]})

    near = vecmill("neighbors", "--vectors", vectors, "-n", 1, decomposed)

    assert (near.code, near.printed) == (0, f"{decomposed}:\n  0.994  bar\n")
    assert vecmill("analogy", "--vectors", vectors, decomposed, "bar", "tea", "-n", 1).code == 0


def test_a_vectors_file_with_an_odd_row_answers(vecmill, tmp_path):
    (tmp_path / "v.txt").write_text(
        "\N{ZERO WIDTH NO-BREAK SPACE}3 2\nNew York 1 0\nking 0.9 0.1\nqueen 0 1\n\n"
    )

    assert vecmill("neighbors", "--vectors", tmp_path / "v.txt", "-n", 1, "New York").printed == (
        "New York:\n  0.994  king\n"
    )


class TestErrors:
    @pytest.mark.parametrize(
        ("name", "content", "message"),
        [
            ("v.txt", b"3 2\na 1 2\nb 1\nc 1 2\n", "v.txt, line 3: expected a word and 2 numbers, got 2"),
            ("v.txt", b"2 2\na 1 2\nb 1 x\n", "v.txt, line 3: expected a number in column 3, got 'x'"),
            ("v.txt", b"3 2\na 1 2\nb 1 2\n", "v.txt, line 3: expected 3 words in all"),
            ("v.txt", b"2 2\na 1 2\nb 1 nan\n", "v.txt: expected finite numbers, got nan"),
            ("v.bin", b"2 2\na \0\0\0\0\0\0\0\0\nb \0\0", "v.bin: expected 2 words with 2 float32 each"),
            ("v.bin", b"2 1\nab \0\0\0\0\nlonger \0", "v.bin, byte 11: expected word 2 of 2"),
            ("glove.txt", b"a 1 2\nb 1 2 3\n", "glove.txt, line 2: expected a word and 2 numbers"),
            ("v.npy", b"\x93NUMPY\x01\x00\x02\x00{}", "v.npy: expected an .npy header"),
            ("v.safetensors", b"\xff" * 20, "v.safetensors: expected a header that ends at byte"),
            ("v.parquet", b"PAR1 and nothing more", "v.parquet cannot be read: "),
            ("v.pkl", b"\x80\x04pickled", "v.pkl: expected word vectors as word2vec text or binary"),
            ("v.txt", b"2 2\na 1 x\nb 1 2\n", "v.txt, line 2: expected a number in column 3, got 'x'"),
            (
                "v.txt",
                b"2 999999999999\na 1 2\nb 1 2\n",
                "v.txt, line 1: expected the number of words and of",
            ),
            (
                "v.txt",
                b"2 1999999999\na 1 2\nb 1 2\n",
                "v.txt: expected 2 words with 1999999999 numbers each",
            ),
        ],
    )
    def test_broken_vectors_are_reported_with_the_remedy(
        self, vecmill, tmp_path, write_file, name, content, message
    ):
        (tmp_path / name).write_bytes(content)

        for command in (["evaluate", write_file("p.tsv", PAIRS)], ["neighbors", "a"]):
            outcome = vecmill(*command, "--vectors", tmp_path / name)

            assert (outcome.code, outcome.printed) == (3, "")
            assert outcome.message.startswith(f"vecmill: {tmp_path / message}")
            assert "; " in outcome.message, "the remedy comes last"

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "t.txt: expected one line per question, got an empty file"),
            (
                "warm\thot\t9\nhe\tman\t9\nwarm\tcold\n",
                "t.txt, line 3: expected two words and, in column 3,",
            ),
            (": royal\nman woman king\n", "t.txt, line 2: expected four words, got 3"),
            ("he man she warm cold\na b c d e\nhe\n", "t.txt, line 3: expected three words or more"),
            ("warm\theat\nhot\theat\ncold\n", "t.txt, line 3: expected a word and its category"),
            ('{"math": ["he"],\n x}', "t.txt, line 2: expected JSON such as"),
            ('{"math": ["he"]}', "t.txt: expected the four sets of one of WEAT 1 to 10"),
            ("word\n", "t.txt, line 1: expected rated pairs, analogies"),
        ],
    )
    def test_broken_test_files_are_reported(self, vecmill, planted, write_file, tmp_path, text, message):
        outcome = vecmill("evaluate", "--vectors", planted, write_file("t.txt", text))

        assert (outcome.code, outcome.printed) == (3, "")
        assert outcome.message.startswith(f"vecmill: {tmp_path / message}")

    def test_missing_inputs_are_reported_with_the_remedy(self, vecmill, planted, write_file, tmp_path):
        pairs, missing = write_file("p.tsv", PAIRS), tmp_path / "missing"

        for arguments, code, message in (
            (["--vectors", planted, missing], 3, f"{missing} cannot be read (No such file"),
            (["--vectors", missing, pairs], 3, f"{missing} does not exist"),
            (
                ["--vectors", tmp_path, pairs],
                3,
                f"{tmp_path / 'vectors'} does not exist; run 'vecmill run'",
            ),
            ([pairs], 2, "evaluate needs vectors: a run, with --config"),
            (["--vectors", planted], 2, "evaluate needs something to test with"),
            (
                ["--vectors", planted, "--restrict", "0", pairs],
                2,
                "argument --restrict: must be at least 1",
            ),
        ):
            outcome = vecmill("evaluate", *arguments)
            assert outcome.code == code
            assert outcome.message.startswith(f"vecmill: {message}")

    def test_two_test_files_of_the_same_name_are_refused(self, vecmill, planted, write_file, tmp_path):
        (tmp_path / "other").mkdir()
        files = write_file("p.tsv", PAIRS), write_file("other/p.tsv", PAIRS)

        outcome = vecmill("evaluate", "--vectors", planted, *files)

        assert outcome.code == 2
        assert outcome.message == "vecmill: 2 test files are named p.tsv; rename all but one"

    def test_neighbors_refuses_both_a_run_and_a_file(self, vecmill, planted):
        outcome = vecmill("neighbors", "warm", "--vectors", planted, "--set", "output.path=out")

        assert outcome.code == 2
        assert "leave out --config and --set" in outcome.message
