# SPDX-License-Identifier: MIT
"""Test every screen on the smallest and largest terminals: answers and choices are always visible."""

from __future__ import annotations

import re
from functools import partial

import pytest

from bootmenu.model.finding import Report
from bootmenu.view.question import question
from tests.builders import fakes
from tests.frontends.tui import appearance
from tests.frontends.tui.driving import Menu
from tests.frontends.tui.scenes import SCENES
from tests.properties import ALL, part

SIZES = ((20, 8), (24, 10), (32, 8), (40, 12), (60, 20), (80, 24), (90, 9), (100, 30), (132, 50), (240, 70))

MARKED = "^│?▶ "
CONTACT = r"0800\s+123\s+456"

IN_SIGHT: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(
        ("menu", "menu-warn", "menu-fail", "menu-unknown", "menu-problem", "menu-stuck", "menu-waiting"), (MARKED,)
    ),
    **dict.fromkeys(("menu-looking", "menu-simulation", "menu-locked", "menu-remembered", "filtered"), (MARKED,)),
    **dict.fromkeys(("menu-folded", "menu-unfolded"), (MARKED,)),
    "menu-ended-early": (MARKED, "the scan en"),
    "menu-tested": (MARKED, "Test passed"),
    "menu-starting": ("looking",),
    "menu-empty": (r"\bm\b",),
    "welcome": (r"▶ 1  ", r"\b2  ", r"\b3  "),
    "menu-visited": (MARKED, "! note Nothing"),
    "menu-no-partition": ("0 entries",),
    "filter": (MARKED, "Filter: .*ok"),
    "filtered-away": ("0 of",),
    **dict.fromkeys(("question", "question-always"), ("No, ", "Yes, ", "▶ (No|Yes)")),
    "power": tuple(rf"\b{number}  " for number in range(1, 5)),
    "power-off": (MARKED, "restarting"),
    "kiosk-power-off": ("switching", CONTACT),
    "passphrase": (r"\*\*\*\*_",),
    "passphrase-wrong": ("_ ", "not its"),
    "passphrase-tried": ("deriving",),
    "progress": ("▶ now", "%"),
    **dict.fromkeys(("error", "fault"), ("■",)),
    "arrival": ("▶",),
    **dict.fromkeys(("edit", "edit-tree", "edit-kernel"), ("^▶", "«|root=|bcm2837|vmlinuz")),
    "edit-name": ("Name: ", "entry|«"),
    "edit-drop": ("▶ 1  Go on",),
    "menu-own": (MARKED,),
    "details": ("kernel",),
    "details-open": ("kernel",),
    "search": ("Search: ", r"\b\d of "),
    "searched": (r"cpu: \d of",),
    "tree": (r"\+",),
    "log": ("usb 1",),
    "machine": ("This machine",),
    "comparison": ("Two entries", "-  Debian"),
    "language": ("▶ 2", "English"),
    "theme": ("▶ 2", "By the"),
    "help": ("Move", "↑ k"),
    "help-search": ("Filter: ",),
    **dict.fromkeys(("kiosk", "kiosk-remembered"), ("▶  Start", CONTACT)),
    "kiosk-looking": ("One moment", CONTACT),
    "kiosk-pin": (r"\[8\]", r"\* \* _", CONTACT),
    "kiosk-progress": ("%", CONTACT),
    **dict.fromkeys(("kiosk-refusal", "kiosk-arrival", "kiosk-no-entry"), (CONTACT,)),
}
"""By scene: the texts that must be visible at any size. They may wrap between words."""

KEYLESS = ("kiosk", "menu-starting")
"""Prefixes of the scenes without keys in the last line."""


def test_every_scene_says_what_has_to_be_in_sight() -> None:
    assert set(IN_SIGHT) == set(SCENES)


def _has(menu: Menu, size: tuple[int, int]) -> bool:
    """Return whether the screen has been drawn at the new size."""
    screen = appearance.seen(menu)
    return bool(screen) and (len(screen[0]), len(screen)) == size


def _in_sight(menu: Menu, name: str) -> bool:
    """Return whether all texts and a key are visible; after a resize the screen is drawn in several steps."""
    rows = appearance.characters(appearance.seen(menu))
    picture = "\n".join(rows)
    found = all(re.search(wanted, picture, re.MULTILINE) for wanted in IN_SIGHT[name])
    return found and (name.startswith("kiosk") or bool(rows[-1].strip()))


@pytest.mark.parametrize("name", part(SCENES))
async def test_what_has_to_be_answered_is_in_sight(name: str) -> None:
    async with appearance.playing(name) as menu:
        for size in SIZES if ALL else SIZES[::3]:
            await menu.pilot.resize_terminal(*size)
            await menu.until(partial(_has, menu, size))
            await menu.until(partial(_in_sight, menu, name))


async def test_a_box_on_a_low_terminal_is_read_to_its_end() -> None:
    async with appearance.playing("question") as menu:
        await menu.pilot.resize_terminal(20, 8)
        await menu.until(partial(_has, menu, (20, 8)))
        read = ""
        for _ in range(30):
            read += "\n".join(menu.rows)
            assert any("▶ No," in row for row in menu.rows)
            await menu.press("pagedown")
        assert "override" in read
        assert "IMG-PAGE" in read
        await menu.press("down")
        assert any("▶ Yes," in row for row in menu.rows)


def test_the_question_names_every_failure() -> None:
    both = fakes.listing("one", "Linux", fakes.PAGE, fakes.STUCK)
    for machine in (Report(findings=()), Report(findings=(fakes.STUCK,))):
        rows = question(both, machine, first_stage=True, simulated=False, width=60)
        text = " ".join(row.text.strip() for row in rows)
        assert "This kernel uses 16 KiB pages." in text
        assert "The CPUs cannot be handed over" in text
        assert "IMG-PAGE, CPU-STUCK" in text
