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
    lower = typed.lower()
    close = [
        name
        for name in difflib.get_close_matches(lower, spelled, n=_MOST, cutoff=0.6)
        if _mistakes(lower, name) <= max(1, len(name) // 3)
    ]
    return f"Did you mean {' or '.join(spelled[name] for name in close)}?" if close else ""


def with_suggestion(typed: str, known: Iterable[str], hint: str) -> str:
    """Return a hint, after the question what was meant if there is one."""
    return f"{did_you_mean(typed, known)} {hint}".strip()


def _mistakes(typed: str, name: str) -> int:
    """Return how many letters are missing, too many, wrong, or exchanged with the next: the optimal string alignment
    distance."""
    before: list[int] = []
    row = list(range(len(name) + 1))
    for y, letter in enumerate(typed, start=1):
        earlier, before, row = before, row, [y]
        for x, wanted in enumerate(name, start=1):
            fewest = min(before[x] + 1, row[x - 1] + 1, before[x - 1] + (letter != wanted))
            if x > 1 and y > 1 and letter == name[x - 2] and wanted == typed[y - 2]:
                fewest = min(fewest, earlier[x - 2] + 1)
            row.append(fewest)
    return row[-1]
