from __future__ import annotations

import itertools
from collections import deque

import pytest
from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError

from tests.spark import raised
from vecmill.errors import ConfigError, InputError, VecmillError
from vecmill.spark import disks, failures, jvm, local, scratch
from vecmill.spark.failure_table import FILE_SYSTEMS, STARTS, TASKS
from vecmill.spark.failures import explain, explain_start, first_line


class Dead:
    """A Java process that ended with an exit code."""

    def __init__(self, code: int) -> None:
        self._code = code

    def wait(self, timeout: float) -> int:
        return self._code

    def poll(self) -> int:
        return self._code


@pytest.mark.parametrize(
    ("text", "sentence", "code"),
    [
        ("java.io.IOException: No space left on device: '/o/x'", "the output is full (No space left", 1),
        ("OSError: [Errno 27] File too large: '/o/x'", "the output is full (OSError: [Errno 27]", 1),
        ("Caused by: java.io.FileNotFoundException: /x (Permission denied)", "a file cannot be read or", 1),
        ("[FAILED_READ_FILE.NO_HINT] Encountered error while reading file:/x.gz", "the input cannot be", 3),
        ("java.lang.OutOfMemoryError: Java heap space", "out of memory (", 1),
        ("java.lang.OutOfMemoryError: unable to create native thread", "the system allows no more proc", 1),
        ("OSError: [Errno 24] Too many open files: '/x'", "the system allows no more open files (", 1),
        ("Python worker exited unexpectedly (crashed)", "a Python worker died: ", 1),
        ("ModuleNotFoundError: No module named 'pandas'", "a worker lacks a Python package (", 2),
        ("ModuleNotFoundError: No module named 'numba'", "a worker lacks Numba (", 2),
        (raised.FULL_OUTPUT, "the output is full (OSError: [Errno 28] Error writing", 1),
        (raised.FULL_TEMPORARY, "the disk of Spark's temporary files, ", 1),
        (raised.PYTHON_MISSING, "PYSPARK_PYTHON: /nonexistent/python cannot be started on a worker", 2),
        (raised.PYTHON_OF_ANOTHER_VERSION, "PYSPARK_PYTHON: workers have Python 3.12 and this comm", 2),
        (raised.WORKER_DIED, "a Python worker died: it crashed, or it was killed", 1),
        (raised.DAMAGE_IN_A_TASK, "/o/pairs/epoch=1/x.parquet is damaged; delete /o/pairs/epoch=1", 3),
        (
            raised.INVALID_SETTING,
            "a setting of Spark is invalid ([INVALID_CONF_VALUE.TYPE_MISMATCH] The",
            2,
        ),
        (raised.S3A_WITHOUT_PACKAGE, "Spark lacks the package of this file system; add 'spark.jars.", 2),
        (raised.S3, "Spark reads S3 by s3a:// and not by s3://; write s3a://", 2),
        (raised.UNKNOWN_SCHEME, "Spark knows no file system foo://; correct the path, or add", 2),
        (raised.HDFS_DOWN, "the file system does not answer (Call From vm/127.0.0.1 to localhost:9999", 1),
        (raised.COLON, "Hadoop does not read files and folders whose name has a colon (a:b.txt)", 3),
    ],
)
def test_a_known_failure_is_explained_in_one_sentence(text, sentence, code):
    found = explain(RuntimeError(f"Job aborted.\n{text}\n\tat some.java.Class"))

    assert found is not None
    assert found[0].startswith(sentence)
    assert "\n" not in found[0]
    assert len(found[0]) < 900
    assert found[1] == code


@pytest.mark.parametrize(
    ("text", "sentence", "code"),
    [
        (raised.SMALL_HEAP, "spark.driver.memory is too small for Spark; set it to 512m or more", 2),
        (
            raised.UNKNOWN_MASTER,
            "spark.master must be local[N], yarn, spark://HOST:PORT or k8s://URL (Co",
            2,
        ),
        (raised.DEAD_MASTER, "spark.master does not answer; start the cluster, or correct its address", 1),
        ("UnknownHostException: no-such-host: Name or service", "the host name no-such-host has no ad", 2),
        ("BindException: Service 'sparkDriver' failed after 16 retries", "Spark cannot listen for its", 2),
        ("something else\nand more", "Spark did not start: something else", 2),
    ],
)
def test_a_failure_to_start_is_explained_in_one_sentence(monkeypatch, text, sentence, code):
    monkeypatch.setattr(jvm, "_last_lines", deque())

    found = explain_start(RuntimeError(text))

    assert found[0].startswith(sentence)
    assert found[1] == code


@pytest.mark.parametrize("printed", raised.PRINTED)
def test_what_java_printed_explains_why_it_ended(monkeypatch, printed):
    monkeypatch.setattr(jvm, "_last_lines", deque(printed.splitlines()))

    found = explain_start(RuntimeError("[JAVA_GATEWAY_EXITED] Java gateway process exited before"))

    sentence, code = raised.PRINTED[printed]
    assert found[0].startswith(sentence)
    assert found[1] == code


def test_an_explanation_has_the_line_that_matched_without_class_names():
    text = "Job aborted\nCaused by: java.io.IOException: /o/x: No space left on device\n\tat x"

    sentence, _ = explain(RuntimeError(text)) or ("", 0)

    assert sentence.startswith("the output is full (/o/x: No space left on device); ")


def test_a_long_line_is_cut():
    sentence, _ = explain(RuntimeError(f"Permission denied: {'x' * 100_000}")) or ("", 0)

    assert len(sentence) < 500


def test_the_package_of_a_file_system_has_hadoops_version():
    sentence, _ = explain(RuntimeError(raised.S3A_WITHOUT_PACKAGE)) or ("", 0)

    assert "'spark.jars.packages org.apache.hadoop:hadoop-aws:3." in sentence


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (
            -9,
            "Spark's Java process was killed (SIGKILL), most often by the system because memory was short",
        ),
        (137, "Spark's Java process was killed (SIGKILL)"),
        (52, "Spark's Java process ran out of memory; raise spark.driver.memory"),
        (143, "Spark's Java process was ended by the signal SIGTERM; run the same command again to resume"),
        (1, "Spark's Java process ended unexpectedly (exit code 1)"),
    ],
)
@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(111, "Connection refused"),
        ConnectionResetError(104, "Connection reset by peer"),
        BrokenPipeError(32, "Broken pipe"),
        EOFError(),
        Py4JNetworkError("Answer from Java side is empty"),
        Py4JError("An error occurred while calling o39.sc"),
        RuntimeError("anything"),
    ],
)
def test_how_java_ended_explains_every_failure_after_it(monkeypatch, error, code, sentence):
    monkeypatch.setattr(jvm, "_process", Dead(code))

    found = explain(error)

    assert found is not None
    assert found[0].startswith(sentence)
    assert found[1] == 1


def test_java_that_another_process_started_may_have_ended(monkeypatch):
    monkeypatch.setattr(jvm, "_process", None)

    sentence, code = explain(ConnectionRefusedError(111, "Connection refused")) or ("", 0)

    assert sentence.startswith("Spark's Java process ended or does not answer; its log says why; run")
    assert code == 1


def test_a_broken_pipe_is_not_the_end_of_java(monkeypatch):
    monkeypatch.setattr(jvm, "_process", None)

    assert explain(BrokenPipeError(32, "Broken pipe")) is None


def test_an_error_of_java_whose_text_fails_is_explained(monkeypatch):
    monkeypatch.setattr(jvm, "_process", None)

    class UnreadableError(Py4JJavaError):
        def __init__(self) -> None:
            pass

        def __str__(self) -> str:
            raise Py4JNetworkError("Answer from Java side is empty")

    sentence, code = explain(UnreadableError()) or ("", 0)

    assert sentence.startswith("Spark's Java process ended or does not answer")
    assert code == 1
    assert first_line(UnreadableError()) == "UnreadableError: Answer from Java side is empty"


def test_an_unknown_failure_has_no_explanation():
    assert explain(KeyError("x")) is None


def raised_while_cleaning_up(first: BaseException, second: BaseException) -> BaseException:
    try:
        try:
            raise first
        finally:
            raise second
    except BaseException as error:
        return error


def test_the_first_of_several_failures_is_the_cause():
    full = RuntimeError("OSError: [Errno 28] No space left on device: '/o/x'")

    for second in (
        ConnectionRefusedError(),
        VecmillError("could not delete .staging: refused"),
        KeyError(1),
    ):
        sentence, _ = explain(raised_while_cleaning_up(full, second)) or ("", 0)
        assert sentence.startswith("the output is full")


def test_an_error_of_vecmill_that_was_first_is_the_cause():
    error = raised_while_cleaning_up(InputError("no token"), ConnectionRefusedError())

    assert explain(error) == ("no token", 3)
    assert explain(ConfigError(["a", "b"])) == ("a; b", 2)


def test_an_interruption_is_the_cause_of_what_fails_after_it():
    error = raised_while_cleaning_up(KeyboardInterrupt(), ConnectionRefusedError())

    assert explain(error) == ("interrupted; run the same command again to resume", 1)


def test_an_error_about_a_file_system_has_the_exit_code_of_its_cause():
    error = InputError("input.path: cannot read hdfs://h/x")
    error.__cause__ = RuntimeError(raised.HDFS_DOWN)

    assert explain(error) == ("input.path: cannot read hdfs://h/x", 1)


def test_a_module_in_the_working_folder_is_named_if_workers_do_not_start(monkeypatch):
    monkeypatch.setattr(local, "shadowing_files", lambda: ["random.py"])

    sentence, code = explain(RuntimeError(raised.SHADOWED)) or ("", 0)

    assert "in the working folder, random.py has the name of a module that they import; rename" in sentence
    assert code == 2


def test_the_full_disk_is_named(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, "folders", lambda: [tmp_path / "vecmill-0-1-1"])
    inside = f"OSError: [Errno 28] No space left on device: '{tmp_path}/vecmill-0-1-1/x'"

    assert disks.explain_full(inside, inside).startswith(
        f"the disk of Spark's temporary files, {tmp_path}, is full ("
    )
    assert disks.explain_full("No space left on device: '/o/x'", "No space: '/o/x'").startswith(
        "the output"
    )


def test_the_free_space_tells_which_disk_is_full_if_the_error_does_not(monkeypatch, tmp_path):
    monkeypatch.setattr(scratch, "folders", lambda: [tmp_path / "vecmill-0-1-1"])
    text = "java.io.IOException: No space left on device"

    monkeypatch.setattr(disks, "_is_full", lambda folder: True)
    assert disks.explain_full(text, text).startswith("the disk of Spark's temporary files")
    monkeypatch.setattr(disks, "_is_full", lambda folder: False)
    assert disks.explain_full(text, text).startswith("the output is full")


def test_no_sentence_is_long_and_every_placeholder_is_filled():
    for failure in itertools.chain(TASKS, STARTS, FILE_SYSTEMS):
        assert len(failure.sentence) < 320
        assert failure.code in (1, 2, 3)
        assert not failure.sentence.endswith(".")


def test_the_first_line_of_an_error_is_its_first_line_with_text():
    assert first_line(ValueError("\n[PATH_NOT_FOUND] no path\nSQLSTATE")) == "[PATH_NOT_FOUND] no path"
    assert first_line(ValueError()) == "ValueError"


def test_failures_of_tasks_include_those_of_file_systems_and_of_starts():
    assert {*FILE_SYSTEMS, *STARTS} < {*TASKS}
    assert failures.INTERRUPTED == "interrupted; run the same command again to resume"
