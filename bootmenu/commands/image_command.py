# SPDX-License-Identifier: MIT
"""`bootmenu image`: build a first stage, or copy the menu into an initramfs that another program builds."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from bootmenu.errors import UsageError
from bootmenu.image import SUITE

HELP = "build a first stage, or copy the menu into another initramfs"
FOLLOWS = "completion"
EXAMPLES = (
    ("bootmenu image build --debian arm64 --output first-stage.cpio.zst", "build a first stage for a board"),
    ("bootmenu image build --root / --output first-stage.cpio.zst", "build one from the files of this system"),
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
    build.add_argument("--output", type=Path, required=True, metavar="FILE", help="the initramfs to write")
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
        choices=("none", "zstd", "gzip"),
        default="zstd",
        metavar="FORMAT",
        help="how it is compressed: none, zstd or gzip (default: %(default)s)",
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
    from bootmenu.image import included_files
    from bootmenu.image.build import BuildOptions, Compress, build
    from bootmenu.system.processes import Commands
    from bootmenu.view.progress_bar import ProgressBar

    options = BuildOptions(
        output=args.output.absolute(),
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
        cache=cache_folder(),
        mtime=source_date(os.environ.get("SOURCE_DATE_EPOCH")),
    )
    build(options, Commands(), ProgressBar(sys.stderr, os.environ))
    return 0


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
