# SPDX-License-Identifier: MIT
"""What the editors of screens and of plain terminals ask the disks."""

from __future__ import annotations

from bootmenu.discovery.scan_events import Listing
from bootmenu.model.value import replace
from bootmenu.session import menu_log
from bootmenu.session.session_protocol import Session
from bootmenu.view.entry_form import Choices


def found_choices(session: Session, listing: Listing) -> Choices:
    """Return the files that the lines of an entry can be chosen from, as far as they can be read. It reads disks, and
    may be called in any thread."""
    choices = Choices()
    try:
        choices = replace(choices, trees=session.device_trees(listing))
        choices = replace(choices, files=session.entry_files.choices(listing.entry))
    except Exception as error:
        menu_log.write_error(error)
    return choices
