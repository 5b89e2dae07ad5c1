# SPDX-License-Identifier: MIT
"""The page about this machine: what it is, how it hands over to another kernel, and what it remembers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bootmenu.bootstate.state import Attempt, State
from bootmenu.i18n import N_, _, localized, ngettext, number
from bootmenu.model.machine import MachineFacts
from bootmenu.model.text import megabytes
from bootmenu.model.value import Value
from bootmenu.terminal.cells import cells, clean
from bootmenu.view.page_edges import heading
from bootmenu.view.styled_text import BLANK, Line, Span, Style, block

_MOST = 5
"""Boots, keys and names of one kind that are listed."""
_LABELS = (
    *(
        N_("board"),
        N_("processors"),
        N_("memory"),
        N_("firmware"),
        N_("started at"),
        N_("kernel"),
        N_("command line"),
    ),
    *(
        N_("consoles"),
        N_("by bootmenu"),
        N_("by the kernel"),
        N_("kexec-tools"),
        N_("switched off"),
        N_("loads left"),
        N_("loaded now"),
    ),
    *(N_("signatures"), N_("default"), N_("next boot"), N_("started last"), N_("worked"), N_("not completed")),
    *(N_("own entries"), N_("language"), N_("theme")),
)


class Fact(Value):
    """A label, which is empty where the row continues the one above, and a value."""

    label: str
    value: str
    style: Style = Style.TEXT


Section = tuple[str, tuple[Fact, ...]]
"""A heading, and the rows below it."""


def sections(
    machine: MachineFacts, state: State | None, remembers: str, consoles: Sequence[str]
) -> tuple[Section, ...]:
    """Return what is known. state: what is remembered; None while it is read. remembers: why nothing is; empty:
    something is. consoles: names of the terminals that show the menu."""
    kept = tuple(_remembered(state)) if state is not None else (Fact("", _("Still reading."), Style.DIM),)
    if remembers:
        kept = (Fact("", clean(localized(remembers), 400), Style.WARN), *kept)
    return (
        (_("This machine"), tuple(_machine(machine, consoles))),
        (_("Handing over to another kernel"), tuple(_handing_over(machine))),
        (_("Remembered"), kept or (Fact("", _("Nothing yet."), Style.DIM),)),
    )


def label_width() -> int:
    """Return the column at which the values start."""
    return 2 + max(cells(_(label)) for label in _LABELS)


def machine_page(found: Sequence[Section], width: int) -> list[Line]:
    """Return the sections as a page."""
    lines: list[Line] = []
    for title, rows in found:
        lines += [*([BLANK] if lines else []), heading(width, title)]
        for row in rows:
            labelled = [Span(" "), Span(_(row.label) if row.label else "", Style.LABEL)]
            lines += block(width - 1, labelled, label_width(), row.value, row.style)
    return lines


def _machine(machine: MachineFacts, consoles: Sequence[str]) -> Iterator[Fact]:
    yield Fact("board", clean(machine.title, 200), Style.STRONG)
    names = ", ".join(machine.tree.compatible) if machine.tree is not None else ""
    if names and names != machine.title:
        yield Fact("", clean(names, 400), Style.DIM)
    yield Fact("processors", _processors(machine))
    yield Fact("memory", _memory(machine))
    yield Fact("firmware", _firmware(machine))
    if machine.exception_level:
        vhe = " " + _("(with VHE)") if machine.host_extensions else ""
        yield Fact("started at", clean(machine.exception_level, 40) + vhe)
    pages = f" · {number(machine.page_size // 1024, '')} KiB" if machine.page_size else ""
    yield Fact("kernel", clean(f"{machine.kernel_release} · {machine.machine}{pages}", 200))
    if machine.command_line:
        yield Fact("command line", clean(machine.command_line, 1000), Style.DIM)
    if consoles:
        yield Fact("consoles", clean(", ".join(consoles), 200))


def _processors(machine: MachineFacts) -> str:
    from bootmenu.compat.checks.kernel_build import core_name

    cpus = machine.possible_cpus
    if cpus is None:
        return _("not known")
    text = ngettext("{n} processor", "{n} processors", len(cpus)).format(n=number(len(cpus), ","))
    names = dict.fromkeys(name for cpu in machine.cpus if (name := core_name(cpu.midr)))
    methods = sorted({cpu.enable_method for cpu in machine.tree.cpus if cpu.enable_method}) if machine.tree else []
    return clean(" · ".join([text, *names, *methods]), 200)


def _memory(machine: MachineFacts) -> str:
    if machine.memory_total is None:
        return _("not known")
    total = megabytes(machine.memory_total)
    if machine.memory_available is None:
        return total
    free = _("{size} available when the menu started").format(size=megabytes(machine.memory_available))
    return f"{total} · {free}"


def _firmware(machine: MachineFacts) -> str:
    described = _("described by ACPI") if machine.acpi else _("described by a device tree") if machine.tree else ""
    if machine.efi is None:
        started = _("not known")
    elif machine.efi:
        started = _("EFI of {n} bits").format(n=machine.efi_bits) if machine.efi_bits else "EFI"
    else:
        started = _("without EFI")
    secure = ""
    if machine.efi and machine.secure_boot is not None:
        secure = _("Secure Boot is on") if machine.secure_boot else _("Secure Boot is off")
    tpm = _("TPM") if machine.has_tpm else ""
    return " · ".join(part for part in (started, secure, described, tpm) if part)


def _handing_over(machine: MachineFacts) -> Iterator[Fact]:
    kexec = machine.kexec
    yield Fact("by bootmenu", f"kexec_load: {_answer(kexec.kexec_load)}", _colour(kexec.kexec_load))
    yield Fact("by the kernel", f"kexec_file_load: {_answer(kexec.kexec_file_load)}", _colour(kexec.kexec_file_load))
    yield Fact("kexec-tools", clean(kexec.tools_version or _("not installed"), 80))
    if kexec.load_disabled:
        yield Fact("switched off", _("yes, until the next restart"), Style.FAIL)
    elif kexec.load_limit is not None and kexec.load_limit >= 0:
        left = ngettext("{n} more load is permitted", "{n} more loads are permitted", kexec.load_limit)
        yield Fact("loads left", left.format(n=number(kexec.load_limit, ",")), Style.WARN)
    yield Fact("loaded now", _answer(kexec.loaded))
    yield Fact("signatures", _signatures(machine))


def _signatures(machine: MachineFacts) -> str:
    if machine.public_keys is None:
        free = machine.lockdown == "none" and machine.kexec.signature_forced is False
        return _("not needed") if free else _("not known")
    names = list(dict.fromkeys(key.name for key in machine.keys or () if key.keyring != ".blacklist"))
    if not names:
        return _("needed; no key is known")
    more = f" (+{len(names) - _MOST})" if len(names) > _MOST else ""
    return clean(_("needed, by one of: {names}").format(names=", ".join(names[:_MOST]) + more), 400)


def _remembered(state: State) -> Iterator[Fact]:
    if state.default:
        yield Fact("default", clean(state.default, 200))
    if state.once:
        yield Fact("next boot", clean(state.once, 200))
    if state.last:
        yield Fact("started last", _boot(state.last))
    yield from _boots("worked", state.good, Style.PASS)
    yield from _boots("not completed", state.lost, Style.WARN)
    for place, own in enumerate(state.own[:_MOST]):
        yield Fact("" if place else "own entries", clean(own.entry.title, 200))
    for label, chosen in (("language", state.language), ("theme", state.theme)):
        if chosen:
            yield Fact(label, clean(chosen, 100))


def _boots(label: str, boots: Sequence[Attempt], style: Style) -> Iterator[Fact]:
    for place, boot in enumerate(boots[:_MOST]):
        yield Fact("" if place else label, _boot(boot), style)


def _boot(boot: Attempt) -> str:
    when = boot.at.replace("T", " ").replace("Z", " UTC")
    return clean(" · ".join(part for part in (boot.title or boot.entry, when) if part), 300)


def _answer(value: bool | None) -> str:
    if value is None:
        return _("not known")
    return _("yes") if value else _("no")


def _colour(value: bool | None) -> Style:
    return Style.TEXT if value else Style.DIM
