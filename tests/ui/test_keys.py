# SPDX-License-Identifier: MIT
"""The table of keys: complete, without collisions, and behind every action there is a method."""

from __future__ import annotations

import pytest
from textual.screen import Screen

from bootmenu.ui.keys import TABLE, Place, bindings, keys_of
from bootmenu.ui.pages.banner import footer
from bootmenu.ui.screens.confirm import ConfirmScreen
from bootmenu.ui.screens.details import DetailsScreen
from bootmenu.ui.screens.help import HelpScreen
from bootmenu.ui.screens.loading import LoadingScreen
from bootmenu.ui.screens.menu import MenuScreen
from bootmenu.ui.screens.passphrase import PassphraseScreen
from bootmenu.ui.screens.refusal import ArrivalScreen, RefusalScreen

SCREENS: dict[Place, type[Screen[object]]] = {
    Place.MENU: MenuScreen,  # type: ignore[dict-item]
    Place.CONFIRM: ConfirmScreen,  # type: ignore[dict-item]
    Place.PASSPHRASE: PassphraseScreen,  # type: ignore[dict-item]
    Place.PROGRESS: LoadingScreen,  # type: ignore[dict-item]
    Place.REFUSAL: RefusalScreen,  # type: ignore[dict-item]
    Place.ARRIVAL: ArrivalScreen,  # type: ignore[dict-item]
    Place.DETAILS: DetailsScreen,  # type: ignore[dict-item]
    Place.HELP: HelpScreen,  # type: ignore[dict-item]
}


@pytest.mark.parametrize("place", Place)
def test_each_key_means_one_thing_and_every_action_exists(place: Place) -> None:
    names = [name for key in keys_of(place) for name in key.keys]
    assert len(names) == len(set(names))
    for key in keys_of(place):
        assert hasattr(SCREENS[place], f"action_{key.action}"), key.action


@pytest.mark.parametrize("place", Place)
def test_a_screen_has_the_bindings_of_the_table_and_no_others(place: Place) -> None:
    merged = SCREENS[place]._merged_bindings
    assert merged is not None
    bound = set(merged.key_to_bindings)
    assert bound == {binding.key for binding in bindings(place)}  # type: ignore[union-attr]


def test_every_key_is_shown_and_explained() -> None:
    for key in TABLE:
        assert key.shown
        assert key.help
        assert key.places


def test_the_bottom_line_drops_from_the_end_what_does_not_fit() -> None:
    labels = [("Enter", "boot"), ("d", "details"), ("q", "quit")]
    assert footer(labels, 80).text == " Enter boot   d details   q quit"
    assert footer(labels, 25).text == " Enter boot   d details"
    assert footer(labels, 5).text == ""
