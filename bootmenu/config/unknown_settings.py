# SPDX-License-Identifier: MIT
"""Find the setting that an unknown name may be a typo of, so that a typo does not lift a restriction."""

from __future__ import annotations

import re

from bootmenu.config.option import UNSET
from bootmenu.config.settings import OPTIONS, Profile


def meant_by_name(name: str) -> str:
    """Return the restricting setting that an unknown name may be a typo of: an Option.name, `kiosk` or `sha256`;
    empty if there is none."""
    import difflib  # seldom needed, and the first frame waits for imports

    head, _, inner = name.partition(".")
    if head == "kiosk":
        return "kiosk"
    words = {}
    for option in OPTIONS:
        table, _, last = option.name.rpartition(".")
        restricts = option.strictest is not UNSET or option.name == "sha256"
        words[_plain(last)] = ("kiosk" if table == "kiosk" else option.name) if restricts else ""
    words |= {"kiosk": "kiosk", "state": "state.device", "statedevice": "state.device"}
    word = inner if inner and head == "state" else head
    near = difflib.get_close_matches(_plain(word)[:100], words, n=1, cutoff=0.7)
    return words[near[0]] if near else ""


def meant_by_value(value: object) -> str:
    """Return the setting that a value suggests: `profile` for the word kiosk, `sha256` for a digest; else empty."""
    if not isinstance(value, str):
        return ""
    if value.strip().casefold() == Profile.KIOSK:
        return "profile"
    return "sha256" if re.fullmatch(r"[0-9a-fA-F]{64}", value.strip()) else ""


def _plain(name: str) -> str:
    return re.sub(r"[-_. ]", "", name).casefold()
