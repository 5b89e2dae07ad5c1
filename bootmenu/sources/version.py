# SPDX-License-Identifier: MIT
"""Compare versions according to the UAPI version format specification (UAPI.10), oldest first."""

from __future__ import annotations

from bootmenu.model.regex import regex

# From the left, the first difference decides. Steps 3 to 9: ~ sorts before everything, even the end (step 2); then -
# before ^ before . before letters before digits, as a missing number sorts before any number.
_RANKS = {"~": 0, "": 1, "-": 2, "^": 3, ".": 4}
_LETTERS, _DIGITS = 5, 6

# step 1 skips all other characters; long runs are truncated, so that no number gets too large
_TOKEN = regex(r"[~\-^.]|[A-Za-z]{1,200}|[0-9]{1,200}")

# `6.1`, not the numbers of a name: `2` (ostree), `0-rescue-...` (dracut), `5693bb90`, `221@...`, kernel_2712.img
_VERSION = regex(r"[0-9]{1,9}\.[0-9]")

_LONGEST = 500
"""Characters that are compared; a configuration may contain a version of 1 MiB."""


def version_key(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key for a version; sort with `reverse=True` for newest first."""
    return (*(_token(word) for word in _TOKEN.findall(text[:_LONGEST])), (_RANKS[""], 0, ""))


def _token(word: str) -> tuple[int, int, str]:
    if word.isdigit():
        return _DIGITS, int(word), ""
    return (_RANKS[word], 0, "") if word in _RANKS else (_LETTERS, 0, word)


def is_version(text: str) -> bool:
    """Return whether a text is the version of a kernel, which has at least two numbers: `6.1`."""
    return _VERSION.match(text) is not None
