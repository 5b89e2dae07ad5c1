# SPDX-License-Identifier: MIT
"""`bootmenu mark-good` in the general case. For the usual one commands/mark_good_command.py has a faster way."""

from __future__ import annotations

from bootmenu.bootstate import state_json
from bootmenu.bootstate.boot_counting import end_counting
from bootmenu.bootstate.state import timestamp
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.i18n import N_
from bootmenu.model.codec import to_json
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect

_UNKNOWN = "It is no longer known which entry was started; no boot counts as failed."
_STILL_OPEN = N_("At the next start this boot will count as not completed.")


def mark_good(session: MachineSession) -> str:
    """Record that the system that was started last came up, and end its boot counting if the settings allow that.

    Return the message about what was done. Raise UsageError if no state is kept, and BootmenuError if writing fails.
    """
    store = session.state_store
    if not store.remembers:
        raise UsageError(store.error, "Name the place in /etc/bootmenu.toml as the first stage does: state.device.")
    if store.error:
        raise BootmenuError(store.error, _STILL_OPEN)
    attempt = store.state.trying
    if attempt is None:
        return _UNKNOWN if store.healed else state_json.NOTHING_TRIED
    if not store.update(lambda state: state.mark_good(timestamp())):
        raise BootmenuError(store.error, _STILL_OPEN)
    name, message = attempt.title or attempt.entry, state_json.praise(to_json(attempt))
    if not session.settings.rename_counters:
        return f"{message}."
    entries = [listing.entry for listing in collect(session)[0] if listing.entry.id == attempt.entry]
    devices = session.scanner.devices
    try:
        with session.scanner.paused():
            session.release()  # a file system cannot be mounted for writing while mounted read-only
            ended = [
                end_counting(session.host, devices[entry.device], entry, session.settings.state_place)
                for entry in entries
            ]
    except OSError as error:
        raise BootmenuError(f"The counter of {name} stays in its file name: {error.strerror}.") from None
    return message + (", and its boot counting has ended." if any(ended) else ".")
