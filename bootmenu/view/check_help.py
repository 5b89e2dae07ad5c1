# SPDX-License-Identifier: MIT
"""The explanations of all checks by code, as text, Markdown and JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from bootmenu.compat.checker import CHECKS, Scope
from bootmenu.compat.explanation import Explanation, Outcome
from bootmenu.kexec import load_test
from bootmenu.model.value import Value
from bootmenu.view.wording import WORDS

TITLES = {Scope.MACHINE: "The running system", Scope.ENTRY: "An entry"}
"""Headings of the lists: findings of the first kind are the same for all entries."""


class CheckHelp(Value, kw_only=True):
    """A check with its explanation."""

    code: str
    scope: Scope
    explanation: Explanation
    requires: tuple[str, ...] = ()
    """Codes of the checks that must not have failed before."""

    def to_json(self) -> dict[str, object]:
        """Return the object for `help --json`."""
        told = self.explanation
        return {
            "code": self.code,
            "scope": str(self.scope),
            "question": told.question,
            "why": told.why,
            "outcomes": [
                {"severity": str(row.severity), "meaning": row.meaning, "remedy": row.remedy} for row in told.outcomes
            ],
            "evidence": told.evidence,
            "requires": list(self.requires),
        }


def explained() -> dict[str, CheckHelp]:
    """Return the help for every code that a finding can have, in the order in which the checks run."""
    found = {
        check.code: CheckHelp(
            code=check.code,
            scope=check.scope,
            explanation=Explanation.from_function(check.function),
            requires=check.requires,
        )
        for check in CHECKS.values()
    }
    test = Explanation.from_function(load_test.finding)
    found[load_test.CODE] = CheckHelp(code=load_test.CODE, scope=Scope.ENTRY, explanation=test)
    return found


def why(code: str) -> str:
    """Return why a check matters; empty for an unknown code, as in a recording of a newer version."""
    found = CHECKS.get(code)
    return Explanation.from_function(found.function).why if found else ""


def listed(found: dict[str, CheckHelp], width: int) -> Iterator[str]:
    """Yield the code and the question of each check, below a heading for each kind. width: columns."""
    column = max(map(len, found)) + 2
    for scope in Scope:
        yield f"{TITLES[scope]}:"
        for item in found.values():
            if item.scope is scope:
                yield from _row(item.code, item.explanation.question, width, indent=2, column=column)
        yield ""
    yield "bootmenu help CODE explains one of them."


def lines(item: CheckHelp, width: int) -> Iterator[str]:
    """Yield the help for one check."""
    told = item.explanation
    for paragraph in (f"{item.code} (a check of {TITLES[item.scope].lower()})", told.question, told.why):
        yield from textwrap.wrap(paragraph, width, break_on_hyphens=False)
        yield ""
    for row in told.outcomes:
        yield from _row(str(WORDS[row.severity].word), row.meaning, width, indent=2, column=6)
        if row.remedy:
            yield from _row("", f"→ {row.remedy}", width, indent=2, column=6, hang=2)
    yield ""
    yield from _row("Evidence:", told.evidence, width, column=10)
    if item.requires:
        yield from textwrap.wrap(f"Not asked if one of these failed: {', '.join(item.requires)}.", width)
    if override := _override(item):
        yield from textwrap.wrap(override, width, break_on_hyphens=False)


def markdown(item: CheckHelp) -> Iterator[str]:
    """Yield the section of docs/checks.md about one check."""
    told = item.explanation
    yield from (f"### {item.code}", "", _marked(told.question), "", _marked(told.why), "")
    for row in told.outcomes:
        yield f"- **{WORDS[row.severity].word}** {_marked(_joined(row))}"
    yield from ("", f"Evidence: {_marked(told.evidence)}", "")


def _joined(row: Outcome) -> str:
    return f"{row.meaning} → {row.remedy}" if row.remedy else row.meaning


def _marked(text: str) -> str:
    """Return a text that has no accidental Markdown in it."""
    return text.replace("*", "\\*").replace("<", "\\<")


def _override(item: CheckHelp) -> str:
    if item.code == load_test.CODE:
        return ""
    return (
        f"To override it, if you know better: --ignore {item.code} with bootmenu check or bootmenu boot. The finding "
        "stays in the report."
    )


def _row(name: str, text: str, width: int, *, indent: int = 0, column: int, hang: int = 0) -> Iterator[str]:
    """Yield a name and, in a column of its own, a text."""
    first = f"{'':{indent}}{name:<{column}}"
    rest = " " * (indent + max(column, len(name)) + hang)
    yield from textwrap.wrap(text, width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False)
