# SPDX-License-Identifier: MIT
"""The bundle for a bug report: facts of the machine, results of a scan, logs. No secrets.

Every text passes through one filter (redaction.py), which keeps only what is known to be harmless.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import io
import platform
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from bootmenu import __version__
from bootmenu.bugreport.own_words import words_of_checks, words_of_facts
from bootmenu.bugreport.redaction import REMOVED as REMOVED
from bootmenu.bugreport.redaction import Redactor
from bootmenu.config.settings_layers import Loaded
from bootmenu.discovery import sysfs_disks
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.model.entry import Problem
from bootmenu.model.machine import MachineFacts
from bootmenu.model.regex import regex
from bootmenu.system.host import Host
from bootmenu.view import json_output

_LARGEST = 4 * 1024 * 1024  # bytes of one file of the bundle
_LOG = 256 * 1024  # bytes of a log, from its end
_LINES = 4000  # of the kernel log
_LINE = 1100  # characters; kernel/printk takes 1024
_COLUMNS = (
    "NAME,KNAME,TYPE,SIZE,RO,RM,FSTYPE,FSVER,LABEL,UUID,PARTLABEL,PARTUUID,PARTTYPE,PTTYPE,MOUNTPOINTS,TRAN,MODEL"
)
_INTERESTING = regex(
    r"(?i)kexec|bootmenu: loaded|linux version|machine model|command line|psci|spin-table|\bcpus?\b|smp|gic|\bits\b"
    r"|efi|acpi|memory|reserved|memblock|crash|initrd|initramfs|unpack|devicetree|\bfdt\b|\bof:|kaslr|lockdown"
    r"|secure ?boot|signature|keyring|integrity|hyp|vhe|kvm|el1|el2|mmc|nvme|\bsd[a-z]\b|vd[a-z]|ext4|btrfs|vfat|xfs"
    r"|squashfs|md/|device-mapper|raid|i/o error|console|tty|watchdog|panic|oops|bug:|warning:|error|fail|call trace"
)
_PROGRAM = regex(r"[\w.@/()-]{1,64}\[\d{1,9}\]:")
"""Prefix of a line that a program added to the kernel's log; such lines are left out."""


def cleaned(value: object) -> object:
    """Return a JSON value without anything that is not known to be harmless; a key that names a secret loses its
    value."""
    return Redactor().cleaned(value)


def parts(
    host: Host,
    machine: MachineFacts,
    listings: Iterable[Listing],
    problems: Iterable[Problem],
    loaded: Loaded,
    *,
    log: Path,
    applied: json_output.Applied = json_output.NOTHING_APPLIED,
    notes: Iterable[str] = (),
) -> dict[str, str]:
    """Return the texts of the bundle by file name. notes: what could not be found out."""
    redactor = redactor_for(machine)

    def told(value: object) -> str:
        return json_output.json_text(redactor.cleaned(value), indent=1) + "\n"

    found = {
        "facts.json": told(machine.to_json()),
        "scan.json": told(json_output.scan_to_json(listings, problems)),
        "settings.json": told(json_output.settings_to_json(loaded, applied)),
        "versions.txt": redactor.text(_versions(machine)),
        "disks.txt": redactor.text(_disks(host)),
        "kernel-log.txt": redactor.text(_kernel_log(host)),
        "menu-log.txt": redactor.text(_tail(log)),
    }
    texts = {name: _bounded(text) for name, text in found.items()}
    contents = "".join(f"  {name:<16}{len(text.encode()):>10,} bytes\n" for name, text in texts.items())
    noted = "".join(f"  {redactor.text(note)}\n" for note in notes)
    about = _ABOUT + contents + (f"\nNotes:\n{noted}" if noted else "")
    return {"about.txt": about, **texts}


_ABOUT = f"""\
A bug report of bootmenu {__version__}: what is known of the machine, and what was found on its partitions.

Left out: every word, value and number that is not known to be harmless, as (removed). So passwords, PINs, keys,
tokens, serial numbers, addresses, names of people, hosts and networks are gone, and much else with them: titles and
labels of your own, parameters that are not known, and lines of programs in the kernel's log. UUIDs are called id-1,
id-2 and so on, the same one the same everywhere. Look through the files before you publish them.

"""


def bundle(texts: Mapping[str, str], name: str) -> bytes:
    """Return a .tar.gz with one directory `name`; the same texts give the same bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for path, text in texts.items():
            data = text.encode("utf-8", "backslashreplace")
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def redactor_for(machine: MachineFacts) -> Redactor:
    """Return a redactor that keeps the names of this machine's hardware and the words of bootmenu's facts and
    findings."""
    return Redactor([*_hardware(machine), *words_of_facts(machine), *words_of_checks()])


def _hardware(machine: MachineFacts) -> list[str]:
    """Return what firmware and kernel call this machine's hardware: harmless, and needed to understand the rest."""
    tree = machine.tree
    names = [machine.kernel_release, machine.machine, *platform.uname()[3:]]
    if tree is not None:
        names += [*tree.compatible, tree.model or ""]
    return names


def _bounded(text: str) -> str:
    if len(text) <= _LARGEST:
        return text
    return text[:_LARGEST] + f"\n... cut here: {len(text) - _LARGEST:,} more characters\n"


def _versions(machine: MachineFacts) -> str:
    rows = {
        "bootmenu": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in ("textual", "rich", "fdt", "pyelftools", "zstandard", "lz4")},
        "kernel": f"{platform.system()} {platform.release()} {platform.version()} {platform.machine()}",
        "kexec-tools": machine.kexec.tools_version or "not installed",
    }
    return "".join(f"{name:<14}{version}\n" for name, version in rows.items())


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not known"


def _disks(host: Host) -> str:
    """Return the list of disks, without serial numbers and WWNs."""
    if host.commands.find("lsblk") is None:
        return "".join(_disk_lines(sysfs_disks.rows(host), 0))
    try:
        done = host.commands.run(["lsblk", "--ascii", "--output", _COLUMNS], timeout=20)
    except BootmenuError as error:
        return f"lsblk: {error.message}\n"
    return done.stdout[:_LARGEST].decode("utf-8", "replace") or f"lsblk: {done.error_text}\n"


def _disk_lines(rows: Sequence[sysfs_disks.Row], depth: int) -> Iterator[str]:
    for row in rows:
        facts = [row["name"], row["maj:min"], row["type"], f"{row['size']:,} bytes"]
        facts += [f"{key}={row[key]}" for key in ("partlabel", "partuuid") if row[key]]
        yield f"{'  ' * depth}{' '.join(facts)}\n"
        yield from _disk_lines(row.get("children", ()), depth + 1)


def _kernel_log(host: Host) -> str:
    lines = host.log.lines()
    if lines is None:
        return "The kernel log may not be read.\n"
    wanted = [line[:_LINE] for line in lines if not _PROGRAM.match(line) and _INTERESTING.search(line[:_LINE])]
    return f"{len(lines) - len(wanted[-_LINES:]):,} other lines are left out.\n" + "".join(
        f"{line}\n" for line in wanted[-_LINES:]
    )


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _LOG))
            return file.read(_LOG).decode("utf-8", "replace")
    except OSError as error:
        return f"There is no log: {error.strerror}.\n"
