# SPDX-License-Identifier: MIT
"""Boot loader variables in kernel command lines: decide which unset variables an entry depends on."""

from __future__ import annotations

from collections.abc import Iterable

from bootmenu.model.entry import CommandLine

DECIDING = frozenset("root rootflags rootfstype real_root ostree boot init rdinit mount.usr usr".split())


def needed(text: str, unset: Iterable[tuple[str, str]], *, known: bool = True) -> tuple[str, ...]:
    """Return the unset variables of a kernel command line that it depends on.

    unset: pairs of (parameter in whose value the variable occurs, or empty; variable). known: whether everything that
    could have set them was read, so that the text is what the kernel would get.

    Distributions often use variables that may be unset: `${extra_cmdline}` in openSUSE, `findiso=${iso_path}` in
    Debian Live, `${cbootargs}` by NVIDIA. They do not matter if the rest names the system, with root= or a live
    system's boot=.
    """
    line = CommandLine(text)
    complete = known and bool(line.get("root") or line.get("boot"))
    return tuple(dict.fromkeys(name for parameter, name in unset if not complete or parameter in DECIDING))


def parameter_of(word: str) -> str:
    """Return the name of the parameter that this word sets, or empty if it sets none."""
    name, equals, _ = word.partition("=")
    return name if equals and "$" not in name else ""
