"""Which disk is full: that of the output, or that of Spark's temporary files."""

from __future__ import annotations

import os
import re

from vecmill.spark import scratch

# Folders, files and classes of Spark that have to do with its temporary files.
_TEMPORARY = re.compile(
    r"blockmgr-|/spark-[0-9a-f]{8}|\.shuffle\.|DiskBlock|DiskStore|UnsafeSorterSpill|BlockManager\b"
    r"|util\.collection\.|libsnappy|liblz4|libzstd|pyspark/shuffle\.py|Utils\$?\.createTempDir"
    r"|execution\.python\.\w*Queue"
)
_OUTPUT = re.compile(
    r"vecmill/storage/|FileOutputCommitter|FileFormatWriter|ParquetOutput|hadoop\.fs\.|_parquet\.pyx"
)

# A disk with less space than this is full.
_FULL_BYTES = 1 << 16


def explain_full(text: str, what: str) -> str:
    """The sentence for a full disk, from the text of the error and the line `what` of it."""
    folders = scratch.folders()
    if any(str(folder) in text for folder in folders) or _TEMPORARY.search(text):
        is_temporary = True
    elif _OUTPUT.search(text) or re.search(r"['\" ]/\S", what):
        is_temporary = False
    else:
        is_temporary = any(_is_full(str(folder)) for folder in folders)
    if is_temporary:
        place = ", ".join(str(folder.parent) for folder in folders) or "spark.local.dir"
        return (
            f"the disk of Spark's temporary files, {place}, is full ({what}); make room there, or set "
            "spark.local.dir (--spark-conf FILE) or TMPDIR to a folder on another disk, then run the same "
            "command again to resume"
        )
    return (
        f"the output is full ({what}); make room, then run the same command: it resumes from the last round"
    )


def _is_full(folder: str) -> bool:
    try:
        status = os.statvfs(folder)
    except OSError:
        return False
    return status.f_bavail * status.f_frsize < _FULL_BYTES
