# SPDX-License-Identifier: MIT
"""The command line, the root file system, consoles and the initramfs."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.facts import EntryFacts, FileFacts, InitramfsFacts, KernelFacts, RootFacts
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from tests.builders.entries import entry, kernel, kernel_file
from tests.compat.examples.base import (
    FAIL,
    PASS,
    UNKNOWN,
    WARN,
    Example,
    Unreachable,
    kexec,
    virt,
)

UNREACHABLE: Unreachable = {
    ("CMD-EMPTY", UNKNOWN): "the command line is always known",
    ("CMD-NRCPUS", UNKNOWN): "the command line is always known",
}


def line(text: str, **changes: object) -> EntryFacts:
    return entry(command_line=text, **changes)


def command_lines() -> Iterator[Example]:
    code = "CMD-LENGTH"
    yield Example(code=code, name="longest", severity=PASS, entry=line("x" * 2047))
    yield Example(code=code, name="one too many", severity=FAIL, entry=line("x" * 2048), says="2047")
    yield Example(code=code, name="bytes count", severity=FAIL, entry=line("ü" * 1024))
    yield Example(code=code, name="bytes that are no text", severity=PASS, entry=line("\udcff" * 2047))
    x86 = line("x" * 300, kernel=kernel(architecture=Architecture.X86_64, fields={"cmdline_size": 255}))
    yield Example(code=code, name="by its header", severity=FAIL, entry=x86, says="255")
    yield Example(code=code, name="empty", severity=None, entry=line(""))
    fields = {"cmdline_size": 2047}
    bzimage = kernel(format="bzimage", architecture=Architecture.X86_64, fields=fields)
    for size, method, severity in (
        (2016, "kexec_file_load", PASS),
        (2017, "kexec_file_load", FAIL),
        (2017, "kexec_tools", PASS),
    ):
        made = line("x" * size, kernel=bzimage, method=method)
        yield Example(code=code, name=f"{size} by {method}", severity=severity, entry=made)
    made = line("x" * 2017, kernel=bzimage)
    for load, file_load, severity in ((True, True, UNKNOWN), (False, True, FAIL), (True, False, PASS)):
        asked = kexec(kexec_load=load, kexec_file_load=file_load)
        name = f"2017 where kexec_load is {load} and kexec_file_load {file_load}"
        yield Example(code=code, name=name, severity=severity, machine=asked, entry=made)
    code = "CMD-EMPTY"
    yield Example(code=code, name="there", severity=PASS)
    yield Example(code=code, name="empty", severity=WARN, entry=line(" "), says="root=")
    built_in = line("", configuration={"CMDLINE": '"console=ttyS0"'})
    yield Example(code=code, name="built in", severity=PASS, entry=built_in)
    no_kernel = line("", kernel=KernelFacts(problem="it is none", looks_like="an EFI program"))
    yield Example(code=code, name="no kernel at all", severity=None, entry=no_kernel)
    program = line("", kernel=kernel(version="Memtest86+"))
    yield Example(code=code, name="no Linux", severity=PASS, entry=program, says="Memtest86+")
    variable = line("$kernelopts console=ttyAMA0")
    yield Example(code=code, name="a variable", severity=WARN, entry=variable, says="$kernelopts")
    lost = line("quiet console=ttyAMA0", unset_variables=("rootdev",))
    yield Example(code=code, name="a variable that was left out", severity=WARN, entry=lost, says="$rootdev")
    yield Example(code=code, name="a dollar", severity=PASS, entry=line("a=$b $1 x$y $"))
    code = "CMD-NRCPUS"
    yield Example(code=code, name="no limit", severity=PASS)
    yield Example(code=code, name="nr_cpus", severity=WARN, entry=line("nr_cpus=1"), says="nr_cpus=1")
    yield Example(code=code, name="maxcpus", severity=WARN, entry=line("maxcpus=2"))
    copied = virt(command_line="nr_cpus=1")
    yield Example(
        code=code, name="copied", severity=WARN, entry=line("nr_cpus=1"), machine=copied, says="copied along"
    )


def roots_and_consoles() -> Iterator[Example]:
    code = "CMD-ROOT"
    seen = ("/dev/sda2", "uuid=AB-12", "label=root fs", "partuuid=1-02", "partlabel=sys")
    packed = (kernel_file(), kernel_file(role="initramfs"))
    for name in ("/dev/sda2", "UUID=ab-12", 'LABEL="root fs"', "PARTUUID=1-02", "PARTLABEL=sys",
                 "PARTUUID=1-02/PARTNROFF=1", "/dev/disk/by-uuid/AB-12"):  # fmt: skip
        text = f'"root={name}"' if " " in name else f"root={name}"
        there = line(f"root={name}", files=packed, partitions=seen)
        yield Example(code=code, name=text, severity=PASS, entry=there)
    for name in ("/dev/sdb9", "UUID=99", "LABEL=ROOT FS", "PARTUUID=1-03", "/dev/disk/by-label/nix"):
        gone = line(f'root="{name}"', files=packed, partitions=seen)
        yield Example(code=code, name=f"no {name}", severity=WARN, entry=gone, says="none of the partitions")
        early = replace(gone, partitions_complete=False)
        yield Example(code=code, name=f"no {name} yet", severity=UNKNOWN, entry=early, says="still running")
    found_early = line("root=PARTUUID=1-02", partitions=seen, partitions_complete=False)
    yield Example(code=code, name="found early", severity=PASS, entry=found_early)
    for option in ("findiso=/a.iso", "cos-img/filename=/cOS/active.img"):
        within = line(f"root=LABEL=inside {option}", files=packed, partitions=seen)
        yield Example(code=code, name=f"{option}, a label inside", severity=None, entry=within)
    for name in ("UUID=AB-12", "LABEL=x", "/dev/disk/by-uuid/AB-12"):
        alone = line(f"root={name}", partitions=seen)
        yield Example(code=code, name=f"{name} alone", severity=FAIL, entry=alone, says="needs an initramfs")
    for name, built_in in (
        ("flatcar", line("root=LABEL=ROOT mount.usr=PARTUUID=1-02", partitions=seen)),
        ("configured", line("root=LABEL=ROOT", partitions=seen, configuration={"INITRAMFS_SOURCE": '"a.cpio"'})),
    ):
        yield Example(code=code, name=f"{name}, built in", severity=UNKNOWN, entry=built_in, says="built into")
    kernel_finds = line("root=PARTUUID=1-02", partitions=seen)
    yield Example(code=code, name="PARTUUID alone", severity=PASS, entry=kernel_finds)
    yield Example(code=code, name="nobody looked", severity=None, entry=line("root=/dev/sda2"))
    yield Example(code=code, name="empty", severity=FAIL, entry=line("root="), says="without a value")
    yield Example(code=code, name="empty, packed", severity=WARN, entry=line("root=UUID=", files=packed))

    def on(text: str, root: RootFacts, *files: FileFacts) -> EntryFacts:
        return line(f"root=PARTUUID=1-02 {text}", files=files or (kernel_file(),), partitions=seen, root=root)

    at = RootFacts
    yield Example(code=code, name="init", severity=PASS, entry=on("", at(init="/sbin/init")), says="/sbin/init")
    yield Example(code=code, name="no init", severity=FAIL, entry=on("", at()), says="nothing to start")
    numbered = line("root=/dev/sda2", partitions=seen, root=at())
    yield Example(code=code, name="no init, numbered", severity=UNKNOWN, entry=numbered, says="nothing to start")
    data = at(whole=False)
    yield Example(code=code, name="no root", severity=FAIL, entry=on("", data), says="nothing to start")
    yield Example(
        code=code, name="no root, packed", severity=WARN, entry=on("", data, *packed), says="a system itself"
    )
    apart = at(others=("@", "@old"))
    yield Example(code=code, name="a subvolume has it", severity=FAIL, entry=on("", apart), says="subvol=@ ")
    by_dracut = at(others=("@",), dracut=True)
    yield Example(code=code, name="a subvolume has it, dracut", severity=FAIL, entry=on("", by_dracut), says="@ ")
    yield Example(
        code=code, name="dracut, packed", severity=UNKNOWN, entry=on("", by_dracut, *packed), says="may name"
    )
    named = at(subvolume="@home", others=("@",))
    yield Example(code=code, name="another has it", severity=FAIL, entry=on("", named, *packed), says="subvol=@ ")
    absent = at(subvolume="@no", missing=True)
    yield Example(code=code, name="no such subvolume", severity=FAIL, entry=on("", absent), says="not there")
    mounted = at(others=("@",), default_known=False)
    yield Example(code=code, name="unknown default", severity=UNKNOWN, entry=on("", mounted), says="subvol=@ ")
    yield Example(code=code, name="denied", severity=UNKNOWN, entry=on("", at(denied=True)), says="as root")
    usual = at(init="/sbin/init")
    yield Example(code=code, name="its init=", severity=FAIL, entry=on("init=/opt/x", usual), says="init=/sbin/init")
    yield Example(code=code, name="its init=, packed", severity=PASS, entry=on("init=/opt/x", usual, *packed))
    bare = at(init="/lib/systemd/systemd")
    yield Example(code=code, name="systemd alone", severity=FAIL, entry=on("", bare), says="init=/lib/")
    yield Example(code=code, name="systemd, packed", severity=PASS, entry=on("", bare, *packed))
    yield Example(code=code, name="systemd named", severity=PASS, entry=on("init=/lib/systemd/systemd", bare))
    volume = line("root=/dev/mapper/vg-root", files=packed, partitions=seen, root=at(init="/sbin/init"))
    yield Example(code=code, name="on a volume", severity=PASS, entry=volume)
    for name in ("/dev/mapper/vg-root", "/dev/vg/root", "/dev/nfs", "ZFS=tank", "/dev/ram0"):
        made = line(f"root={name}", files=packed, partitions=seen)
        yield Example(code=code, name=f"{name} is no partition", severity=None, entry=made)


def initramfs() -> Iterator[Example]:
    files = (kernel_file(), kernel_file(role="initramfs", path="/boot/initrd.img"))

    def packed(*parts: InitramfsFacts, **changes: object) -> EntryFacts:
        return entry(files=files, initramfs=parts, **changes)

    good = InitramfsFacts(size=9, compression="zstd")
    code = "INITRD-FORMAT"
    yield Example(code=code, name="zstd", severity=PASS, entry=packed(good), says="zstd")
    bad = packed(InitramfsFacts(size=9, problem="the archive ends early, or is damaged"))
    yield Example(code=code, name="junk", severity=FAIL, entry=bad, says="initrd.img is no initramfs")
    yield Example(code=code, name="unread", severity=UNKNOWN, entry=packed())
    yield Example(code=code, name="none", severity=None)
    code = "INITRD-MODULES"
    same = packed(InitramfsFacts(size=9, module_releases=("6.1.0",)), banner="6.1.0")
    yield Example(code=code, name="same", severity=PASS, entry=same)
    other = packed(InitramfsFacts(size=9, module_releases=("6.2.0",)), banner="6.1.0")
    yield Example(code=code, name="other", severity=WARN, entry=other, says="update-initramfs -c -k 6.1.0")
    lzo = packed(InitramfsFacts(size=9, compression="lzo"), banner="6.1.0")
    yield Example(code=code, name="cannot look", severity=UNKNOWN, entry=lzo, says="lzo")
    yield Example(code=code, name="not looked", severity=None, entry=packed(good))
    empty = packed(InitramfsFacts(size=9, module_releases=()), banner="6.1.0")
    yield Example(code=code, name="no modules", severity=None, entry=empty)
