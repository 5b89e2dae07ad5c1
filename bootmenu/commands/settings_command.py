# SPDX-License-Identifier: MIT
"""`bootmenu settings`: print every setting with its value and origin."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING

from bootmenu.commands.printing import print_json, print_note
from bootmenu.model.value import replace

if TYPE_CHECKING:
    from bootmenu.config.settings_layers import Loaded
    from bootmenu.system.host import Host
    from bootmenu.view.json_output import Applied

HELP = "print every setting with its value and origin; exit code 1 for any problem"
FOLLOWS = "facts"
EXAMPLES = (
    ("bootmenu settings", "print what is in force, and where it was set"),
    ("bootmenu settings --json", "the same for a program"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the settings and their problems; return 1 if there are any."""

    from bootmenu.bootstate import pin
    from bootmenu.bootstate.backend_from_settings import why_not_kept
    from bootmenu.config.settings_layers import load
    from bootmenu.discovery.devices import survey
    from bootmenu.kexec.demands import unmatched
    from bootmenu.system.host import Host
    from bootmenu.view import json_output

    host = Host()
    loaded = load(host)
    found = list(survey(host)) if loaded.settings.sha256 or loaded.settings.state_device else []
    more = (pin.problem(loaded.settings), why_not_kept(host, loaded.settings, found))
    problems = (*loaded.problems, *filter(None, more), *unmatched(loaded.settings.sha256, found))
    if arguments.json:
        print_json(json_output.settings_to_json(replace(loaded, problems=problems), applied(host)))
    else:
        for line in settings_lines(loaded, applied(host)):
            print(line)
        for problem in problems:
            print_note(problem)
    return 1 if problems else 0


def applied(host: Host) -> Applied:
    """Return what applies on this machine and in this environment for settings that are not made."""
    from bootmenu import i18n
    from bootmenu.config.settings import FIRST_STAGE_MODULES, FIRST_STAGE_SECONDS
    from bootmenu.terminal.capabilities import Depth, prepare_environment

    environ = dict(os.environ)
    prepare_environment(environ)
    code, variable = i18n.chosen(None, environ)
    timeout: tuple[int | None, str] = (None, f"outside a first stage; {FIRST_STAGE_SECONDS} in one")
    if host.exists(FIRST_STAGE_MODULES):
        timeout = (FIRST_STAGE_SECONDS, "in a first stage; off elsewhere")
    return {
        "timeout": timeout,
        "theme": (Depth.of(environ).theme, "by the colours of this terminal"),
        "language": (code, f"by {variable}" if variable else "LANG is not set"),
    }


def settings_lines(loaded: Loaded, applied: Applied | None = None) -> Iterator[str]:
    """Yield the settings in the form of a settings file, with origins as comments. Secrets are commented out."""
    from bootmenu.config.plain_toml import dumps
    from bootmenu.config.settings import OPTIONS
    from bootmenu.model.text import printable
    from bootmenu.view.json_output import settings_rows

    rows: list[tuple[str, str, str]] = []
    for option, value, origin in settings_rows(loaded, applied or {}):
        if value is None:
            rows.append((f"# {option.name} is not set", "", origin))
        elif option.secret:
            rows.append((f"# {option.name} is set, and not shown", "", origin))
        elif isinstance(value, dict) and value:  # a line each: there may be thousands
            rows += [(f"{option.name}.{dumps(key)}", dumps(inner), origin) for key, inner in value.items()]
        else:
            rows.append((option.name, dumps(value), origin))
    names = max(len(option.name) for option in OPTIONS)
    values = min(max(len(value) for _name, value, _origin in rows), 40)
    for name, value, origin in rows:
        setting = f"{name:<{names}} = {value}" if value else name
        yield printable(f"{setting:<{names + 3 + values}}  # {origin}")
