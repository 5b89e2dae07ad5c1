# SPDX-License-Identifier: MIT
"""Folding the snapshots of a system into one row of the menu, and unfolding them."""

from __future__ import annotations

from bootmenu.frontends.tui.screens.menu_own import OwnEntries
from bootmenu.i18n import _


class MenuFolds(OwnEntries):
    """Folds and unfolds rows."""

    def action_unfold(self) -> None:
        """List the snapshots that the selected row stands for."""
        row = self._rows.selected
        if row is not None and row.fold is not None:
            self._show_folded(row.key or "", self._unfolded | {row.key or ""})
        else:
            self._show_message(_("there are no snapshots here to show"))

    def action_fold(self) -> None:
        """Fold the snapshots under the selected row, or among which the selected entry is."""
        row = self._rows.selected
        if row is not None and (key := row.within or (row.key if row.fold else "")):
            self._show_folded(key, self._unfolded - {key})
        else:
            self._show_message(_("there are no snapshots here to fold"))

    def _show_folded(self, key: str, unfolded: frozenset[str]) -> None:
        self._message, self._unfolded = "", unfolded
        self._rows.select_key(key)
        self.draw_results()
        self._draw_summary(from_top=True)
