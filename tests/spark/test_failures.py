from __future__ import annotations

import pytest

from vecmill.spark.failures import explain, first_line


@pytest.mark.parametrize(
    ("text", "sentence", "code"),
    [
        ("java.io.IOException: No space left on device", "the output is full (No space left", 1),
        ("OSError: [Errno 27] File too large", "the output is full (OSError: [Errno 27]", 1),
        ("Caused by: java.io.FileNotFoundException: /x (Permission denied)", "a file cannot be read or", 1),
        ("[FAILED_READ_FILE.NO_HINT] Encountered error while reading file:/x.gz", "the input cannot be", 3),
        ("java.lang.OutOfMemoryError: Java heap space", "out of memory (", 1),
        ("Python worker exited unexpectedly (crashed)", "a Python worker died (", 1),
        ("ModuleNotFoundError: No module named 'pandas'", "a worker lacks a Python package (", 1),
    ],
)
def test_a_known_failure_is_explained_in_one_sentence(text, sentence, code):
    found = explain(RuntimeError(f"Job aborted.\n{text}\n\tat some.java.Class"))

    assert found is not None
    assert found[0].startswith(sentence)
    assert "\n" not in found[0]
    assert found[1] == code


def test_an_explanation_has_the_line_that_matched_without_class_names():
    text = "Job aborted\nCaused by: java.io.IOException: No space left on device\n\tat x"

    sentence, _ = explain(RuntimeError(text)) or ("", 0)

    assert sentence.startswith("the output is full (No space left on device); ")


def test_the_end_of_the_java_process_is_explained():
    sentence, code = explain(ConnectionRefusedError(111, "Connection refused")) or ("", 0)

    assert sentence.startswith("Spark's Java process ended, most often because it ran out of memory; raise")
    assert code == 1


def test_an_unknown_failure_has_no_explanation():
    assert explain(KeyError("x")) is None


def test_the_first_line_of_an_error_is_its_first_line_with_text():
    assert first_line(ValueError("\n[PATH_NOT_FOUND] no path\nSQLSTATE")) == "[PATH_NOT_FOUND] no path"
    assert first_line(ValueError()) == "ValueError"
