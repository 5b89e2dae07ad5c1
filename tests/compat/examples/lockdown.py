# SPDX-License-Identifier: MIT
"""Lockdown and signatures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bootmenu.compat.facts import EntryFacts
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Signature
from bootmenu.model.machine import KeyFacts, MachineFacts
from bootmenu.model.value import replace
from tests.builders.entries import entry, kernel
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, VIRT, Example, kexec, own, virt


def line(text: str, **changes: object) -> EntryFacts:
    return entry(command_line=text, **changes)


def _signers(machine: MachineFacts, signed: EntryFacts) -> list[Example]:
    """A locked machine that trusts somebody, and a kernel of somebody."""
    code = "SYS-SIG"
    ours = KeyFacts(name="Acme CA", id="aa", keyring=".builtin_trusted_keys")
    gone = KeyFacts(name="Old CA", id="bb", keyring=".blacklist")
    revoked = KeyFacts(name="tbs", id="ee", keyring=".blacklist")
    trusting = replace(machine, keys=(ours, gone, revoked))

    def example(
        name: str, severity: Severity, says: str, *ids: str, machine: MachineFacts = trusting, **changes: Any
    ) -> Example:
        made = replace(signed, signature=replace(Signature(signer="Acme", keys=ids, proven=ids), **changes))
        return Example(code=code, name=name, severity=severity, machine=machine, entry=made, says=says)

    return [
        example("by whom it trusts", PASS, "trusts Acme CA", "cc", "aa"),
        example("by a stranger", FAIL, "it trusts Acme CA", "cc"),
        example("by a forged certificate", UNKNOWN, "only the name", "cc", "aa", proven=("cc",)),
        example("by one who is revoked", FAIL, "revoked", "bb", "aa"),
        example("with a certificate that is revoked", FAIL, "revoked", "aa", certificates=("ee",)),
        example("changed", FAIL, "was changed", "aa", problem="the file was changed after it was signed"),
        example("not checked", UNKNOWN, "not one for RSA", "aa", unchecked="its key is not one for RSA"),
        example("of no key", UNKNOWN, "names no key"),
        example("not checked, by a stranger", FAIL, "it trusts Acme CA", "cc", unchecked="there is more than one"),
        example("keys unread", UNKNOWN, "could not be read", "aa", machine=machine),
        example("trusts nobody", FAIL, "trusts nobody", "aa", machine=replace(machine, keys=(gone,))),
    ]


def signatures() -> Iterator[Example]:
    code = "SYS-LOCKDOWN"
    yield Example(code=code, name="none", severity=PASS)
    locked = virt(lockdown="integrity")
    yield Example(code=code, name="kexec_load only", severity=FAIL, machine=locked, says="integrity")
    both = replace(locked, kexec=replace(VIRT.kexec, kexec_file_load=True, signature=True))
    yield Example(code=code, name="signed only", severity=PASS, machine=both, says="kexec_file_load is left")
    by_tools = replace(entry(), method="kexec_tools")
    yield Example(code=code, name="by kexec_load", severity=FAIL, machine=both, entry=by_tools, says="kexec_load")
    for origin, way_out in (
        ("EFI Secure Boot", "firmware's setup"),
        ("command line", "without lockdown="),
        ("Kernel configuration", "CONFIG_LOCK_DOWN_KERNEL_FORCE"),
        ("securityfs", "whatever writes to"),
    ):
        known = replace(locked, lockdown_origin=origin)
        yield Example(code=code, name=origin, severity=FAIL, machine=known, says=way_out)
    yield Example(
        code=code, name="own tree", severity=FAIL, machine=both, entry=own(), says="no device tree but its own"
    )
    half = replace(locked, kexec=replace(VIRT.kexec, kexec_file_load=None))
    yield Example(code=code, name="file call unknown", severity=UNKNOWN, machine=half)
    yield Example(code=code, name="unread", severity=UNKNOWN, machine=virt(lockdown=None), says="securityfs")

    code = "SYS-SIG"
    unsigned, signed = entry(kernel=kernel(signed=False)), entry(kernel=kernel(signed=True))
    yield Example(code=code, name="kexec_load asks for none", severity=None, entry=unsigned)
    yield Example(
        code=code, name="locked and unsigned", severity=FAIL, machine=both, entry=unsigned, says="lockdown, integrity"
    )
    yield Example(
        code=code, name="locked and signed", severity=UNKNOWN, machine=both, entry=signed, says="was not read"
    )
    yield from _signers(both, signed)
    wrapped = entry(kernel=kernel(signed=False, containers=("uki",)))
    yield Example(code=code, name="signed outside", severity=FAIL, machine=both, entry=wrapped, says="around it")
    unable = replace(both, kexec=replace(both.kexec, signature_read=False))
    yield Example(code=code, name="reads none", severity=FAIL, machine=unable, entry=signed, says="without support")
    either = kexec(kexec_load=True, kexec_file_load=True, signature=True, signature_forced=True)
    yield Example(
        code=code, name="forced for one of two", severity=UNKNOWN, machine=either, entry=unsigned, says="which call"
    )
    by_file = replace(unsigned, method="kexec_file_load")
    yield Example(
        code=code, name="forced beside kexec_load", severity=FAIL, machine=either, entry=by_file, says="--method"
    )
    by_load = replace(unsigned, method="kexec_load")
    yield Example(code=code, name="forced for the other call", severity=None, machine=either, entry=by_load)
    unread = replace(both, lockdown=None, kexec=replace(both.kexec, signature_forced=False))
    yield Example(code=code, name="lockdown unread", severity=UNKNOWN, machine=unread, entry=by_file)
    forced = kexec(kexec_load=False, kexec_file_load=True, signature=True, signature_forced=True)
    yield Example(code=code, name="forced", severity=FAIL, machine=forced, entry=unsigned, says="SIG_FORCE")
    yield Example(code=code, name="no place for one", severity=FAIL, machine=forced, entry=entry(kernel=kernel()))
    free = kexec(kexec_load=False, kexec_file_load=True, signature=True, signature_forced=False)
    yield Example(code=code, name="not demanded", severity=PASS, machine=free, entry=unsigned, says="demands no")
    asked = kexec(kexec_load=False, kexec_file_load=True, signature=None, signature_forced=None)
    yield Example(code=code, name="not known", severity=UNKNOWN, machine=asked, entry=unsigned, says="/boot/config-")
    unlocked = replace(locked, kexec=replace(both.kexec, signature=False))
    yield Example(code=code, name="locked without KEXEC_SIG", severity=PASS, machine=unlocked, entry=unsigned)
