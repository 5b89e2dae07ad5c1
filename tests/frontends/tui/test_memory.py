# SPDX-License-Identifier: MIT
"""Test that closed screens are freed: a menu may stay open for months."""

from __future__ import annotations

import gc
from collections import Counter

import pytest
from textual.dom import DOMNode
from textual.strip import Strip

from bootmenu.frontends.tui.screens import scanning_screen
from bootmenu.frontends.tui.textual_internals import StylesCache
from tests.builders import fakes
from tests.frontends.tui.driving import running


def kept() -> Counter[type]:
    gc.collect()
    return Counter(
        kind for each in gc.get_objects() for kind in (StylesCache, DOMNode, Strip) if isinstance(each, kind)
    )


def grown(before: Counter[type]) -> Counter[type]:
    """Return of which kinds there are twice as many as before, and how many more.

    The last screen of each kind may be kept, by the thread that worked for it; ten of a kind are three times as many.
    """
    return Counter({kind: now - before[kind] for kind, now in kept().items() if now > before[kind] * 2})


async def test_a_screen_that_was_left_keeps_nothing() -> None:
    async with running(fakes.FakeSession()) as menu:

        async def visit(times: int) -> None:
            for _ in range(times):
                for key in ("question_mark", "d", "l"):
                    await menu.press(key)
                    await menu.press("escape")

        await visit(3)
        before = kept()
        await visit(10)
        # the last ones that were left are taken down in the background
        await menu.until(lambda: not grown(before))


async def test_a_garbage_collection_passes_over_many_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(fakes.FakeSession()):
        assert gc.get_freeze_count() == 0, "a few make no difference"
    monkeypatch.setattr(scanning_screen, "_MANY_ENTRIES", 5)
    try:
        async with running(fakes.FakeSession()) as menu:
            found = menu.menu.results
            assert gc.get_freeze_count() > 0
            assert not any(each is found for each in gc.get_objects())
            menu.menu.start_scan()
            assert gc.get_freeze_count() == 0, "what is gone is freed"
            await menu.until(lambda: gc.get_freeze_count() > 0)
    finally:
        gc.unfreeze()
