# SPDX-License-Identifier: MIT
"""Test the rows of the kiosk, which its pages and its plain lines show."""

from __future__ import annotations

from bootmenu.bootstate.state import State
from bootmenu.config.settings import Profile, Settings
from bootmenu.model.value import replace
from bootmenu.view.kiosk_pages import kiosk_rows
from bootmenu.view.policy import Policy
from tests.builders.fakes import DEBIAN


def test_no_two_choices_have_the_same_name() -> None:
    copy = replace(DEBIAN, entry=replace(DEBIAN.entry, id="copy", device="sdb1"))
    policy = Policy.of(Settings(profile=Profile.KIOSK))
    rows = kiosk_rows(policy, [DEBIAN, copy], State(), {}, recommended=None)
    names = [row.name for row in rows if row.listing]
    assert len(set(names)) == 2, names
    assert "(sdb1)" in names[1]
