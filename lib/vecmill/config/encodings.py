"""Which encodings of text Spark can read line by line."""

from __future__ import annotations

import codecs

# Bytes that lines, columns and quotes are made of; not those that switch the state of an encoding.
_ASCII = bytes(byte for byte in range(128) if byte not in (0x0E, 0x0F, 0x1B))


def invalid_encoding(key: str, name: str) -> str | None:
    """What is wrong with an encoding of lines of text; None if Spark can read it.

    Spark cuts lines at the byte of a line break before it decodes them, so an encoding must contain ASCII
    as it is. UTF-16 and UTF-32 do not.
    """
    try:
        found = codecs.lookup(name)
        is_text = bool(found._is_text_encoding)
    except (LookupError, ValueError):
        is_text = False
    if not is_text:
        return (
            f"{key} must be the name of an encoding, such as ISO-8859-1, windows-1252 or Shift_JIS, got "
            f"{name[:80]!r}"
        )
    try:
        keeps_ascii = _ASCII.decode(name) == _ASCII.decode("ascii")
    except UnicodeError:
        keeps_ascii = False
    if not keeps_ascii:
        return (
            f"{key}: {name} does not contain ASCII as it is, so Spark cannot cut it into lines; convert "
            f"the files: iconv -f {name} -t UTF-8 FILE > NEW"
        )
    return None
