# SPDX-License-Identifier: MIT
"""`bootmenu mark-good` in the general case; commands/mark_good_command.py has the quick way for the usual one."""

from __future__ import annotations

from bootmenu.bootstate import state_json
from bootmenu.bootstate.boot_counting import end_counting
from bootmenu.bootstate.state import timestamp
from bootmenu.errors import BootmenuError, UsageError
from bootmenu.i18n import N_
from bootmenu.model.codec import to_json
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect

_FORGOTTEN = "It is not known any more what was started, and nothing counts as lost."
_LOST = N_("It counts as lost at the next start.")


def mark_good(session: MachineSession) -> str:
    """Remember that the system that was started last came up, and end its boot counting if the settings allow that.
    Return what was done. Raise UsageError if no state is kept, and BootmenuError for other failures."""
    memory = session.state_store
    if not memory.remembers:
        raise UsageError(memory.error, "Name the place in /etc/bootmenu.toml as the first stage does: state.device.")
    if memory.error:
        raise BootmenuError(memory.error, _LOST)
    tried = memory.state.trying
    if tried is None:
        return _FORGOTTEN if memory.healed else state_json.NOTHING_TRIED
    if not memory.update(lambda state: state.mark_good(timestamp())):
        raise BootmenuError(memory.error, _LOST)
    name, praise = tried.title or tried.entry, state_json.praise(to_json(tried))
    if not session.settings.rename_counters:
        return f"{praise}."
    found = [listing.entry for listing in collect(session)[0] if listing.entry.id == tried.entry]
    devices = session.devices
    try:
        with session.scanner.paused():
            session.release()  # what is to be written must not be mounted read-only
            ended = [
                end_counting(session.host, devices[entry.device], entry, session.settings.state_place)
                for entry in found
            ]
    except OSError as error:
        raise BootmenuError(f"The counter of {name} stays in its file name: {error.strerror}.") from None
    return praise + (", and is counted no more." if any(ended) else ".")
