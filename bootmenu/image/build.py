# SPDX-License-Identifier: MIT
"""Build a first-stage initramfs: turn a root tree into a compressed cpio archive and a kernel."""

from __future__ import annotations

import lzma
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import assert_never

import zstandard

from bootmenu.config.settings import FIRST_STAGE_CMDLINE, FIRST_STAGE_MODULES
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.formats.initramfs import FIRST_STAGE
from bootmenu.image import (
    AUTO,
    SUITE,
    apt,
    cpio,
    debian,
    firmware_files,
    image_file,
    image_parts,
    included_files,
    kernel_modules,
    output_files,
    shared_libraries,
    signing,
    unified_kernel,
)
from bootmenu.image.contents import Contents
from bootmenu.image.elf_gaps import without_gaps
from bootmenu.image.module_classes import ALWAYS, ON_DEMAND, ModulesFor
from bootmenu.image.module_stripping import stripped
from bootmenu.image.process_runner import Runner
from bootmenu.image.python_runtime import Packer
from bootmenu.image.rootfs import Root, merged_usr
from bootmenu.model.entry import CommandLine
from bootmenu.model.text import megabytes
from bootmenu.model.value import Value
from bootmenu.view.progress_bar import ProgressBar, ProgressTask

_ZSTD_LEVEL = 19
_LONGEST_CMDLINE = 2047
"""COMMAND_LINE_SIZE of arm64 and x86 (uapi/asm/setup.h), without the NUL at the end."""
_TOOLS = ("kexec", "blkid", "fdtoverlay")
_WHERE_PRESENT = ("lvm", "mdadm", "cryptsetup")
"""Optional tools for disks with LVM, RAID or encryption: --package lvm2, mdadm, cryptsetup-bin."""
# glibc opens it when a thread ends, without a DT_NEEDED entry.
_OPENED_AT_RUN_TIME = ("libgcc_s.so.1",)


class Compress(StrEnum):
    """How the archive is compressed."""

    NONE = "none"
    ZSTD = "zstd"
    GZIP = "gzip"
    XZ = "xz"
    """A seventh smaller than zstd, and slow to unpack."""

    def apply(self, pieces: Iterable[bytes], size: int) -> bytes:
        """Return the compressed data, which is reproducible. size: length of all pieces together."""
        match self:
            case Compress.NONE:
                return b"".join(pieces)
            case Compress.ZSTD:
                zstd = zstandard.ZstdCompressor(level=_ZSTD_LEVEL, write_checksum=True, threads=-1).compressobj(size)
                return b"".join([*map(zstd.compress, pieces), zstd.flush()])
            case Compress.GZIP:
                deflate = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
                return b"".join([*map(deflate.compress, pieces), deflate.flush()])
            case Compress.XZ:
                # lib/xz/xz_dec_stream.c: no other checksum
                xz = lzma.LZMACompressor(check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME)
                return b"".join([*map(xz.compress, pieces), xz.flush()])
            case _:
                assert_never(self)


class BuildOptions(Value, kw_only=True):
    """The options of ``bootmenu image build``."""

    output: Path | None = None
    """The initramfs or unified kernel image to write; `assemble` does not need it."""
    root: Path | None = None
    """The tree to take files from; with ``debian`` the directory for unpacked packages, or None for the cache."""
    debian: str | None = None
    """Debian's name of the architecture to download packages for, or None to use ``root`` as it is."""
    suite: str = SUITE
    """Debian's name of it, or ``auto``."""
    mirror: str | None = None
    """None for the host's Debian sources."""
    kernel_package: str | None = None
    """None for the usual one of the architecture ``debian``."""
    kernel_version: str | None = None
    """Name of its directory of modules, or None for the only one or the running kernel's."""
    kernel_output: Path | None = None
    """None to write the kernel next to ``output``, if the tree has it and it is not in there."""
    modules_for: ModulesFor = ModulesFor.ALL
    strip_modules: bool = False
    """Whether to leave out of modules what the kernel does not need to link them, among that their signatures."""
    modules: tuple[str, ...] = ()
    """Further modules, which are inserted on every machine."""
    firmware: tuple[str, ...] = ()
    """See `firmware_files.collect`."""
    settings: Path | None = None
    """A settings file to check and include."""
    cmdline: str = ""
    """Of a unified kernel image; else words for bootmenu that count as if they were on the kernel's command line."""
    uki: bool = False
    """Whether to make a unified kernel image."""
    sign: tuple[Path, Path] | None = None
    """(key, certificate) for it, both in PEM."""
    budget: int | None = None
    """Most bytes of ``output``."""
    packages: tuple[str, ...] = ()
    includes: tuple[tuple[Path, str], ...] = ()
    """(file or directory on this host, path in the image)."""
    compress: Compress = Compress.ZSTD
    cache: Path
    """bootmenu's cache directory."""
    mtime: int = 0
    """Modification time of all files in the archive, in seconds since 1970."""


class Assembled(Value, kw_only=True):
    """What is in an image, before it is packed."""

    root: Root
    contents: Contents
    version: str
    """Of the kernel."""
    kernel: bytes | None
    """None if the tree does not have it."""
    stub: bytes | None
    """What begins a unified kernel image; None if it is to be none."""


def build(options: BuildOptions, runner: Runner, progress: ProgressBar) -> None:
    """Build the image, and write it and the kernel to disk.

    Raise UsageError if options contradict each other or an included file is unusable, BootmenuError if something is
    missing, or the image is over its budget. What was there before is then kept.
    """
    output, kernel_output = options.output, options.kernel_output
    if output is None:
        raise UsageError("nothing says where the image is written to", "Give --output FILE.")
    if kernel_output is None and not options.uki:
        kernel_output = output.with_name(output.name + ".vmlinuz")
    # before anything is downloaded
    output_files.check([output] if kernel_output is None else [output, kernel_output])
    made = assemble(options, runner, progress)
    nodes, kernel = made.contents.nodes, made.kernel
    size = sum(map(len, cpio.pack(nodes, mtime=options.mtime)))
    with progress.task(f"packing {len(nodes)} files", size) as task:
        pieces = _counted(cpio.pack(nodes, mtime=options.mtime), task)
        packed = _mark() + options.compress.apply(pieces, size)
    ratio = len(packed) / size
    if options.uki:
        packed = _unified(made, packed, options)
        if options.sign is not None:
            packed = signing.signed(packed, *options.sign, runner)
    biggest = image_parts.biggest(nodes)
    if options.budget is not None and (excess := len(packed) - options.budget) > 0:
        raise BootmenuError(
            f"{output} would have {len(packed)} bytes, {excess} more than the budget; "
            f"nothing was written. Its biggest parts, unpacked: {biggest}",
            _how_to_save(options, excess, image_parts.sizes(nodes)[image_parts.MODULES] * ratio),
        )
    files = {output: packed}
    if kernel is not None and kernel_output is not None:
        files[kernel_output] = kernel
    output_files.write(files)
    progress(f"{output}: {megabytes(len(packed))} packed, {megabytes(size)} unpacked")
    progress(f"biggest parts: {biggest}")
    if kernel is None:
        progress(f"no kernel written: {made.root.folder} has no /boot/vmlinuz-{made.version}")
    elif kernel_output is not None:
        progress(f"{kernel_output}: kernel {made.version}, {megabytes(len(kernel))}")


def members(options: BuildOptions, runner: Runner, progress: ProgressBar) -> tuple[cpio.ArchiveMember, ...]:
    """Return what `image_file.read` does for the image that `build` would write. Raise what `build` does."""
    for name, value in (("budget", options.budget), ("sign", options.sign), ("kernel-output", options.kernel_output)):
        if value is not None:
            raise UsageError(
                f"--{name} has no effect with --list, which writes nothing", f"Leave --{name} or --list out."
            )
    made = assemble(options, runner, progress)
    initrd = _mark() + b"".join(cpio.pack(made.contents.nodes))
    return image_file.members(_unified(made, initrd, options) if options.uki else initrd)


def _unified(made: Assembled, initrd: bytes, options: BuildOptions) -> bytes:
    assert made.kernel is not None  # assemble has asked for both
    assert made.stub is not None
    return unified_kernel.of_first_stage(
        made.stub, made.kernel, release=made.version, initrd=initrd, cmdline=options.cmdline
    )


def _how_to_save(options: BuildOptions, excess: int, modules: float) -> str:
    """Return what makes an image smaller. Sizes are in bytes; modules: what those of the kernel take, packed."""
    if excess > modules:
        return "It would be bigger even without a kernel module: give it a bigger budget."
    ways = [
        *(["fewer modules with --modules-for"] if options.modules_for is ModulesFor.ALL else []),
        *(["--strip-modules"] if not options.strip_modules else []),
        *(["--compress xz"] if options.compress is not Compress.XZ else []),
    ]
    return f"To make it smaller: {', '.join([*ways, 'see what --list prints'])}."


def assemble(options: BuildOptions, runner: Runner, progress: ProgressBar) -> Assembled:
    """Return what is in the image; nothing of it is written. Raise what `build` does."""
    includes = options.includes
    if options.settings is not None:
        includes = (*includes, included_files.settings_file(options.settings))
    _check_cmdline(options, progress)
    if options.sign is not None:
        signing.check(*options.sign, runner)
    for wanted in options.firmware:
        firmware_files.folder_of_host(wanted)
    for source, destination in includes:
        included_files.check_settings(source, destination)
    included = [file for pair in includes for file in included_files.collect(*pair, progress)]
    included_files.check_words(included, options.cmdline, progress)
    root = _prepare_root(options, runner, progress)
    version = choose_version(kernel_modules.versions(root), options.kernel_version, os.uname().release)
    kernel, stub = _kernel(root, version, options), None
    if options.uki and kernel is not None:
        stub = unified_kernel.stub_for(root, kernel, release=version)
    contents = Contents()
    busybox = root.first("/bin/busybox", "/usr/bin/busybox")
    if busybox is None:
        raise BootmenuError(f"{root.folder} has no busybox, and init needs it", "Install busybox-static there.")
    add_menu(root, contents, runner, progress, programs=[busybox])
    contents.link("/usr/bin/busybox", f"/{merged_usr(busybox)}")
    contents.link("/usr/bin/sh", "busybox")
    contents.link("/usr/sbin/modprobe", "/usr/bin/busybox")  # the kernel calls it by this name
    included += _add_kernel_parts(root, version, contents, options, progress)
    contents.file("init", _data("init.sh"), executable=True)
    # comes last, after all that is in /usr: where it is missing, init knows that the kernel had no room for all
    contents.file("var/lib/bootmenu/unpacked", b"")
    contents.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
    contents.file("etc/group", b"root:x:0:\n")
    if options.cmdline and not options.uki:
        contents.file(FIRST_STAGE_CMDLINE.lstrip("/"), f"{options.cmdline}\n".encode())
    for each in included:
        if each.data is None:
            contents.folder(each.path)
        else:
            contents.file(each.path, each.data, executable=each.executable)
    return Assembled(root=root, contents=contents, version=version, kernel=kernel, stub=stub)


def _check_cmdline(options: BuildOptions, say: Callable[[str], None]) -> None:
    """Raise UsageError for a command line that would have no effect, or cannot be one; tell `say` what is unusual."""
    if not options.cmdline.isprintable():
        raise UsageError("--cmdline has characters that a kernel command line cannot have")
    if len(options.cmdline.encode()) > _LONGEST_CMDLINE:
        raise UsageError(f"--cmdline is longer than {_LONGEST_CMDLINE} bytes, which a kernel would cut")
    if options.uki:
        program = CommandLine(options.cmdline).get("rdinit")
        if program not in (None, "/init"):
            say(f"--cmdline rdinit={program}: the kernel starts this, and not the menu")
        return
    if options.sign is not None:
        raise UsageError("--sign is for unified kernel images", "Add --uki.")
    others = [word for word in options.cmdline.split() if not word.startswith("bootmenu.")]
    if others:
        raise UsageError(
            f"--cmdline {others[0]}: an initramfs has no kernel command line, so this would have no effect",
            "Say it in the boot loader's configuration, or make a unified kernel image with --uki.",
        )


def _mark() -> bytes:
    """Return the plain archive by which a menu recognises what opens it."""
    return b"".join(cpio.pack([cpio.ArchiveMember.file(FIRST_STAGE, b"")]))


def _counted(pieces: Iterable[bytes], task: ProgressTask) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        task.advance(len(piece))


def choose_version(versions: tuple[str, ...], wanted: str | None, running: str) -> str:
    """Return the kernel version whose modules to use. Raise UsageError if it is ambiguous or missing."""
    if wanted is not None:
        if wanted not in versions:
            raise UsageError(
                f"there are no modules of kernel {wanted}", f"There are: {', '.join(versions) or 'none'}."
            )
        return wanted
    if len(versions) == 1:
        return versions[0]
    if running in versions:
        return running
    if not versions:
        raise UsageError(
            "the tree has no kernel modules in /usr/lib/modules or /lib/modules",
            "Name a --root that has a kernel installed.",
        )
    raise UsageError("the tree has several kernels", f"Choose with --kernel-version: {', '.join(versions)}.")


def _prepare_root(options: BuildOptions, runner: Runner, progress: ProgressBar) -> Root:
    if options.debian is None:
        if options.root is None:
            raise UsageError("nothing says where the image's files come from", "Give --debian ARCH or --root DIR.")
        return Root(options.root)
    suite = debian.suite_with_this_python() if options.suite == AUTO else options.suite
    name = f"{suite}-{options.debian}"
    if re.fullmatch(r"[a-z0-9][a-z0-9+.-]*", name) is None:
        raise UsageError(f"{name} is not a Debian suite and architecture")
    kernel = options.kernel_package or debian.kernel_package(options.debian)
    packages = (*options.packages, *([unified_kernel.PACKAGE] if options.uki else []))
    selection = debian.Selection(kernel=kernel, extra=packages)
    sources = apt.choose_sources(suite, options.mirror, apt.host_source_files())
    private_apt = apt.Apt(options.cache / "apt" / name, architecture=options.debian, sources=sources, runner=runner)
    default = options.cache / "roots" / "-".join([name, kernel, *sorted(packages)])
    folder = options.root or default
    debian.prepare(private_apt, selection, folder, runner, progress)
    return Root(folder)


def add_menu(
    root: Root, contents: Contents, runner: Runner, say: Callable[[str], None], *, programs: Sequence[str] = ()
) -> None:
    """Add Python, bootmenu, the tools that it runs, and their libraries.

    programs: further ones, as paths in the tree. Raise BootmenuError if something is missing.
    """
    packer = Packer(root, contents, runner, say)
    say(f"adding Python {packer.python.version}, bootmenu and its dependencies")
    packer.interpreter()
    packer.dependencies()
    packer.program()
    packer.compile()
    added = [packer.python.program, *programs]
    for name in (*_TOOLS, *_WHERE_PRESENT):
        path = root.program(name)
        if path is not None:
            added.append(path)
        elif name in _TOOLS:
            say(f"left out: {name} (not in {root.folder})")
    folders = shared_libraries.library_folders(root)
    needed = [
        path for where, data in packer.binaries for path in shared_libraries.libraries(root, where, data, folders)
    ]
    for soname in _OPENED_AT_RUN_TIME:
        path = root.first(*(f"{folder}/{soname}" for folder in folders))
        if path is not None:
            needed.append(path)
    for path in shared_libraries.closure(root, [*added, *needed]):
        _add_from_root(root, path, contents)
    contents.link("/usr/bin/python3", f"/{merged_usr(packer.python.program)}")
    contents.file("usr/bin/bootmenu", _COMMAND, executable=True)


_COMMAND = b"""\
#!/usr/bin/python3 -I
import sys

try:
    from bootmenu.__main__ import main
except KeyboardInterrupt:
    sys.exit(130)

sys.exit(main())
"""
"""The program `bootmenu`, for use in the first stage's shell."""


_SMALL_PAGES = b"\nCONFIG_ARM64_4K_PAGES=y\n"

_MDEV = b'$MODALIAS=.* 0:0 660 @modprobe -qb "$MODALIAS"\n'
"""What init lets mdev do: ask for the module of each device that comes."""


def _data(name: str) -> bytes:
    return Path(__file__).with_name(name).read_bytes()


def _add_from_root(root: Root, path: str, contents: Contents) -> None:
    """Add a program or library under its resolved path, and a link if the path is a different one."""
    real = root.resolve(path) or path
    contents.file(real, root.read(real), executable=True)
    contents.link(path, f"/{merged_usr(real)}")
    folder, _, name = merged_usr(path).rpartition("/")
    if folder.startswith("usr/local"):  # found only through /etc/ld.so.cache, which an image does not have
        contents.link(f"/usr/lib/{name}", f"/{merged_usr(real)}")


def _add_kernel_parts(
    root: Root, version: str, contents: Contents, options: BuildOptions, say: Callable[[str], None]
) -> list[included_files.IncludedFile]:
    """Add modules and the kernel's configuration; return the firmware."""
    patterns = options.modules_for.patterns + ON_DEMAND
    chosen = kernel_modules.collect(root, version, patterns, named=options.modules, inserted=ALWAYS)
    say(f"adding {len(chosen.modules)} modules of kernel {version}")
    for problem in chosen.problems:
        say(f"left out: {problem}")
    for module in chosen.modules:
        contents.file(module.path, stripped(module.data) if options.strip_modules else module.data)
    names = "".join(f"{name}\n" for name in chosen.inserted)
    contents.file(FIRST_STAGE_MODULES.lstrip("/"), names.encode())
    contents.file("etc/mdev.conf", _MDEV)
    contents.file(f"{chosen.folder}/modules.dep", chosen.dependency_table().encode())
    contents.file(f"{chosen.folder}/modules.alias", chosen.alias_table().encode())
    config = root.first(f"/boot/config-{version}", f"/lib/modules/{version}/config")
    if config is not None:
        configuration = root.read(config)
        contents.file(f"boot/config-{version}", configuration)
        if _SMALL_PAGES in configuration:
            contents.change(without_gaps)
    return list(firmware_files.collect(root, chosen.modules, options.firmware, say))


def _kernel(root: Root, version: str, options: BuildOptions) -> bytes | None:
    """Return the kernel, or None if the tree does not have it and nobody asked for it."""
    names = (f"/boot/vmlinuz-{version}", f"/lib/modules/{version}/vmlinuz", f"/boot/Image-{version}")
    path = root.first(*names, f"/boot/vmlinux-{version}")  # the last is what Debian 13 has for riscv64
    if path is None and (options.uki or options.kernel_output is not None):
        raise BootmenuError(f"{root.folder} has modules of kernel {version}, but not the kernel itself")
    return None if path is None else root.read(path)
