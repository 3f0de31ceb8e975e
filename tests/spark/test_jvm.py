from __future__ import annotations

import os

from vecmill.spark import jvm

PRINTED = b"""\
WARNING: Using incubator modules: jdk.incubator.vector
26/11/26 14:09:41 ERROR Executor: Exception in task 0.0
org.apache.spark.SparkException: a cause
\tat org.apache.spark.executor.Executor.run(Executor.scala:1)
\t... 28 more
Traceback (most recent call last):
  File "worker.py", line 1, in main
    raise ValueError
ValueError
Ivy Default Cache set to: /root/.ivy2
"""


def test_what_java_prints_is_shown_without_traces():
    shown = list(jvm.without_traces(PRINTED.splitlines(keepends=True)))

    assert shown == [
        b"26/11/26 14:09:41 ERROR Executor: Exception in task 0.0\n",
        b"org.apache.spark.SparkException: a cause\n",
        b"Ivy Default Cache set to: /root/.ivy2\n",
    ]


def test_a_line_that_comes_in_pieces_is_one_line(capfd):
    read_end, write_end = os.pipe()
    for piece in (b"Traceback (most", b" recent call last):\n  File", b' "x"\nError\nkept\r', b"no end"):
        os.write(write_end, piece)
    os.close(write_end)

    jvm._relay(read_end)

    assert capfd.readouterr().err == "kept\rno end"
    assert jvm.last_lines()[-2:] == ["Error", "kept"]


def test_java_that_was_not_started_here_has_no_exit_code(monkeypatch):
    monkeypatch.setattr(jvm, "_process", None)

    assert jvm.exit_code() is None
    assert jvm.ended() is None
