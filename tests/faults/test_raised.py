"""Faults of the machine, of settings and of the input: the last line, the exit code and a clean screen."""

from __future__ import annotations

import gzip
import os
import shutil
import signal
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.faults import processes, small_disks
from tests.faults.commands import Vecmill, spark_home
from tests.faults.conftest import check_refused

ROUND = r"round \d+/"


def moved(vecmill: Vecmill, out: Path) -> Vecmill:
    """The same with its output in another place."""
    shutil.copytree(vecmill.out, out)
    return vecmill._replace(out=out)


def test_an_output_that_is_full_is_named_and_the_run_resumes(counted, small_disk):
    disk = small_disk("600k")
    vecmill = moved(counted, disk / "out")

    check_refused(vecmill.run("run"), 1, "the output is full (", "make room, then run the same command")

    small_disks.resize(disk, "50m")
    ended = vecmill.run("run")
    assert ended.code == 0, ended.output


@pytest.mark.parametrize(
    ("size", "by"), [("64k", "spark.local.dir"), ("2m", "spark.local.dir"), ("2m", "TMPDIR")]
)
def test_a_disk_for_temporary_files_that_is_full_is_named(vecmill, small_disk, size, by):
    disk = small_disk(size)
    # Longer than the disk once it is shuffled, with words that do not compress.
    text = vecmill.folder / "text.txt"
    text.write_text("\n".join(os.urandom(16).hex() for _ in range(200_000)))
    vecmill = vecmill._replace(corpus=text)
    tokenized = vecmill.run("tokenize")
    assert tokenized.code == 0, tokenized.output

    if by == "TMPDIR":
        ended = vecmill._replace(temporary=disk).run("vocabulary")
    else:
        ended = vecmill.run("vocabulary", *vecmill.spark_conf(f"spark.local.dir {disk}"))

    check_refused(ended, 1, str(disk), "TMPDIR")


def test_an_output_that_becomes_read_only_is_named_and_the_run_resumes(counted, tmp_path):
    if os.geteuid() != 0 or not small_disks.can_set_read_only(tmp_path):
        pytest.skip("only root can forbid root to write")
    running = counted.start("run")
    try:
        assert running.wait_for_line(ROUND), running.wait()
        small_disks.set_read_only(counted.out, to=True)
        check_refused(running.wait(), 1, "Operation not permitted", str(counted.out))
    finally:
        running.kill_all()
        small_disks.set_read_only(counted.out, to=False)

    ended = counted.run("run")
    assert ended.code == 0, ended.output


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser can write to any folder")
def test_a_folder_without_permission_is_named(vecmill):
    vecmill.out.mkdir(mode=0o555)

    check_refused(vecmill.run("tokenize"), 2, "output.path: cannot write to", "Permission denied")


@pytest.mark.parametrize(
    ("strategy", "number", "sentence"),
    [
        ("averaging", signal.SIGKILL, "Spark's Java process was killed (SIGKILL)"),
        ("blocked", signal.SIGKILL, "Spark's Java process was killed (SIGKILL)"),
        ("averaging", signal.SIGTERM, "Spark's Java process was ended by the signal SIGTERM"),
    ],
)
def test_java_that_is_killed_is_named_and_the_run_resumes(counted, strategy, number, sentence):
    vecmill = counted
    settings = {"train.strategy": strategy}
    running = vecmill.start("run", settings=settings)
    try:
        assert running.wait_for_line(ROUND), running.wait()
        [java] = processes.java_of(running.pid)
        os.kill(java, number)
        ended = running.wait()
    finally:
        running.kill_all()

    check_refused(ended, 1, sentence, "run the same command again to resume")
    again = vecmill.run("run", settings=settings)
    assert again.code == 0, again.output
    assert "resuming after round" in again.output


def test_java_that_runs_out_of_memory_is_named(vecmill):
    # One document that is larger than the heap.
    documents = pa.table({"text": pa.array(["word here " * 40_000_000], pa.large_string())})
    pq.write_table(documents, vecmill.folder / "long.parquet")
    vecmill = vecmill._replace(corpus=vecmill.folder / "long.parquet")
    conf = vecmill.spark_conf("spark.driver.memory 600m")

    ended = vecmill.run("tokenize", *conf, settings={"input.format": "parquet"})

    check_refused(ended, 1, "out of memory", "spark.driver.memory")


def test_a_worker_that_is_killed_is_named(counted):
    settings = {"train.epochs": 40}
    running = counted.start("run", settings=settings)
    try:
        assert running.wait_for_line(ROUND), running.wait()
        while running.is_running:
            for worker in processes.workers_of(running.pid):
                os.kill(worker, signal.SIGKILL)
        ended = running.wait()
    finally:
        running.kill_all()

    check_refused(ended, 1, "a Python worker died", "run the same command again to resume")


def test_a_missing_python_is_named(vecmill):
    ended = vecmill.run("tokenize", PYSPARK_PYTHON="/nonexistent/python")

    check_refused(ended, 2, "PYSPARK_PYTHON: /nonexistent/python is not a program on this machine")


def other_python() -> str | None:
    """A Python of another version."""
    versions = Path("/root/.pyenv/versions").glob("3.1[0-9]*/bin/python")
    found = [shutil.which(f"python3.{minor}") for minor in range(10, 16)] + [str(path) for path in versions]
    code = "import sys; print(sys.version_info[:2])"
    here = subprocess.run(["python3", "-c", code], capture_output=True, text=True, check=False).stdout
    for python in filter(None, found):
        ended = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
        if ended.returncode == 0 and ended.stdout != here:
            return python
    return None


def test_a_python_of_another_version_is_named(vecmill):
    python = other_python()
    if python is None:
        pytest.skip("this machine has no other Python")

    ended = vecmill.run("tokenize", PYSPARK_PYTHON=python)

    check_refused(ended, 2, "PYSPARK_PYTHON: workers have Python 3.", "and this command has Python 3.")


def test_a_spark_home_without_spark_is_named(vecmill):
    check_refused(vecmill.run("tokenize", SPARK_HOME="/nonexistent"), 2, "SPARK_HOME: /nonexistent is not")


def test_a_spark_home_of_another_version_is_named(vecmill, tmp_path):
    (tmp_path / "spark" / "bin").mkdir(parents=True)
    (tmp_path / "spark" / "bin" / "spark-submit").touch(mode=0o755)
    (tmp_path / "spark" / "jars").mkdir()
    (tmp_path / "spark" / "jars" / "spark-core_2.12-3.5.1.jar").touch()

    ended = vecmill.run("tokenize", SPARK_HOME=str(tmp_path / "spark"))

    check_refused(ended, 2, "is Spark 3.5, and PySpark is")


@pytest.mark.parametrize(
    ("path", "code", "part"),
    [
        ("s3a://bucket/a.txt", 2, "'spark.jars.packages org.apache.hadoop:hadoop-aws:3."),
        ("s3://bucket/a.txt", 2, "write s3a://"),
        ("foo://x/y", 2, "Spark knows no file system foo://"),
        ("hdfs://127.0.0.1:1/x", 1, "Connection refused"),
    ],
)
@pytest.mark.parametrize("key", ["input.path", "output.path"])
def test_a_file_system_that_spark_cannot_open_is_named(vecmill, key, path, code, part):
    # Hadoop would try for minutes.
    settings = vecmill.spark_conf("spark.hadoop.ipc.client.connect.max.retries 0")

    check_refused(vecmill.run("tokenize", *settings, settings={key: path}), code, path, part)


@pytest.mark.parametrize("name", ["random", "tokenize", "numpy", "string", "typing"])
def test_a_module_of_the_user_in_the_working_folder_does_no_harm(vecmill, name):
    (vecmill.folder / f"{name}.py").write_text("print('my experiment')\n")

    ended = vecmill.run("tokenize")

    assert ended.code == 0, ended.output
    assert "my experiment" not in ended.output


TOKENIZER = """
import os, signal
import pyarrow as pa
import pyarrow.compute as pc

def split(text): return pc.utf8_split_whitespace(text)
def fail(text): raise ValueError("no such letter")
def wrong(text): return text
def die(text): os.kill(os.getpid(), signal.SIGKILL)
"""


def with_tokenizer(vecmill: Vecmill, function: str) -> dict[str, str]:
    (vecmill.folder / "mine.py").write_text(TOKENIZER)
    return {"tokenizer.kind": "python", "tokenizer.pattern": f"mine:{function}"}


@pytest.mark.parametrize(
    ("function", "code", "part"),
    [
        ("fail", 3, "mine:fail raised ValueError: no such letter"),
        ("wrong", 3, "mine:wrong must return a pyarrow list<string> array"),
        ("die", 1, "a Python worker died"),
    ],
)
def test_a_tokenizer_function_that_fails_is_named(vecmill, function, code, part):
    settings = with_tokenizer(vecmill, function)

    ended = vecmill.run("tokenize", settings=settings, python=("-m", "vecmill"))

    check_refused(ended, code, part)


def test_a_tokenizer_function_in_the_working_folder_works(vecmill):
    ended = vecmill.run("tokenize", settings=with_tokenizer(vecmill, "split"), python=("-m", "vecmill"))

    assert ended.code == 0, ended.output


def test_a_tokenizer_function_on_pythonpath_works(vecmill):
    settings = with_tokenizer(vecmill, "split")
    path = vecmill.environment()["PYTHONPATH"]

    ended = vecmill.run("tokenize", settings=settings, PYTHONPATH=f"{path}{os.pathsep}{vecmill.folder}")

    assert ended.code == 0, ended.output


def test_a_tokenizer_function_of_a_file_that_the_settings_name_works(vecmill):
    settings = with_tokenizer(vecmill, "split")
    (vecmill.folder / "random.py").write_text("print('my experiment')\n")
    conf = vecmill.spark_conf(f"spark.submit.pyFiles {vecmill.folder}/mine.py")

    ended = vecmill.run("tokenize", *conf, settings=settings)

    assert ended.code == 0, ended.output


def test_a_compressed_file_that_is_damaged_is_named(vecmill):
    content = bytearray(gzip.compress(vecmill.corpus.read_bytes()))
    content[len(content) // 2] ^= 255
    for name, data in (("flipped.gz", content), ("cut.gz", content[: len(content) // 2])):
        (vecmill.folder / name).write_bytes(data)

        ended = vecmill._replace(corpus=vecmill.folder / name).run("tokenize")

        check_refused(ended, 3, "the input cannot be read", name, "replace or remove the file")


@pytest.mark.parametrize(
    ("line", "code", "part"),
    [
        (
            "spark.driver.memory 100m",
            2,
            "spark.driver.memory is too small for Spark; set it to 512m or more",
        ),
        ("spark.driver.memory abc", 2, "Java refuses its options (Invalid maximum heap size: -Xmxabc)"),
        (
            "spark.jars.packages no.such:thing:1.0",
            2,
            "spark.jars.packages: no.such#thing;1.0: was not found",
        ),
        ("spark.master nonsense", 2, "spark.master must be local[N], yarn, spark://HOST:PORT or k8s://URL"),
        ("spark.master local[abc]", 2, "spark.master must be local[N]"),
        ("spark.master yarn", 2, "set HADOOP_CONF_DIR"),
        ("spark.sql.shuffle.partitions x", 2, "a setting of Spark is invalid ("),
        ("spark.driver.maxResultSize 1k", 2, "spark.driver.maxResultSize"),
    ],
)
def test_a_setting_of_spark_that_is_wrong_is_named(vecmill, line, code, part):
    check_refused(vecmill.run("tokenize", *vecmill.spark_conf(line)), code, part)


def test_a_limit_of_open_files_is_named(vecmill):
    ended = vecmill.run("run", before=("bash", "-c", 'ulimit -n 90; exec "$@"', "-"))

    check_refused(ended, 1, "open files", "raise 'ulimit -n'")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the name of the host")
def test_a_host_name_without_an_address_does_no_harm(vecmill):
    rename = ("unshare", "--uts", "bash", "-c", 'hostname no-such-host-xyz; exec "$@"', "-")
    if subprocess.run([*rename, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("this container forbids to change the name of the host")

    ended = vecmill.run("tokenize", before=rename)

    assert ended.code == 0, ended.output


def test_executors_that_are_killed_again_and_again_are_named(vecmill):
    # A run of its own: executors start while tokens are written.
    conf = vecmill.spark_conf("spark.master local-cluster[2,1,1024]")
    running = vecmill.start("run", *conf, SPARK_HOME=str(spark_home(vecmill.folder)))
    try:
        assert running.wait_for_line("tokenize .* seconds"), running.wait()
        while running.is_running:
            for executor in processes.executors_of(running.pid):
                os.kill(executor, signal.SIGKILL)
        ended = running.wait()
    finally:
        running.kill_all()

    check_refused(ended, 1, "executors were lost", "run the same command again to resume")


def test_doctor_answers_in_sentences(vecmill):
    for arguments, environment, part in (
        (
            [],
            {"PYSPARK_PYTHON": "/nonexistent/python"},
            "PYSPARK_PYTHON: /nonexistent/python is not a progr",
        ),
        (vecmill.spark_conf("spark.driver.memory 100m"), {}, "spark.driver.memory is too small for Spark"),
    ):
        ended = vecmill.run("doctor", *arguments, **environment)

        assert ended.code == 2
        assert part in ended.output
        assert ended.traces == [], ended.output
        assert ended.last_line == "1 fault; fix it and run 'vecmill doctor' again."


def test_doctor_names_the_heap_of_the_session(vecmill):
    ended = vecmill.run("doctor")

    assert ended.code == 0, ended.output
    assert "(heap 2.0 GiB, " in ended.output
