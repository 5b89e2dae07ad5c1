# SPDX-License-Identifier: MIT
"""How two entries differ: their files, the words of their command lines, and what was found."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, _
from bootmenu.model.finding import Severity
from bootmenu.model.text import megabytes
from bootmenu.model.value import Value
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.entry_summary import known_file, path_of
from bootmenu.view.page_edges import heading
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block, paragraph
from bootmenu.view.wording import full_name, word

_LABELS = (
    *(N_("version"), N_("partition"), N_("kernel"), N_("initramfs"), N_("device tree"), N_("overlay")),
    *(N_("command line"), N_("from"), N_("verdict")),
)


class EntryDifference(Value):
    """What one entry has and what the other one has; either may be empty."""

    label: str
    first: str
    second: str


def differences(first: Listing, second: Listing) -> Iterator[EntryDifference]:
    """Yield what is not the same, in the order in which the details have it."""
    one, other = first.entry, second.entry
    for label, here, there in (
        ("version", one.version, other.version),
        ("partition", one.device, other.device),
        *((role, _files(first, role), _files(second, role)) for role in ("kernel", "initramfs")),
        *((role, _files(first, role), _files(second, role)) for role in ("device tree", "overlay")),
        ("command line", *_words(one.cmdline.text, other.cmdline.text)),
        ("from", _source(first), _source(second)),
        ("verdict", _verdict(first), _verdict(second)),
    ):
        if here != there:
            yield EntryDifference(label, clean(here, 1000), clean(there, 1000))


def comparison(first: Listing, second: Listing, width: int) -> list[Line]:
    """Return the page: each difference with the first entry's part marked `-`, and the second one's `+`."""
    indent = 2 + max(cells(_(label)) for label in _LABELS)
    lines = [heading(width, _("Two entries compared"))]
    for sign, style, listing in (("-", Style.WARN, first), ("+", Style.PASS, second)):
        lines += block(width - 1, [Span(f" {sign} ", style)], 4, full_name(listing.entry), Style.STRONG)
    lines += [BLANK, heading(width, _("What differs"))]
    found = list(differences(first, second))
    for each in found:
        label = _(each.label)
        for sign, style, text in (("-", Style.WARN, each.first), ("+", Style.PASS, each.second)):
            before = [Span(" "), Span(f"{label}{' ' * (indent - 1 - cells(label))}", Style.LABEL), Span(sign, style)]
            lines += block(width - 1, before, indent + 2, text or _("nothing"), Style.TEXT if text else Style.DIM)
            label = ""
    return lines if found else [*lines, *paragraph(width, _("Nothing that can be seen here."), Style.DIM)]


def _files(listing: Listing, role: str) -> str:
    """Return the paths of the files of a role with their sizes."""
    texts = []
    for kind, ref in listing.entry.files:
        if kind == role:
            known = known_file(listing.facts, role, ref)
            name = path_of(ref, listing.entry.device)
            texts.append(f"{name} · {megabytes(known.used_size)}" if known and known.used_size is not None else name)
    return ", ".join(texts)


def _words(first: str, second: str) -> tuple[str, str]:
    """Return the words of each command line that the other one has not."""
    here, there = first.split(), second.split()
    if sorted(here) == sorted(there):
        return (first, second) if here != there else ("", "")  # the order may matter
    return " ".join(each for each in here if each not in there), " ".join(each for each in there if each not in here)


def _source(listing: Listing) -> str:
    config = listing.entry.config
    return f"{config.path} ({listing.entry.source})" if config else listing.entry.source


def _verdict(listing: Listing) -> str:
    """Return the verdict with the codes that made it."""
    report = listing.report
    codes = dict.fromkeys(found.code for found in report.of(report.verdict))
    return " ".join([word(report.verdict), *([] if report.verdict is Severity.PASS else codes)])
