# SPDX-License-Identifier: MIT
"""`bootmenu image`: build a first stage, or copy the menu into an initramfs that another program builds."""

from __future__ import annotations

import argparse
import os
import re
import sys
from collections.abc import Iterable
from pathlib import Path

from bootmenu.errors import UsageError
from bootmenu.image import SUITE
from bootmenu.model.text import printable

HELP = "build a first stage, or copy the menu into another initramfs"
FOLLOWS = "completion"
EXAMPLES = (
    ("bootmenu image build --debian arm64 --output first-stage.cpio.zst", "build a first stage for a board"),
    ("bootmenu image build --debian amd64 --uki --output bootmenu.efi", "build one file that a PC's firmware starts"),
    ("bootmenu image list first-stage.cpio.zst", "print what is in an image"),
    ("bootmenu image copy --into initramfs", "copy the menu into the tree of an initramfs"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the actions and their options."""
    actions = parser.add_subparsers(dest="image_action", metavar="ACTION", required=True)
    build = actions.add_parser(
        "build",
        help="build a first-stage initramfs that starts the menu",
        description="Build a first-stage initramfs that starts the menu, from Debian packages of any architecture "
        "or from an existing root file system. Nothing of it is run, and no root is needed.",
    )
    build.set_defaults(run_image=_build)
    written = build.add_mutually_exclusive_group(required=True)
    written.add_argument("--output", type=Path, metavar="FILE", help="the initramfs, or with --uki the EFI program")
    written.add_argument(
        "--list", action="store_true", help="write nothing, and print what would be in it: bytes, part, path"
    )
    build.add_argument(
        "--debian", metavar="ARCH", help="download Debian packages of this architecture, such as arm64"
    )
    build.add_argument(
        "--root",
        type=Path,
        metavar="DIR",
        help="with --debian: where packages are unpacked; else: the root file system to take files from",
    )
    build.add_argument(
        "--suite",
        default=SUITE,
        help="Debian suite, or auto: the one with this machine's Python, for which bytecode can be made "
        "(default: %(default)s)",
    )
    build.add_argument("--mirror", metavar="URL", help="Debian mirror (default: the ones this host uses)")
    build.add_argument(
        "--kernel-package",
        metavar="NAME",
        help="Debian kernel package (default: the usual one of the architecture, such as linux-image-arm64)",
    )
    build.add_argument("--kernel-version", metavar="VERSION", help="which kernel of a tree that has several")
    build.add_argument(
        "--kernel-output",
        type=Path,
        metavar="FILE",
        help="where the matching kernel is written (default: the initramfs' name + .vmlinuz)",
    )
    build.add_argument(
        "--package",
        action="append",
        default=[],
        metavar="NAME",
        help="one more Debian package to unpack (repeatable)",
    )
    build.add_argument(
        "--include", action="append", default=[], metavar="SRC:DEST", help="one more file or folder (repeatable)"
    )
    build.add_argument(
        "--compress",
        choices=("none", "zstd", "gzip", "xz"),
        default="zstd",
        metavar="FORMAT",
        help="how it is compressed: none, zstd, gzip or xz, smallest and slowest to unpack (default: %(default)s)",
    )
    build.add_argument(
        "--modules-for",
        choices=("boards", "pc", "virt", "all"),
        default="all",
        metavar="MACHINES",
        help="kernel modules for boards, pc, virt or all; each has those for virtual machines (default: %(default)s)",
    )
    build.add_argument(
        "--module",
        action="append",
        default=[],
        metavar="NAME",
        help="one more kernel module, with what it needs, which is inserted at the start (repeatable)",
    )
    build.add_argument(
        "--strip-modules",
        action="store_true",
        help="make modules smaller; their signatures are lost, so not for a kernel that accepts signed ones only "
        "(Secure Boot)",
    )
    build.add_argument(
        "--firmware",
        action="append",
        default=[],
        metavar="NAME",
        help="one more file or folder below /lib/firmware of the tree; or, beginning with ./ or /, a folder of this "
        "host whose content goes there (repeatable; what the modules name is added from the tree anyway)",
    )
    build.add_argument(
        "--settings", type=Path, metavar="FILE", help="settings to check and pack as /etc/bootmenu.toml"
    )
    build.add_argument(
        "--cmdline",
        default="",
        metavar="TEXT",
        help="with --uki: its kernel command line; else words such as bootmenu.timeout=5, which count as if they "
        "were on the kernel's",
    )
    build.add_argument(
        "--uki",
        action="store_true",
        help="write a unified kernel image in place of an initramfs: one EFI program, with the kernel in it",
    )
    build.add_argument(
        "--sign",
        nargs=2,
        type=Path,
        metavar=("KEY", "CERT"),
        help="with --uki: sign it for Secure Boot with sbsign; both files in PEM",
    )
    build.add_argument(
        "--budget",
        type=_bytes,
        metavar="BYTES",
        help="write nothing, and fail, if it would be bigger than this: 12000000, 12000kB or 12MB",
    )
    build.add_argument(
        "--diff",
        type=Path,
        metavar="OLD",
        help="print, too, what is added, removed or changed in comparison with this older image",
    )
    shown = actions.add_parser(
        "list",
        help="print what is in an image: bytes, part, path",
        description="Print the files of an image with their sizes, unpacked, and the size of each part; or with "
        "--diff only the files that were added, removed or changed since an older one.",
    )
    shown.set_defaults(run_image=_list)
    shown.add_argument("image", type=Path, metavar="FILE", help="an initramfs, or a unified kernel image")
    shown.add_argument(
        "--diff", type=Path, metavar="OLD", help="print only what FILE adds, removes or changes of this older image"
    )
    copy = actions.add_parser(
        "copy",
        help="copy the menu into an initramfs that another program builds",
        description="Copy the menu, Python and the tools that it needs into the tree of an initramfs that another "
        "program builds. The hooks for initramfs-tools and dracut call it.",
    )
    copy.set_defaults(run_image=_copy)
    copy.add_argument("--into", type=Path, required=True, metavar="DIR", help="the tree of that initramfs")
    copy.add_argument(
        "--root",
        type=Path,
        default=Path("/"),
        metavar="DIR",
        help="the system to take files from (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    """Do the action and return 0; progress goes to stderr. Raise BootmenuError, UsageError for invalid options."""
    code: int = args.run_image(args)
    return code


def _copy(args: argparse.Namespace) -> int:
    from bootmenu.image.other_initramfs import copy_menu
    from bootmenu.system.processes import Commands
    from bootmenu.view.progress_bar import ProgressBar

    copy_menu(args.root, args.into, Commands(), ProgressBar(sys.stderr, os.environ))
    return 0


def _build(args: argparse.Namespace) -> int:
    from bootmenu.image import image_file, image_parts, included_files
    from bootmenu.image.build import BuildOptions, Compress, build, members
    from bootmenu.image.module_classes import ModulesFor
    from bootmenu.system.processes import Commands
    from bootmenu.view.progress_bar import ProgressBar

    options = BuildOptions(
        output=None if args.output is None else args.output.absolute(),
        root=args.root,
        debian=args.debian,
        suite=args.suite,
        mirror=args.mirror,
        kernel_package=args.kernel_package,
        kernel_version=args.kernel_version,
        kernel_output=args.kernel_output,
        packages=tuple(args.package),
        includes=tuple(included_files.parse(text) for text in args.include),
        compress=Compress(args.compress),
        modules_for=ModulesFor(args.modules_for),
        strip_modules=args.strip_modules,
        modules=tuple(args.module),
        firmware=tuple(args.firmware),
        settings=args.settings,
        cmdline=args.cmdline,
        uki=args.uki,
        sign=None if args.sign is None else (args.sign[0], args.sign[1]),
        budget=args.budget,
        cache=cache_folder(),
        mtime=source_date(os.environ.get("SOURCE_DATE_EPOCH")),
    )
    older = None if args.diff is None else image_file.read(args.diff)
    progress = ProgressBar(sys.stderr, os.environ)
    if args.list:
        made = members(options, Commands(), progress)
        _print([*image_parts.listing(made), *(() if older is None else ("", *image_parts.differences(older, made)))])
        return 0
    build(options, Commands(), progress)
    if older is not None:
        _print(image_parts.differences(older, image_file.read(args.output)))
    return 0


def _list(args: argparse.Namespace) -> int:
    from bootmenu.image import image_file, image_parts

    found = image_file.read(args.image)
    _print(
        image_parts.listing(found)
        if args.diff is None
        else image_parts.differences(image_file.read(args.diff), found)
    )
    return 0


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        print(printable(line))


def _bytes(text: str) -> int:
    """Return a size in bytes, of digits with or without kB or MB. Raise ArgumentTypeError."""
    match = re.fullmatch(r"0*([1-9][0-9]{0,11})(kB|MB)?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text} is no size; for example 12000000, 12000kB or 12MB")
    return int(match[1]) * {None: 1, "kB": 1000, "MB": 1_000_000}[match[2]]


def source_date(text: str | None) -> int:
    """Return the value of SOURCE_DATE_EPOCH, or 0 if it is not set. Raise UsageError."""
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or int(text) > 0xFFFF_FFFF:
        raise UsageError(f"SOURCE_DATE_EPOCH is {text!r}, which is not a time in seconds")
    return int(text)


def cache_folder() -> Path:
    """Return bootmenu's folder in the user's cache. Raise UsageError if nothing says where that is."""
    if top := os.environ.get("XDG_CACHE_HOME"):
        return Path(top) / "bootmenu"
    try:
        return Path.home() / ".cache" / "bootmenu"
    except RuntimeError:  # neither HOME nor an account
        raise UsageError("this user has no home, and so no cache", "Set XDG_CACHE_HOME to a folder.") from None
