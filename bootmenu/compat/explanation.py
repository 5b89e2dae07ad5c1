# SPDX-License-Identifier: MIT
"""What a check is for, and what its results mean: its docstring, taken apart.

    Check that ... (one line, the question)

    Why that matters.

    fail: what this result means. → What to do.
    evidence: the names in the finding's evidence, with what they are.

There is a line for each severity that the check can yield; `pass` needs one only if it says something. A line that is
indented continues the one before.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable

from bootmenu.model.finding import Severity
from bootmenu.model.text import sentence
from bootmenu.model.value import Value


class Outcome(Value, kw_only=True):
    """What one result of a check means."""

    severity: Severity
    meaning: str
    remedy: str
    """What to do; empty if nothing has to be done, or can be."""


class Explanation(Value, kw_only=True):
    """The explanation of one check."""

    question: str
    """What it asks, in one sentence."""
    why: str
    outcomes: tuple[Outcome, ...]
    evidence: str
    """The names in the evidence of its findings, with what they are."""

    @classmethod
    def from_function(cls, function: Callable[..., object]) -> Explanation:
        """Return the explanation of a check's function. Raise ValueError if its docstring lacks a part of it."""
        question, why, *rows = _parts(inspect.getdoc(function) or "")
        fields = [row.partition(": ") for row in rows]
        evidence = [text for name, _, text in fields if name == _EVIDENCE]
        outcomes = [_outcome(name, text) for name, _, text in fields if name != _EVIDENCE]
        if not (question and why and outcomes and len(evidence) == 1):
            raise ValueError(f"{function.__module__}.{function.__qualname__} does not explain itself")
        return cls(question=question, why=why, outcomes=tuple(outcomes), evidence=f"{evidence[0]}.")


_EVIDENCE = "evidence"


def _parts(text: str) -> list[str]:
    """Return the question, the reason, and the rows of a docstring."""
    question, _, rest = text.partition("\n\n")
    why, _, rows = rest.partition("\n\n")
    lines: list[str] = []
    for line in rows.splitlines():
        if line.startswith(" ") and lines:
            lines[-1] += " " + line.strip()
        else:
            lines.append(line)
    return [" ".join(question.split()), " ".join(why.split()), *lines]


def _outcome(severity: str, text: str) -> Outcome:
    meaning, _, remedy = text.partition(" → ")
    return Outcome(severity=Severity(severity), meaning=sentence(meaning), remedy=sentence(remedy))
