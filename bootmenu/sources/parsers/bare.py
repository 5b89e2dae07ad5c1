# SPDX-License-Identifier: MIT
"""Kernels that lie about without a configuration, paired with initramfs and device tree by version."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.sources import SOURCES
from bootmenu.sources.tree import LIST_LIMIT, Tree, TreeError, Trouble

_FOLDERS = ("/", "/boot")
_MAX_ENTRIES = 200

_KERNEL = re.compile(r"^(vmlinuz|vmlinux|Image|Image\.gz|kernel)(?:[-.](?P<version>.+))?$")
_NOT_A_KERNEL = re.compile(r"\.(dtb|dtbo|txt|sig|sha256|md5|old-dkms|conf|cfg|map|img|hmac|asc)$")


@SOURCES.register("bare", order=90)
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Files named as kernels are, newest last as the folder sorts; links to them do not count twice."""
    seen: set[tuple[int, int]] = set()
    for folder in _FOLDERS:
        try:
            here = tree.stat(folder)
            names = tree.list(folder)
        except TreeError as error:
            if error.trouble not in (Trouble.MISSING, Trouble.OUTSIDE, Trouble.NOT_A_FOLDER):
                yield Problem(device=tree.device, path=folder, message=error.detail)
            continue
        if here.identity in seen:
            continue
        seen.add(here.identity)
        # names with a version first: /vmlinuz is mostly a link to one of them
        found = [match for name in names if (match := _KERNEL.match(name)) and not _NOT_A_KERNEL.search(name)]
        if len(found) > _MAX_ENTRIES or len(names) >= LIST_LIMIT:
            message = f"holds too many files: the first {len(found[:_MAX_ENTRIES]):,} kernels are listed"
            yield Problem(device=tree.device, path=folder, message=message)
        for match in sorted(found, key=lambda match: match["version"] is None)[:_MAX_ENTRIES]:
            path = f"{folder.rstrip('/')}/{match.string}"
            try:
                info = tree.stat(path)
            except TreeError as error:
                if error.trouble is not Trouble.MISSING:
                    yield Problem(device=tree.device, path=path, message=error.detail)
                continue
            if not info.is_file or info.identity in seen:
                continue
            seen.add(info.identity)
            yield _entry(tree.device, folder.rstrip("/"), match, frozenset(names))


def _entry(device: str, folder: str, match: re.Match[str], names: frozenset[str]) -> BootEntry:
    def first(*candidates: str) -> FileRef | None:
        name = next((name for name in candidates if name in names), None)
        return FileRef(device=device, path=f"{folder}/{name}") if name else None

    version = (match["version"] or "").removesuffix(".gz")
    if version:
        initrd = first(
            f"initrd.img-{version}",
            f"initramfs-{version}.img",
            f"initrd-{version}",
            f"initrd-{version}.img",
            f"initramfs-{version}",
        )
        dtb = first(f"dtb-{version}")
    else:
        initrd = first("initrd.img", "initramfs.img", "initrd", "initramfs-linux.img")
        dtb = None
    return BootEntry(
        id=f"{folder}/{match.string}",
        title=match.string,
        source="bare",
        device=device,
        kernel=FileRef(device=device, path=f"{folder}/{match.string}"),
        initrds=(initrd,) if initrd else (),
        dtb=dtb,
    )
