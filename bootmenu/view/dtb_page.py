# SPDX-License-Identifier: MIT
"""The device tree that an entry is handed: what is changed in it, how it differs from the running one, the whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb_text import Difference, differences, source_of
from bootmenu.i18n import _, localized
from bootmenu.kexec.dtb_fixups import HandedTrees
from bootmenu.session.machine_session import Session
from bootmenu.terminal.cells import clean, cut
from bootmenu.view.banner import heading
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, line, paragraph

MOST_DIFFERENCES = 1000
MOST_LINES = 6000
"""Of the dump; the longest of Debian's device trees has some 5,000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeText:
    """What is shown of the trees of a plan, as text: made in a thread."""

    changes: tuple[str, ...] | None
    """Between the entry's own tree and what is handed on; None = it brings none."""
    against_running: tuple[str, ...] | None
    """None = one of the two is not known."""
    source: tuple[str, ...] | None
    """None = not known."""

    @classmethod
    def of(cls, trees: HandedTrees) -> TreeText:
        """Takes up to some hundred milliseconds."""
        handed = trees.handed
        return cls(
            changes=None if trees.named is None or handed is None else _bounded(differences(trees.named, handed)),
            against_running=(
                None if trees.running is None or handed is None else _bounded(differences(trees.running, handed))
            ),
            source=None if handed is None else tuple(_cut(source_of(handed), MOST_LINES)),
        )

    @classmethod
    def read(cls, session: Session, listing: Listing) -> TreeText:
        """Of what would be handed on for an entry. Reads the disk. Raises BootmenuError."""
        with session.holding(listing):
            return cls.of(session.handed_trees(session.plan(listing)))


def _bounded(found: Iterable[Difference]) -> tuple[str, ...]:
    return tuple(_cut((str(difference) for difference in found), MOST_DIFFERENCES))


def _cut(texts: Iterable[str], most: int) -> Iterator[str]:
    texts = iter(texts)
    yield from islice(texts, most)
    if next(texts, None) is not None:
        yield _("... and more: only the first {n} are shown").format(n=f"{most:,}")


def tree(shown: TreeText | BootmenuError | None, name: str, width: int) -> list[Line]:
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
    return [*lines, *(line(" ", Span(cut(clean(text.expandtabs(4)), width - 2))) for text in shown.source)]


def _changes(title: str, texts: tuple[str, ...], width: int) -> list[Line]:
    lines = [BLANK, heading(width, title)]
    if not texts:
        return [*lines, *paragraph(width, _("Nothing: they say the same."), Style.DIM)]
    for text in texts:
        sign, _blank, rest = text.partition(" ")
        style = {"+": Style.PASS, "-": Style.FAIL}.get(sign, Style.WARN)
        lines += block(width - 1, [Span(" "), Span(clean(sign, 3), style)], 4, clean(rest))
    return lines
