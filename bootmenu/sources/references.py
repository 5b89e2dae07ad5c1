# SPDX-License-Identifier: MIT
"""Convert the names by which configurations refer to other partitions to a canonical form.

The forms are: a kernel name (`sda1`, `vg-root`), `uuid=...`, `label=...`, `partuuid=...`, `partlabel=...` (UUIDs in
lower case), GRUB's `hd0,gpt2`, and `file=/path` for the partition that holds that file. Discovery resolves them when
it finds such a device.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import FileRef
from bootmenu.model.regex import regex
from bootmenu.sources.tree import Tree, normal

_KINDS = ("uuid", "label", "partuuid", "partlabel")
_GRUB = regex(r"^\(?(hd\d{1,3}(?:,(?:gpt|msdos|apple|bsd)?\d{1,3})?)\)?$")

GUID = regex(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def canonical(text: str) -> str:
    """Return the canonical form of a partition's name.

    `UUID=ABCD-12` → `uuid=abcd-12`, `/dev/disk/by-label/BOOT` → `label=BOOT`, `/dev/sda1` → `sda1`,
    `(hd0,gpt2)` → `hd0,gpt2`; anything else is taken for a kernel name. A subvolume or an image file that follows, as
    in `UUID=ABCD-12:/@`, is kept."""
    text = text.strip()
    outer, slash, inside = text.partition(":/")
    if slash:
        return f"{canonical(outer)}:/{inside}"
    kind, equals, value = text.partition("=")
    if equals and kind.lower() in _KINDS:
        return named(kind.lower(), value.strip("\"'"))
    if grub := _GRUB.match(text):
        return grub[1]
    if not text.startswith("/dev/"):
        return text
    folder, _, name = text.removeprefix("/dev/").rpartition("/")
    if folder.startswith("disk/by-") and folder[8:] in _KINDS:
        return named(folder[8:], unescaped(name))
    if folder and "/" not in folder and folder != "mapper":
        # /dev/VG/LV is /dev/mapper/VG-LV, in which the dashes of the names are doubled (lvm(8), VALID NAMES)
        return f"{folder.replace('-', '--')}-{name.replace('-', '--')}"
    return name


def grub_name(names: Iterable[str]) -> str:
    """Return the name that GRUB has for a partition, such as `hd0,gpt2`, among all its names, or empty."""
    return next(filter(_GRUB.match, names), "")


def named(kind: str, value: str) -> str:
    """Return the canonical form for a kind of name: `uuid`, `label`, `partuuid` or `partlabel`."""
    return f"{kind}={value.lower() if kind.endswith('uuid') else value}"


_UUID_OF_FAT = regex(r"[0-9a-f]{4}-[0-9a-f]{4}|[0-9a-f]{16}")


def written(uuid: str) -> str:
    """Return a file system's UUID as libblkid and GRUB write it: those of FAT, exFAT and NTFS in upper case."""
    return uuid.upper() if _UUID_OF_FAT.fullmatch(uuid) else uuid


def unescaped(name: str) -> str:
    """Undo udev's escapes of special characters, such as \\x20."""
    return re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), name)


class FileNameError(BootmenuError):
    """Raised for a text that is not a file name with an optional partition."""


def file_name(text: str) -> tuple[str, str]:
    """Split `PARTITION:/path` into (canonical partition, path); the partition is empty for `/path`.

    Split at the last `:/`, since the name of a subvolume or an image file contains another: `sda2:/@:/vmlinuz`. Raise
    FileNameError.
    """
    outer, slash, _ = text.partition(":/")
    if not slash or (text.startswith("/") and not text.startswith("/dev/")):
        if not text.startswith("/"):
            raise FileNameError(f"“{text[:60]}” names no file", "Write PARTITION:/path, or /path.")
        device, path = "", text
    else:
        device, _, path = text.rpartition(":/")
        if not outer.strip() or ("/" in outer and not outer.startswith("/dev/") and "=" not in outer):
            raise FileNameError(f"“{outer[:60]}” is not the name of a partition", "Write PARTITION:/path, or /path.")
        device = canonical(device)
        kind, equals, value = device.partition("=")
        if (equals and (kind not in _KINDS or not value)) or not device or device.startswith(":/"):
            raise FileNameError(
                f"“{outer[:60]}” is not the name of a partition",
                "Write sda1, /dev/sda1, UUID=, LABEL=, PARTUUID= or PARTLABEL=.",
            )
    # unlike `normal`, keep backslashes, which are valid in file names on Linux
    path = "/" + "/".join(part for part in path.split("/") if part not in ("", "."))
    if path == "/":
        raise FileNameError(f"“{text[:60]}” names no file", "Write PARTITION:/path, or /path.")
    return device, path


def joined(device: str, path: str) -> str:
    """Join what `file_name` splits: `sda1:/boot/vmlinuz`, or `/boot/vmlinuz` if the partition is empty."""
    return f"{device}:{path}" if device else path


_NETWORK = regex(r"^(?:[A-Za-z][A-Za-z0-9+.-]*://|[^/:\\]+::)")
_ELSEWHERE = regex(
    r"^(?:(?P<device>/dev/[^:]+|(?:UUID|LABEL|PARTUUID|PARTLABEL)=[^:]+):"  # these cannot be file names
    r"|(?P<name>[^/:\\]+):(?=[/\\])"
    r"|(?P<grub>\(hd[^)/]{1,20}\))(?=[/\\]))(?P<path>.*)$",
    re.IGNORECASE | re.DOTALL,
)


def located(tree: Tree, text: str, folder: str = "/") -> FileRef:
    """Return the file that a configuration on `tree` refers to as `path`, `DEVICE:path` or `(hd0,gpt2)/path`.

    A relative path is relative to `folder` on its own partition, and to the root on another one. Raise BootmenuError
    for a file on the network.
    """
    # pxelinux.txt: "::filename" is relative to the server's root, which is this partition's here
    if text.startswith("::"):
        return FileRef(device=tree.device, path=normal(text[2:]))
    if _NETWORK.match(text):
        raise BootmenuError(f"“{text[:60]}” is on the network, which is not supported")
    if not (match := _ELSEWHERE.match(text)):
        return FileRef(device=tree.device, path=normal(text, folder))
    device = canonical(match["device"] or match["name"] or match["grub"])
    return FileRef(device=tree.device if device in tree.names else device, path=normal(match["path"]))
