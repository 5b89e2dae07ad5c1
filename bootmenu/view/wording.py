# SPDX-License-Identifier: MIT
"""The words and signs of verdicts, and the names of entries, stages and power actions, for all front ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from bootmenu.compat.facts import FileState
from bootmenu.discovery.scan_events import Listing
from bootmenu.i18n import N_, Message, _, for_each_language, localized, ngettext_lazy, number
from bootmenu.model.entry import BootEntry
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.text import megabytes
from bootmenu.model.value import Value
from bootmenu.system.power import Power
from bootmenu.terminal.cells import cells, clean, fit
from bootmenu.view.styled_text import Span, Style


class VerdictWords(Value):
    """The texts of a verdict: sign and word at the start of a row, and a phrase where there is room."""

    sign: str
    word: str
    sentence: str


WORDS = {
    Severity.PASS: VerdictWords("•", N_("ok"), N_("can be started here")),
    Severity.WARN: VerdictWords("▲", N_("warn"), N_("can be started, with a warning")),
    Severity.UNKNOWN: VerdictWords("?", "?", N_("could not be checked completely")),
    Severity.FAIL: VerdictWords("■", N_("FAIL"), N_("cannot be started here")),
}

WAITS = VerdictWords("?", N_("wait"), N_("waits for {device}"))
"""For an entry that cannot be checked before a partition appears."""

SKIP = N_("! skip")
"""Shown in place of a verdict if something could not be read."""
NOTE = N_("! note")
"""Shown in place of a verdict before a notice."""


@for_each_language
def verdict_width() -> int:
    """Return the columns of the longest sign, space and word, in the language in use."""
    return max(cells(text) for text in (*map(_worded, (*WORDS.values(), WAITS)), _(SKIP)))


def _worded(words: VerdictWords) -> str:
    return words.sign if words.sign == words.word else f"{words.sign} {_(words.word)}"


def word(severity: Severity) -> str:
    """Return the word of a verdict, in the language in use."""
    return _(WORDS[severity].word)


@for_each_language
def word_width() -> int:
    """Return the columns of the longest word alone."""
    return max(cells(word(severity)) for severity in WORDS)


def verdict_line(severity: Severity) -> str:
    """Return `verdict: FAIL`."""
    return _("verdict: {word}").format(word=word(severity))


def verdict(severity: Severity) -> Span:
    """Return `■ FAIL`, padded to the width of the column; for unknown only the sign."""
    return Span(fit(_worded(WORDS[severity]), verdict_width()), Style.of(severity))


def awaited(listing: Listing) -> str:
    """Return the partition that the entry waits for, as its configuration names it; empty if the verdict does not
    depend on one."""
    if listing.report.verdict is not Severity.UNKNOWN:
        return ""
    return next((file.device for file in listing.facts.files if file.state is FileState.WAITING), "")


def verdict_of(listing: Listing) -> Span:
    """Return the verdict of an entry, padded, or `? wait`."""
    if awaited(listing):
        return Span(fit(_worded(WAITS), verdict_width()), Style.UNKNOWN)
    return verdict(listing.report.verdict)


def sentence_of(listing: Listing) -> Span:
    """Return the verdict of an entry as a phrase: `cannot be started here`, `waits for uuid=1C4E-5A7B`."""
    severity = listing.report.verdict
    if device := awaited(listing):
        return Span(_(WAITS.sentence).format(device=clean(device, 40)), Style.UNKNOWN)
    return Span(_(WORDS[severity].sentence), Style.of(severity))


def skip() -> Span:
    """Return `! skip`, as wide as a verdict."""
    return Span(fit(_(SKIP), verdict_width()), Style.WARN)


@for_each_language
def stage_width() -> int:
    """Return the columns of the longest name of a stage."""
    return max(cells(_(stage)) for stage in Stage)


def stage_words(progress: Progress) -> str:
    """Return a stage and its state in two columns: `read kernel          done    `."""
    state = max(cells(_(state)) for state in StageState)
    return f"{fit(_(progress.stage), stage_width() + 1)} {fit(_(progress.state), state + 1)}"


def stage_line(progress: Progress) -> str:
    """Return a stage with its state, size, time and detail: `read kernel    done    35.1 MB    0.3 s`."""
    size = megabytes(progress.done) if progress.done else ""
    detail = clean(localized(progress.detail), 60)
    return f"{stage_words(progress)} {size:>9} {number(progress.seconds, '6.1f')} s  {detail}".rstrip()


def name(entry: BootEntry) -> str:
    """Return an entry's name, safe to print on a terminal."""
    return clean(entry.name, 200)


def full_name(entry: BootEntry) -> str:
    """Return an entry's name with the kernel version, safe to print on a terminal."""
    return clean(entry.full_name, 300)


def matching_count(shown: int, entries: int, words: str) -> str:
    """Return `1 of 10 entries with “debian”`. entries: number of all entries. words: the filter."""
    count = ngettext_lazy(
        "{shown} of {n} entry with “{words}”",
        "{shown} of {n} entries with “{words}”",
        entries,
        shown=shown,
        words=clean(words, 40),
    )
    return localized(count)


def verdict_counts(listings: Iterable[Listing]) -> str:
    """Return `2 ok, 1 warn, 1 FAIL, 1 ?`, with the verdicts that occur."""
    counts = Counter(listing.report.verdict for listing in listings)
    shown = (Severity.PASS, Severity.WARN, Severity.FAIL, Severity.UNKNOWN)
    return ", ".join(f"{counts[severity]} {word(severity)}" for severity in shown if counts[severity])


def explained(name: str, what: str) -> str:
    """Return `name: what` as the language in use writes a colon; French has a space before it."""
    return _("{name}: {what}").format(name=name, what=what)


POWER_WORDS: Mapping[Power, str] = {
    Power.REBOOT: N_("Restart"),
    Power.OFF: N_("Switch off"),
    Power.FIRMWARE: N_("Restart into the firmware setup"),
}
"""The choices of the action `power`."""
GOING_DOWN: Mapping[Power, str] = {
    Power.REBOOT: N_("The machine is restarting."),
    Power.OFF: N_("The machine is switching off."),
    Power.FIRMWARE: N_("The machine is restarting into the firmware's setup."),
}
"""The last text on the screen, while it happens."""


def own_findings(report: Report, machine: Report) -> tuple[Finding, ...]:
    """Return the findings about the entry itself, worst first. machine: the findings that apply to every entry."""
    return tuple(finding for finding in report.findings if finding not in machine.findings)


def reasons(report: Report, machine: Report) -> tuple[Finding, ...]:
    """Return the findings that decide the verdict, the entry's own before the machine's.

    For FAIL these are all, for other verdicts only the first; for a pass there are none.
    """
    worst = report.verdict
    if worst is Severity.PASS:
        return ()
    own = tuple(finding for finding in own_findings(report, machine) if finding.severity is worst)
    every = own + tuple(finding for finding in report.of(worst) if finding not in own)
    return every if worst is Severity.FAIL else every[:1]


def overridden(report: Report) -> str:
    """Return the codes of the failed checks that starting the entry overrides, each once; empty if none failed."""
    codes = list(dict.fromkeys(finding.code for finding in report.of(Severity.FAIL)))
    more = " " + _("and {n} more").format(n=len(codes) - _SHOWN_CODES) if len(codes) > _SHOWN_CODES else ""
    return ", ".join(codes[:_SHOWN_CODES]) + more


_SHOWN_CODES = 5


def saved_own(title: str, *, has_room: bool) -> Message:
    """Return the message that an entry was saved as one of one's own. has_room: whether what remembers has room."""
    said = N_("saved as an entry of your own: {title}", title=title)
    if has_room:
        return said
    trouble = N_("an EFI variable has no room for it")
    return N_("{said}, until power-off: {trouble}", said=said, trouble=trouble)


def made_default(listing: Listing, message: str) -> str:
    """Return the message after an entry was made a default, or a warning if it cannot be started."""
    fails = listing.report.verdict is Severity.FAIL
    return N_("the default, but it cannot be started here") if fails else message
