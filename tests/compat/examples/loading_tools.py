# SPDX-License-Identifier: MIT
"""What loads the entry."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.model.kernel import Architecture, Compression
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, kernel
from tests.compat.examples.base import FAIL, PASS, UNKNOWN, WARN, Example, kexec, own, virt

RISCV = virt(architecture=Architecture.RISCV64, machine="riscv64")


def tools() -> Iterator[Example]:
    code = "TOOL-DTB-IGNORED"
    yield Example(code=code, name="kexec_load", severity=PASS, entry=own())
    file_only = kexec(kexec_load=False, kexec_file_load=True)
    yield Example(code=code, name="file load only", severity=FAIL, entry=own(), machine=file_only, says="never takes")
    unread = kexec(kexec_load=None)
    yield Example(code=code, name="unread", severity=UNKNOWN, entry=own(), machine=unread, says="/boot/config-")
    yield Example(code=code, name="no tree of its own", severity=None)
    code = "TOOL-CALL"
    for method, there in (("kexec_load", "kexec_load"), ("kexec_tools", "kexec_load"), ("kexec_file_load",) * 2):
        made = entry(method=method)
        other = {"kexec_load": True, "kexec_file_load": True}
        for said, severity in ((True, PASS), (None, UNKNOWN), (False, FAIL)):
            machine = kexec(**(other | {there: said}))
            yield Example(code=code, name=f"{method} {said}", severity=severity, machine=machine, entry=made)
    neither = kexec(kexec_load=False, kexec_file_load=False)
    yield Example(code=code, name="neither", severity=None, machine=neither, entry=entry(method="kexec_load"))
    yield Example(code=code, name="no method", severity=None)

    code = "TOOL-VERSION"
    yield Example(code=code, name="raw", severity=PASS, says="2.0.25")
    packed = entry(kernel=kernel(compression=Compression.ZSTD))
    yield Example(code=code, name="packed", severity=PASS, entry=packed, says="unpacked here")
    yield Example(
        code=code, name="not there", severity=WARN, machine=kexec(tools_version=None), says="as an alternative"
    )
    pc = machines.unprivileged_x86()
    yield Example(code=code, name="x86", severity=PASS, machine=pc, says="is enough")
    alone = replace(pc, kexec=replace(pc.kexec, kexec_file_load=False))
    yield Example(code=code, name="nothing on x86", severity=FAIL, machine=alone, says="Install kexec-tools.")
    none = replace(pc, kexec=replace(pc.kexec, kexec_load=False, kexec_file_load=False))
    yield Example(code=code, name="no kexec on x86", severity=FAIL, machine=none, says="CONFIG_KEXEC=y")
    none = kexec(tools_version=None, kexec_load=False, kexec_file_load=False)
    yield Example(code=code, name="no kexec", severity=WARN, machine=none, says="CONFIG_KEXEC=y")
    unread = replace(pc, kexec=replace(pc.kexec, kexec_file_load=None))
    yield Example(code=code, name="call unread", severity=UNKNOWN, machine=unread, says="another call")

    def riscv(version: str, **changes: object) -> MachineFacts:
        return replace(RISCV, kexec=replace(RISCV.kexec, tools_version=version, **changes))  # type: ignore[arg-type]

    by_tools, natively = entry(method="kexec_tools"), entry(method="kexec_load")
    old = riscv("2.0.31", kexec_file_load=False)
    yield Example(code=code, name="too old for riscv64", severity=FAIL, machine=old, entry=by_tools, says="2.0.32")
    yield Example(code=code, name="riscv64 itself", severity=PASS, machine=old, entry=natively, says="itself")
    enough = riscv("2.0.31", kexec_load=False, kexec_file_load=True, file_image=True)
    yield Example(code=code, name="not needed on riscv64", severity=PASS, machine=enough, says="is enough")
    both_old = riscv("2.0.31", kexec_load=False, kexec_file_load=True, file_image=False)
    yield Example(code=code, name="both too old", severity=FAIL, machine=both_old, says="knows no riscv64")
    unread = riscv("2.0.31", kexec_load=None)
    yield Example(code=code, name="riscv64 unread", severity=UNKNOWN, machine=unread, says="another call")
    new = riscv("2.0.32", kexec_file_load=False)
    yield Example(code=code, name="new enough for riscv64", severity=PASS, machine=new)
    strange = riscv("unknown", kexec_file_load=False)
    yield Example(
        code=code,
        name="of unknown version",
        severity=UNKNOWN,
        machine=strange,
        entry=by_tools,
        says="kexec --version",
    )
    yield Example(code=code, name="of any version", severity=PASS, machine=strange, entry=natively, says="not needed")
