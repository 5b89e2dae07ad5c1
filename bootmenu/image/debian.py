# SPDX-License-Identifier: MIT
"""Unpack Debian packages of any architecture into a root tree, without running anything from them."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.apt import Apt, Package
from bootmenu.image.lock_file import alone
from bootmenu.image.process_runner import Runner, output
from bootmenu.model.value import Value
from bootmenu.view.progress_bar import SILENT, ProgressBar

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
"""The packages of every first stage; libraries are added as dependencies."""

_WHERE_PRESENT = ("kexec-tools",)
"""Not every suite has it for every architecture (trixie and riscv64), and bootmenu mostly loads kernels itself."""

_KERNELS = {"armhf": "armmp", "i386": "686", "ppc64el": "powerpc64le"}
"""Debian's names of kernels, by architecture, where they differ."""

_PYTHONS = {(3, 11): "bookworm", (3, 13): "trixie", (3, 14): "sid"}
"""Which suite has which Python."""

DOWNLOADS = "downloads.lock"
"""Beside the folders of the private apts: who downloads or unpacks anything holds it."""
_STAMP = ".bootmenu-packages.json"
# Follow only dependencies whose files can be needed in the image: shared libraries and Python.
# Tools for maintainer scripts (debconf, dpkg, perl) are in other sections.
_FOLLOWED_SECTIONS = ("libs", "oldlibs", "python")
_KERNEL_PARTS = ("linux-image-", "linux-modules-", "linux-binary-", "linux-base-")
"""How the packages of one kernel begin; linux-base-VERSION has its configuration and the list of what is built in."""


def suite_with_this_python() -> str:
    """Return the suite with the Python of this process. Raise UsageError if none has it."""
    suite = _PYTHONS.get(sys.version_info[:2])
    if suite is None:
        raise UsageError(
            f"no Debian suite has Python {sys.version_info.major}.{sys.version_info.minor}",
            f"Name one instead of --suite auto: {', '.join(_PYTHONS.values())}.",
        )
    return suite


def kernel_package(architecture: str) -> str:
    """Return the package of an architecture's usual kernel. architecture: Debian's name."""
    return f"linux-image-{_KERNELS.get(architecture, architecture)}"


class Selection(Value, kw_only=True):
    """The packages to unpack."""

    kernel: str
    """Name of a kernel package, or of a meta package that depends on one."""
    extra: tuple[str, ...] = ()

    @property
    def wanted(self) -> tuple[str, ...]:
        """Return the requested names, without dependencies."""
        return (*BASE_PACKAGES, *self.extra, self.kernel)


def resolve(selection: Selection, show: Callable[[Sequence[str]], dict[str, Package]]) -> tuple[Package, ...]:
    """Return the selected packages with those dependencies that may contribute files, sorted by name.

    show: looks up names in the archive (``Apt.show``).
    Raise UsageError if a requested package does not exist.
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
                if name in selection.wanted and name not in _WHERE_PRESENT:
                    raise UsageError(
                        f"the archive has no package {name}",
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


def is_unpacked(root: Path) -> bool:
    """Return whether packages were unpacked into ``root``, completely."""
    with contextlib.suppress(OSError, ValueError):
        return bool(json.loads((root / _STAMP).read_text("utf-8")))
    return False


def unpack(files: Sequence[tuple[Package, Path]], root: Path, runner: Runner, progress: ProgressBar = SILENT) -> None:
    """Unpack the packages into ``root``, unless exactly these are already unpacked there.

    Raise UsageError if ``root`` has other content, to avoid overwriting a real system.
    """
    state = {package.name: package.sha256 for package, _ in files}
    stamp = root / _STAMP
    if stamp.is_file():
        if json.loads(stamp.read_text("utf-8")) == state:
            return
        shutil.rmtree(root)
    elif root.exists() and any(root.iterdir()):
        raise UsageError(
            f"{root} is not empty and was not made by bootmenu: packages will not be unpacked over it",
            "Give --root a new or empty folder, or leave --debian out to take files from an existing system.",
        )
    if shutil.which("dpkg-deb") is None:
        raise BootmenuError("dpkg-deb is missing, so Debian packages cannot be unpacked", "Install the package dpkg.")
    root.mkdir(parents=True, exist_ok=True)
    stamp.write_text("{}", "utf-8")  # so that after an interruption the tree is recognised and unpacked again
    with progress.task(f"unpacking {len(files)} packages", sum(package.size for package, _ in files)) as task:
        for package, path in files:
            output(runner, ["dpkg-deb", "-x", str(path), str(root)], timeout=300)
            task.advance(package.size)
    stamp.write_text(json.dumps(state), "utf-8")


def choose(apt: Apt, selection: Selection) -> tuple[Package, ...]:
    """Return the packages like `resolve`. If one is missing, the archive's lists are fetched anew next time."""
    try:
        return resolve(selection, apt.show)
    except BootmenuError:
        apt.forget()
        raise


def prepare(apt: Apt, selection: Selection, root: Path, runner: Runner, progress: ProgressBar) -> None:
    """Download the selected packages and unpack them into ``root``; wait while another process does."""
    with alone(apt.folder.with_name(DOWNLOADS), progress):
        progress("reading Debian's package lists")
        apt.update()
        packages = choose(apt, selection)
        files = apt.download(packages, progress)
        unpack([(package, files[package.name]) for package in packages], root, runner, progress)
