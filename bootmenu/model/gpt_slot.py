# SPDX-License-Identifier: MIT
"""The slots of A/B systems in a GPT, as ChromeOS introduced them and CoreOS and Flatcar use them."""

from __future__ import annotations

from bootmenu.model.value import Value


class GptSlot(Value, kw_only=True):
    """What the attributes of a partition say about the system in it.

    Source: vboot_reference, firmware/lib/cgptlib/include/cgptlib_internal.h.
    """

    priority: int
    """0 (not to be started) to 15."""
    tries: int
    """Tries left, 0 to 15."""
    successful: bool
    """Whether it has started."""

    @classmethod
    def of(cls, attributes: int) -> GptSlot:
        """Return the slot of a partition with these attributes."""
        return cls(priority=attributes >> 48 & 15, tries=attributes >> 52 & 15, successful=bool(attributes >> 56 & 1))

    @property
    def can_start(self) -> bool:
        """Return whether a loader may start it."""
        return self.priority > 0 and (self.tries > 0 or self.successful)
