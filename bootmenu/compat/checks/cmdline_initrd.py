# SPDX-License-Identifier: MIT
"""Check the kernel command line and the initramfs: can the kernel find and start its system?"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.compat.checker import CheckResult, entry_check, failed, passed, unknown, warned
from bootmenu.compat.checks.lockdown import loads_by_file
from bootmenu.compat.facts import EntryFacts, RootFacts
from bootmenu.model.entry import CommandLine
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.model.regex import regex
from bootmenu.sources import version_of

_ELFCOREHDR = 30
"""MAX_ELFCOREHDR_STR_LEN, in bytes."""
_LIMITS = {
    # include/uapi/asm-generic/setup.h: COMMAND_LINE_SIZE; arm64 and riscv define their own
    Architecture.ARM64: 2048,
    Architecture.RISCV64: 1024,
    Architecture.X86_64: 2048,
    Architecture.X86: 2048,
    Architecture.ARM: 1024,
}


def _architecture(machine: MachineFacts, entry: EntryFacts) -> Architecture | None:
    return (entry.kernel.architecture if entry.kernel else None) or machine.architecture


def _bytes(text: str) -> int:
    """Return the length of a text in bytes; each byte that was not UTF-8 was decoded to one surrogate."""
    if text.isascii():
        return len(text)
    return len(text.encode("utf-8", "surrogatepass")) - 2 * sum("\udc80" <= char <= "\udcff" for char in text)


@entry_check("CMD-LENGTH", after="MEM-FREE")
def length(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that the kernel command line is not too long: the kernel silently drops the rest.

    arm64 kernels read 2,047 bytes, those for arm and RISC-V 1,023; a PC's kernel says in its header how many. root=
    at the end of a longer line would be lost.

    fail: the line is too long. → Shorten it.
    unknown: it is too long for kexec_file_load, and how the entry would be loaded is not known. → Shorten it.
    evidence: bytes and limit, with the zero at the end
    """
    limit = _LIMITS.get(_architecture(machine, entry) or Architecture.ARM64, 2048)
    image = entry.kernel.image if entry.kernel else None
    if image is not None and image.fields.get("cmdline_size"):
        limit = image.fields["cmdline_size"] + 1  # Documentation/arch/x86/boot.rst: without the NUL
    size = _bytes(entry.command_line) + 1
    evidence: dict[str, object] = {"bytes": size, "limit": limit}
    # arch/x86/kernel/kexec-bzimage64.c:bzImage64_load always leaves room for a crash kernel's elfcorehdr=:
    # "if (cmdline_len + MAX_ELFCOREHDR_STR_LEN > header->cmdline_size)" is EINVAL
    taken = limit - 1 - _ELFCOREHDR
    by_file = loads_by_file(machine, entry)
    if image is not None and image.format == "bzimage" and by_file is not False and taken < size <= limit:
        message = f"The kernel command line has {size - 1} bytes; kexec_file_load takes {taken - 1} for this kernel"
        if by_file:
            yield failed(f"{message}.", "Shorten it.", **evidence)
        else:
            yield unknown(f"{message}, and which call would load it is not known.", "Shorten it.", **evidence)
    elif size > limit:
        yield failed(
            f"The kernel command line has {size - 1} bytes; this kernel reads {limit - 1} and drops the rest.",
            "Shorten it.",
            **evidence,
        )
    elif entry.command_line:
        yield passed("The kernel command line is not too long.", **evidence)


@entry_check("CMD-EMPTY")
def empty(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that there is a kernel command line, and that the value of each boot loader variable in it is known.

    A boot loader's configuration can use variables, such as GRUB's $kernelopts, that only the boot loader could
    know.

    warn: the line is empty, or a variable in it has no value. → Write the line out, root= and console= at least.
    evidence: bytes; command_line; variables: those without a value
    """
    if entry.kernel is not None and entry.kernel.image is None and not entry.kernel.container:
        return  # IMG-FORMAT reports that it is not a kernel
    config = entry.configuration or {}
    variables = CommandLine(entry.command_line, unset=entry.unset_variables).variables
    other = entry.kernel.image.other_program if entry.kernel and entry.kernel.image else None
    if variables:
        yield warned(
            f"The kernel command line is incomplete: the value of ${variables[0]} is not known.",
            "Put its value into the kernel command line, root= and console= at least.",
            command_line=entry.command_line,
            variables=list(variables),
        )
    elif not entry.command_line.strip() and other:
        yield passed(f"{other} is no Linux, and needs no kernel command line.", bytes=0)
    elif not entry.command_line.strip() and not config.get("CMDLINE", "").strip('"'):
        yield warned(
            "There is no kernel command line: the kernel will know neither its root file system nor its console.",
            "Give one with --cmdline, root= and console= at least."
            if entry.typed
            else "Add one to the configuration, root= and console= at least.",
            command_line=entry.command_line,
        )
    else:
        yield passed("There is a kernel command line.", bytes=_bytes(entry.command_line))


_FOR_INITRAMFS = regex(r"(rd|mount|ignition|flatcar|coreos)\.|verity\.usr")
"""Options that an initramfs reads, not the kernel: Flatcar's is built into its kernels."""
_BY_UDEV = ("UUID=", "LABEL=", "/dev/disk/by-")
_BY_KERNEL = ("PARTUUID=", "PARTLABEL=", "/dev/")
_FROM_A_FILE = ("findiso", "iso-scan/filename", "img_loop", "cos-img/filename")
"""Options that name an image file, of which an initramfs makes the device with root='s name: live-boot and NixOS,
casper and dracut, archiso, Elemental."""
_NO_PARTITION = regex(r"/dev/(?:nfs|cifs|ram\d*|root|mtd.*|ubi.*|dm-.*|md.*|mapper/.*|(?!disk/)[^/]+/.*)")


@entry_check("CMD-ROOT")
def root(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that root= names an existing partition that the kernel or initramfs can find, and that it has an init.

    A kernel without an initramfs knows its root file system by PARTUUID=, PARTLABEL= or a device name only; UUID=
    and LABEL= need an initramfs. A Btrfs subvolume is named by rootflags=subvol=.

    warn: no partition with that name was seen, or there is nothing to start on it. → Attach the disk, or correct
        root=.
    fail: nothing can find that root file system, or there is no init on it. → Add the initramfs, or write
        root=PARTUUID=...; name the subvolume with rootflags=, or the program with init=.
    unknown: whether it can be found, or has an init, could not be looked at, or not yet. → Wait for the scan to end;
        run bootmenu as root. To be sure, write root=UUID=... with an initramfs, root=PARTUUID=... without.
    evidence: root; initramfs: whether there is one; init, subvolume, subvolumes_with_init: what was found on the
        partition
    """
    options = CommandLine(entry.command_line)
    wanted = options.get("root")
    if wanted is None:
        return
    has_initramfs = any(file.role == "initramfs" for file in entry.files)
    evidence: dict[str, object] = {"root": wanted, "initramfs": has_initramfs}
    if options.names_no_root:
        message = "The kernel command line has a root= without a value."
        if has_initramfs:  # which may find the root in another way
            yield warned(message, _NAME_IT, **evidence)
        else:
            yield failed(message, _NAME_IT, **evidence)
        return
    if wanted.startswith(_BY_UDEV) and not has_initramfs:
        source = (entry.configuration or {}).get("INITRAMFS_SOURCE", "").strip('"')
        if source or any(_FOR_INITRAMFS.match(name) for name, _ in options.options()):
            yield unknown(
                f"root={wanted} needs an initramfs to find it; whether one is built into the kernel is not known.",
                "If it does not start, add the initramfs, or write root=PARTUUID=...",
                **evidence,
            )
            return
        yield failed(
            f"root={wanted} needs an initramfs to find it: the kernel alone knows PARTUUID= and PARTLABEL= only.",
            "Add the initramfs, or write root=PARTUUID=...",
            **evidence,
        )
        return
    if entry.partitions is None:
        return  # partitions were not looked for: only the files are checked
    if entry.root is not None:
        yield _startable(entry.root, options, evidence)
    elif not wanted.startswith((*_BY_UDEV, *_BY_KERNEL)) or _NO_PARTITION.fullmatch(wanted):
        return  # set up by an initramfs, or not on a disk
    elif _root_is_there(wanted, entry.partitions):
        yield passed(f"root={wanted} is there.", **evidence)
    elif any(options.get(name) for name in _FROM_A_FILE):
        return
    elif not entry.partitions_complete:
        yield unknown(
            f"root={wanted} has not been found yet: the scan is still running.",
            "Wait: the entry is checked again at the end of the scan.",
            **evidence,
        )
    else:
        yield warned(
            f"root={wanted} is none of the partitions that were seen.",
            "Attach its disk; or the root file system was made anew and its name has changed.",
            **evidence,
        )


def _startable(root: RootFacts, options: CommandLine, evidence: dict[str, object]) -> CheckResult:
    """Return whether the kernel, or an initramfs that mounts its root, will find an init there."""
    init, where = options.get("init"), _where(options)
    evidence |= {"subvolume": root.subvolume, "init": root.init, "subvolumes_with_init": list(root.others)}
    if root.init and not evidence["initramfs"] and root.init != init:
        # init/main.c:kernel_init: "Requested init %s failed"; an initramfs falls back to the usual paths
        hint = f"Write init={root.init}."
        if init:
            return failed(f"There is no {init} on {where}, as init= requires.", hint, **evidence)
        if root.init.endswith("/systemd"):
            nothing = f"The kernel alone does not look for {root.init}, and there is no /sbin/init on {where}."
            return failed(nothing, hint, **evidence)
    if root.init:
        return passed(f"{where} is there, with {root.init} on it.", **evidence)
    if root.denied:
        return unknown(
            f"Whether {where} has something to start could not be looked at.",
            "Start bootmenu as root; where /usr is a partition of its own, look there for init.",
            **evidence,
        )
    if root.others:
        having, first = ", ".join(root.others), root.others[0]
        hint = (
            f"Write rootflags=subvol={first} on the kernel command line. Where u-boot-update made it, put that into"
            " U_BOOT_PARAMETERS of /etc/default/u-boot, and run u-boot-update."
        )
        if root.dracut and evidence["initramfs"]:
            return unknown(
                f"{where} has no init to start; it is in subvolume {having}, which an initramfs by dracut may name.",
                hint,
                **evidence,
            )
        if root.default_known or root.subvolume:
            return failed(f"{where} has no init to start; it is in subvolume {having}.", hint, **evidence)
        return unknown(
            f"Which subvolume {where} mounts by default is not known; init is in subvolume {having}.",
            hint,
            **evidence,
        )
    if root.missing:
        return failed(f"{where} names a subvolume that is not there.", "Name the one with the system.", **evidence)
    if not root.whole and evidence["initramfs"]:
        return warned(
            f"{where} is no root file system: there is nothing to start on it, unless the initramfs is a system"
            " itself.",
            "Name the partition with the system in root=, or its program in init=.",
            **evidence,
        )
    nothing = f"There is nothing to start on {where}: no /sbin/init, /etc/init, /bin/init or /bin/sh."
    if _NUMBERED.match(options.get("root") or ""):  # by that kernel perhaps in another order
        return unknown(nothing, _NAME_IT, **evidence)
    return failed(nothing, "Name the partition with the system in root=, or its program in init=.", **evidence)


_NUMBERED = regex(r"/dev/(sd|hd|vd|xvd|nvme|mmcblk)")
_NAME_IT = "Write what it is: root=UUID=... with an initramfs, root=PARTUUID=... without."


def _where(options: CommandLine) -> str:
    """Return the options of the kernel command line that say what is mounted."""
    flags = options.get("rootflags")
    return f"root={options.get('root')}" + (f" rootflags={flags}" if flags else "")


def _root_is_there(wanted: str, partitions: tuple[str, ...]) -> bool:
    if wanted.startswith("/dev/disk/by-"):
        kind, _, name = wanted.removeprefix("/dev/disk/by-").partition("/")
        wanted = f"{kind.upper()}={name}"
    if wanted.startswith("/dev/"):
        return wanted in partitions
    name, _, value = wanted.partition("=")
    # PARTUUID=X/PARTNROFF=N names a partition by its distance from another one (init/do_mounts.c)
    value = value.partition("/")[0].strip('"')
    if name in ("UUID", "PARTUUID"):
        return any(known.lower() == f"{name}={value}".lower() for known in partitions)
    return f"{name.lower()}={value}" in partitions


@entry_check("CMD-NRCPUS", after="CMD-CONSOLE")
def cpu_limit(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:
    """Check that nr_cpus= and maxcpus=, which are meant for the first stage, do not limit the next kernel.

    The first stage of some boards needs nr_cpus=1 to be able to use kexec. Copied into an entry, it costs the other
    CPUs.

    warn: the entry limits its CPUs. → Take the option out, unless it is meant.
    evidence: option; command_line: that of the entry; entry and running: its value on each command line
    """
    options = CommandLine(entry.command_line)
    if options.get("nr_cpus") is None and options.get("maxcpus") is None:
        yield passed("Nothing limits the next kernel's CPUs.", command_line=entry.command_line)
    for name in ("nr_cpus", "maxcpus"):
        value = options.get(name)
        if value is None:
            continue
        first = CommandLine(machine.command_line or "").get(name)
        yield warned(
            f"{name}={value} limits the next kernel's CPUs"
            + (", as it limits the first stage's; it was probably copied along." if first == value else "."),
            "Take it out of the entry unless it is meant.",
            option=name,
            entry=value,
            running=first,
        )


@entry_check("INITRD-FORMAT", requires=("FILE-MISSING",))
def initramfs(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that each initramfs begins like a cpio archive, compressed or not.

    A kernel that cannot unpack its initramfs stops, since it finds no root file system.

    fail: the file is no initramfs, is damaged, or is in a compression that the kernel cannot unpack. → Make it anew,
        for example with update-initramfs -u.
    unknown: not every initramfs could be read. → Look at the files and at their disk.
    evidence: compression, size, problem; files: those that were not read
    """
    bad = [(i, part) for i, part in enumerate(entry.initramfs) if part.problem]
    names = [file.name for file in entry.files if file.role == "initramfs"]
    for i, part in bad:
        name = names[i] if i < len(names) else "the initramfs"
        yield failed(
            f"{name} is no initramfs: {part.problem}.",
            "Make it anew, for example with update-initramfs -u.",
            size=part.size,
            problem=part.problem,
        )
    if len(entry.initramfs) < len(names):
        yield unknown("Not every initramfs was read.", "Look at the files and at their disk.", files=names)
    elif entry.initramfs and not bad:
        packed = sorted({part.compression or "not packed" for part in entry.initramfs})
        yield passed(f"The initramfs is readable ({', '.join(packed)}).", compression=packed)


@entry_check("INITRD-MODULES", requires=("FILE-MISSING", "INITRD-FORMAT"))
def modules(machine: MachineFacts, entry: EntryFacts) -> Iterator[CheckResult]:  # noqa: ARG001
    """Check that the modules in the initramfs are for this kernel.

    Modules load only into the kernel that they were built for. Without them the initramfs may find no disk.

    warn: the modules are of another kernel. → Name the initramfs that belongs to this kernel, or make it with
        update-initramfs -c -k RELEASE.
    unknown: the initramfs could not be unpacked here. → Pack it with zstd, xz or gzip.
    evidence: kernel: its release; modules: the releases in the initramfs; compression
    """
    file = entry.file("kernel")
    release = entry.banner or (version_of(file.resolved or file.path) if file else "")
    found = sorted({name for part in entry.initramfs for name in part.module_releases or ()})
    # modules are searched for only when the banner is
    if entry.banner is not None and not found and any(part.module_releases is None for part in entry.initramfs):
        packed = sorted({str(part.compression) for part in entry.initramfs if part.module_releases is None})
        yield unknown(
            f"Which modules the initramfs has is not known: nothing here unpacks {' or '.join(packed)}.",
            "Pack it in another way: zstd, xz and gzip are read.",
            kernel=release,
            compression=packed,
        )
    if not release or not found:
        return
    evidence: dict[str, object] = {"kernel": release, "modules": found}
    if release in found:
        yield passed(f"The initramfs has the modules of {release}.", **evidence)
    else:
        yield warned(
            f"The initramfs has modules of {', '.join(found)}, the kernel is {release}: none of them will load.",
            f"Name the initramfs that belongs to this kernel, or make it: update-initramfs -c -k {release}.",
            **evidence,
        )
