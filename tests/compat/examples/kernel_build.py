# SPDX-License-Identifier: MIT
"""What a kernel was built for."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts, InitramfsFacts
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders import machines
from tests.builders.entries import entry, kernel, kernel_file
from tests.compat.examples.base import (
    FAIL,
    PASS,
    TREE,
    UNKNOWN,
    WARN,
    Example,
    Silent,
    Unreachable,
    cpus,
    each_cpu,
    own,
    virt,
)

UNREACHABLE: Unreachable = {
    ("IMG-VERSION", UNKNOWN): "the banner is looked for on request only; without it nothing is compared",
}
SILENT: Silent = {
    "IMG-PAGE": ("x86 and riscv64 kernels have pages of 4 KiB only", {Architecture.X86_64, Architecture.RISCV64}),
}


def line(text: str, **changes: object) -> EntryFacts:
    return entry(command_line=text, **changes)


def releases_and_configurations() -> Iterator[Example]:
    code = "IMG-VERSION"
    named = (kernel_file(path="/boot/vmlinuz-6.1.0", resolved="/boot/vmlinuz-6.1.0"),)
    yield Example(code=code, name="same", severity=PASS, entry=entry(files=named, banner="6.1.0"), says="6.1.0")
    yield Example(code=code, name="no name", severity=PASS, entry=entry(banner="6.1.0"))
    program = entry(files=named, kernel=kernel(version="Memtest86+"))
    yield Example(code=code, name="no Linux", severity=PASS, entry=program, says="no Linux")
    yield Example(code=code, name="other", severity=WARN, entry=entry(files=named, banner="6.2.0"), says="not 6.1.0")
    other = entry(version="6.1.0", banner="6.2.0")
    yield Example(code=code, name="configured otherwise", severity=WARN, entry=other, says="configuration")
    rolling = entry(version="rolling", banner="6.2.0")
    yield Example(code=code, name="configured by name", severity=PASS, entry=rolling)
    for number in ("2", "221@a", "0-rescue-5693bb90"):
        counted = entry(version=number, banner="6.2.0")
        yield Example(code=code, name=f"configured as {number}", severity=PASS, entry=counted)
    header = entry(files=named, kernel=kernel(version="6.2.0"))
    yield Example(code=code, name="from the header", severity=WARN, entry=header, says="6.2.0")
    yield Example(code=code, name="not looked for", severity=None, entry=entry(files=named))
    code = "IMG-CONFIG"
    good = {"NR_CPUS": "256", "BLK_DEV_INITRD": "y", "RD_ZSTD": "y", "EXT4_FS": "m"}
    packed = (kernel_file(), kernel_file(role="initramfs"))
    zstd = (InitramfsFacts(size=9, compression="zstd"),)

    def built(severity: Severity, name: str, says: str = "", **changes: object) -> Example:
        config = {**good, **{key: str(value) for key, value in changes.items()}}
        line = "root=/dev/sda2 rootfstype=ext4"
        facts = entry(files=packed, initramfs=zstd, configuration=config, command_line=line)
        return Example(code=code, name=name, severity=severity, entry=facts, says=says)

    yield built(PASS, "all there")
    yield built(WARN, "one CPU", "1 of 4", NR_CPUS=1)
    yield built(WARN, "no initramfs", "BLK_DEV_INITRD", BLK_DEV_INITRD="")
    yield built(WARN, "no zstd", "RD_ZSTD", RD_ZSTD="n")
    yield built(WARN, "no root file system", "EXT4_FS", EXT4_FS="n")
    alone = entry(configuration=good, command_line="root=/dev/sda2 rootfstype=ext4")
    yield Example(code=code, name="a module and no initramfs", severity=WARN, entry=alone, says="EXT4_FS")
    tree = replace(own(cpus=TREE.cpus[:1]), configuration={"NR_CPUS": "1"})
    yield Example(code=code, name="as many as the tree has", severity=PASS, entry=tree)
    yield Example(
        code=code,
        name="CPUs unread",
        severity=UNKNOWN,
        entry=entry(configuration=good),
        machine=virt(possible_cpus=None),
    )
    yield Example(code=code, name="no configuration", severity=None)


def page_sizes() -> Iterator[Example]:
    code = "IMG-PAGE"
    large = entry(kernel=kernel(page_size=16384))
    yield Example(code=code, name="same as running", severity=PASS)
    yield Example(
        code=code,
        name="same, on a part nobody listed",
        severity=PASS,
        machine=virt(cpus=each_cpu(midr=machines.UNLISTED_PART)),
    )
    for part, severity in (
        (machines.CORTEX_A53, FAIL),
        (machines.CORTEX_A57, FAIL),
        (machines.CORTEX_A72, FAIL),
        (machines.A64FX, FAIL),
        (machines.CORTEX_A35, PASS),
        (machines.CORTEX_A76, PASS),
        (machines.NEOVERSE_N1, PASS),
        (machines.UNLISTED_PART, UNKNOWN),
        (None, UNKNOWN),
    ):
        name = f"16K on {part or 0:#x}"
        yield Example(code=code, name=name, severity=severity, entry=large, machine=virt(cpus=each_cpu(midr=part)))
    yield Example(code=code, name="64K", severity=PASS, entry=entry(kernel=kernel(page_size=65536)), machine=virt())
    yield Example(code=code, name="no cpus known", severity=UNKNOWN, entry=large, machine=virt(cpus=()))
    yield Example(
        code=code,
        name="only the little ones cannot",
        severity=WARN,
        entry=large,
        machine=virt(cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 2, *[{"midr": machines.CORTEX_A53}] * 2)),
        says="CPU 2, 3",
    )
    yield Example(
        code=code,
        name="the jumping one cannot",
        severity=FAIL,
        entry=large,
        machine=virt(
            cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 3, {"midr": machines.CORTEX_A53}), command_line="reboot=s3"
        ),
        says="Cortex-A53",
    )
    yield Example(
        code=code,
        name="one of them unread",
        severity=UNKNOWN,
        entry=large,
        machine=virt(cpus=cpus(*[{"midr": machines.CORTEX_A76}] * 3, {"midr": None})),
    )
    yield Example(code=code, name="image does not say", severity=UNKNOWN, entry=entry(kernel=kernel(page_size=None)))
    yield Example(code=code, name="wrong architecture", severity=None, machine=machines.unprivileged_x86())
