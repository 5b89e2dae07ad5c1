# SPDX-License-Identifier: MIT
"""Which of the known names a mistyped one may stand for."""

from __future__ import annotations

from collections.abc import Iterable

_MOST = 2
_LONGEST = 100
"""Characters of the longest name that is compared: the time grows with its square."""


def did_you_mean(typed: str, known: Iterable[str]) -> str:
    """Return a question like `Did you mean check?` if a known name is similar to the typed one, else an empty text.

    Upper and lower case count as the same.
    """
    import difflib  # only a mistake needs it

    if len(typed) > _LONGEST:
        return ""
    spelled = {name.lower(): name for name in known}
    close = difflib.get_close_matches(typed.lower(), spelled, n=_MOST, cutoff=0.6)
    return f"Did you mean {' or '.join(spelled[name] for name in close)}?" if close else ""


def with_suggestion(typed: str, known: Iterable[str], hint: str) -> str:
    """Return a hint, after the question what was meant if there is one."""
    return f"{did_you_mean(typed, known)} {hint}".strip()
