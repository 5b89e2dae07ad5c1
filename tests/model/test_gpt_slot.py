# SPDX-License-Identifier: MIT
"""Slots of A/B systems in the attributes of a GPT."""

from __future__ import annotations

import pytest

from bootmenu.model.gpt_slot import GptSlot


@pytest.mark.parametrize(
    ("attributes", "slot", "can_start"),
    [
        (0, GptSlot(priority=0, tries=0, successful=False), False),
        (0x0101 << 48, GptSlot(priority=1, tries=0, successful=True), True),
        (0x0012 << 48, GptSlot(priority=2, tries=1, successful=False), True),
        (0x000F << 48, GptSlot(priority=15, tries=0, successful=False), False),
        (0x01F0 << 48, GptSlot(priority=0, tries=15, successful=True), False),
        ((1 << 48) - 1, GptSlot(priority=0, tries=0, successful=False), False),
    ],
)
def test_a_slot_is_read_from_its_bits(attributes: int, slot: GptSlot, can_start: bool) -> None:
    assert GptSlot.of(attributes) == slot
    assert slot.can_start is can_start
