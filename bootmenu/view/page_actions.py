# SPDX-License-Identifier: MIT
"""The rows of the table of actions (actions.py) for pages that are read: the search, and findings in the details."""

from __future__ import annotations

from bootmenu.i18n import N_
from bootmenu.view.action import ENTER, Action
from bootmenu.view.action import essential as _essential
from bootmenu.view.screen_ids import SEARCHED, ScreenId, Situation

SEARCHING: tuple[Action, ...] = (
    Action(
        name="next_match",
        keys=("N", "upper_n", "f3"),
        shown="N F3",
        label=N_("next match"),
        help=N_("the next line with the text that is searched"),
        screens=SEARCHED,
        essential=True,
        labelled_with=Situation.SEARCH,
    ),
    Action(
        name="previous_match",
        keys=("P", "upper_p"),
        shown="P",
        help=N_("the previous line with it"),
        screens=SEARCHED,
        essential=True,
        labelled_with=Situation.SEARCH,
    ),
)

FINDINGS: tuple[Action, ...] = (
    _essential(
        "evidence",
        ENTER,
        "Enter",
        N_("evidence"),
        N_("show the values that the marked check compared; again: hide them"),
        (ScreenId.DETAILS,),
    ),
    _essential(
        "next_finding",
        ("tab", "J", "upper_j"),
        "Tab J",
        N_("next check"),
        N_("mark the next check"),
        (ScreenId.DETAILS,),
    ),
    Action(
        name="previous_finding",
        keys=("shift+tab", "K", "upper_k"),
        shown="Shift+Tab K",
        help=N_("mark the previous check"),
        screens=(ScreenId.DETAILS,),
        essential=True,
    ),
    _essential(
        "evidence_all",
        ("E", "upper_e"),
        "E",
        N_("all"),
        N_("show the values of every check; again: hide them"),
        (ScreenId.DETAILS,),
    ),
)

SEARCH = Action(
    name="filter",
    keys=("slash", "f"),
    shown="/ f",
    label=N_("search"),
    help=N_("search a text on this page"),
    screens=SEARCHED,
)
