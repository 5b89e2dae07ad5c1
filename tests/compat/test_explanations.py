# SPDX-License-Identifier: MIT
"""Every check explains itself, and what it says of its results is what its examples show."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

from bootmenu.compat import CHECKS
from bootmenu.compat.explanation import Explanation, Outcome
from bootmenu.model.finding import Severity
from tests.compat.examples import examples
from tests.properties import Offenders

EXPLAINED = {check.code: Explanation.from_function(check.function) for check in CHECKS.values()}
"""A check without an explanation ends the collection of this file, and names its function."""


def test_every_result_of_the_examples_is_explained_and_no_other() -> None:
    shown: dict[str, set[Severity]] = defaultdict(set)
    for example in examples():
        shown[example.code].update(finding.severity for finding in example.findings())
    with Offenders() as offenders:
        for code, explanation in EXPLAINED.items():
            with offenders.among(code):
                told = {row.severity for row in explanation.outcomes}
                # that nothing is wrong needs no words
                assert told - {Severity.PASS} == shown[code] - {Severity.PASS}
                assert told <= shown[code]


def test_everything_in_the_evidence_is_named() -> None:
    with Offenders() as offenders:
        for example in examples():
            names = set(re.findall(r"\w+", EXPLAINED[example.code].evidence))
            for finding in example.findings():
                with offenders.among(example.id):
                    assert set(finding.evidence) <= names


def test_what_is_wrong_has_a_remedy() -> None:
    without = {
        code
        for code, explanation in EXPLAINED.items()
        if any(row.severity is not Severity.PASS and not row.remedy for row in explanation.outcomes)
    }
    # nobody can teach an old bootmenu a new architecture
    assert without == {"IMG-ARCH"}


def explained() -> None:
    """Check that it works.

    It matters,
    a lot.

    warn: it does not; kexec_load
        fails. → Repair it.
    unknown: sda1 was not read.
    evidence: one, and
        two
    """


def test_a_docstring_is_taken_apart() -> None:
    assert Explanation.from_function(explained) == Explanation(
        question="Check that it works.",
        why="It matters, a lot.",
        outcomes=(
            Outcome(severity=Severity.WARN, meaning="It does not; kexec_load fails.", remedy="Repair it."),
            Outcome(severity=Severity.UNKNOWN, meaning="Sda1 was not read.", remedy=""),
        ),
        evidence="one, and two.",
    )


@pytest.mark.parametrize(
    "text",
    [
        None,
        "Check.",
        "Check.\n\nWhy.",
        "Check.\n\nWhy.\n\nfail: bad.",
        "Check.\n\nWhy.\n\nevidence: x",
        "Check.\n\nfail: bad.\nevidence: x",
        "Check.\n\nWhy.\n\nbroken: bad.\nevidence: x",
    ],
)
def test_a_check_that_lacks_a_part_is_refused(text: str | None) -> None:
    def check() -> None:
        pass

    check.__doc__ = text
    with pytest.raises(ValueError, match=r"does not explain itself|not a valid Severity"):
        Explanation.from_function(check)
