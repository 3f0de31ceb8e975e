from __future__ import annotations

import pytest

from vecmill.spark.failures import told


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
def test_faults_that_users_meet_are_told_in_a_sentence(text, sentence, code):
    found = told(RuntimeError(f"Job aborted.\n{text}\n\tat some.java.Class"))

    assert found is not None
    assert found[0].startswith(sentence)
    assert "\n" not in found[0]
    assert found[1] == code


def test_a_java_process_that_is_gone_is_told():
    sentence, code = told(ConnectionRefusedError(111, "Connection refused")) or ("", 0)

    assert sentence.startswith("Spark's Java process is gone; most often it ran out of memory")
    assert code == 1


def test_a_surprise_is_left_to_its_traceback():
    assert told(KeyError("x")) is None
