# SPDX-License-Identifier: MIT
"""Language and theme that were chosen in the menu, among the settings."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu import i18n
from bootmenu.bootstate.state import State
from bootmenu.config.settings import Profile
from bootmenu.config.settings_layers import COMMAND_LINE_ORIGIN, Loaded
from bootmenu.model.value import replace

REMEMBERED_ORIGIN = "chosen in the menu"
_OVERRIDES = ("LC_ALL", "LC_MESSAGES")
"""POSIX: these go before LANG, which is the system's default; who sets one wants that language now."""


def with_look(loaded: Loaded, state: State, environ: Mapping[str, str]) -> Loaded:
    """Return the settings with the language and the theme that are remembered.

    The command's own options and the kernel's command line go before them, and for the language an environment that
    asks for one. In a kiosk the settings alone decide.
    """
    if loaded.settings.profile is Profile.KIOSK:
        return loaded
    settings, origins = loaded.settings, dict(loaded.origins)
    asked = any(environ.get(name) for name in _OVERRIDES)
    if state.language in i18n.available() and not asked and not _demanded(origins.get("language", "")):
        settings = replace(settings, language=state.language)
        origins["language"] = REMEMBERED_ORIGIN
    if state.theme and not _demanded(origins.get("theme", "")):
        settings = replace(settings, theme=state.theme)
        origins["theme"] = REMEMBERED_ORIGIN
    return replace(loaded, settings=settings, origins=origins)


def _demanded(origin: str) -> bool:
    return origin == COMMAND_LINE_ORIGIN or origin.startswith("--")
