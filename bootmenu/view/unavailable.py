# SPDX-License-Identifier: MIT
"""Why a key of the menu can do nothing now, in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from bootmenu.i18n import _
from bootmenu.typed import assert_never
from bootmenu.view.action import Action
from bootmenu.view.screen_ids import Requirement, Situation


def why_unavailable(
    actions: Sequence[Action],
    not_met: frozenset[Requirement],
    situations: frozenset[Situation] = frozenset(Situation),
) -> str:
    """Return why none of the actions of a key can be carried out. not_met: the conditions that do not hold here.
    situations: those in which the screen is."""
    needed = {action.labelled_with for action in actions}
    if Situation.SEARCH in needed - situations:
        return _("nothing is searched here: press / and type a text")
    if Situation.ENTRY in needed - situations:
        return _("this page is not about an entry")
    if any(action.name == "unfilter" for action in actions):
        return _("no filter is set")
    missing = next((action.requires for action in actions if action.requires in not_met), None)
    match missing:
        case None:
            return _("the settings do not permit this")
        case Requirement.QUIT:
            return _("this is a first stage: there is nothing to go back to")
        case Requirement.SHELL:
            return _("a shell is offered only in a first stage, if the settings permit it")
        case Requirement.DEMO:
            return _("the demonstration is offered only on a running system")
        case Requirement.SERVICE:
            return _("only the service menu of a kiosk can be locked")
        case Requirement.LOOK:
            return _("in a kiosk the settings decide language and theme")
    assert_never(missing)
