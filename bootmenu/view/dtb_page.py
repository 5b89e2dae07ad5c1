# SPDX-License-Identifier: MIT
"""The device tree that an entry is handed: what is changed in it, how it differs from the running one, the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.dtb import DeviceTree
from bootmenu.formats.dtb_text import Difference
from bootmenu.i18n import N_, _, localized, number
from bootmenu.kexec.dtb_fixups import PlanTrees
from bootmenu.model.value import Value
from bootmenu.session.session_protocol import Session
from bootmenu.terminal.cells import clean, cut
from bootmenu.view.banner import heading
from bootmenu.view.styled_text import BLANK, LazyLines, Line, Span, Style, block, line, paragraph

if TYPE_CHECKING:
    from bootmenu.formats.editable_dtb import EditableTree

MOST_DIFFERENCES = 1000


class TreeText(Value, kw_only=True):
    """What is shown of the trees of a plan, as text: made in a thread."""

    changes: tuple[str, ...] | None
    """Between the entry's own tree and what is handed on; None = it brings none."""
    against_running: tuple[str, ...] | None
    """None = one of the two is not known."""
    source: Sequence[str] | None
    """Its lines are printed when they are asked for; None = not known."""

    @classmethod
    def of(cls, trees: PlanTrees) -> TreeText:
        """Return the text of these trees; takes up to some hundred milliseconds. Raise BootmenuError."""
        handed = _editable(trees.final, N_("The device tree"))
        named = _editable(trees.named, N_("The device tree"))
        running = _editable(trees.running, N_("The running device tree"))
        if handed is None:
            return cls(changes=None, against_running=None, source=None)
        return cls(
            changes=None if named is None else _bounded(named.differences(handed)),
            against_running=None if running is None else _bounded(running.differences(handed)),
            source=handed.source(),
        )

    @classmethod
    def read(cls, session: Session, listing: Listing) -> TreeText:
        """Return the text of what would be handed on for an entry. Read the disk. Raise BootmenuError."""
        with session.holding(listing):
            return cls.of(session.plan_trees(session.plan(listing)))


def _editable(tree: DeviceTree | None, name: str) -> EditableTree | None:
    from bootmenu.formats.editable_dtb import EditableTree

    if tree is None:
        return None
    try:
        return EditableTree.from_tree(tree)
    except FormatError as error:
        raise BootmenuError(
            N_("{tree} cannot be shown: {reason}.", tree=name, reason=error.message), error.hint
        ) from None


def _bounded(found: Iterable[Difference]) -> tuple[str, ...]:
    return tuple(_cut((str(difference) for difference in found), MOST_DIFFERENCES))


def _cut(texts: Iterable[str], most: int) -> Iterator[str]:
    texts = iter(texts)
    yield from islice(texts, most)
    if next(texts, None) is not None:
        yield _("... and more: only the first {n} are shown").format(n=number(most, ","))


def tree(shown: TreeText | BootmenuError | None, name: str, width: int) -> Sequence[Line]:
    """None = the trees are being read."""
    lines = [heading(width, name)]
    if shown is None:
        return [*lines, *paragraph(width, _("Being read."), Style.DIM)]
    if isinstance(shown, BootmenuError):
        lines += paragraph(width, localized(shown.message), Style.FAIL)
        return [*lines, *paragraph(width, localized(shown.hint), Style.STRONG)] if shown.hint else lines
    if shown.changes is None:
        lines += paragraph(width, _("The entry brings none: the running one is handed on."))
    else:
        lines += _changes(_("What is changed in the entry's own"), shown.changes, width)
    if shown.against_running is not None:
        lines += _changes(_("Against the one that runs now"), shown.against_running, width)
    lines += [BLANK, heading(width, _("What is handed on"))]
    if shown.source is None:
        return [*lines, *paragraph(width, _("It is not known here: the running one cannot be read."), Style.DIM)]
    return LazyLines(lines, shown.source, lambda text: line(" ", Span(cut(clean(text.expandtabs(4)), width - 2))))


def _changes(title: str, texts: tuple[str, ...], width: int) -> list[Line]:
    lines = [BLANK, heading(width, title)]
    if not texts:
        return [*lines, *paragraph(width, _("No differences."), Style.DIM)]
    for text in texts:
        sign, _blank, rest = text.partition(" ")
        style = {"+": Style.PASS, "-": Style.FAIL}.get(sign, Style.WARN)
        lines += block(width - 1, [Span(" "), Span(clean(sign, 3), style)], 4, clean(rest))
    return lines
