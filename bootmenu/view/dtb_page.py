# SPDX-License-Identifier: MIT
"""The page of the device tree that the kernel gets: fix-ups, differences from the running one, and its source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats.dtb import DeviceTree
from bootmenu.formats.dtb_text import Difference
from bootmenu.i18n import N_, _, localized, number
from bootmenu.kexec.dtb_builder import PlanDtbs
from bootmenu.model.value import Value
from bootmenu.session.session_protocol import Session
from bootmenu.terminal.cells import clean, cut
from bootmenu.typed import TYPE_CHECKING
from bootmenu.view.page_edges import heading
from bootmenu.view.styled_text import BLANK, LazyLines, Line, Span, Style, block, line, paragraph

if TYPE_CHECKING:
    from bootmenu.formats.editable_dtb import EditableDtb

MAX_DIFFERENCES = 1000


class DtbText(Value, kw_only=True):
    """The device trees of a plan as text. It is slow to make, so make it in a thread."""

    changes: tuple[str, ...] | None
    """Differences from the entry's own tree to the one that the kernel gets; None if the entry has no tree."""
    against_running: tuple[str, ...] | None
    """Differences from the running tree to the one that the kernel gets; None if either cannot be read."""
    source: Sequence[str] | None
    """Source lines of the tree that the kernel gets, each printed on access; None if the tree cannot be read."""

    @classmethod
    def of(cls, dtbs: PlanDtbs) -> DtbText:
        """Return the text of these trees, which may take some hundred milliseconds. Raise BootmenuError."""
        final = _editable(dtbs.final, N_("The device tree"))
        own = _editable(dtbs.own, N_("The device tree"))
        running = _editable(dtbs.running, N_("The running device tree"))
        if final is None:
            return cls(changes=None, against_running=None, source=None)
        return cls(
            changes=None if own is None else _bounded(own.differences(final)),
            against_running=None if running is None else _bounded(running.differences(final)),
            source=final.source(),
        )

    @classmethod
    def read(cls, session: Session, listing: Listing) -> DtbText:
        """Plan an entry, read its files, and return the text of its trees. Raise BootmenuError."""
        with session.holding(listing):
            return cls.of(session.plan_dtbs(session.plan(listing)))


def _editable(tree: DeviceTree | None, name: str) -> EditableDtb | None:
    """Return the tree as one that can be compared and printed. Raise BootmenuError, which names it."""
    from bootmenu.formats.editable_dtb import EditableDtb

    if tree is None:
        return None
    try:
        return EditableDtb.from_tree(tree)
    except FormatError as error:
        raise BootmenuError(
            N_("{tree} cannot be shown: {reason}.", tree=name, reason=error.message), error.hint
        ) from None


def _bounded(differences: Iterable[Difference]) -> tuple[str, ...]:
    return tuple(_truncated((localized(difference.message()) for difference in differences), MAX_DIFFERENCES))


def _truncated(texts: Iterable[str], limit: int) -> Iterator[str]:
    """Yield the first texts, and a last one that says so if there are more."""
    texts = iter(texts)
    yield from islice(texts, limit)
    if next(texts, None) is not None:
        yield _("... and more: only the first {n} are shown").format(n=number(limit, ","))


def tree(shown: DtbText | BootmenuError | None, title: str, width: int) -> Sequence[Line]:
    """Return the page. shown: None while the trees are being read."""
    lines = [heading(width, title)]
    if shown is None:
        return [*lines, *paragraph(width, _("Still reading."), Style.DIM)]
    if isinstance(shown, BootmenuError):
        lines += paragraph(width, localized(shown.message), Style.FAIL)
        return [*lines, *paragraph(width, localized(shown.hint), Style.STRONG)] if shown.hint else lines
    if shown.changes is None:
        lines += paragraph(width, _("The entry names no device tree: the kernel gets the running one."))
    else:
        lines += _changes(_("Changes to the entry's device tree"), shown.changes, width)
    if shown.against_running is not None:
        lines += _changes(_("Differences from the running device tree"), shown.against_running, width)
    lines += [BLANK, heading(width, _("The device tree that the kernel gets"))]
    if shown.source is None:
        return [*lines, *paragraph(width, _("Not available: the running device tree cannot be read."), Style.DIM)]
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
