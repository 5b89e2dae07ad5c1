# SPDX-License-Identifier: MIT
"""Test what goes before a language and a theme that were chosen in the menu."""

from __future__ import annotations

import pytest

from bootmenu.bootstate.remembered_look import REMEMBERED_ORIGIN, with_look
from bootmenu.bootstate.state import State, decode, encode
from bootmenu.config.settings import Profile, Settings
from bootmenu.config.settings_layers import Loaded, parse

STATE = State(language="de", theme="light")


def _look(loaded: Loaded, state: State = STATE, **environ: str) -> tuple[str | None, str | None]:
    settings = with_look(loaded, state, environ).settings
    return settings.language, settings.theme


def test_what_was_chosen_in_the_menu_goes_before_the_file_and_the_system() -> None:
    assert _look(Loaded()) == ("de", "light")
    file = parse(b'theme = "dark"\nlanguage = "fr"\n', "/etc/bootmenu.toml")
    assert _look(file, LANG="es_ES.UTF-8") == ("de", "light")
    assert with_look(file, STATE, {}).origins == dict.fromkeys(("theme", "language"), REMEMBERED_ORIGIN)
    assert _look(file, State()) == ("fr", "dark")


@pytest.mark.parametrize("name", ["LC_ALL", "LC_MESSAGES"])
def test_who_asks_for_a_language_now_gets_it(name: str) -> None:
    assert _look(Loaded(), STATE, **{name: "fr_FR.UTF-8"}) == (None, "light")


def test_options_and_the_kernels_command_line_go_first() -> None:
    words = parse(None, "file", words="bootmenu.language=fr bootmenu.theme=dark")
    assert _look(words) == ("fr", "dark")
    flags = Loaded(settings=Settings(theme="mono"), origins={"theme": "--theme"})
    assert _look(flags) == ("de", "mono")


def test_in_a_kiosk_the_settings_decide() -> None:
    kiosk = Loaded(settings=Settings(profile=Profile.KIOSK, language="fr"))
    assert with_look(kiosk, STATE, {}) == kiosk


def test_a_language_that_there_is_no_more_is_not_taken() -> None:
    assert _look(Loaded(), State(language="xx", theme="light")) == (None, "light")


def test_a_state_from_before_there_was_a_choice_is_still_read() -> None:
    data = encode(STATE)
    assert decode(data) == STATE
    assert decode(data.replace(b',"language":"de","theme":"light"', b"")) == State()
