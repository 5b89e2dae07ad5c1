# SPDX-License-Identifier: MIT
"""A scan on a machine that loads signed kernels only."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bootmenu.model.machine import KeyFacts, MachineFacts
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.kernels import bzimage
from tests.builders.signatures import AUTHORITY, certificate, signed_program
from tests.builders.trees import write_tree
from tests.commands.calling import Call

SIGNED = signed_program([certificate("Acme", "CA")], "CA", setup=bzimage(0x20F, 3)[:0x300])
FILES = {"/loader/entries/one.conf": b"title One\nlinux /vmlinuz\noptions root=/dev/vda1\n", "/vmlinuz": SIGNED}
PC = machines.unprivileged_x86()
LOCKED = replace(
    PC,
    lockdown="integrity",
    kexec=replace(PC.kexec, signature=True, signature_forced=False, signature_read=True),
    keys=(KeyFacts(name="CA", id=AUTHORITY.id, keyring=".platform", public_key=AUTHORITY.public.hex()),),
)


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (LOCKED, "Acme has signed this kernel, and the running one trusts CA."),
        (replace(LOCKED, keys=()), "Acme has signed this one, it trusts nobody."),
        (
            replace(LOCKED, keys=(KeyFacts(name="CA", id=AUTHORITY.id, keyring=".platform", public_key="no"),)),
            "where only the name of that key is known.",
        ),
    ],
    ids=["trusted", "not trusted", "trusted, of an unknown key"],
)
def test_a_scan_says_who_has_signed_a_kernel(call: Call, tmp_path: Path, machine: MachineFacts, said: str) -> None:
    write_tree(tmp_path / "disk", FILES)
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(machine.to_json()))
    found = call("scan", "--json", "--machine", facts, "--tree", tmp_path / "disk").json
    (entry,) = found["entries"]
    (finding,) = (finding for finding in entry["findings"] if finding["code"] == "SYS-SIG")
    assert said in finding["message"]
