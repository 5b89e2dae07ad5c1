# SPDX-License-Identifier: MIT
"""Debian packages of any architecture → an unpacked root tree. Nothing from the packages is ever run."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.apt import Apt, Package
from bootmenu.image.process_runner import Runner, output
from bootmenu.model.value import Value

BASE_PACKAGES = (
    "python3-minimal",
    "libpython3-stdlib",
    "python3-zstandard",
    "python3-lz4",
    "kexec-tools",
    "busybox-static",
    "util-linux",
    "device-tree-compiler",
)
"""What every first stage is made of; libraries come by following dependencies."""

_STAMP = ".bootmenu-packages.json"
# A dependency is worth a download only when files of it can end up in the image: shared libraries and Python.
# Tools that maintainer scripts want (debconf, dpkg, perl) are in other sections.
_FOLLOWED_SECTIONS = ("libs", "oldlibs", "python")
_KERNEL_PARTS = ("linux-image-", "linux-modules-", "linux-binary-")


class Selection(Value, kw_only=True):
    """Which packages to unpack."""

    kernel: str
    """Name of a kernel package or of the meta package that depends on one."""
    extra: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """Names asked for directly, without what they depend on."""
        return (*BASE_PACKAGES, *self.extra, self.kernel)


def resolve(selection: Selection, show: Callable[[Sequence[str]], dict[str, Package]]) -> tuple[Package, ...]:
    """The wanted packages with the dependencies that may contribute files, sorted by name.

    show: looks names up in the archive (``Apt.show``).
    Raises UsageError when a wanted package does not exist.
    """
    known: dict[str, Package] = {}
    asked: set[str] = set()
    level = list(dict.fromkeys(selection.wanted))
    while level:
        asked.update(level)
        answers = show(level)
        following: list[str] = []
        for name in level:
            package = answers.get(name)
            if package is None:
                if name in selection.wanted:
                    raise UsageError(
                        f"The archive has no package {name}.",
                        "Check --suite, --package and --kernel-package.",
                    )
                continue  # a virtual package
            if name not in selection.wanted and not _contributes(package):
                continue
            known[name] = package
            following += [dependency for dependency in package.depends if _is_followed(package, dependency)]
        level = [name for name in dict.fromkeys(following) if name not in asked]
    return tuple(known[name] for name in sorted(known))


def _section(package: Package) -> str:
    return package.section.rpartition("/")[2]


def _contributes(package: Package) -> bool:
    return _section(package) in _FOLLOWED_SECTIONS or package.name.startswith(_KERNEL_PARTS)


def _is_followed(package: Package, dependency: str) -> bool:
    if package.name.startswith(_KERNEL_PARTS):
        return dependency.startswith(_KERNEL_PARTS)
    return True


def unpack(files: Sequence[tuple[Package, Path]], root: Path, runner: Runner) -> None:
    """Unpack the packages into ``root``; nothing happens when exactly these are unpacked there already.

    Raises UsageError when ``root`` has foreign content, so that no real system is overwritten.
    """
    state = {package.name: package.sha256 for package, _ in files}
    stamp = root / _STAMP
    if stamp.is_file():
        if json.loads(stamp.read_text("utf-8")) == state:
            return
        shutil.rmtree(root)
    elif root.exists() and any(root.iterdir()):
        raise UsageError(
            f"{root} is not empty and was not made by bootmenu: packages will not be unpacked over it.",
            "Give --root a new or empty folder, or leave --debian out to take files from an existing system.",
        )
    if shutil.which("dpkg-deb") is None:
        raise BootmenuError(
            "dpkg-deb is missing, so Debian packages cannot be unpacked.", "Install the package dpkg."
        )
    root.mkdir(parents=True, exist_ok=True)
    stamp.write_text("{}", "utf-8")  # an interrupted unpacking is known as ours and done again
    for _, path in files:
        output(runner, ["dpkg-deb", "-x", str(path), str(root)], timeout=300)
    stamp.write_text(json.dumps(state), "utf-8")


def prepare(apt: Apt, selection: Selection, root: Path, runner: Runner, say: Callable[[str], None]) -> None:
    """Download and unpack everything of the selection into ``root``.

    say: takes progress lines.
    """
    say("reading Debian's package lists")
    apt.update()
    packages = resolve(selection, apt.show)
    size = sum(package.size for package in packages)
    say(f"getting {len(packages)} packages, {size / 1e6:.1f} MB unless they are in the cache")
    files = apt.download(packages)
    say(f"unpacking into {root}")
    unpack([(package, files[package.name]) for package in packages], root, runner)
