# SPDX-License-Identifier: MIT
"""Read files of U-Boot variables as `env import -t` does: armbianEnv.txt, uEnv.txt and the like."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.sources.parsers.uboot.unknown_text import cleaned

MAX_LINES = 10_000


def settings(text: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) in order; an empty value deletes the variable (lib/hashtable.c:himport_r).

    Carriage returns are dropped, which U-Boot does with `-r` only: Linux would take one for a part of an option."""
    for number, line in enumerate(cleaned(text).replace("\r", "").split("\n")):
        if number >= MAX_LINES:
            return
        line = line.lstrip(" \t")
        if line.startswith("#"):
            continue
        name, _, value = line.partition("=")
        if name:
            yield name, re.sub(r"\\(.)", r"\1", value)


def ini_section(text: str, wanted: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of one section, as cmd/ini.c reads it: a semicolon after a space begins a comment."""
    section = ""
    for number, raw in enumerate(cleaned(text).splitlines()):
        line = re.split(r"\s;", raw, maxsplit=1)[0].strip()
        if number >= MAX_LINES:
            return
        if line.startswith("["):
            section = line[1:].partition("]")[0]
        elif section == wanted and not line.startswith((";", "#")):
            name, separator, value = line.partition("=" if "=" in line else ":")
            value = value.strip()
            if len(value) > 1 and value[0] == value[-1] == '"':
                value = value[1:-1]
            if separator and name.strip():
                yield name.strip(), value


def as_dict(text: str) -> dict[str, str]:
    """Return the variables that a file sets."""
    found: dict[str, str] = {}
    for name, value in settings(text):
        if value:
            found[name] = value
        else:
            found.pop(name, None)
    return found
