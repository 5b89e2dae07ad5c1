# SPDX-License-Identifier: MIT
"""Texts in which a part is not known, since a variable of the boot loader is.

A script of U-Boot relies on variables that are compiled into it. Where one has no value here, its name goes into the
text between two characters that no file may hold, and stays there whatever the script makes of the text. So it is
known which words of the command line depend on it.
"""

from __future__ import annotations

from bootmenu.model.regex import regex

_ABSENT, _UNKNOWN, _CLOSE = "\ue000", "\ue001", "\ue002"
_RESERVED = regex("[\3\4\ue000-\ue002]")
_PART = regex("([\ue000\ue001])([^\ue000-\ue002]*)\ue002")
_ONE_UNKNOWN = regex("\ue001([^\ue000-\ue002]*)\ue002")
_ONE_ABSENT = regex("\ue000[^\ue000-\ue002]*\ue002")


def cleaned(text: str) -> str:
    """Return a text of a disk without the characters that mean something here."""
    return _RESERVED.sub("", text)


def absent(name: str) -> str:
    """Return the value of a variable that nothing sets: empty, as far as is known."""
    return f"{_ABSENT}{_one_word(name)}{_CLOSE}"


def unknown(name: str) -> str:
    """Return the value of a variable that U-Boot itself sets."""
    return f"{_UNKNOWN}{_one_word(name)}{_CLOSE}"


def _one_word(name: str) -> str:
    return "_".join(cleaned(name).split())[:64]


def is_unknown(text: str) -> bool:
    """Return whether a part of a text is not known."""
    return _UNKNOWN in text


def first_unknown(text: str) -> tuple[str, str] | None:
    """Return (text before the first unknown part, its name), or None."""
    match = _ONE_UNKNOWN.search(text)
    return (_ONE_ABSENT.sub("", text[: match.start()]), match[1]) if match else None


def without_absent(text: str) -> str:
    """Return a text in which variables that nothing sets are empty."""
    return _ONE_ABSENT.sub("", text)


def plain(text: str) -> str:
    """Return a text without its unknown parts."""
    return _PART.sub("", text)


def readable(text: str) -> str:
    """Return a text for a message: unknown parts as `${name}`."""
    return _ONE_ABSENT.sub("", _ONE_UNKNOWN.sub(r"${\1}", text))


def names(text: str) -> list[str]:
    """Return the names of all parts that are not known or absent, in order."""
    return [match[2] for match in _PART.finditer(text)]
