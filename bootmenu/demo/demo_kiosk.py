# SPDX-License-Identifier: MIT
"""The kiosk settings of the demonstration machine, for what the user's settings leave open."""

from __future__ import annotations

from bootmenu.bootstate.pin import StoredPin
from bootmenu.config.settings import Settings
from bootmenu.model.value import replace

PIN = "2580"
_NAMES = {
    "bls-debian-6.1.0-49-*": "Start normally",
    "extlinux-alpine-*": "Start the other system",
    "extlinux-own-tree-*": "Repair",
}


def demonstrated(settings: Settings) -> tuple[Settings, str]:
    """Return the settings of the demonstration, and what its screens say about the PIN; empty if it is another
    PIN."""
    own = Settings()
    if settings.kiosk_entries == own.kiosk_entries:
        settings = replace(
            settings,
            kiosk_entries=tuple(_NAMES),
            kiosk_names=settings.kiosk_names or _NAMES,
            kiosk_recovery=settings.kiosk_recovery or ("extlinux-own-tree-*",),
        )
    settings = replace(settings, kiosk_contact=settings.kiosk_contact or "Help: 0800 123 456")
    if settings.kiosk_pin is not None:
        return settings, ""
    # fewer rounds: there is nothing to protect
    return replace(settings, kiosk_pin=str(StoredPin.new(PIN, n=1 << 10))), f"The PIN is {PIN}."
