# SPDX-License-Identifier: MIT
"""The kiosk settings of the demonstration machine, for what the user's settings leave open."""

from __future__ import annotations

from bootmenu.bootstate.pin import StoredPin
from bootmenu.config.settings import Settings
from bootmenu.i18n import N_, _, localized
from bootmenu.model.value import replace

PIN = "2580"
_NAMES = {
    "bls-debian-6.1.0-49-*": N_("Start normally"),
    "extlinux-alpine-*": N_("Start the other system"),
    "extlinux-own-tree-*": N_("Repair"),
}


def demonstrated(settings: Settings) -> tuple[Settings, str]:
    """Return the settings of the demonstration in the language in use, and what its screens say about the PIN; empty
    if it is another PIN."""
    own = Settings()
    if settings.kiosk_entries == own.kiosk_entries:
        settings = replace(
            settings,
            kiosk_entries=tuple(_NAMES),
            kiosk_names=settings.kiosk_names or {pattern: localized(name) for pattern, name in _NAMES.items()},
            kiosk_recovery=settings.kiosk_recovery or ("extlinux-own-tree-*",),
        )
    settings = replace(settings, kiosk_contact=settings.kiosk_contact or _("Help: 0800 123 456"))
    if settings.kiosk_pin is not None:
        return settings, ""
    # fewer rounds: there is nothing to protect
    return replace(settings, kiosk_pin=str(StoredPin.new(PIN, n=1 << 10))), _("The PIN is {pin}.").format(pin=PIN)
