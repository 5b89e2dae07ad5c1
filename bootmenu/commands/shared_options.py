# SPDX-License-Identifier: MIT
"""Options of several subcommands, and what they refer to: a machine, its settings, files and folders."""

from __future__ import annotations

import errno
import json
import os
import stat
from pathlib import Path

from bootmenu.commands.printing import print_note
from bootmenu.errors import BootmenuError, FormatError, UsageError
from bootmenu.model.suggestion import with_suggestion
from bootmenu.typed import TYPE_CHECKING

# Imported inside the functions: each import costs time on a slow board, and --help needs none of these.
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from bootmenu.config.settings import Settings
    from bootmenu.discovery.devices import Device
    from bootmenu.model.machine import MachineFacts
    from bootmenu.session.files_session import FilesSession
    from bootmenu.system.host import Host


_MAX_RECORDING = 64 << 20
"""Bytes. The largest part of a recording is a device tree, of which there is at most 2 MiB."""


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the options that name the files of an entry, except the kernel."""
    parser.add_argument("--dtb", metavar="F", help="device tree; without one the running machine's is passed on")
    parser.add_argument(
        "--overlay", action="append", default=[], metavar="F", help="device-tree overlay (repeatable)"
    )
    parser.add_argument(
        "--dtb-edit",
        action="append",
        default=[],
        metavar="EDIT",
        help="edit the device tree for this boot: 'enable /NODE', 'disable /NODE', 'delete /NODE PROPERTY' or "
        "'/NODE PROPERTY = VALUE' with a value as bootmenu dtb show prints it (repeatable)",
    )
    parser.add_argument("--initrd", action="append", default=[], metavar="F", help="initramfs (repeatable)")
    parser.add_argument("--cmdline", default="", metavar="S", help="kernel command line")
    parser.add_argument(
        "--no-carry-over",
        action="store_true",
        help="pass the device tree on without firmware fix-ups, such as this machine's memory",
    )


def add_method(parser: argparse.ArgumentParser) -> None:
    """Add --method; see `chosen_method`."""
    parser.add_argument(
        "--method", metavar="METHOD", help="loading method, such as kexec_tools (default: the first available)"
    )


def chosen_method(arguments: argparse.Namespace) -> str | None:
    """Return the loading method that --method names, or None without it. Raise UsageError for an unknown one."""
    from bootmenu.kexec.methods import METHODS

    name: str | None = arguments.method
    if name is not None and name not in METHODS.names():
        hint = with_suggestion(name, METHODS.names(), f"There are: {', '.join(METHODS.names())}.")
        raise UsageError(f"no loading method is called {name}", hint)
    return name


def add_ignore(parser: argparse.ArgumentParser) -> None:
    """Add --ignore; see `ignored_codes`."""
    parser.add_argument(
        "--ignore",
        action="append",
        default=[],
        metavar="CODE",
        help="override one check on purpose; its finding stays in the report (repeatable)",
    )


def add_tree(parser: argparse.ArgumentParser, purpose: str) -> None:
    """Add --tree; see `folders`. purpose: its help."""
    parser.add_argument(
        "--tree",
        action="append",
        default=[],
        metavar="DIR[,name=sda1][,uuid=U][,label=L][,partuuid=P][,partlabel=Q]",
        help=purpose,
    )


def add_machine(parser: argparse.ArgumentParser) -> None:
    """Add --machine; see `host_and_machine`."""
    parser.add_argument("--machine", metavar="FILE", help="answer for the machine whose facts are in FILE")


def ignored_codes(arguments: argparse.Namespace) -> frozenset[str]:
    """Return the codes to override. Raise UsageError for an unknown one, so that a typo does not look like
    an override."""
    from bootmenu.compat import CHECKS

    codes = frozenset(code.upper() for code in arguments.ignore)
    unknown = sorted(codes - set(CHECKS.names()))
    if unknown:
        hint = with_suggestion(unknown[0], CHECKS.names(), f"There are: {', '.join(CHECKS.names())}.")
        raise UsageError(f"no check is called {', '.join(unknown)}", hint)
    return codes


def host_and_machine(recorded: str | None) -> tuple[Host, MachineFacts]:
    """Return this host with its facts, or with facts that were recorded in a file. Raise UsageError."""
    from bootmenu.discovery.machine_facts import gather
    from bootmenu.system.host import Host

    host = Host()
    if recorded is None:
        return host, gather(host)
    return host, recorded_machine(recorded)


def recorded_machine(file: str, *, several: bool = False) -> MachineFacts:
    """Return the facts in a recording. several: whether it is one of several. Raise UsageError."""
    from bootmenu.model.machine import MachineFacts

    try:
        return MachineFacts.from_json(json.loads(recording(file, several=several)))
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}", "--machine takes what bootmenu facts --json prints.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: not JSON: {error}", "Record it with: bootmenu facts --json") from None
    except BootmenuError as error:
        raise UsageError(f"{file}: {error.message}", error.hint) from None


def recording(file: str, *, several: bool = False) -> bytes:
    """Return the content of a recording. Raise OSError if it cannot be read or is too large.

    several: it is one of several, each of which is read twice; then it must be a file. Alone it may be a pipe.
    """
    if several and not stat.S_ISREG(Path(file).stat().st_mode):
        raise OSError(errno.EINVAL, "is no file: one of several recordings has to be")
    with Path(file).open("rb") as source:
        data = source.read(_MAX_RECORDING + 1)
    if len(data) > _MAX_RECORDING:
        raise OSError(errno.EFBIG, f"larger than {_MAX_RECORDING >> 20} MiB, which no recording is")
    return data


def dtb_edits(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the edits of the device tree. Raise UsageError for an invalid one."""
    from bootmenu.formats.typed_edits import TypedEdit

    for text in arguments.dtb_edit:
        try:
            TypedEdit.from_text(text)
        except FormatError as error:
            raise UsageError(f"--dtb-edit {text}: {error.message}", error.hint) from None
    return tuple(arguments.dtb_edit)


def carry_over(arguments: argparse.Namespace) -> dict[str, object]:
    """Return what --no-carry-over sets, for `settings_in_force`."""
    return {"carry-over": False} if arguments.no_carry_over else {}


def settings_in_force(host: Host, flags: dict[str, object]) -> Settings:
    """Return the settings, and print their problems. flags: values by name, which take precedence."""
    from bootmenu.config.settings_layers import load

    loaded = load(host, flags)
    for problem in loaded.problems:
        print_note(problem)
    return loaded.settings


def files_session(
    arguments: argparse.Namespace, kernel: str, host: Host, machine: MachineFacts, settings: Settings
) -> FilesSession:
    """Return a session for the files that the arguments name. Raise UsageError if one cannot be read."""
    from bootmenu.session.files_session import FilesSession

    return FilesSession(
        host,
        machine,
        kernel=kernel,
        dtb=arguments.dtb,
        overlays=tuple(arguments.overlay),
        initrds=tuple(arguments.initrd),
        command_line=arguments.cmdline,
        dtb_edits=dtb_edits(arguments),
        method=chosen_method(arguments),
        settings=settings,
        local=getattr(arguments, "machine", None) is None,
        partitions=_partitions(arguments, host),
    )


def _partitions(arguments: argparse.Namespace, host: Host) -> list[Device] | None:
    """Return the partitions to search for root=, or None if that was not asked for. Raise UsageError."""
    from bootmenu.discovery.devices import Device, find

    scan, trees = getattr(arguments, "scan", False), getattr(arguments, "tree", [])
    root: str | None = getattr(arguments, "root", None)
    if root is not None:
        if scan or trees:
            raise UsageError("--root already says where the root file system is", "Leave --scan and --tree out.")
        return [_root_folder(root, arguments.cmdline)]
    if not scan and not trees:
        return None
    if scan and arguments.machine is not None:
        raise UsageError("--scan looks at this machine's partitions, and --machine names another", "Use --tree.")
    here = [found for found in find(host) if isinstance(found, Device)] if scan else []
    return here + folders(trees)


def _root_folder(folder: str, command_line: str) -> Device:
    """Return a folder as the partition that root= names. Raise UsageError."""
    from bootmenu.discovery import root_option
    from bootmenu.discovery.devices import Device
    from bootmenu.model.entry import CommandLine

    wanted = root_option.reference(CommandLine(command_line))
    if wanted is None:
        raise UsageError(
            "--root is the folder of the partition that root= names, and --cmdline names none",
            "For example --root / --cmdline root=/dev/sda2",
        )
    _check_folder(folder, "--root")
    kind, named, value = wanted.partition("=")
    return Device.from_folder(folder, {kind: value} if named else {"name": wanted})


def _check_folder(folder: str, option: str) -> None:
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir raises when a name is too long
        raise UsageError(f"{folder}: there is no such folder", f"{option} takes a folder.")


def folders(texts: Iterable[str]) -> list[Device]:
    """Return the folders that --tree names. Raise UsageError for what is not a folder."""
    from bootmenu.discovery.devices import Device

    trees = Device.from_tree_options(texts)
    for tree in trees:
        _check_folder(tree.folder or "", "--tree")
    return trees
