# SPDX-License-Identifier: MIT
"""The page about this machine."""

from __future__ import annotations

from typing import Any

import pytest

from bootmenu.bootstate.state import Attempt, State
from bootmenu.discovery import own_entries
from bootmenu.model.machine import CpuFacts, KeyFacts, MachineFacts
from bootmenu.model.value import replace
from bootmenu.view.machine_page import label_width, machine_page, sections
from tests.builders import fakes, machines

BOARD = replace(
    machines.virt(),
    cpus=(CpuFacts(number=0, midr=0x410FD034), CpuFacts(number=1, midr=0x410FD034)),
    possible_cpus=(0, 1),
    memory_total=1_000_000_000,
    memory_available=700_000_000,
    efi=False,
    has_tpm=True,
    exception_level="EL2",
    host_extensions=True,
)


def told(machine: MachineFacts, state: State | None = State(), problem: str = "") -> dict[str, str]:  # noqa: B008
    found: dict[str, str] = {}
    label = ""
    for title, rows in sections(machine, state, problem, ("/dev/ttyAMA0",)):
        for row in rows:
            label = row.label or (label if found and not row.value.startswith(("Still", "Nothing", "!")) else title)
            found[label] = f"{found[label]} / {row.value}" if label in found else row.value
    return found


def test_what_is_known_of_a_board_is_named() -> None:
    found = told(BOARD)
    assert found["processors"].startswith("2 processors · Cortex-A53")
    assert found["memory"] == "1000.0 MB · 700.0 MB available when the menu started"
    assert found["firmware"] == "without EFI · described by a device tree · TPM"
    assert found["started at"] == "EL2 (with VHE)"
    assert found["consoles"] == "/dev/ttyAMA0"


def test_what_is_not_known_is_said() -> None:
    found = told(MachineFacts())
    assert {found[name] for name in ("processors", "memory", "firmware", "signatures", "loaded now")} == {"not known"}
    assert found["by bootmenu"] == "kexec_load: not known"
    assert found["kexec-tools"] == "not installed"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"efi": True, "efi_bits": 64, "secure_boot": True}, "EFI of 64 bits · Secure Boot is on"),
        ({"efi": True, "secure_boot": False, "acpi": True}, "EFI · Secure Boot is off · described by ACPI"),
    ],
)
def test_firmware(changes: dict[str, Any], says: str) -> None:
    assert told(replace(BOARD, **{"has_tpm": False, "tree": None, **changes}))["firmware"] == says


def test_who_may_sign_a_kernel_is_named_and_who_is_revoked_is_not() -> None:
    keys = tuple(KeyFacts(name=f"CA {number}", id="aa", keyring=".platform") for number in range(7))
    gone = KeyFacts(name="Old CA", id="bb", keyring=".blacklist")
    locked = replace(BOARD, lockdown="integrity", keys=(*keys, gone))
    assert told(locked)["signatures"] == "needed, by one of: CA 0, CA 1, CA 2, CA 3, CA 4 (+2)"
    assert told(replace(locked, keys=()))["signatures"] == "needed; no key is known"
    free = replace(BOARD, lockdown="none", kexec=replace(BOARD.kexec, signature_forced=False))
    assert told(free)["signatures"] == "not needed"


@pytest.mark.parametrize(
    ("changes", "label", "says"),
    [
        ({"load_disabled": True}, "switched off", "yes, until the next restart"),
        ({"load_limit": 1}, "loads left", "1 more load is permitted"),
    ],
)
def test_what_the_running_kernel_forbids(changes: dict[str, Any], label: str, says: str) -> None:
    found = told(replace(BOARD, kexec=replace(BOARD.kexec, **changes)))
    assert {name: found[name] for name in ("switched off", "loads left") if name in found} == {label: says}


def test_what_is_remembered() -> None:
    one = Attempt(entry="one", at="2026-11-14T09:30:00Z", title="Debian 12")
    many = tuple(Attempt(entry=f"e{number}", at="") for number in range(9))
    found = told(BOARD, State(default="one", once="two", last=one, good=(one,), lost=many))
    assert found["default"] == "one"
    assert found["next boot"] == "two"
    assert found["started last"] == found["worked"] == "Debian 12 · 2026-11-14 09:30:00 UTC"
    assert found["not completed"] == "e0 / e1 / e2 / e3 / e4"
    assert told(BOARD)["Remembered"] == "Nothing yet."
    assert told(BOARD, None)["Remembered"] == "Still reading."
    assert "broken" in " ".join(told(BOARD, State(), "broken").values())


def test_what_comes_from_a_machine_cannot_write_to_the_terminal() -> None:
    hostile = replace(BOARD, kernel_release="\x1b[2J6.1", command_line="quiet\x1b]0;x\x07")
    text = "".join(
        span.text for row in machine_page(sections(hostile, State(), "\x1b[H", ()), 60) for span in row.spans
    )
    assert "\x1b" not in text
    assert "\x07" not in text


def test_values_stand_in_one_column() -> None:
    for row in machine_page(sections(BOARD, State(), "", ()), 80):
        text = "".join(span.text for span in row.spans)
        if text.startswith(" ") and text.strip():
            assert text[label_width() - 1] == " "


def test_what_a_person_has_chosen_and_made_is_remembered() -> None:
    own = own_entries.stored(fakes.DEBIAN.entry, "my test entry", {})
    found = told(BOARD, State(language="de", theme="light").with_own(own))
    assert (found["own entries"], found["language"], found["theme"]) == ("my test entry", "de", "light")
    assert "Nothing yet." not in found.values()
