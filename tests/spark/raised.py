"""Texts of errors as Spark 4.3 raised them on this project's faults, without most of their stack traces."""

from __future__ import annotations

_FAILED = (
    "An error occurred while calling o171.collectToPython.\n"
    ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 failed 1 "
    "times, most recent failure: Lost task 0.0 in stage 0.0 (TID 0) (localhost executor driver): "
)
_STARTED = "An error occurred while calling None.org.apache.spark.api.java.JavaSparkContext.\n"
_WORKER = "An exception was thrown from the Python worker:\nTraceback (most recent call last):\n"

# The output on a small disk, while a Python worker wrote pairs.
FULL_OUTPUT = (
    f"{_WORKER}"
    '  File "/lib/vecmill/storage/parquet.py", line 161, in write\n'
    "    rows, elements = _write_file(groups, folder / file, counted, group_rows)\n"
    '  File "pyarrow/_parquet.pyx", line 2482, in pyarrow._parquet.ParquetWriter.write_table\n'
    "OSError: [Errno 28] Error writing bytes to file. Detail: [errno 28] No space left on device\n"
)
# spark.local.dir on a small disk, while Spark shuffled.
FULL_TEMPORARY = (
    f"{_FAILED}java.io.IOException: No space left on device\n"
    "\tat java.base/sun.nio.ch.FileDispatcherImpl.write0(Native Method)\n"
    "\tat org.apache.spark.storage.DiskBlockObjectWriter.commitAndGet(DiskBlockObjectWriter.scala:171)\n"
)
PYTHON_MISSING = (
    f'{_FAILED}java.io.IOException: Cannot run program "/nonexistent/python": error=2, No such file or '
    "directory\n\tat java.base/java.lang.ProcessBuilder.start(ProcessBuilder.java:1143)\n"
)
PYTHON_OF_ANOTHER_VERSION = (
    f"{_WORKER}"
    '  File "/pyspark.zip/pyspark/worker_util.py", line 93, in check_python_version\n'
    "    raise PySparkRuntimeError(\n"
    "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python in worker has "
    "different version: 3.12 than that in driver: 3.11, PySpark cannot run with different minor versions.\n"
)
WORKER_DIED = (
    f"{_FAILED}org.apache.spark.SparkException: Python worker exited unexpectedly (crashed). Consider "
    "setting 'spark.python.worker.faulthandler.enabled' configuration to 'true'\n"
    "Caused by: java.io.EOFException\n\t... 21 more\n"
)
DAMAGE_IN_A_TASK = (
    f"{_WORKER}"
    '  File "/lib/vecmill/storage/parquet.py", line 90, in open_file\n'
    "    raise InputError(damage(path, error)) from error\n"
    "vecmill.errors.InputError: /o/pairs/epoch=1/x.parquet is damaged; delete /o/pairs/epoch=1\n"
)
SMALL_HEAP = (
    f"{_STARTED}: org.apache.spark.SparkIllegalArgumentException: [INVALID_DRIVER_MEMORY.SYSTEM_MEMORY] "
    "Insufficient driver memory: System memory 101384192 must be at least 471859200.\n"
    'Please increase heap size using the --driver-memory option or "spark.driver.memory" in Spark '
    "configuration. SQLSTATE: F0000\n"
)
UNKNOWN_MASTER = f"{_STARTED}: org.apache.spark.SparkException: Could not parse Master URL: 'local[abc]'\n"
DEAD_MASTER = (
    "An error occurred while calling None.org.apache.spark.sql.classic.SparkSession.\n"
    ": java.lang.IllegalStateException: Cannot call methods on a stopped SparkContext.\n"
    "This stopped SparkContext was created at:\n"
)
INVALID_SETTING = (
    "An error occurred while calling o51.read.\n"
    ": java.lang.IllegalArgumentException: Error while instantiating "
    "'org.apache.spark.sql.internal.SessionStateBuilder':\n"
    "Caused by: org.apache.spark.SparkIllegalArgumentException: [INVALID_CONF_VALUE.TYPE_MISMATCH] The "
    "value 'x' in the config \"spark.sql.shuffle.partitions\" is invalid. It should be a/an 'int' value. "
    "SQLSTATE: 22022\n"
)
S3A_WITHOUT_PACKAGE = (
    "An error occurred while calling o52.getFileSystem.\n"
    ": java.lang.RuntimeException: java.lang.ClassNotFoundException: Class "
    "org.apache.hadoop.fs.s3a.S3AFileSystem not found\n"
)
S3 = (
    "An error occurred while calling o52.getFileSystem.\n"
    ': org.apache.hadoop.fs.UnsupportedFileSystemException: No FileSystem for scheme "s3"\n'
)
UNKNOWN_SCHEME = S3.replace('"s3"', '"foo"')
HDFS_DOWN = (
    "An error occurred while calling o69.globStatus.\n"
    ": java.net.ConnectException: Call From vm/127.0.0.1 to localhost:9999 failed on connection exception: "
    "java.net.ConnectException: Connection refused; For more details see:  "
    "http://wiki.apache.org/hadoop/ConnectionRefused\n"
)
COLON = (
    "An error occurred while calling o69.globStatus.\n"
    ": java.lang.IllegalArgumentException: java.net.URISyntaxException: Relative path in absolute URI: "
    "a:b.txt\n"
)
SHADOWED = (
    f"{_FAILED}org.apache.spark.SparkException: \nBad data in pyspark.daemon's standard output. Invalid "
    "port number:\n  1836674670 (0x6d792065)\nPython command to execute the daemon was:\n"
)

# What Java printed before it ended.
PRINTED = {
    "Invalid maximum heap size: -Xmxabc\nError: Could not create the Java Virtual Machine.": (
        "Java refuses its options (Invalid maximum heap size: -Xmxabc); correct spark.driver.memory",
        2,
    ),
    'Exception in thread "main" java.lang.RuntimeException: [unresolved dependency: no.such#thing;1.0: not '
    "found]": ("spark.jars.packages: no.such#thing;1.0: was not found", 2),
    "Exception in thread \"main\" org.apache.spark.SparkException: When running with master 'yarn' either "
    "HADOOP_CONF_DIR or YARN_CONF_DIR must be set in the environment.": (
        "spark.master yarn needs the folder of Hadoop's configuration; set HADOOP_CONF_DIR",
        2,
    ),
    "Killed": ("Spark did not start: Java ended before it was ready (Killed)", 1),
}
