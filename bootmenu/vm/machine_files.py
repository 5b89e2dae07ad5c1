# SPDX-License-Identifier: MIT
"""Download and make what the virtual machine starts: the first stage, and the disk of sample systems.

Everything is kept in bootmenu's cache, and downloaded packages are shared with `bootmenu image build`:

    apt/SUITE-ARCH         package lists and packages
    roots/SUITE-ARCH-...   the unpacked packages of the first stage
    samples/SUITE-ARCH     kernels of the sample systems
    machine/SUITE-ARCH     the finished files, for one state of bootmenu's own files

Each is made beside its place and renamed, so that an interruption at any time leaves nothing half done.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.metadata
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import bootmenu
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image import SUITE, apt, debian
from bootmenu.image.apt import Apt, Package
from bootmenu.image.build import BuildOptions, Compress, build
from bootmenu.image.lock_file import alone
from bootmenu.image.process_runner import FULL, NO_SPACE, Runner, output
from bootmenu.image.rootfs import Root
from bootmenu.model.text import megabytes
from bootmenu.model.value import Value
from bootmenu.view.progress_bar import SILENT, ProgressBar
from bootmenu.vm import whole_files
from bootmenu.vm.disk_image import write_disk
from bootmenu.vm.emulator import HARDWARE
from bootmenu.vm.sample_disk import SampleFiles, SampleKernel, partitions

CACHES = ("apt", "roots", "samples", "machine")
"""Folders of the cache that `clean` removes."""
_SYSTEMS = {"bookworm": "Debian 12", "trixie": "Debian 13", "sid": "Debian sid"}
"""What the sample systems are called, by the suite of their kernel."""
_SIZES = "sizes.json"
_STUB = "systemd-boot-efi"


class Sample(Value, kw_only=True):
    """One file of a Debian package that the sample systems need."""

    suite: str
    architecture: str
    package: str
    """A package, or one that only depends on the kernel with its version."""
    pattern: str
    """The file's path in the package."""

    def folder(self, cache: Path) -> Path:
        """Return where the file is kept."""
        return cache / "samples" / f"{self.suite}-{self.architecture}" / self.package

    def record(self, cache: Path) -> Path:
        """Return where its size is kept."""
        folder = self.folder(cache)
        return folder.with_name(f"{folder.name}.json")

    def file(self, cache: Path) -> Path | None:
        """Return the file, or None if it was not downloaded yet, or is no longer whole."""
        folder = self.folder(cache)
        found = sorted(folder.glob("*"))
        return found[0] if found and whole_files.are_whole(folder, self.record(cache)) else None


class MachineFiles(Value, kw_only=True):
    """What to make, and where it is."""

    cache: Path
    """bootmenu's folder in the user's cache."""
    architecture: str
    suite: str
    mirror: str | None = None
    """None for the host's Debian sources."""

    @property
    def folder(self) -> Path:
        """Return where the finished files are, for this state of bootmenu."""
        return self.cache / "machine" / f"{self.suite}-{self.architecture}" / _state()

    @property
    def kernel(self) -> Path:
        """Return the first stage's kernel."""
        return self.folder / "vmlinuz"

    @property
    def initrd(self) -> Path:
        """Return the first stage."""
        return self.folder / "first-stage.cpio"

    @property
    def disk(self) -> Path:
        """Return the disk with the sample systems."""
        return self.folder / "disk.img"

    def are_made(self) -> bool:
        """Return whether nothing is left to download or to make."""
        return whole_files.are_whole(self.folder, self.folder / _SIZES)

    def make(self, runner: Runner, progress: ProgressBar) -> None:
        """Download and make what is missing. Raise BootmenuError if something cannot be downloaded or written."""
        if self.suite not in _SYSTEMS:
            raise UsageError(f"there are no sample systems of {self.suite}", f"There are: {', '.join(_SYSTEMS)}.")
        top = self.folder.parent
        try:
            top.mkdir(parents=True, exist_ok=True)
            with alone(top.with_name(f"{top.name}.lock"), progress):
                if not self.are_made():
                    self._make(runner, progress)
        except OSError as error:
            hint = NO_SPACE if error.errno in FULL else "Set XDG_CACHE_HOME to a folder elsewhere."
            raise BootmenuError(f"{error.filename or self.cache}: {error.strerror}", hint) from error

    def _make(self, runner: Runner, progress: ProgressBar) -> None:
        with alone(self.cache / "apt" / debian.DOWNLOADS, progress):
            root = self._download(runner, progress)
        for old in self.folder.parent.iterdir():
            shutil.rmtree(old)
        fresh = self.folder.with_suffix(".new")
        fresh.mkdir()
        try:
            self._fill(fresh, root, runner, progress)
            whole_files.note(fresh.iterdir(), fresh / _SIZES)
            fresh.rename(self.folder)
        except BootmenuError as error:
            error.hint = error.hint or "If what is kept was damaged, begin anew with: bootmenu vm --clean"
            raise
        finally:
            shutil.rmtree(fresh, ignore_errors=True)  # half of it, unless it has its name
        progress(f"{self.cache} holds {megabytes(kept(self.cache))}; bootmenu vm --clean removes it")

    def _fill(self, fresh: Path, root: Path, runner: Runner, progress: ProgressBar) -> None:
        progress("making the first stage (an initramfs that starts the menu)")
        options = BuildOptions(
            output=fresh / self.initrd.name,
            kernel_output=fresh / self.kernel.name,
            root=root,
            compress=Compress.NONE,  # unpacking takes an emulated processor longer than reading
            cache=self.cache,
        )
        build(options, runner, SILENT)
        progress("making the disk with the sample systems")
        write_disk(fresh / self.disk.name, partitions(self._sample_files(root)), fresh / "work", runner)
        shutil.rmtree(fresh / "work")

    def _download(self, runner: Runner, progress: ProgressBar) -> Path:
        """Download the packages that are missing, and return the unpacked tree of the first stage."""
        selection = debian.Selection(kernel=f"linux-image-cloud-{self.architecture}")
        root = self.cache / "roots" / f"{self.suite}-{self.architecture}-{selection.kernel}"
        missing = [sample for sample in self._samples() if sample.file(self.cache) is None]
        has_root = debian.is_unpacked(root)
        if has_root and not missing:
            return root
        progress("reading Debian's package lists")
        here = (self.suite, self.architecture)
        wanted = [(sample.suite, sample.architecture) for sample in missing]
        places = dict.fromkeys([*([] if has_root else [here]), *wanted])
        archives = {place: self._archive(*place, runner) for place in places}
        packages = [] if has_root else debian.choose(archives[here], selection)
        real = [_real(sample.package, archives[place]) for sample, place in zip(missing, wanted, strict=True)]
        needed = {
            place: [
                *(packages if place == here else []),
                *(package for package, at in zip(real, wanted, strict=True) if at == place),
            ]
            for place in archives
        }
        size = sum(package.size for place, archive in archives.items() for package in archive.missing(needed[place]))
        if size:
            progress(f"to download, once: {megabytes(size)} of Debian's packages for {self.architecture}")
            progress("Ctrl-C stops; the next start goes on from there")
        files = {place: archive.download(needed[place], progress) for place, archive in archives.items()}
        if packages:
            debian.unpack([(package, files[here][package.name]) for package in packages], root, runner, progress)
        for sample, package, place in zip(missing, real, wanted, strict=True):
            self._keep(sample, files[place][package.name], runner)
        return root

    def _archive(self, suite: str, architecture: str, runner: Runner) -> Apt:
        sources = apt.choose_sources(suite, self.mirror, apt.host_source_files())
        folder = self.cache / "apt" / f"{suite}-{architecture}"
        archive = Apt(folder, architecture=architecture, sources=sources, runner=runner)
        archive.update()
        return archive

    def _keep(self, sample: Sample, file: Path, runner: Runner) -> None:
        """Keep the one file of a downloaded package; the rest of it is of no use."""
        target = sample.folder(self.cache)
        unpacked, fresh = target.with_suffix(".unpacked"), target.with_suffix(".new")
        for folder in (unpacked, fresh, target):
            shutil.rmtree(folder, ignore_errors=True)
        fresh.mkdir(parents=True)
        output(runner, ["dpkg-deb", "-x", str(file), str(unpacked)], timeout=600)
        found = sorted(unpacked.glob(sample.pattern))
        if not found:
            raise BootmenuError(f"{file.name} has no {sample.pattern}")
        found[0].rename(fresh / found[0].name)
        with (fresh / found[0].name).open("rb") as kept_file:
            os.fsync(kept_file.fileno())
        whole_files.note(fresh.iterdir(), sample.record(self.cache))
        fresh.rename(target)
        shutil.rmtree(unpacked)
        file.unlink()

    def _samples(self) -> Iterator[Sample]:
        yield self._older
        yield self._unsuitable
        yield self._stub

    @property
    def _older(self) -> Sample:
        suite = "trixie" if self.suite == "bookworm" else "bookworm"
        return _kernel(suite, self.architecture, f"linux-image-cloud-{self.architecture}")

    @property
    def _unsuitable(self) -> Sample:
        if self.architecture == "arm64":
            return _kernel("trixie", "arm64", "linux-image-arm64-16k")  # Debian 12 has none
        return _kernel(self.suite, "arm64", "linux-image-cloud-arm64")

    @property
    def _stub(self) -> Sample:
        pattern = "usr/lib/systemd/boot/efi/linux*.efi.stub"
        return Sample(suite=self.suite, architecture=self.architecture, package=_STUB, pattern=pattern)

    def _sample_files(self, root: Path) -> SampleFiles:
        tree, hardware = Root(root), HARDWARE[self.architecture]
        busybox = tree.first("/usr/bin/busybox", "/bin/busybox")
        current = next((path for path in tree.files("/boot") if "/vmlinuz-" in path), None)
        if busybox is None or current is None:
            raise BootmenuError(f"{root} lacks busybox or the kernel", "Begin anew with: bootmenu vm --clean")
        stub = self._stub.file(self.cache)
        assert stub is not None
        why = "16K pages: not on this CPU" if self.architecture == "arm64" else "For arm64: not on this CPU"
        return SampleFiles(
            current=_described(_SYSTEMS[self.suite], Path(tree.folder, current.lstrip("/"))),
            older=_described(_SYSTEMS[self._older.suite], self._older.file(self.cache)),
            unsuitable=_described(why, self._unsuitable.file(self.cache)),
            stub=stub.read_bytes(),
            busybox=tree.read(busybox),
            options=f"console={hardware.console} {hardware.options} panic=10",
        )


def default_suite() -> str:
    """Return the suite whose Python is this one, with which the first stage gets bytecode, or today's stable."""
    try:
        return debian.suite_with_this_python()
    except UsageError:
        return SUITE


def clean(cache: Path) -> int:
    """Remove what was downloaded and made, and return how many bytes that was. Raise BootmenuError on failure."""
    freed = kept(cache)
    for name in CACHES:
        try:
            shutil.rmtree(cache / name)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise BootmenuError(f"{error.filename or cache / name} cannot be removed: {error.strerror}") from error
    return freed


def kept(cache: Path) -> int:
    """Return how many bytes of what was downloaded and made are on the disk."""
    size = 0
    for path in (path for name in CACHES for path in (cache / name).rglob("*")):
        with contextlib.suppress(OSError):  # somebody else may be removing it
            status = path.lstat()
            size += status.st_blocks * 512 if stat.S_ISREG(status.st_mode) else 0
    return size


def _kernel(suite: str, architecture: str, package: str) -> Sample:
    return Sample(suite=suite, architecture=architecture, package=package, pattern="boot/vmlinuz-*")


def _described(system: str, file: Path | None) -> SampleKernel:
    assert file is not None
    return SampleKernel(system=system, release=file.name.removeprefix("vmlinuz-"), image=file.read_bytes())


def _real(name: str, archive: Apt) -> Package:
    """Return a package, or the kernel that it depends on. Raise BootmenuError if the archive does not have it."""
    found = archive.show([name])
    package = found.get(name)
    kernels = [] if package is None else [each for each in package.depends if each.startswith("linux-image-")]
    found |= archive.show(kernels) if kernels else {}
    wanted = kernels[0] if kernels else name
    if wanted not in found:
        raise BootmenuError(f"the archive has no package {wanted}", "Try another --mirror, or --suite.")
    return found[wanted]


@functools.cache
def _state() -> str:
    """Return a name for the state of bootmenu's own files, and of what goes into the first stage with them."""
    package = Path(bootmenu.__file__).parent
    digest = hashlib.sha256()
    for top in (package, package.parent / "themes"):
        for path in sorted(top.rglob("*")):
            if path.is_file() and path.suffix not in (".pyc", ".po"):
                digest.update(str(path.relative_to(top)).encode() + b"\0" + path.read_bytes())
    installed = {each.metadata["Name"]: each.version for each in importlib.metadata.distributions()}
    digest.update(json.dumps(installed, sort_keys=True).encode())
    return digest.hexdigest()[:16]
