from __future__ import annotations

import json
import math
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from tests.report.conftest import DIM, WORDS, metrics_line, write_run
from vecmill import report
from vecmill.errors import ConfigError, InputError
from vecmill.evaluation.word_tests import read_all
from vecmill.vectors.word_vectors import WordVectors

VOID = {"br", "col", "input", "meta"}
SECTIONS = [
    "map", "evaluation", "neighbours", "analogies", "offsets", "bias", "training", "vocabulary", "run",
]  # fmt: skip
HOSTILE = [
    "</script><b>",
    "&",
    '"><img src=x onerror=alert(1)>',
    "<!--",
    "it's",
    "\u2028",
    "{{x}}",
    "$title",
]


class ParsedPage(HTMLParser):
    """A parsed page: its sections, tags, links, texts and data. Every tag must be closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self.texts: list[str] = []
        self.data = ""
        self._open: list[str] = []
        self._in_data = False
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.tags.add(tag)
        if tag == "section":
            self.sections.append(attributes["id"])
        if tag == "a":
            self.links.append(attributes["href"])
        self._in_data = attributes.get("id") == "map-data"
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._in_data:
            self.data += data
        self.texts.append(data)


def page_text(root: Path, **options) -> str:
    return Path(report.write(str(root), **options)).read_text(encoding="utf-8")


@pytest.mark.usefixtures("without_scikit_learn")
class TestPage:
    def test_a_whole_run_has_every_section_and_a_link_to_each(self, run):
        page = ParsedPage(page_text(run))

        assert page.sections == SECTIONS
        assert page.links == [f"#{name}" for name in SECTIONS]

    def test_the_page_has_the_input_the_settings_and_the_scores_of_the_run(self, run):
        text = page_text(run)

        for fact in ("bible.txt", "fingerprint of the input", "abc123", "4.3.0", "tokens 200,000"):
            assert fact in text
        assert '<th scope="row">input.path</th><td>books/bible.txt</td>' in text
        assert '<th scope="row">train.epochs</th><td>3</td>' in text
        assert '<td class="number">37.5%</td>' in text
        assert ">16 scored, 4 unknown, 3CosMul 50.0%<" in text
        assert 'WEAT 6<span class="about">male and female names, career and family</span>' in text
        assert '<td class="number">+1.25</td><td class="quiet">p = 0.013</td>' in text
        assert "Questions with an unknown word are left out." in text

    def test_the_title_of_the_model_comes_from_the_run(self, run, edit_record):
        assert f"{DIM} dimensions, skip-gram with negative sampling, 3 epochs" in page_text(run)

        edit_record(lambda record: record["model"].update(title="<GloVe>"))
        assert f"{DIM} dimensions, <GloVe>, 3 epochs" in "".join(ParsedPage(page_text(run)).texts)

        edit_record(lambda record: record.pop("model"))
        assert f"{DIM} dimensions, 3 epochs" in page_text(run)

    def test_the_page_loads_nothing(self, run):
        text = page_text(run)
        page = ParsedPage(text)

        assert page.tags.isdisjoint({"link", "img", "iframe", "audio", "video", "object", "embed", "base"})
        assert not re.search(r"https?://|//cdn|url\(|@import|<script[^>]+src", text)
        assert "default-src 'none'" in text

    def test_words_are_escaped_everywhere(self, tmp_path):
        root = write_run(tmp_path / "run", [*HOSTILE, *WORDS])

        text = page_text(root, words=HOSTILE)
        page = ParsedPage(text)

        assert page.sections == SECTIONS
        assert page.tags.isdisjoint({"img", "b"})
        assert json.loads(page.data)["words"][: len(HOSTILE)] == HOSTILE
        for word in HOSTILE:
            assert word in page.texts

    def test_names_of_inputs_and_versions_are_escaped(self, run, edit_record):
        name = "<script>alert(1)<&\"'"
        edit_record(lambda record: record["configuration"]["input"].update(path=name))
        edit_record(lambda record: record["versions"].update({name: name}))

        page = ParsedPage(page_text(run))

        assert page.sections == SECTIONS
        assert name in page.texts

    def test_the_map_has_its_words_and_their_nearest(self, run):
        data = json.loads(ParsedPage(page_text(run)).data)

        assert data["words"] == WORDS
        assert len(data["points"]) == 2 * len(WORDS)
        assert max(map(abs, data["points"])) == 1000
        assert data["counts"][:2] == [10_000, 5_000]
        assert all(len(row) == 16 for row in data["near"])
        assert "by PCA" in page_text(run)
        assert "pip install scikit-learn" in page_text(run)

    def test_every_word_of_the_map_has_a_colour_and_every_colour_is_explained(self, run):
        text = page_text(run)
        data = json.loads(ParsedPage(text).data)

        assert len(data["groups"]) == len(WORDS)
        assert set(data["groups"]) == set(range(8))
        for group in range(8):
            assert f"--group:var(--group-{group})" in text

    def test_given_tests_replace_the_evaluation_of_the_run(self, run, tmp_path):
        pairs = tmp_path / "pairs.tsv"
        pairs.write_text("king\tbread\t1\nking\tmusic\t2\nnowhere\tking\t3\nbread\tmusic\t4\n")

        text = page_text(run, tests=read_all([str(pairs)]))

        assert "Spearman in pairs.tsv" in text
        assert "3 scored, 1 unknown, 95% interval" in text
        assert "questions.txt" not in text
        assert "Questions with an unknown word are left out; analogies are asked of the 30,000" in text

    def test_the_same_run_gives_the_same_bytes(self, run, tmp_path):
        first = report.write(str(run), str(tmp_path / "a.html"))
        second = report.write(str(run), str(tmp_path / "b.html"))

        assert Path(first).read_bytes() == Path(second).read_bytes()

    def test_without_metrics_and_evaluation_their_sections_are_left_out(self, run):
        (run / "metrics.jsonl").unlink()
        (run / "evaluation.json").unlink()

        missing = {"training", "evaluation"}
        assert ParsedPage(page_text(run)).sections == [name for name in SECTIONS if name not in missing]

    def test_an_unfinished_run_has_the_sections_of_its_finished_stages(self, run, edit_record):
        edit_record(lambda record: record["stages"].pop("export"))
        edit_record(lambda record: record["stages"]["train"].update(state="running"))
        (run / "evaluation.json").unlink()

        page = ParsedPage(page_text(run))

        assert page.sections == ["training", "vocabulary", "run"]
        assert json.loads(page.data) is None

    def test_a_run_that_has_just_started_has_a_page(self, tmp_path):
        (tmp_path / "run.json").write_text('{"stages": {"tokenize": {"state": "running", "key": "k"}}}')

        assert ParsedPage(page_text(tmp_path)).sections == ["run"]

    def test_a_training_with_nan_losses_has_a_page(self, run):
        lines = [json.dumps(metrics_line(n, loss)) for n, loss in enumerate((3.0, math.nan, math.inf), 1)]
        (run / "metrics.jsonl").write_text("\n".join(lines))

        assert ParsedPage(page_text(run)).sections == SECTIONS

    def test_words_in_other_scripts_are_shown(self, tmp_path):
        words = ["слово", "كلمة", "言葉", "ordið", "λέξη", "מילה"]

        page = ParsedPage(page_text(write_run(tmp_path / "run", words), words=words))

        assert json.loads(page.data)["words"] == words
        assert set(words) <= set(page.texts)

    def test_200_000_words_make_a_page_of_less_than_5_megabytes(self, tmp_path):
        root = write_run(tmp_path / "run", [*WORDS, *(f"word{n}" for n in range(200_000))])

        text = page_text(root)

        assert len(text.encode()) < 5_000_000
        assert 2000 <= len(json.loads(ParsedPage(text).data)["near"]) < 3000

    def test_words_of_a_megabyte_are_cut(self, tmp_path):
        long = [f"{letter * 1_000_000}{n}" for n, letter in enumerate("abcdefghij" * 3)]
        root = write_run(tmp_path / "run", [*long, *WORDS])

        text = page_text(root, words=long[:2])
        page = ParsedPage(text)

        assert len(text.encode()) < 1_000_000
        assert page.sections == SECTIONS
        shown = "a" * 79 + "…"
        assert shown in page.texts
        assert json.loads(page.data)["words"][0] == shown

    def test_halves_of_surrogate_pairs_are_question_marks(self, run, edit_record):
        edit_record(lambda record: record["versions"].update(vecmill="1\ud800"))

        assert "Made by vecmill 1?" in page_text(run)

    def test_an_unknown_requested_word_is_reported_with_similar_spellings(self, run):
        with pytest.raises(InputError, match=r"'kin' is not among .*spellings are: king"):
            report.write(str(run), words=["bread", "kin"])

    def test_requested_words_may_be_composed_differently(self, tmp_path):
        root = write_run(tmp_path / "run", ["caf\N{LATIN SMALL LETTER E WITH ACUTE}", *WORDS])

        assert '<bdi class="word"' in page_text(root, words=["cafe\N{COMBINING ACUTE ACCENT}"])

    @pytest.mark.parametrize("options", [{"words": ["king"]}, {"tests": ["pairs.tsv"]}])
    def test_options_that_need_vectors_are_refused_before_the_export(
        self, run, edit_record, tmp_path, options
    ):
        (tmp_path / "pairs.tsv").write_text("king\tbread\t1\n")
        edit_record(lambda record: record["stages"].pop("export"))
        if "tests" in options:
            options = {"tests": read_all([str(tmp_path / "pairs.tsv")])}

        with pytest.raises(InputError, match=r"has no vectors of its last training .*run 'vecmill export'"):
            report.write(str(run), **options)

    def test_the_page_is_written_to_the_run_or_to_the_given_path(self, run, tmp_path):
        assert report.write(str(run)) == str(run / "report.html")
        assert report.write(run.as_uri()) == str(run / "report.html")
        elsewhere = tmp_path / "new" / "page.html"
        assert report.write(str(run), str(elsewhere)) == str(elsewhere)
        assert elsewhere.read_bytes() == (run / "report.html").read_bytes()
        assert [path.name for path in elsewhere.parent.iterdir()] == ["page.html"]

    def test_a_path_that_cannot_be_written_is_named(self, run, tmp_path):
        (tmp_path / "file").write_text("")

        with pytest.raises(ConfigError, match=r"cannot write .*page\.html"):
            report.write(str(run), str(tmp_path / "file" / "page.html"))

    def test_vectors_without_a_run_have_fewer_sections(self, tmp_path):
        rows = np.random.default_rng(1).normal(size=(len(WORDS), 8)).astype(np.float32)
        vectors = WordVectors(WORDS, rows)
        target = str(tmp_path / "page.html")

        report.write_vectors(vectors, target, title="<glove>")
        page = ParsedPage(Path(target).read_text(encoding="utf-8"))

        assert page.sections == ["map", "neighbours", "analogies", "offsets", "bias"]
        assert "<glove>" in page.texts

    def test_a_run_on_another_file_system_is_read_and_written_through_spark(self, spark, run):
        hadoop = spark.sparkContext._jsc.hadoopConfiguration()
        hadoop.set("fs.viewfs.mounttable.reports.link./run", run.as_uri())
        hadoop.set("fs.viewfs.impl.disable.cache", "true")
        near = page_text(run)

        place = report.write("viewfs://reports/run", spark=spark)

        assert place == "viewfs://reports/run/report.html"
        assert (run / "report.html").read_text(encoding="utf-8") == near

    def test_a_run_on_another_file_system_needs_a_session(self):
        with pytest.raises(ConfigError, match="give a Spark session"):
            report.write("hdfs://cluster/run")


def test_with_scikit_learn_the_map_is_laid_out_by_t_sne_and_the_page_is_reproducible(run):
    pytest.importorskip("sklearn")

    first = page_text(run)

    assert "by t-SNE" in first
    assert "pip install scikit-learn" not in first
    assert page_text(run) == first
