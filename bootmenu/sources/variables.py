# SPDX-License-Identifier: MIT
"""Variables of boot loaders in command lines: which of those that nothing sets an entry cannot do without."""

from __future__ import annotations

from collections.abc import Iterable

from bootmenu.model.entry import CommandLine

_DECIDING = frozenset(("root", "rootflags", "rootfstype", "real_root", "ostree", "boot", "init", "rdinit"))


def needed(text: str, unset: Iterable[tuple[str, str]], *, known: bool = True) -> tuple[str, ...]:
    """Return which of a command line's variables that nothing sets it cannot do without.

    unset: (parameter whose value it is in, variable); the parameter of a word of its own is empty. known: everything
    was read that could have set them, and so the text is what the kernel would get.

    Distributions write what is unset as often as not: `${extra_cmdline}` of openSUSE, `findiso=${iso_path}` of Debian
    Live, `${cbootargs}` of NVIDIA. Nothing is missing where the rest says what is started, by root= or by a live
    system's boot=.
    """
    line = CommandLine(text)
    complete = known and bool(line.get("root") or line.get("boot"))
    return tuple(dict.fromkeys(name for parameter, name in unset if not complete or parameter in _DECIDING))


def parameter_of(word: str) -> str:
    """Return the parameter whose value a text in this word belongs to; empty where it is none's."""
    name, equals, _ = word.partition("=")
    return name if equals and "$" not in name else ""
