"""The known failures of Spark, Java, Hadoop, Arrow and Python workers: sentences and exit codes.

Causes come before consequences: the first pattern that the texts of an error match counts. A full disk, for
example, also ends as a failed task.
"""

from __future__ import annotations

from typing import NamedTuple

from vecmill.errors import ConfigError, InputError, VecmillError

RETRY, CONFIGURATION, INPUT = VecmillError.exit_code, ConfigError.exit_code, InputError.exit_code

RESUME = "run the same command again to resume"


class Failure(NamedTuple):
    """A pattern of the text of an error, the sentence that explains it, and the exit code.

    In the sentence, {what} is the line that matched and {1} the first group of the pattern.
    """

    pattern: str
    sentence: str
    code: int


# Why Spark does not start. They also match what Java printed before it ended.
STARTS = (
    Failure(
        r"Insufficient driver memory|System memory \d+ must be at least",
        "spark.driver.memory is too small for Spark; set it to 512m or more, the default is 2g",
        CONFIGURATION,
    ),
    Failure(
        r"Invalid (?:initial|maximum) heap size|Could not reserve enough space|Unrecognized (?:VM )?option"
        r"|Size must be specified as bytes",
        "Java refuses its options ({what}); correct spark.driver.memory and spark.driver.extraJavaOptions",
        CONFIGURATION,
    ),
    Failure(
        r"unresolved dependency: ([^\]\s,]+)",
        "spark.jars.packages: {1} was not found; correct its name, or give this machine access to a "
        "repository of Java packages",
        CONFIGURATION,
    ),
    Failure(
        r"Could not parse Master URL|Master must either be yarn",
        "spark.master must be local[N], yarn, spark://HOST:PORT or k8s://URL ({what})",
        CONFIGURATION,
    ),
    Failure(
        r"HADOOP_CONF_DIR or YARN_CONF_DIR must be set",
        "spark.master yarn needs the folder of Hadoop's configuration; set HADOOP_CONF_DIR",
        CONFIGURATION,
    ),
    Failure(
        r"All masters are unresponsive|Failed to connect to master"
        r"|Cannot call methods on a stopped SparkContext",
        "spark.master does not answer; start the cluster, or correct its address",
        RETRY,
    ),
    Failure(
        r"UnknownHostException: ([^\s:]+)",
        "the host name {1} has no address; add it to /etc/hosts, or set SPARK_LOCAL_IP=127.0.0.1",
        CONFIGURATION,
    ),
    Failure(
        r"BindException|Service '\w+' (?:failed after|could not bind)",
        "Spark cannot listen for its processes ({what}); set SPARK_LOCAL_IP and spark.driver.bindAddress "
        "to an address of this machine",
        CONFIGURATION,
    ),
    Failure(
        r"INVALID_CONF_VALUE|should be (?:int|long|double|boolean), but was"
        r"|NumberFormatException|Failed to parse (?:byte|time) string",
        "a setting of Spark is invalid ({what}); correct it",
        CONFIGURATION,
    ),
)

# Why Hadoop cannot open a file system.
FILE_SYSTEMS = (
    Failure(
        r"ClassNotFoundException: Class org\.apache\.hadoop\.fs\.(s3a|azurebfs|gs)\.\w+ not found"
        r"|ClassNotFoundException: Class com\.google\.cloud\.hadoop\.fs\.(gcs)\.\w+",
        "Spark lacks the package of this file system; add 'spark.jars.packages {package}' to the settings "
        "of Spark (--spark-conf FILE)",
        CONFIGURATION,
    ),
    Failure(
        r'No FileSystem for scheme "?s3n?"?(?!\w)',
        "Spark reads S3 by s3a:// and not by s3://; write s3a://",
        CONFIGURATION,
    ),
    Failure(
        r'No FileSystem for scheme "?(\w+)',
        "Spark knows no file system {1}://; correct the path, or add the file system's package by "
        "spark.jars.packages (--spark-conf FILE)",
        CONFIGURATION,
    ),
    Failure(
        r"Relative path in absolute URI: (.+)",
        "Hadoop does not read files and folders whose name has a colon ({1}); rename them",
        INPUT,
    ),
    Failure(
        r"UnknownHostException: ([^\s:]+)",
        "the host {1} has no address; correct the path, or add the host to /etc/hosts",
        RETRY,
    ),
    Failure(
        r"Call From \S+ to (\S+) failed|ConnectException: Connection refused|NoRouteToHostException"
        r"|ConnectTimeoutException|Unable to execute HTTP request",
        "the file system does not answer ({what}); correct its address, or try again later",
        RETRY,
    ),
)

# What fails while Spark works.
TASKS = (
    Failure(r"No space left on device|Disk quota exceeded|File too large", "{full}", RETRY),
    Failure(
        r"unable to create (?:new )?native thread|can't start new thread|Resource temporarily unavailable",
        "the system allows no more processes and threads ({what}); raise 'ulimit -u' or the container's "
        "limit, or use fewer cores with spark.master local[N]",
        RETRY,
    ),
    Failure(
        r"Too many open files",
        "the system allows no more open files ({what}); raise 'ulimit -n', then run again",
        RETRY,
    ),
    Failure(
        r"OutOfMemoryError|Java heap space|MemoryError|Unable to allocate|Cannot allocate memory"
        r"|malloc of size \d+ failed|UNABLE_TO_ACQUIRE_MEMORY",
        "out of memory ({what}); raise spark.driver.memory and spark.executor.memoryOverhead, "
        "or lower train.dim or vocabulary.max_size; 'vecmill plan' says how much is needed",
        RETRY,
    ),
    Failure(
        r"is bigger than spark\.driver\.maxResultSize",
        "a result is larger than spark.driver.maxResultSize ({what}); raise it (--spark-conf FILE)",
        CONFIGURATION,
    ),
    Failure(
        r"exceeds max allowed: spark\.rpc\.message\.maxSize",
        "a task is larger than spark.rpc.message.maxSize ({what}); raise it (--spark-conf FILE)",
        CONFIGURATION,
    ),
    Failure(
        r"PYTHON_VERSION_MISMATCH\] Python in worker has different version: ([\d.]+) than that in driver: "
        r"([\d.]+)",
        "PYSPARK_PYTHON: workers have Python {1} and this command has Python {2}; unset it, or name a "
        "Python {2} that every worker has",
        CONFIGURATION,
    ),
    Failure(
        r'Cannot run program "([^"]+)"',
        "PYSPARK_PYTHON: {1} cannot be started on a worker; name a Python that every worker has",
        CONFIGURATION,
    ),
    Failure(
        r"ModuleNotFoundError: No module named '(?:numba|llvmlite)",
        "a worker lacks Numba ({what}); install vecmill[fast] on every worker, or set "
        "train.kernel = 'numpy'",
        CONFIGURATION,
    ),
    Failure(
        r"ModuleNotFoundError: No module named",
        "a worker lacks a Python package ({what}); give vecmill's wheel with --py-files, and "
        "install numpy, pandas and pyarrow on every worker",
        CONFIGURATION,
    ),
    Failure(
        r"CRC checksum verification failed",
        "a table is damaged ({what}); delete the folder of the file that it names, then run the same "
        "command again to rebuild it",
        INPUT,
    ),
    Failure(
        r"Permission denied|Read-only file system|AccessControlException|Operation not permitted",
        "a file cannot be read or written ({what}); correct its permissions, then run again",
        RETRY,
    ),
    Failure(
        r"FAILED_READ_FILE|CORRUPT_FILE|is not a Parquet file|CANNOT_READ_FILE"
        r"|incorrect header check|not in gzip format|Could not read footer|MALFORMED_RECORD",
        "the input cannot be read ({what}); replace or remove the file that it names",
        INPUT,
    ),
    Failure(
        r"PATH_NOT_FOUND|FileNotFoundException|FileNotFoundError|NoSuchFileException",
        "a file is missing ({what}); run the same command again once it is there",
        RETRY,
    ),
    *FILE_SYSTEMS,
    *STARTS,
    Failure(
        r"Python worker exited unexpectedly|Python worker failed to connect|Python worker failed to bind",
        "a Python worker died: it crashed, or it was killed, most often because memory was short; free "
        f"memory, or raise spark.executor.memoryOverhead on a cluster, then {RESUME}",
        RETRY,
    ),
    Failure(
        r"ExecutorLostFailure|executor lost|Executor heartbeat timed out|Max number of executor failures",
        "executors were lost ({what}); if memory was short, raise spark.executor.memory and "
        f"spark.executor.memoryOverhead, then {RESUME}",
        RETRY,
    ),
)
