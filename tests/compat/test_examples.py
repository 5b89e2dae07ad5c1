# SPDX-License-Identifier: MIT
"""Every rule of the catalogue, by example; and what holds for all findings."""

from __future__ import annotations

import json
from collections import defaultdict

from bootmenu.compat.checker import CHECKS, Scope
from bootmenu.model.finding import Severity
from tests.compat.examples import examples, unreachable
from tests.properties import Offenders

EXAMPLES = list(examples())

CATALOGUE = """
    SYS-CAP SYS-DISABLED SYS-LIMIT SYS-SYSCALL SYS-ARCH SYS-LOADED SYS-CRASH-LOADED CPU-STUCK CPU-OFFLINE EL-PKVM
    EL-MODE DT-R-SOURCE MEM-IOMEM DEV-DMA FILE-OUTSIDE FILE-MISSING SYS-LOCKDOWN IMG-EMPTY
    IMG-FORMAT IMG-ZBOOT IMG-UKI IMG-FIT IMG-ARCH IMG-TRUNC IMG-SIZE0 IMG-BUFSZ IMG-TEXTOFF IMG-ENDIAN
    IMG-PLACEMENT IMG-CHECKSUM IMG-VERSION IMG-CONFIG IMG-PAGE SYS-SIG X86-BZIMAGE RISCV-IMAGE
    DT-FOLDER
    DTB-HEADER DTB-2M DTB-STRUCT DTB-OVERLAYS DTB-EDITS DT-STALE-CHOSEN DT-KASLR-SEED DT-ACPI-HOST DT-COMPAT
    DT-CPU-SET DT-CPU-ENABLE-METHOD DT-CPU-RELEASE DT-CPU-SPIN-RESERVED DT-PSCI-NODE DT-PSCI-COMPAT DT-PSCI-METHOD
    DT-MEMORY DT-RESERVED DT-UEFI DT-GIC GIC-LPI MEM-HOLE MEM-HALF MEM-INITRD-WINDOW MEM-FREE CMD-LENGTH
    CMD-EMPTY CMD-ROOT CMD-CONSOLE CMD-NRCPUS INITRD-FORMAT INITRD-MODULES TPM TOOL-DTB-IGNORED
    TOOL-CALL TOOL-VERSION
"""
"""In the order in which they are asked."""


def test_a_check_says_what_the_catalogue_says() -> None:
    with Offenders() as offenders:
        for example in EXAMPLES:
            findings = example.findings()
            with offenders.among(example.id):
                worst = max((finding.severity for finding in findings), key=lambda one: one.rank, default=None)
                assert worst == example.severity, findings
                said = " ".join(f"{finding.message} {finding.hint}" for finding in findings)
                assert example.says in said


def test_a_finding_is_ready_to_be_shown() -> None:
    with Offenders() as offenders:
        for example in EXAMPLES:
            for finding in example.findings():
                with offenders.among(example.id):
                    assert json.loads(json.dumps(finding.to_json()))["code"] == example.code
                    assert finding.message.endswith("."), "a message is a sentence"
                    # whoever reads one that is not a pass wants to know what to do
                    assert bool(finding.hint.strip()) is (finding.severity is not Severity.PASS)


def test_every_code_has_a_passing_a_failing_and_an_unknown_example() -> None:
    shown: dict[str, set[Severity | None]] = defaultdict(set)
    impossible = unreachable()
    for example in EXAMPLES:
        shown[example.code].add(example.severity)
    assert set(shown) == set(CHECKS.names())
    for code, severities in shown.items():
        for wanted in ({Severity.PASS}, {Severity.WARN, Severity.FAIL}, {Severity.UNKNOWN}):
            exempt = any((code, severity) in impossible for severity in wanted)
            assert bool(severities & wanted) != exempt, (code, wanted)


def test_the_codes_of_the_catalogue_stay_in_their_order() -> None:
    # people and programs look them up: a code is never renamed; a new one needs no line here
    assert [code for code in CHECKS.names() if code in CATALOGUE.split()] == CATALOGUE.split()


def test_every_check_says_what_it_is_about_and_requires_only_what_ran_before() -> None:
    checks = list(CHECKS.values())
    for at, check in enumerate(checks):
        assert check.about, check.code
        before = {earlier.code: earlier.scope for earlier in checks[:at]}
        for required in check.requires:
            assert required in before, (check.code, required)
            assert check.scope is Scope.ENTRY or before[required] is Scope.MACHINE


def test_the_two_ways_from_psci_to_spin_table_and_back_name_both_methods() -> None:
    by_id = {example.id: example for example in EXAMPLES}
    (finding,) = by_id["DT-CPU-ENABLE-METHOD-warn-psci-to-spin-table"].findings()
    assert finding.evidence["cpus"] == {
        f"{number:#x}": {"running": "psci", "entry": "spin-table"} for number in range(4)
    }
