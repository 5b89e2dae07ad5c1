# SPDX-License-Identifier: MIT
"""The bundle for a bug report: what is known of the machine, what was found, what was logged. No secrets.

Every text passes through `without_secrets` before it is packed: structures by the names of their keys, texts by
`name=value`, hashes, addresses and serial numbers. What remains names partitions and files, on purpose.
"""

from __future__ import annotations

import gzip
import importlib.metadata
import io
import platform
import re
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from bootmenu import __version__, reports
from bootmenu.discovery.scan import Listing
from bootmenu.errors import BootmenuError
from bootmenu.model.entry import Problem
from bootmenu.model.machine import MachineFacts
from bootmenu.settings import Loaded
from bootmenu.system.host import Host

REMOVED = "(removed)"

_LARGEST = 4 * 1024 * 1024  # bytes of one file of the bundle
_LOG = 256 * 1024  # bytes of a log, from its end
_LINES = 4000  # of the kernel log
_DEEPEST = 64  # levels of a structure
_COLUMNS = (
    "NAME,KNAME,TYPE,SIZE,RO,RM,FSTYPE,FSVER,LABEL,UUID,PARTLABEL,PARTUUID,PARTTYPE,PTTYPE,MOUNTPOINTS,TRAN,MODEL"
)

# names of settings, parameters and keys whose values are nobody else's business
_NAMES = (
    r"(?:[\w.-]*(?:pass(?:w(?:or)?d|phrase|code)|secret|credentials?|serial[_-]?(?:no|number)|machine[_-]?id|boot[_-]?id"
    r"|luks[._-]?key|keyfile|private[_-]?key|api[_-]?key|mac[_-]?addr(?:ess)?)"
    r"|(?:[\w.-]*[._-])?(?:pass|pwd|pin|psk|token|auth|seed|serial|mac))"
)
_NAMED = re.compile(rf"(?i)(?<![\w.-])({_NAMES})=(\"[^\"]*\"?|'[^']*'?|\S+)")
_SAID = re.compile(
    r"(?i)\b(serial ?(?:number|no\.?)?|machine id|password|passphrase|pin|token)(\s*:\s*|\s+=\s+)(\S.*)"
)
_KEY = re.compile(rf"(?i)^{_NAMES}$")
_PATTERNS = (
    # https://user:password@host, cifs, iscsi
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*:(?://)?)[^\s/@\"']+@"), rf"\1{REMOVED}@"),
    # GRUB, crypt(3), and our own PIN
    (re.compile(r"(?i)\bgrub\.pbkdf2\.[\w.]+"), REMOVED),
    (re.compile(r"\$(?:\d|[25][abxy]?|y|gy|argon2\w*)\$[./=,\w$]+"), REMOVED),
    (re.compile(r"\bscrypt\$[\w$]+"), REMOVED),
    # Ethernet and EUI-64
    (
        re.compile(
            r"(?i)(?<![\w:-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?:\1[0-9a-f]{2}){0,2}(?![\w:-])"
        ),
        REMOVED,
    ),
)
_INTERESTING = re.compile(
    r"(?i)kexec|bootmenu|linux version|machine model|command line|psci|spin-table|\bcpus?\b|smp|gic|\bits\b|efi|acpi"
    r"|memory|reserved|memblock|crash|initrd|initramfs|unpack|devicetree|\bfdt\b|\bof:|kaslr|lockdown|secure ?boot"
    r"|signature|keyring|integrity|hyp|vhe|kvm|el1|el2|mmc|nvme|\bsd[a-z]\b|vd[a-z]|ext4|btrfs|vfat|xfs|squashfs|md/|"
    r"device-mapper|raid|i/o error|console|tty|watchdog|panic|oops|bug:|warning:|error|fail|call trace"
)


def without_secrets(text: str) -> str:
    """The text with the value of every secret replaced by `(removed)`."""
    text = _NAMED.sub(rf"\1={REMOVED}", text)
    text = _SAID.sub(rf"\1\2{REMOVED}", text)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def cleaned(value: object, depth: int = 0) -> object:
    """The same for what is to become JSON; a key that names a secret loses its value."""
    if depth > _DEEPEST:
        return REMOVED
    match value:
        case str():
            return without_secrets(value)
        case Mapping():
            return {
                without_secrets(str(key)): REMOVED
                if _KEY.match(str(key)) and inner not in (None, "", (), [], {})
                else cleaned(inner, depth + 1)
                for key, inner in value.items()
            }
        case list() | tuple():
            return [cleaned(inner, depth + 1) for inner in value]
        case _:
            return value


def parts(
    host: Host,
    machine: MachineFacts,
    listings: Iterable[Listing],
    problems: Iterable[Problem],
    loaded: Loaded,
    *,
    log: Path,
    notes: Iterable[str] = (),
) -> dict[str, str]:
    """What the bundle holds: texts by the names of their files. notes: what could not be found out."""
    found = {
        "facts.json": _json(machine.to_json()),
        "scan.json": _json(reports.scan_to_json(listings, problems)),
        "settings.json": _json(reports.settings_to_json(loaded)),
        "versions.txt": without_secrets(_versions(machine)),
        "disks.txt": without_secrets(_disks(host)),
        "kernel-log.txt": without_secrets(_kernel_log(host)),
        "menu-log.txt": without_secrets(_tail(log)),
    }
    texts = {name: _bounded(text) for name, text in found.items()}
    contents = "".join(f"  {name:<16}{len(text.encode()):>10,} bytes\n" for name, text in texts.items())
    noted = "".join(f"  {without_secrets(note)}\n" for note in notes)
    about = _ABOUT + contents + (f"\nNotes:\n{noted}" if noted else "")
    return {"about.txt": about, **texts}


_ABOUT = f"""\
A bug report of bootmenu {__version__}: what is known of the machine, and what was found on its partitions.

Removed, wherever they stand: passwords, PINs, keys, tokens and their hashes, seeds, serial numbers, machine ids,
and hardware addresses. Left in, since entries are written with them: names, labels and UUIDs of partitions, paths of
files, and kernel command lines. Look through the files before you publish them.

"""


def bundle(texts: Mapping[str, str], name: str) -> bytes:
    """A .tar.gz with one folder `name`; the same texts give the same bytes."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file, tarfile.open(fileobj=file, mode="w") as tar:
        for path, text in texts.items():
            data = text.encode("utf-8", "backslashreplace")
            member = tarfile.TarInfo(f"{name}/{path}")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return packed.getvalue()


def _json(value: object) -> str:
    return reports.json_text(cleaned(value), indent=1) + "\n"


def _bounded(text: str) -> str:
    if len(text) <= _LARGEST:
        return text
    return text[:_LARGEST] + f"\n... cut here: {len(text) - _LARGEST:,} more characters\n"


def _versions(machine: MachineFacts) -> str:
    rows = {
        "bootmenu": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in ("textual", "rich", "pyelftools", "zstandard", "lz4")},
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
    """Without serial numbers and WWNs: the columns are named."""
    try:
        done = host.commands.run(["lsblk", "--ascii", "--output", _COLUMNS], timeout=20)
    except BootmenuError as error:
        return f"lsblk: {error.message}\n"
    return done.stdout[:_LARGEST].decode("utf-8", "replace") or f"lsblk: {done.error_text}\n"


def _kernel_log(host: Host) -> str:
    lines = host.log.lines()
    if lines is None:
        return "The kernel log may not be read.\n"
    wanted = [line for line in lines if _INTERESTING.search(line)]
    return "".join(f"{line}\n" for line in wanted[-_LINES:])


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            file.seek(max(0, size - _LOG))
            return file.read(_LOG).decode("utf-8", "replace")
    except OSError as error:
        return f"There is no log: {error.strerror}.\n"
