# SPDX-License-Identifier: MIT
"""Read the settings file: its content, its tables, and what can be recovered if it cannot be parsed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping

from bootmenu.config import plain_toml
from bootmenu.config.setting_values import read_text_or_nothing
from bootmenu.model.regex import regex
from bootmenu.system.host import Host

_LIMIT = 1024 * 1024  # bytes of the file


class NotUnderstoodError(Exception):
    """The settings file exists but cannot be read or parsed. The message is a clause that says why."""


def content(host: Host, file: str) -> bytes | None:
    """Return the content of a regular file, or None if it does not exist. Raise NotUnderstoodError."""
    path = host.path(file)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise NotUnderstoodError(f"cannot be read: {error.strerror}") from None
    descriptor, data = -1, bytearray()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO does not wait
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise NotUnderstoodError("is not a file")
        while len(data) <= _LIMIT and (piece := os.read(descriptor, _LIMIT + 1 - len(data))):
            data += piece
    except OSError as error:
        raise NotUnderstoodError(f"cannot be read: {error.strerror}") from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return bytes(data)


def tables(data: bytes) -> Mapping[str, object]:
    """Parse the content of a file, as tomllib.loads does. Raise NotUnderstoodError."""
    if not data:
        raise NotUnderstoodError("is empty")
    if len(data) > _LIMIT:
        raise NotUnderstoodError(f"has more than {_LIMIT:,} bytes")
    try:
        text = data.decode("utf-8-sig")
        plain = plain_toml.loads(text)
        if plain is not None:
            return plain
        import tomllib  # seldom needed, and the first frame waits for imports

        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise NotUnderstoodError(f"is not TOML: {str(error)[:200]}") from None


_DEMANDS = regex(rb"sha-?256|verify|(?<![$0-9a-f])[0-9a-f]{64}(?![0-9a-f])", re.IGNORECASE)
"""Matches a file that may demand digests; digits after a dollar sign belong to a PIN."""
_COMMENT = regex(rb"^[ \t]*#.*$", re.MULTILINE)
_CONTACT = regex(rb"""^[ \t]*contact[ \t]*=[ \t]*"([^"\\\r\n]*)\"""", re.MULTILINE)


def may_demand_digests(data: bytes) -> bool:
    """Return whether a file that cannot be parsed may demand a SHA-256 of files."""
    return bool(_DEMANDS.search(_COMMENT.sub(b"", _salvaged(data))))


def contact(data: bytes) -> str | None:
    """Return the contact from a file that cannot be parsed, or None."""
    found = _CONTACT.search(_salvaged(data))
    if found is None:
        return None
    try:
        return read_text_or_nothing(found[1].decode("utf-8", "replace"))
    except ValueError:
        return None


def _salvaged(data: bytes) -> bytes:
    return data[:_LIMIT].replace(b"\0", b"")  # UTF-16
