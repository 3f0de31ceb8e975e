from __future__ import annotations

import json
import os
import re

import pytest

from vecmill.core.measures import AnalogySection, OddOneOut, RatedPair
from vecmill.errors import InputError
from vecmill.evaluation import word_tests
from vecmill.evaluation.test_sets import (
    kind_of_test_set,
    read_analogies,
    read_categories,
    read_odd_one_out,
    read_similarity,
)
from vecmill.evaluation.weat_sets import WEAT_SETS, read_weat, weat_tests

SIMLEX_HEADER = "word1\tword2\tPOS\tSimLex999\tconc(w1)\tconc(w2)\tSimAssoc333\n"


@pytest.fixture
def write_file(tmp_path):
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
            # WordSim-353, as comma-separated and as tab-separated values.
            "Word 1,Word 2,Human (mean)\nsun,moon,7.5\nsun,mud,1\n",
            "Word 1\tWord 2\tHuman (mean)\r\nsun\tmoon\t7.5\r\nsun\tmud\t1\r\n",
            "word1 word2 score\nsun moon 7.5\nsun mud 1\n",
            # SimLex-999, with other numbers after the rating.
            SIMLEX_HEADER + "sun\tmoon\tN\t7.5\t4.9\t4.8\t1\nsun\tmud\tN\t1\t4.9\t4.7\t0\n",
            # SimVerb-3500, without a header, with a part of speech and a relation.
            "sun\tmoon\tN\t7.5\tCOHYPONYMS\nsun\tmud\tN\t1\tNONE\n",
            # RareWord: the mean rating, then the rating of each judge.
            "sun\tmoon\t7.5\t7\t8\nsun\tmud\t1\t0\t2\n",
            # A header with the columns in another order.
            "id,score,word2,word1\n9,7.5,moon,sun\n8,1,mud,sun\n",
            # As spreadsheets and other programs save them.
            '"sun","moon",7.5\n"sun","mud",1\n',
            '"sun";"moon";"7,5"\r\n"sun";"mud";"1"\r\n',
            '"sun"\t"moon"\t"7.5"\n"sun"\t"mud"\t1\n',
            '"sun" "moon" 7.5\n"sun" "mud" 1\n',
            '"word1","word2","score"\n"sun","moon",7.5\n"sun","mud",1\n',
            '"","word1","word2","score"\n"1","sun","moon",7.5\n"2","sun","mud",1\n',
            "'sun','moon',7.5\n'sun','mud',1\n",
            "\N{LEFT DOUBLE QUOTATION MARK}sun\N{RIGHT DOUBLE QUOTATION MARK},"
            "\N{LEFT DOUBLE QUOTATION MARK}moon\N{RIGHT DOUBLE QUOTATION MARK},7.5\n"
            "\N{LEFT DOUBLE QUOTATION MARK}sun\N{RIGHT DOUBLE QUOTATION MARK},"
            "\N{LEFT DOUBLE QUOTATION MARK}mud\N{RIGHT DOUBLE QUOTATION MARK},1\n",
            "sun;moon;7,5\nsun;mud;1,0\n",
            "sun\tmoon\t7,5\nsun\tmud\t1,0\n",
            "sun moon 7,5\nsun mud 1,0\n",
            'sun,moon,"7,5"\nsun,mud,"1,0"\n',
            "Wort1;Wort2;Wert\nsun;moon;7,5\nsun;mud;1,0\n",
            "sep=;\nsun;moon;7,5\nsun;mud;1\n",
            "sun;moon;7,5;\nsun;mud;1;;\n",
            "sun|moon|7.5\nsun|mud|1\n",
            "sun moon\t7.5\nsun mud\t1\n",
            "sun,moon,7.5\rsun,mud,1\r",
            "sun,moon,7.5\n\nsun,mud,1\n",
            "\N{ZERO WIDTH NO-BREAK SPACE}sun;moon;7,5\r\nsun;mud;1\r\n",
        ],
    )
    def test_rated_pairs_are_read_from_all_forms(self, write_file, text):
        assert read_similarity(write_file(text)) == [
            RatedPair("sun", "moon", 7.5),
            RatedPair("sun", "mud", 1.0),
        ]

    def test_a_quoted_word_may_have_separators(self, write_file):
        text = '"New York, NY","say ""hi""",8\n"sun","moon",7\n'

        assert read_similarity(write_file(text))[0] == RatedPair("New York, NY", 'say "hi"', 8.0)

    @pytest.mark.parametrize(
        ("text", "number", "got"),
        [
            ('"sun,"moon",8\n', 1, "a closing quote"),
            ('sun,moon,8\nsun,"mud,7\n', 2, "a closing quote"),
            ("sun,moon,8,5\nsun,mud,1,0\n", 1, "may be a decimal comma; write decimal points, or separate"),
            ("word1,word2,score\nsun,moon,8,5\nsun,mud,1,0\n", 2, "may be a decimal comma"),
            ("sun;moon;1.234,5\n", 1, "a finite number, got 'sun;moon;1.234,5'"),
            ("sun,moon,85%\nsun,mud,70%\n", 1, "a finite number, got 'sun,moon,85%'"),
            ("sun moon 8/10\nsun mud 7/10\n", 1, "a finite number"),
            ("sun moon 1_000\n", 1, "a finite number"),
            ("New%20York sun 8\n", 1, "words as they are written, got the encoded 'New%20York'; decode"),
            ("caf%C3%A9\tsun\t8\n", 1, "the encoded 'caf%C3%A9'"),
            ("caf&eacute;;sun;8\n", 1, "the encoded 'caf&eacute;;sun;8'"),
            ("R&amp;D,sun,8\n", 1, "the encoded"),
            ("caf\\u00e9 sun 8\n", 1, "the encoded"),
        ],
    )
    def test_what_cannot_be_read_with_certainty_is_refused(self, write_file, text, number, got):
        path = write_file(text)

        with pytest.raises(InputError, match=rf"some.txt, line {number}: expected .*{re.escape(got)}"):
            word_tests.read(path)

    @pytest.mark.parametrize("word", ['"sun', 'sun"', '"', 'the "sun', '5"'])
    def test_quotes_between_tabs_may_be_part_of_a_word(self, write_file, word):
        assert read_similarity(write_file(f"{word}\tmoon\t8\n")) == [RatedPair(word, "moon", 8.0)]

    @pytest.mark.parametrize("word", ["http://x.org/a%20b", "AT&T", "100%", "a\\b"])
    def test_words_that_only_look_encoded_are_read(self, write_file, word):
        assert read_similarity(write_file(f"{word}\tsun\t8\n")) == [RatedPair(word, "sun", 8.0)]

    def test_long_lines_are_cut_in_messages(self, write_file):
        with pytest.raises(InputError, match="line 2: expected two words") as caught:
            read_similarity(write_file(f"sun\tmoon\t7\n{'x' * 1_000_000}\n"))

        assert len(str(caught.value)) < 500

    def test_a_first_pair_with_a_number_is_not_a_header(self, write_file):
        assert read_similarity(write_file("mean\tscore\t2\n")) == [RatedPair("mean", "score", 2.0)]

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
    def test_a_broken_line_is_named(self, write_file, text, number, got):
        expected = rf"some.txt, line {number}: expected two words and, in column 3, .*, got .*{got}"
        with pytest.raises(InputError, match=rf"{expected}.*; repair or remove the line"):
            read_similarity(write_file(text))

    @pytest.mark.parametrize(
        "header",
        [
            "word1\tword2\tscore\n",
            "word1,word2,score",
            '"word1";"word2";"score"\r\n\r\n',
            "Word 1,Word 2,Human (mean)\n# no more\n",
            "Wort1;Wort2;Wert\n",
            "w1,w2,sim\n",
            "word1 word2 word3 word4\n",
            "word,category\n",
        ],
    )
    def test_a_file_with_only_a_header_is_an_error(self, write_file, header):
        with pytest.raises(InputError, match=r"some.txt: expected rated pairs, got a header alone"):
            kind_of_test_set(write_file(header))

    def test_rated_pairs_without_rows_are_an_error(self, write_file):
        with pytest.raises(InputError, match=r"some.txt: expected rated pairs, got a header alone"):
            read_similarity(write_file("word1\tword2\tscore\n"))


class TestAnalogies:
    def test_sections_of_googles_file_are_read_in_order(self, write_file):
        text = ": capitals\nParis France Rome Italy\r\n: family plus\nhe she king queen\n\n: empty\n"

        assert read_analogies(write_file(text)) == [
            AnalogySection("capitals", [("Paris", "France", "Rome", "Italy")]),
            AnalogySection("family plus", [("he", "she", "king", "queen")]),
            AnalogySection("empty", []),
        ]

    def test_lines_without_sections_are_one_section_named_after_the_file(self, write_file):
        text = "good better bad worse\nbig bigger\tsmall smaller\n"

        assert read_analogies(write_file(text)) == [
            AnalogySection(
                "some",
                [("good", "better", "bad", "worse"), ("big", "bigger", "small", "smaller")],
            )
        ]

    @pytest.mark.parametrize(
        "text",
        [
            "good,better,bad,worse\n",
            '"good";"better";"bad";"worse"\n',
            "good\tbetter\tbad\tworse\n",
            "word1,word2,word3,word4\ngood,better,bad,worse\n",
        ],
    )
    def test_words_may_be_separated_and_quoted_as_by_spreadsheets(self, write_file, text):
        path = write_file(text)

        assert kind_of_test_set(path) == "analogies"
        assert read_analogies(path)[0].questions == [("good", "better", "bad", "worse")]

    def test_words_may_have_spaces_between_tabs(self, write_file):
        [section] = read_analogies(write_file("New York\tUSA\tParis\tFrance\n"))

        assert section.questions == [("New York", "USA", "Paris", "France")]

    @pytest.mark.parametrize("form", ["good better bad {} worse", "good better bad worse {}"])
    def test_tags_of_msrs_file_are_sections(self, write_file, form):
        text = f"{form.format('JJ_JJR')}\n{form.format('JJ_JJS')}\n{form.format('JJ_JJR')}\n"
        question = ("good", "better", "bad", "worse")

        assert read_analogies(write_file(text)) == [
            AnalogySection("JJ_JJR", [question, question]),
            AnalogySection("JJ_JJS", [question]),
        ]

    @pytest.mark.parametrize(
        ("line", "got"),
        [("Paris France Rome", "3 in"), ("a b c d e", "5 in"), ("a b c d E_E f", "6")],
    )
    def test_a_broken_line_is_named(self, write_file, line, got):
        with pytest.raises(InputError, match=rf"line 3: expected four words, got {got}.*; repair"):
            read_analogies(write_file(f": capitals\nParis France Rome Italy\n{line}\n"))

    def test_sections_without_questions_are_an_error(self, write_file):
        with pytest.raises(InputError, match="got section names only"):
            read_analogies(write_file(": capitals\n: family\n"))


class TestOddOneOut:
    def test_each_word_after_the_empty_line_is_a_question(self, write_file):
        text = "cat\r\ndog\r\ncow\r\n\r\ncar\r\nsofa\r\n"

        members = ("cat", "dog", "cow")
        assert read_odd_one_out(write_file(text)) == [
            OddOneOut(members, "car"),
            OddOneOut(members, "sofa"),
        ]

    @pytest.mark.parametrize(
        "text", ["cat dog car\none two three red\n", "cat,dog,car\none,two,three,red\n"]
    )
    def test_the_last_word_of_a_line_is_the_odd_one(self, write_file, text):
        assert read_odd_one_out(write_file(text)) == [
            OddOneOut(("cat", "dog"), "car"),
            OddOneOut(("one", "two", "three"), "red"),
        ]

    @pytest.mark.parametrize("text", ["w1 w2 w3\n", "w1 w2 w3\nw4 w5 w6\n", "a1 a2 a3 b1 b2\n"])
    def test_numbered_words_are_no_header(self, write_file, text):
        path = write_file(text)

        assert kind_of_test_set(path) == "odd-one-out"
        assert len(read_odd_one_out(path)) == text.count("\n")

    def test_a_first_line_of_numbered_words_is_a_question(self, write_file):
        assert read_odd_one_out(write_file("a1 a2 a3 b1\nc1 c2 c3 d1\n")) == [
            OddOneOut(("a1", "a2", "a3"), "b1"),
            OddOneOut(("c1", "c2", "c3"), "d1"),
        ]

    @pytest.mark.parametrize("text", ["8.5 cat dog\n3.2 cat cow\n", "1,cat,dog\n2,cat,cow\n"])
    def test_numbers_before_two_words_are_no_questions(self, write_file, text):
        with pytest.raises(InputError, match=r"line 1: expected words, got a number first .*; write"):
            read_odd_one_out(write_file(text))

    @pytest.mark.parametrize(
        ("text", "number"),
        [
            ("cat dog car\ncat dog\n", 2),
            ("cat,dog,car\ncat,,car\n", 2),
            ("cat\ndog\n", 1),
            ("cat\ndog\n\ncar\n\nsofa\n", 1),
        ],
    )
    def test_a_broken_line_is_named(self, write_file, text, number):
        with pytest.raises(InputError, match=rf"line {number}: expected three words or more"):
            read_odd_one_out(write_file(text))


class TestCategories:
    @pytest.mark.parametrize("header", ["", "word\tcategory\n", "Word\tClass\n"])
    def test_words_are_read_with_their_categories(self, write_file, header):
        text = f"{header}cat\tanimal\nred pepper\tvegetable\n"

        assert read_categories(write_file(text)) == [("cat", "animal"), ("red pepper", "vegetable")]

    @pytest.mark.parametrize("line", ["cat", "cat\t", "cat\tanimal\tbig"])
    def test_a_broken_line_is_named(self, write_file, line):
        with pytest.raises(InputError, match="line 2: expected a word and its category, got 'cat"):
            read_categories(write_file(f"cow\tanimal\n{line}\n"))

    @pytest.mark.parametrize("text", ["king queen,8\nman woman,3\n", "king;8,5\nman;3,2\n", "a 85%\n"])
    def test_ratings_are_no_categories(self, write_file, text):
        path = write_file(text)

        with pytest.raises(
            InputError, match=r"line 1: expected a word and its category, got .*; give a file"
        ):
            read_categories(path)

    def test_categories_may_be_numbered(self, write_file):
        assert read_categories(write_file("cat 1\ndog 1\ncar 2\n"))[2] == ("car", "2")

    def test_as_many_categories_as_no_test_has_are_refused(self, write_file):
        with pytest.raises(InputError, match="expected at most 1,000 categories, got 1,001"):
            read_categories(write_file("".join(f"w{n}\tc{n}\n" for n in range(1001))))


class TestWordSets:
    def test_a_user_defined_test_has_words_or_names_of_sets(self, write_file):
        content = {
            "old_names_7": ["ada", "max"],
            "mine": {"targets": ["old_names_7", ["rose"]], "attributes": [["she", "her"], ["he"]]},
        }

        [test] = read_weat(write_file(json.dumps(content)))

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
    def test_a_broken_test_is_named(self, write_file, test, got):
        with pytest.raises(
            InputError, match=rf"some.txt, 'mine': expected .* 'targets', got {got}; repair"
        ):
            read_weat(write_file(json.dumps({"mine": test})))

    def test_sets_without_a_test_are_reported_with_both_remedies(self, write_file):
        with pytest.raises(InputError, match=r"got flowers; name the sets as WEFE does, or add .*targets"):
            read_weat(write_file('{"flowers": ["rose"]}'))

    @pytest.mark.parametrize(
        ("text", "place", "got"),
        [
            ('{"flowers":\n["rose",]}', ", line 2", "Illegal trailing comma|Expecting value"),
            ('["rose"]', "", "list"),
            ("{}", "", "no set"),
            ('{"flowers": "rose"}', ", 'flowers'", '"rose"'),
            ('{"flowers": ["rose", 3]}', ", 'flowers'", r'\["rose", 3\]'),
            ('{"flowers": ["\\ud800"]}', ", 'flowers'", r'\["\\ud800"\]'),
            ('{"flowers": ["New%20York"]}', "", "the encoded 'New%20York'"),
            ('{"flowers": ' + "[" * 100_000 + "]" * 100_000 + "}", "", "maximum recursion depth"),
            ('{"flowers": ' + "9" * 5000 + "}", "", "Exceeds the limit"),
            ('{"word1": "a"}\n{"word1": "b"}', ", line 2", "Extra data"),
        ],
    )
    def test_broken_word_sets_are_named(self, write_file, text, place, got):
        with pytest.raises(InputError, match=rf"some.txt{place}: expected .*, got ({got})"):
            read_weat(write_file(text))

    def test_published_tests_are_read_if_their_sets_are_present(self):
        all_names = {name for names in WEAT_SETS.values() for name in names}
        sets = {name: [name] for name in all_names - {"arts"}}

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
    def test_the_content_determines_the_kind(self, write_file, text, kind):
        assert kind_of_test_set(write_file(text)) == kind

    def test_a_broken_line_does_not_change_the_kind(self, write_file):
        text = "he man she woman\nhe man she\ndo did go went\nsee saw go went\n"

        assert kind_of_test_set(write_file(text)) == "analogies"

    def test_a_file_of_an_unknown_kind_is_an_error(self, write_file):
        with pytest.raises(InputError, match=r"line 2: expected rated pairs, analogies, .*, got 'dog'"):
            kind_of_test_set(write_file("cat\ndog\n"))


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

    def test_a_pipe_is_an_error(self, read, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(InputError, match="pipe is not a regular file; copy its content to one"):
            read(tmp_path / "pipe")

    def test_a_file_that_is_much_too_large_is_an_error(self, read, write_file):
        path = write_file("")
        # Without content on the disk.
        os.truncate(path, 1 << 40)
        with pytest.raises(InputError, match=r"expected a test of at most 256\.0 MiB, got 1\.0 TiB"):
            read(path)

    def test_nul_characters_are_an_error(self, read, write_file):
        with pytest.raises(InputError, match="expected text in UTF-8, got NUL characters; convert"):
            read(write_file(b"k\0i\0n\0g\0"))

    def test_an_empty_file_is_an_error(self, read, write_file):
        with pytest.raises(InputError, match=r"some.txt.*: expected "):
            read(write_file("\n# nothing\n" if read is not read_weat else ""))

    def test_text_that_is_not_utf8_is_an_error_that_names_the_line(self, read, write_file):
        with pytest.raises(InputError, match=r"line 2: expected UTF-8, got b'\\xe9'; convert"):
            read(write_file(b"sun\tmoon\t7\ncaf\xe9\tmoon\t3\n"))
