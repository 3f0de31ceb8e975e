"""`vecmill evaluate` as a person calls it: files in, a table or JSON and an exit code out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from statistics import mean, stdev
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gensim.models import KeyedVectors

from vecmill import cli
from vecmill.vectors.formats import EXPORTS, Block

# In falling frequency. Royal, female and warm are directions; lengths do not count.
PLANTED = {
    "he": [0, -1, 0, 0.1],
    "she": [0, 1, 0, 0.1],
    "man": [0.1, -1, 0, 0],
    "woman": [0.1, 1, 0, 0],
    "king": [1, -1, 0, 0],
    "queen": [2, 2, 0, 0],
    "warm": [0, 0, 3, 0],
    "hot": [0, 0, 1, 0.1],
    "cold": [0, 0, -1, 0.2],
    "Hot": [0, 0, 0, 1],
    "maid": [0, 0.5, 0, 1],
    "soldier": [0, -0.5, 0, 1],
}


class Outcome(NamedTuple):
    """What the command left: its exit code, what it printed, and its last complaint."""

    code: int
    printed: str
    complaint: str


Ask = Callable[..., Outcome]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Ask:
    def asked(*arguments: object) -> Outcome:
        code = cli.main([str(argument) for argument in arguments])
        printed, said = capsys.readouterr()
        return Outcome(code, printed, said.strip().splitlines()[-1] if said.strip() else "")

    return asked


@pytest.fixture
def evaluated(ask: Ask) -> Callable[..., dict[str, Any]]:
    """The JSON of `vecmill evaluate`."""

    def asked(*arguments: object) -> dict[str, Any]:
        outcome = ask("evaluate", *arguments, "--json", "-")
        assert outcome.code == 0, outcome.complaint
        return json.loads(outcome.printed)

    return asked


def write_vectors(path: Path, vectors: dict[str, Any], form: str = "word2vec-text") -> Path:
    matrix = np.array(list(vectors.values()), np.float32)
    words = list(vectors)
    if form == "glove-text":
        lines = [" ".join([word, *map(str, row)]) for word, row in zip(words, matrix, strict=True)]
        path.write_text("\n".join(lines) + "\n")
    elif form == "parquet":
        path.mkdir()
        kinds = [("id", pa.int32()), ("word", pa.string()), ("vector", pa.list_(pa.float32()))]
        rows = [
            {"id": id_, "word": word, "vector": row.tolist()}
            for id_, (word, row) in enumerate(zip(words, matrix, strict=True))
        ]
        for part in (0, 1):
            table = pa.Table.from_pylist(rows[part::2][::-1], pa.schema(kinds))
            pq.write_table(table, path / f"part-{part}.parquet")
    else:
        counts = np.arange(len(words), 0, -1)
        EXPORTS[form].write(path, [Block(words, counts, matrix)], *matrix.shape)
    return path


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    return write_vectors(tmp_path / "planted.txt", PLANTED)


@pytest.fixture
def file(tmp_path: Path) -> Callable[[str, str], Path]:
    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


# Ranked as the planted cosines are: 1, 0.7, 0 and -1.
PAIRS = "warm\thot\t9\nwarm\tcold\t1\nking\tman\t7\nhe\twarm\t5\n"
ANALOGIES = ": royal\nman woman king queen\nwoman man queen king\n: wrong\nman woman king cold\n"


def by_name(told: dict[str, Any], run: int = 0) -> dict[str, dict[str, Any]]:
    """The scores of one run by file and section."""
    scores = told["runs"][run]["scores"]
    return {":".join(filter(None, (score["file"], score["section"]))): score for score in scores}


def product_answer(a: str, b: str, c: str) -> str:
    """What 3CosMul answers, from its formula; opposites of `a` win by a denominator of almost 0."""
    unit = {word: np.array(row) / np.linalg.norm(row) for word, row in PLANTED.items()}

    def alike(x: str, y: str) -> float:
        return (1 + unit[x] @ unit[y]) / 2

    others = [word for word in PLANTED if word not in (a, b, c)]
    return max(others, key=lambda x: alike(x, b) * alike(x, c) / (alike(x, a) + 0.001))


class TestScores:
    def test_similarity_has_rho_and_its_interval(self, evaluated, planted, file):
        [score] = evaluated("--vectors", planted, file("pairs.tsv", PAIRS))["runs"][0]["scores"]

        assert (score["kind"], score["measure"]) == ("similarity", "Spearman")
        assert score["score"] == pytest.approx(1)
        assert score["interval"][0] <= score["score"] <= score["interval"][1] + 1e-9
        assert (score["asked"], score["unknown"], score["scored"]) == (4, 0, 4)

    def test_analogies_are_scored_by_section_and_by_both_methods(self, evaluated, planted, file):
        scores = by_name(evaluated("--vectors", planted, file("a.txt", ANALOGIES)))

        assert list(scores) == ["a.txt", "a.txt:royal", "a.txt:wrong"]
        assert scores["a.txt"]["figures"] == {
            "3CosAdd": pytest.approx(2 / 3),
            "3CosMul": 0,
        }
        assert product_answer("man", "woman", "king") == "she"
        assert product_answer("woman", "man", "queen") == "he"
        assert [scores[name]["score"] for name in ("a.txt:royal", "a.txt:wrong")] == [1, 0]

    def test_analogies_of_msr_have_a_section_a_tag(self, evaluated, planted, file):
        msr = file("msr.txt", "man woman king NN_NN queen\nman woman king NN_XX cold\n")

        assert [score["score"] for score in by_name(evaluated("--vectors", planted, msr)).values()] == [
            0.5,
            1,
            0,
        ]

    def test_analogies_without_sections_are_one_row(self, evaluated, planted, file):
        plain = file("plain.txt", "man woman king queen\n")

        assert list(by_name(evaluated("--vectors", planted, plain))) == ["plain.txt"]

    def test_the_odd_one_out_is_found(self, evaluated, planted, file):
        odd = file("odd.txt", "he man king soldier cold\nshe woman queen maid he\nshe he maid man woman\n")
        [score] = evaluated("--vectors", planted, odd)["runs"][0]["scores"]

        assert (score["kind"], score["measure"]) == ("odd-one-out", "accuracy")
        assert (score["score"], score["asked"]) == (pytest.approx(2 / 3), 3)

    def test_categories_have_the_purity_of_their_clusters(self, evaluated, planted, file):
        words = {"warm": "heat", "hot": "heat", "she": "women", "woman": "women"}
        categories = file("c.txt", "".join(f"{word}\t{kind}\n" for word, kind in words.items()))
        [score] = evaluated("--vectors", planted, categories)["runs"][0]["scores"]

        assert (score["kind"], score["measure"], score["score"]) == ("categories", "purity", 1)

    def test_word_sets_have_the_effect_size_and_p_value_of_weat(self, evaluated, planted, file):
        sets = {
            "math": ["king", "soldier"],
            "arts": ["queen", "maid"],
            "male_terms": ["he"],
            "female_terms": ["she", "herself"],
        }
        [score] = evaluated("--vectors", planted, file("weat.json", json.dumps(sets)))["runs"][0]["scores"]

        unit = {word: np.array(PLANTED[word]) / np.linalg.norm(PLANTED[word]) for word in PLANTED}
        s = [unit[word] @ (unit["he"] - unit["she"]) for word in ("king", "soldier", "queen", "maid")]
        effect = (mean(s[:2]) - mean(s[2:])) / np.std(s)
        assert (score["section"], score["measure"]) == ("WEAT 7", "effect size")
        assert score["score"] == pytest.approx(effect, abs=1e-6)
        # Of the six ways to split four words into two and two, one is associated as strongly.
        assert score["figures"]["p"] == pytest.approx(1 / 6)
        assert score["about"] == "math and arts, male terms and female terms"
        assert (score["asked"], score["unknown"], score["scored"]) == (7, 1, 6)

    def test_they_do_not_depend_on_the_files_beside_them(self, evaluated, planted, file):
        pairs, analogies = file("pairs.tsv", PAIRS), file("a.txt", ANALOGIES)

        alone = by_name(evaluated("--vectors", planted, pairs))
        together = by_name(evaluated("--vectors", planted, analogies, pairs))

        assert alone["pairs.tsv"] == together["pairs.tsv"]


class TestUnknownWords:
    def test_are_left_out_or_counted_as_wrong(self, evaluated, planted, file):
        files = (
            file("pairs.tsv", PAIRS + "hot\tlukewarm\t8\n"),
            file("a.txt", ANALOGIES + "man woman king princess\n"),
            file("odd.txt", "he man king soldier cold\nhe man king soldier tepid\n"),
        )

        left_out = evaluated("--vectors", planted, *files)
        counted = evaluated("--vectors", planted, *files, "--score-unknown")

        assert left_out["settings"]["unknown"] == "left out"
        assert counted["settings"]["unknown"] == "counted as wrong"
        for name, asked in (("pairs.tsv", 5), ("a.txt", 4), ("odd.txt", 2)):
            one, other = by_name(left_out)[name], by_name(counted)[name]
            assert (one["asked"], one["unknown"], one["scored"]) == (asked, 1, asked - 1)
            assert (other["asked"], other["unknown"], other["scored"]) == (asked, 1, asked)
            assert other["score"] < one["score"]
        assert by_name(counted)["a.txt"]["score"] == pytest.approx(2 / 4)

    def test_a_section_without_a_known_word_has_no_score(self, ask, evaluated, planted, file):
        unknown = file("u.txt", ": greek\nalpha beta gamma delta\n")

        assert by_name(evaluated("--vectors", planted, unknown))["u.txt"]["score"] is None
        assert "  greek" in ask("evaluate", "--vectors", planted, unknown).printed

    def test_a_word_beyond_the_most_frequent_is_unknown_to_analogies(self, evaluated, planted, file):
        files = file("a.txt", ANALOGIES), file("pairs.tsv", PAIRS)

        told = evaluated("--vectors", planted, *files, "--restrict", "6")

        assert told["settings"]["restrict"] == 6
        assert by_name(told)["a.txt:wrong"]["unknown"] == 1
        assert by_name(told)["a.txt:royal"]["unknown"] == 0
        assert by_name(told)["pairs.tsv"]["unknown"] == 0

    def test_case_counts_only_where_it_is_wanted(self, evaluated, planted, file):
        pairs = file("pairs.tsv", "HOT\tWARM\t9\nKing\tman\t5\nhe\tcold\t1\n")

        assert by_name(evaluated("--vectors", planted, pairs))["pairs.tsv"]["unknown"] == 0
        told = evaluated("--vectors", planted, pairs, "--case-sensitive")
        assert by_name(told)["pairs.tsv"]["unknown"] == 2
        assert told["settings"]["ignore_case"] is False


class TestTable:
    def test_has_a_row_a_file_and_a_section_and_says_how_it_was_asked(self, ask, planted, file):
        printed = ask(
            "evaluate", "--vectors", planted, file("a.txt", ANALOGIES), file("pairs.tsv", PAIRS)
        ).printed

        lines = printed.splitlines()
        heading = "word similarity Spearman Pearson 95% interval asked unknown scored"
        assert lines[0].split() == heading.split()
        assert lines[1].split()[:2] == ["pairs.tsv", "1.000"]
        assert lines[3:7] == [
            "analogies  3CosAdd  3CosMul  asked  unknown  scored",
            "a.txt        0.667    0.000      3        0       3",
            "  royal      1.000    0.000      2        0       2",
            "  wrong      0.000    0.000      1        0       1",
        ]
        assert "Questions with an unknown word are left out." in printed
        assert "the 30,000 most frequent words" in printed

    def test_json_goes_to_a_file_beside_the_table(self, ask, evaluated, planted, file, tmp_path):
        pairs = file("pairs.tsv", PAIRS)

        outcome = ask("evaluate", "--vectors", planted, pairs, "--json", tmp_path / "scores.json")

        assert outcome.code == 0
        assert "pairs.tsv" in outcome.printed
        written = json.loads((tmp_path / "scores.json").read_text())
        assert written == evaluated("--vectors", planted, pairs)

    def test_a_place_for_json_that_cannot_be_written_is_told(self, ask, planted, file, tmp_path):
        place = tmp_path / "missing" / "scores.json"

        outcome = ask("evaluate", "--vectors", planted, file("pairs.tsv", PAIRS), "--json", place)

        assert outcome.code == 2
        assert outcome.complaint == f"vecmill: --json: cannot write {place}: No such file or directory"


def random_vectors(seed: int, words: int = 80, dim: int = 6) -> dict[str, Any]:
    """Vectors of words such as w7 and, for every tenth, of W7 too."""
    rng = np.random.default_rng(seed)
    names = [name for i in range(words) for name in ([f"w{i}", f"W{i}"] if i % 10 == 0 else [f"w{i}"])]
    return dict(zip(names, rng.normal(size=(len(names), dim)).astype(np.float32), strict=True))


class TestAgainstGensim:
    @pytest.mark.parametrize("dummy", [False, True])
    @pytest.mark.parametrize("sensitive", [False, True])
    def test_word_pairs_have_the_same_correlations(self, evaluated, tmp_path, file, dummy, sensitive):
        rng = np.random.default_rng(1)
        vectors = write_vectors(tmp_path / "v.bin", random_vectors(2), "word2vec-binary")
        pairs = file(
            "pairs.tsv",
            "".join(
                f"{rng.choice(['w', 'W'])}{rng.integers(90)}\tw{rng.integers(90)}\t{rng.random():.3f}\n"
                for _ in range(60)
            ),
        )
        flags = [*(["--score-unknown"] if dummy else []), *(["--case-sensitive"] if sensitive else [])]

        score = by_name(evaluated("--vectors", vectors, pairs, *flags))["pairs.tsv"]

        theirs = KeyedVectors.load_word2vec_format(vectors, binary=True)
        pearson, spearman, unknown = theirs.evaluate_word_pairs(
            pairs, dummy4unknown=dummy, case_insensitive=not sensitive
        )
        assert score["figures"]["Spearman"] == pytest.approx(spearman[0], abs=1e-6)
        assert score["figures"]["Pearson"] == pytest.approx(pearson[0], abs=1e-5)
        assert 100 * score["unknown"] / score["asked"] == pytest.approx(unknown)

    @pytest.mark.parametrize("dummy", [False, True])
    @pytest.mark.parametrize("sensitive", [False, True])
    @pytest.mark.parametrize("restrict", [30, 200])
    def test_analogies_have_the_same_share(self, evaluated, tmp_path, file, dummy, sensitive, restrict):
        # Two dimensions and four directions of offset, so that answers are often right.
        grid = {f"w{8 * i + j}": [10 + i, 10 + j, 5 + (i * j) % 3] for i in range(8) for j in range(8)}
        vectors = write_vectors(tmp_path / "v.txt", grid | {"W0": [1, 2, 3]})
        rng = np.random.default_rng(3)
        lines = []
        for section in ("one", "two"):
            lines.append(f": {section}")
            for _ in range(40):
                i, j, di, dj = rng.integers(0, 5, 4)
                a, b, c = 8 * i + j, 8 * (i + di) + j, 8 * i + j + dj
                lines.append(
                    f"w{a} W{b} w{c} w{8 * (i + di) + j + dj}"
                    if rng.random() < 0.3
                    else f"w{a} w{b} w{c} w{8 * (i + di) + j + dj}"
                )
        questions = file("q.txt", "\n".join(lines) + "\n")
        flags = [*(["--score-unknown"] if dummy else []), *(["--case-sensitive"] if sensitive else [])]

        scores = by_name(evaluated("--vectors", vectors, questions, "--restrict", restrict, *flags))

        theirs = KeyedVectors.load_word2vec_format(vectors)
        share, sections = theirs.evaluate_word_analogies(
            questions, restrict_vocab=restrict, case_insensitive=not sensitive, dummy4unknown=dummy
        )
        assert 0 < share < 1
        assert scores["q.txt"]["score"] == pytest.approx(share)
        for section in sections[:-1]:
            right, wrong = len(section["correct"]), len(section["incorrect"])
            ours = scores[f"q.txt:{section['section']}"]
            assert ours["scored"] == right + wrong
            assert ours["score"] == pytest.approx(right / (right + wrong))


class TestSeveralRuns:
    def test_have_their_mean_and_spread(self, ask, evaluated, tmp_path, file):
        runs = [write_vectors(tmp_path / f"{seed}.txt", random_vectors(seed)) for seed in (1, 2, 3)]
        pairs = file("pairs.tsv", "".join(f"w{i}\tw{i + 1}\t{i}\n" for i in range(20)))
        several = [argument for run in runs for argument in ("--vectors", run)]

        told = evaluated(*several, pairs)

        single = [evaluated("--vectors", run, pairs)["runs"][0]["scores"][0]["score"] for run in runs]
        assert [run["name"] for run in told["runs"]] == [str(run) for run in runs]
        [over_runs] = told["over_runs"]
        assert over_runs["figures"]["Spearman"] == {
            "mean": pytest.approx(mean(single)),
            "spread": pytest.approx(stdev(single)),
            "lowest": min(single),
            "highest": max(single),
        }
        printed = ask("evaluate", *several, pairs).printed
        assert f"{mean(single):.3f} ± {stdev(single):.3f}" in printed
        assert f"{min(single):.3f} .. {max(single):.3f}" in printed
        assert "Means over 3 runs" in printed

    def test_may_come_beside_the_run_of_the_configuration(self, evaluated, planted, file, tmp_path):
        (tmp_path / "out").mkdir()
        write_vectors(tmp_path / "out" / "vectors", PLANTED, "parquet")

        told = evaluated(f"--set=output.path={tmp_path / 'out'}", "--also", planted, file("p.tsv", PAIRS))

        assert [run["name"] for run in told["runs"]] == [str(tmp_path / "out"), str(planted)]
        assert by_name(told, 0) == by_name(told, 1)


class TestBias:
    def test_words_and_occupations_are_laid_along_the_gender_direction(self, ask, evaluated, planted):
        [run] = evaluated("--vectors", planted, "--bias")["runs"]

        bias = run["bias"]
        assert bias["pairs"] == 3
        assert ["herself", "himself"] in bias["unknown_pairs"]
        assert bias["explained"][0] > 0.9
        assert {word for word, _ in bias["words"]["female"][:2]} == {"she", "woman"}
        assert {word for word, _ in bias["words"]["male"][:2]} == {"he", "man"}
        assert [word for word, _ in bias["occupations"]["female"]] == ["maid", "soldier"]
        assert "'programmer'" in bias["analogy"]["answers"]
        printed = ask("evaluate", "--vectors", planted, "--bias").printed
        assert "Gender direction from 3 of 10 pairs" in printed
        assert "occupations, female side: maid +0." in printed

    def test_programmer_has_a_counterpart_where_one_is_near(self, evaluated, tmp_path):
        near = PLANTED | {"programmer": [3, -0.5, 0, 1], "homemaker": [3, 0.5, 0, 1]}
        vectors = write_vectors(tmp_path / "v.txt", near)

        [run] = evaluated("--vectors", vectors, "--bias")["runs"]

        assert run["bias"]["analogy"]["answers"][0][0] == "homemaker"

    def test_a_phrase_is_asked_where_its_words_are_known(self, evaluated, tmp_path):
        near = PLANTED | {
            "computer": [3, -0.5, 0, 1],
            "programmer": [3, -0.5, 0, 1],
            "homemaker": [3, 0.5, 0, 1],
        }
        vectors = write_vectors(tmp_path / "v.txt", near)

        [run] = evaluated("--vectors", vectors, "--bias")["runs"]

        assert run["bias"]["analogy"]["asked"] == ["man", "computer programmer", "woman"]
        assert run["bias"]["analogy"]["answers"][0][0] == "homemaker"

    def test_over_several_runs_a_projection_has_its_mean_and_its_ends(self, ask, evaluated, tmp_path):
        # What lies across the gender direction makes the projection of "maid" smaller.
        changed = PLANTED | {"maid": [*PLANTED["maid"][:-1], PLANTED["maid"][-1] + 3]}
        runs = [write_vectors(tmp_path / f"{n}.txt", some) for n, some in enumerate((PLANTED, changed))]
        several = [argument for run in runs for argument in ("--vectors", run)]

        told = evaluated(*several, "--bias")

        maids = [dict(run["bias"]["occupations"]["female"])["maid"] for run in told["runs"]]
        assert maids[0] != maids[1]
        assert told["bias_over_runs"]["occupations"]["female"]["maid"] == {
            "mean": pytest.approx(mean(maids)),
            "spread": pytest.approx(stdev(maids)),
            "lowest": min(maids),
            "highest": max(maids),
        }
        printed = ask("evaluate", *several, "--bias").printed
        *_, row = (line for line in printed.splitlines() if line.startswith("  maid "))
        assert f"{mean(maids):+.3f} ± {stdev(maids):.3f}" in row
        assert f"{min(maids):+.3f} .. {max(maids):+.3f}" in row

    def test_vectors_without_a_pair_are_told(self, ask, tmp_path):
        vectors = write_vectors(tmp_path / "v.txt", {"a": [1, 2], "b": [2, 1]})

        outcome = ask("evaluate", "--vectors", vectors, "--bias")

        assert outcome.code == 3
        assert "a direction expects a pair of two different words" in outcome.complaint


FORMATS = ["word2vec-text", "word2vec-binary", "glove-text", "npy", "safetensors", "parquet"]
ENDINGS = {"npy": ".npy", "safetensors": ".safetensors", "parquet": ""}


@pytest.mark.parametrize("form", FORMATS)
class TestFormats:
    def test_are_all_evaluated_alike(self, evaluated, planted, file, tmp_path, form):
        vectors = write_vectors(tmp_path / f"v{ENDINGS.get(form, '.any')}", PLANTED, form)
        files = file("a.txt", ANALOGIES), file("pairs.tsv", PAIRS)

        assert by_name(evaluated("--vectors", vectors, *files)) == by_name(
            evaluated("--vectors", planted, *files)
        )

    def test_are_all_asked_for_neighbours_and_analogies(self, ask, tmp_path, form):
        vectors = write_vectors(tmp_path / f"v{ENDINGS.get(form, '.any')}", PLANTED, form)

        near = ask("neighbors", "--vectors", vectors, "warm", "-n", 1)
        assert (near.code, near.printed) == (0, "warm:\n  0.995  hot\n")
        analogy = ask("analogy", "--vectors", vectors, "man", "king", "woman", "-n", 1)
        assert analogy.code == 0
        assert analogy.printed.split()[-1] == "queen"


class TestFaults:
    @pytest.mark.parametrize(
        ("name", "content", "complaint"),
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
        ],
    )
    def test_of_broken_vectors_are_told_in_a_sentence(self, ask, tmp_path, file, name, content, complaint):
        (tmp_path / name).write_bytes(content)

        for command in (["evaluate", file("p.tsv", PAIRS)], ["neighbors", "a"]):
            outcome = ask(*command, "--vectors", tmp_path / name)

            assert (outcome.code, outcome.printed) == (3, "")
            assert outcome.complaint.startswith(f"vecmill: {tmp_path / complaint}")
            assert "; " in outcome.complaint, "the remedy comes last"

    @pytest.mark.parametrize(
        ("text", "complaint"),
        [
            ("", "t.txt: expected a line a question, got an empty file"),
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
    def test_of_broken_tests_are_told_in_a_sentence(self, ask, planted, file, tmp_path, text, complaint):
        outcome = ask("evaluate", "--vectors", planted, file("t.txt", text))

        assert (outcome.code, outcome.printed) == (3, "")
        assert outcome.complaint.startswith(f"vecmill: {tmp_path / complaint}")

    def test_of_what_is_missing_are_told_with_the_remedy(self, ask, planted, file, tmp_path):
        pairs, missing = file("p.tsv", PAIRS), tmp_path / "missing"

        for arguments, code, complaint in (
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
            outcome = ask("evaluate", *arguments)
            assert outcome.code == code
            assert outcome.complaint.startswith(f"vecmill: {complaint}")

    def test_two_files_of_one_name_are_refused(self, ask, planted, file, tmp_path):
        (tmp_path / "other").mkdir()
        files = file("p.tsv", PAIRS), file("other/p.tsv", PAIRS)

        outcome = ask("evaluate", "--vectors", planted, *files)

        assert outcome.code == 2
        assert outcome.complaint == "vecmill: 2 test files are named p.tsv; rename all but one"

    def test_a_run_and_a_file_cannot_both_be_asked_for_neighbours(self, ask, planted):
        outcome = ask("neighbors", "warm", "--vectors", planted, "--set", "output.path=out")

        assert outcome.code == 2
        assert "leave out --config and --set" in outcome.complaint
