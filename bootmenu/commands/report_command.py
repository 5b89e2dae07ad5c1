# SPDX-License-Identifier: MIT
"""`bootmenu report`: pack the data for a bug report, without secrets."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
from pathlib import Path

from bootmenu.commands import shared_options
from bootmenu.commands.printing import print_note
from bootmenu.errors import BootmenuError

HELP = "pack the data for a bug report, without secrets"
FOLLOWS = "pin"
EXAMPLES = (("bootmenu report --output report.tar.gz", "write the archive to attach to a bug report"),)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="file to write; - is standard output (default: bootmenu-report-DATE.tar.gz here)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Scan once and write the archive. Raise BootmenuError if its file already exists."""
    import time

    from bootmenu.bugreport import bundle
    from bootmenu.commands.settings_command import applied
    from bootmenu.config.settings_layers import load
    from bootmenu.session import menu_log
    from bootmenu.session.machine_session import MachineSession
    from bootmenu.session.scan_collection import collect

    host, machine = shared_options.host_and_machine(None)
    loaded = load(host)
    name = f"bootmenu-report-{time.strftime('%Y%m%d-%H%M%S')}"
    with contextlib.closing(MachineSession(host, machine, settings=loaded.settings)) as session:
        listings, problems = collect(session)
        notes = session.notices
    log = menu_log.log_file()
    texts = bundle.parts(host, machine, listings, problems, loaded, log=log, applied=applied(host), notes=notes)
    data = bundle.bundle(texts, name)
    if arguments.output == "-":
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return 0
    path = Path(arguments.output or f"{name}.tar.gz")
    try:
        # readable by the owner only, and no existing file is overwritten
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    except FileExistsError:
        raise BootmenuError(f"{path} already exists", "Name another file with --output.") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    print(path)
    print_note("look through it before you publish it; about.txt says what is in it")
    return 0
