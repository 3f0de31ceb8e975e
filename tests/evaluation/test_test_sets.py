from __future__ import annotations

import json

import pytest

from vecmill.core.measures import AnalogySection, OddOneOut, RatedPair
from vecmill.errors import InputError
from vecmill.evaluation.test_sets import (
    WEAT_SETS,
    kind_of_test_set,
    read_analogies,
    read_categories,
    read_odd_one_out,
    read_similarity,
    read_weat,
    weat_tests,
)

SIMLEX_HEADER = "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tSimAssoc333\n"


@pytest.fixture
def file(tmp_path):
    def write(content: str | bytes):
        path = tmp_path / "some.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


class TestSimilarity:
    @pytest.mark.parametrize(
        "text",
        [
            "sun\tmoon\t7.5\nsun\tmud\t1\n",
            "sun,moon,7.5\nsun,mud,1",
            "sun;moon;7.5\nsun;mud;1\n",
            "sun moon 7.5\n sun   mud 1 \n",
            "sun\tmoon\t7.50\r\nsun\tmud\t1\r\n",
            "# rated by us\n#\nsun\tmoon\t7.5\n\n# more\nsun\tmud\t1\n\n",
            "\N{ZERO WIDTH NO-BREAK SPACE}sun\tmoon\t7.5\nsun\tmud\t1\n",
            # WordSim-353, as comma-separated values and as a table.
            "Word 1,Word 2,Human (mean)\nsun,moon,7.5\nsun,mud,1\n",
            "Word 1\tWord 2\tHuman (mean)\r\nsun\tmoon\t7.5\r\nsun\tmud\t1\r\n",
            "word1 word2 score\nsun moon 7.5\nsun mud 1\n",
            # SimLex-999, whose other numbers stand after the rating.
            SIMLEX_HEADER + "sun\tmoon\tN\t7.5\t4.9\t4.8\t1\nsun\tmud\tN\t1\t4.9\t4.7\t0\n",
            # SimVerb-3500 has no header, a part of speech and a relation.
            "sun\tmoon\tN\t7.5\tCOHYPONYMS\nsun\tmud\tN\t1\tNONE\n",
            # Rare words: the mean first, then what each judge said.
            "sun\tmoon\t7.5\t7\t8\nsun\tmud\t1\t0\t2\n",
            # Names that put the columns in another order.
            "id,score,word2,word1\n9,7.5,moon,sun\n8,1,mud,sun\n",
        ],
    )
    def test_rated_pairs_are_read_from_every_form(self, file, text):
        assert read_similarity(file(text)) == [
            RatedPair("sun", "moon", 7.5),
            RatedPair("sun", "mud", 1.0),
        ]

    def test_a_first_pair_with_a_name_of_a_column_is_no_header(self, file):
        assert read_similarity(file("mean\tscore\t2\n")) == [RatedPair("mean", "score", 2.0)]

    @pytest.mark.parametrize(
        ("text", "number", "got"),
        [
            ("sun\tmoon\t7\nsun\tmud\n", 2, r"'sun\\tmud'"),
            ("sun\tmoon\t7\n\n# no\nsun\tmud\tfar\n", 4, r"'sun\\tmud\\tfar'"),
            ("sun\tmoon\t7\nsun\tmud\tnan\n", 2, "nan"),
            ("sun\tmoon\t7\nsun\t\t3\n", 2, r"'sun\\t\\t3'"),
            ("sun\tmoon\tfar\nsun\tmud\t3\n", 1, "far"),
            ("sun moon\n", 1, "'sun moon'"),
        ],
    )
    def test_a_broken_line_is_named(self, file, text, number, got):
        expected = rf"some.txt, line {number}: expected two words and, in column 3, .*, got .*{got}"
        with pytest.raises(InputError, match=rf"{expected}.*; repair or remove the line"):
            read_similarity(file(text))

    def test_a_header_alone_is_an_error(self, file):
        with pytest.raises(InputError, match=r"some.txt: expected rated pairs, got a header alone"):
            read_similarity(file("word1\tword2\tscore\n"))


class TestAnalogies:
    def test_sections_of_googles_form_are_read_in_order(self, file):
        text = ": capitals\nParis France Rome Italy\r\n: family plus\nhe she king queen\n\n: empty\n"

        assert read_analogies(file(text)) == [
            AnalogySection("capitals", [("Paris", "France", "Rome", "Italy")]),
            AnalogySection("family plus", [("he", "she", "king", "queen")]),
            AnalogySection("empty", []),
        ]

    def test_four_words_a_line_are_one_section_named_after_the_file(self, file):
        text = "good better bad worse\nbig bigger\tsmall smaller\n"

        assert read_analogies(file(text)) == [
            AnalogySection(
                "some",
                [("good", "better", "bad", "worse"), ("big", "bigger", "small", "smaller")],
            )
        ]

    @pytest.mark.parametrize("form", ["good better bad {} worse", "good better bad worse {}"])
    def test_tags_of_msrs_answers_are_sections(self, file, form):
        text = f"{form.format('JJ_JJR')}\n{form.format('JJ_JJS')}\n{form.format('JJ_JJR')}\n"
        question = ("good", "better", "bad", "worse")

        assert read_analogies(file(text)) == [
            AnalogySection("JJ_JJR", [question, question]),
            AnalogySection("JJ_JJS", [question]),
        ]

    @pytest.mark.parametrize(
        ("line", "got"),
        [("Paris France Rome", "3 in"), ("a b c d e", "5 in"), ("a b c d E_E f", "6")],
    )
    def test_a_broken_line_is_named(self, file, line, got):
        with pytest.raises(InputError, match=rf"line 3: expected four words, got {got}.*; repair"):
            read_analogies(file(f": capitals\nParis France Rome Italy\n{line}\n"))

    def test_sections_without_questions_are_an_error(self, file):
        with pytest.raises(InputError, match="got section names only"):
            read_analogies(file(": capitals\n: family\n"))


class TestOddOneOut:
    def test_each_word_after_the_empty_line_is_a_question(self, file):
        text = "cat\r\ndog\r\ncow\r\n\r\ncar\r\nsofa\r\n"

        members = ("cat", "dog", "cow")
        assert read_odd_one_out(file(text)) == [
            OddOneOut(members, "car"),
            OddOneOut(members, "sofa"),
        ]

    @pytest.mark.parametrize(
        "text", ["cat dog car\none two three red\n", "cat,dog,car\none,two,three,red\n"]
    )
    def test_the_last_word_of_a_line_is_the_odd_one(self, file, text):
        assert read_odd_one_out(file(text)) == [
            OddOneOut(("cat", "dog"), "car"),
            OddOneOut(("one", "two", "three"), "red"),
        ]

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("cat dog car\ncat dog\n", 2),
            ("cat,dog,car\ncat,,car\n", 2),
            ("cat\ndog\n", 1),
            ("cat\ndog\n\ncar\n\nsofa\n", 1),
        ],
    )
    def test_a_broken_line_is_named(self, file, text, number):
        with pytest.raises(InputError, match=rf"line {number}: expected three words or more"):
            read_odd_one_out(file(text))


class TestCategories:
    @pytest.mark.parametrize("header", ["", "word\tcategory\n", "Word\tClass\n"])
    def test_words_are_read_with_their_categories(self, file, header):
        text = f"{header}cat\tanimal\nred pepper\tvegetable\n"

        assert read_categories(file(text)) == [("cat", "animal"), ("red pepper", "vegetable")]

    @pytest.mark.parametrize("line", ["cat", "cat\t", "cat\tanimal\tbig"])
    def test_a_broken_line_is_named(self, file, line):
        with pytest.raises(InputError, match="line 2: expected a word and its category, got 'cat"):
            read_categories(file(f"cow\tanimal\n{line}\n"))


class TestWordSets:
    def test_a_test_of_ones_own_has_words_or_names_of_sets(self, file):
        content = {
            "old_names_7": ["ada", "max"],
            "mine": {"targets": ["old_names_7", ["rose"]], "attributes": [["she", "her"], ["he"]]},
        }

        [test] = read_weat(file(json.dumps(content)))

        assert test.name == "mine"
        assert test.targets == (["ada", "max"], ["rose"])
        assert test.attributes == (["she", "her"], ["he"])
        assert test.about == "old names and rose …, she … and he …"

    @pytest.mark.parametrize(
        ("test", "got"),
        [
            ({}, "null"),
            ({"targets": [["a"]]}, r'\[\["a"\]\]'),
            ({"targets": [["a"], "names"]}, '"names"'),
            ({"targets": [["a"], []]}, r"\[\]"),
        ],
    )
    def test_what_is_no_test_is_named(self, file, test, got):
        with pytest.raises(
            InputError, match=rf"some.txt, 'mine': expected .* 'targets', got {got}; repair"
        ):
            read_weat(file(json.dumps({"mine": test})))

    def test_sets_that_make_up_no_test_are_told_with_both_remedies(self, file):
        with pytest.raises(InputError, match=r"got flowers; name the sets as WEFE does, or add .*targets"):
            read_weat(file('{"flowers": ["rose"]}'))

    @pytest.mark.parametrize(
        ("text", "place", "got"),
        [
            ('{"flowers":\n["rose",]}', ", line 2", "Illegal trailing comma|Expecting value"),
            ('["rose"]', "", "list"),
            ("{}", "", "no set"),
            ('{"flowers": "rose"}', ", 'flowers'", '"rose"'),
            ('{"flowers": ["rose", 3]}', ", 'flowers'", r'\["rose", 3\]'),
        ],
    )
    def test_what_is_no_sets_of_words_is_named(self, file, text, place, got):
        with pytest.raises(InputError, match=rf"some.txt{place}: expected .*, got ({got})"):
            read_weat(file(text))

    def test_the_published_tests_are_put_together_where_their_sets_are_known(self):
        every = {name for names in WEAT_SETS.values() for name in names}
        sets = {name: [name] for name in every - {"arts"}}

        tests = weat_tests(sets)

        assert len(tests) == 9
        assert tests[0] == (
            "WEAT 1",
            (["flowers"], ["insects"]),
            (["pleasant_5"], ["unpleasant_5a"]),
            "flowers and insects, pleasant and unpleasant",
        )
        assert "WEAT 7" not in [test.name for test in tests]


class TestKind:
    @pytest.mark.parametrize(
        ("text", "kind"),
        [
            ("sun\tmoon\t7\n", "similarity"),
            ("Word 1,Word 2,Human (mean)\nsun,moon,7\n", "similarity"),
            (SIMLEX_HEADER + "sun\tmoon\tN\t7\t4\t4\t1\n", "similarity"),
            ("# comment\n: capitals\nParis France Rome Italy\n", "analogies"),
            ("good better bad worse\n", "analogies"),
            ("good better bad JJ_JJR worse\n", "analogies"),
            ("cat\ndog\n\ncar\n", "odd-one-out"),
            ("cat dog car\n", "odd-one-out"),
            ("one two three four red\n", "odd-one-out"),
            ("word\tcategory\ncat\tanimal\n", "categories"),
            ('\n{"flowers": ["rose"]}', "word-sets"),
        ],
    )
    def test_the_kind_is_seen_from_the_content(self, file, text, kind):
        assert kind_of_test_set(file(text)) == kind

    def test_a_broken_second_line_does_not_make_it_another_kind(self, file):
        text = "he man she woman\nhe man she\ndo did go went\nsee saw go went\n"

        assert kind_of_test_set(file(text)) == "analogies"

    def test_a_file_of_no_kind_is_an_error(self, file):
        with pytest.raises(InputError, match=r"line 2: expected rated pairs, analogies, .*, got 'dog'"):
            kind_of_test_set(file("cat\ndog\n"))


READERS = [
    read_similarity,
    read_analogies,
    read_odd_one_out,
    read_categories,
    read_weat,
    kind_of_test_set,
]


@pytest.mark.parametrize("read", READERS)
class TestEveryReader:
    def test_a_missing_file_is_an_error(self, read, tmp_path):
        path = tmp_path / "nowhere.txt"
        with pytest.raises(InputError, match=r"nowhere.txt cannot be read .*; give the path of"):
            read(path)

    def test_a_folder_is_an_error(self, read, tmp_path):
        with pytest.raises(InputError, match="cannot be read"):
            read(tmp_path)

    def test_an_empty_file_is_an_error(self, read, file):
        with pytest.raises(InputError, match=r"some.txt.*: expected "):
            read(file("\n# nothing\n" if read is not read_weat else ""))

    def test_what_is_not_utf8_is_an_error_that_names_the_line(self, read, file):
        with pytest.raises(InputError, match=r"line 2: expected UTF-8, got b'\\xe9'; convert"):
            read(file(b"sun\tmoon\t7\ncaf\xe9\tmoon\t3\n"))
