# SPDX-License-Identifier: MIT
"""Debian trees from Debian's packages, and in them the configurations that its own tools write.

mmdebstrap makes each tree natively, as root or in a namespace of its user's. The arm64 system is the amd64 one with
arm64's packages unpacked over it: to run their scripts in an emulator would take ten minutes.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootmenu.demo.builders import board_tree
from bootmenu.image.apt import Apt, AptSource, choose_sources, host_source_files
from bootmenu.model.value import replace
from bootmenu.system.processes import Commands
from tests.builders.entries import whole_image
from tests.builders.kernels import bzimage
from tests.vm.stages import ROOT_UUID

BOARD = ("raspberrypi,4-model-b", "brcm,bcm2711")
"""What the device tree of the trees says."""
SYSTEM_SIZE = 700
"""MiB."""
PASSWORD = "correct-horse"
"""Of root, as make-trees.sh sets it."""
_SCRIPT = Path(__file__).parent / "chroot" / "make-trees.sh"
_LEFT_OUT = ("doc", "locale", "man")
"""Folders of /usr/share."""
_X86_64 = b"\x3e\x00"
"""e_machine of an ELF file, at offset 18."""
_LOADERS = ("ld-linux-*.so.*", "klibc-*.so")
"""What programs are started by; its name says the architecture, or is another on each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """A Debian release, and what is installed of it."""

    name: str
    packages: tuple[str, ...]
    architectures: tuple[str, ...] = ("amd64",)


BOOKWORM = Suite(
    name="bookworm",
    packages=("grub2-common", "kmod", "mount", "raspi-firmware", "systemd", "systemd-boot", "u-boot-menu"),
)
TRIXIE = Suite(
    name="trixie",
    packages=(
        "busybox",
        "grub2-common",
        "initramfs-tools",
        "kmod",
        "linux-image-cloud-amd64:amd64",
        "linux-image-cloud-arm64:arm64",
        "login",
        "mount",
        "passwd",
        "raspi-firmware",
        "systemd-boot",
        "systemd-boot-efi",
        "systemd-sysv",
        "systemd-ukify",
        "u-boot-menu",
        "udev",
        "zstd",
    ),
    architectures=("amd64", "arm64"),
)


def installed(suite: Suite, cache: Path) -> Path:
    """A folder with `trees`, as make-trees.sh left them, made once for each set of versions.

    Of a suite with kernels also `amd64.img` and `arm64.img`, ext4 file systems with the systems themselves.
    """
    with (cache / f"debian-{suite.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two tests may want it at the same time
        return _installed(suite, cache)


def _installed(suite: Suite, cache: Path) -> Path:
    archives = {name: _archive(suite, name, cache) for name in suite.architectures}
    state = hashlib.sha256(_SCRIPT.read_bytes() + Path(__file__).read_bytes())
    for name, archive in archives.items():
        wanted = [
            package for package, _, only in (item.partition(":") for item in suite.packages) if only in ("", name)
        ]
        known = archive.show(wanted)
        # the package of a kernel depends on the one with its version
        versions = {key: (known[key].version, known[key].depends) for key in sorted(known)}
        state.update(json.dumps(versions).encode())
    top = cache / f"debian-{suite.name}"
    top.mkdir(exist_ok=True)
    made = top / state.hexdigest()[:16]
    if not made.exists():
        for old in top.iterdir():
            shutil.rmtree(old)
        fresh = made.with_suffix(".new")
        fresh.mkdir()
        _install(suite, fresh)
        if "arm64" in archives:
            _make_systems(fresh, archives["arm64"])
        (fresh / "all.tar").unlink()
        fresh.rename(made)
    return made


def netboot(architecture: str, cache: Path) -> Path:
    """The root of the TFTP server that debian-installer-12-netboot-ARCHITECTURE is made for."""
    name = f"debian-installer-12-netboot-{architecture}"
    archive = _archive(BOOKWORM, "amd64", cache)
    package = archive.show([name])[name]
    made = cache / name / hashlib.sha256(package.version.encode()).hexdigest()[:16]
    if not made.exists():
        shutil.rmtree(made.parent, ignore_errors=True)
        fresh = made.with_suffix(".new")
        fresh.mkdir(parents=True)
        file = archive.download([package])[name]
        _run(["dpkg-deb", "-x", file, fresh])
        file.unlink()
        shutil.rmtree(fresh / f"usr/lib/debian-installer/images/12/{architecture}/gtk")
        fresh.rename(made)
    return made / f"usr/lib/debian-installer/images/12/{architecture}/text"


def _sources(suite: Suite) -> tuple[AptSource, ...]:
    found = choose_sources(suite.name, None, host_source_files())
    # raspi-firmware comes with firmware that is not free
    return tuple(replace(source, components=("main", "non-free-firmware")) for source in found)


def _archive(suite: Suite, architecture: str, cache: Path) -> Apt:
    folder = cache / "apt" / f"{suite.name}-{architecture}-firmware"
    archive = Apt(folder, architecture=architecture, sources=_sources(suite), runner=Commands())
    archive.update()
    return archive


def _run(argv: Sequence[str | Path], *, folder: Path | None = None, data: bytes | None = None) -> bytes:
    done = subprocess.run([str(part) for part in argv], cwd=folder, input=data, capture_output=True, timeout=1200)
    assert done.returncode == 0, f"{argv[0]}: {done.stderr.decode('utf-8', 'replace')[-4000:]}"
    return done.stdout


def _install(suite: Suite, fresh: Path) -> None:
    given = fresh / "given"
    given.mkdir()
    (given / "arm64").write_bytes(whole_image())
    (given / "amd64").write_bytes(bzimage(0x20F, 1))
    (given / "board.dtb").write_bytes(board_tree(list(BOARD)).to_bytes())
    argv: list[str | Path] = ["mmdebstrap", "--quiet", "--variant=essential", "--format=tar"]
    argv += [f"--architectures={','.join(suite.architectures)}", f"--include={','.join(suite.packages)}"]
    argv += [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in _LEFT_OUT]
    argv += ["--dpkgopt=force-unsafe-io", '--aptopt=APT::Install-Recommends "false"']
    argv += [f"--customize-hook=copy-in {shlex.quote(str(given))} {shlex.quote(str(_SCRIPT))} /"]
    argv += ['--customize-hook=chroot "$1" sh -x /make-trees.sh', suite.name, fresh / "all.tar"]
    for source in _sources(suite):
        line = source.line(suite.architectures[0])
        argv += [line.replace(f"arch={suite.architectures[0]}", f"arch={','.join(suite.architectures)}").strip()]
    _run(argv)
    _run(["tar", "-C", fresh, "-xf", fresh / "all.tar", "./trees"])


def _make_systems(fresh: Path, archive: Apt) -> None:
    _run(["tar", "-C", fresh, "-xf", fresh / "all.tar", "./systems"])
    _extract(fresh, "amd64", without=["*-cloud-arm64*"])
    _extract(
        fresh,
        "arm64",
        without=[
            "*-cloud-amd64*",
            "./usr/lib/x86_64-linux-gnu",
            "./usr/lib64",
            "./usr/lib/klibc*",
            "./etc/ld.so.cache",
        ],
    )
    packages = list(archive.show((fresh / "systems" / "packages").read_text().split()).values())
    for file in archive.download(packages).values():
        _run(["dpkg-deb", "-x", file, fresh / "arm64"])
    for folder in _LEFT_OUT:
        shutil.rmtree(fresh / "arm64/usr/share" / folder)
    initramfs = fresh / "systems" / "initramfs"
    _exchange_programs(initramfs, fresh / "amd64", fresh / "arm64")
    (kernel,) = (fresh / "arm64/boot").glob("vmlinuz-*")
    names = _run(["find", "."], folder=initramfs)
    packed = _run(["cpio", "-o", "-H", "newc", "-R", "+0:+0", "--quiet"], folder=initramfs, data=names)
    kernel.with_name(kernel.name.replace("vmlinuz", "initrd.img")).write_bytes(packed)
    as_root = [] if os.geteuid() == 0 else ["unshare", "--map-root-user"]
    for name in ("amd64", "arm64"):
        for folder in ("etc", "var"):
            (fresh / name / folder / ".updated").touch()  # nor does it have to do again what the packages did
        image = fresh / f"{name}.img"
        _run([*as_root, "/sbin/mkfs.ext4", "-q", "-U", ROOT_UUID, "-d", fresh / name, image, f"{SYSTEM_SIZE}M"])
        shutil.rmtree(fresh / name)
    shutil.rmtree(fresh / "systems")


def _extract(fresh: Path, name: str, without: Sequence[str]) -> None:
    """Make a system's root of what was installed, with its own /boot."""
    root = fresh / name
    root.mkdir()
    left_out = [f"--exclude={pattern}" for pattern in ("./dev/*", "./trees", "./systems", *without)]
    _run(["tar", "-C", root, "--numeric-owner", *left_out, "-xf", fresh / "all.tar"])
    (fresh / "systems" / name / "boot").rename(root / "boot")
    # an emulated machine that shares its host needs longer for a serial line than systemd waits
    settings = root / "etc/systemd/system.conf.d/slow.conf"
    settings.parent.mkdir(exist_ok=True)
    settings.write_text("[Manager]\nDefaultDeviceTimeoutSec=15min\nDefaultTimeoutStartSec=15min\n")
    # without logind: six logins on screens that it does not have
    (root / "etc/systemd/system/getty-static.service").symlink_to("/dev/null")


def _exchange_programs(initramfs: Path, ours: Path, theirs: Path) -> None:
    """Put arm64's programs in the place of amd64's: a file of an initramfs is known by its bytes, not by its name."""
    places = {_digest(path): str(path.relative_to(ours)) for path in _programs(ours)}
    libraries = initramfs / "usr/lib"
    (libraries / "x86_64-linux-gnu").rename(libraries / "aarch64-linux-gnu")
    for loader in _LOADERS:
        for path in [*initramfs.rglob(loader)]:
            path.unlink()
        for path in (theirs / "usr/lib").glob(loader):
            shutil.copy(path, libraries / path.name)
    for path in _programs(initramfs):
        place = places[_digest(path)].replace("x86_64-linux-gnu", "aarch64-linux-gnu")
        path.write_bytes((theirs / place).read_bytes())  # under all its names: busybox has hundreds


def _programs(folder: Path) -> Iterator[Path]:
    """Yield amd64's programs and libraries below a folder."""
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                head = file.read(20)
            if head.startswith(b"\x7fELF") and head[18:] == _X86_64:
                yield path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
