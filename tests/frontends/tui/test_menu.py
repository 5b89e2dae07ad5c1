# SPDX-License-Identifier: MIT
"""Test the menu: what it shows, and what each key does."""

from __future__ import annotations

import re

import pytest

from bootmenu.compat import check_machine
from bootmenu.discovery.dtb_candidates import DtbChoice, Fit
from bootmenu.discovery.scan_events import (
    DeviceDone,
    DeviceFound,
    DeviceGone,
    EntryFound,
    EntryGone,
    ProblemFound,
    ProblemGone,
    ScanEvent,
    ScanFinished,
)
from bootmenu.formats.dtb_head import DtbHead
from bootmenu.frontends.outcome import Demo, Quit
from bootmenu.frontends.tui.screens.details_screen import DetailsScreen
from bootmenu.frontends.tui.screens.help_screen import HelpScreen
from bootmenu.model.entry import FileRef, Problem
from bootmenu.model.finding import Finding, Report, Severity
from bootmenu.model.value import replace
from bootmenu.view.entry_details import Unfolded, machine_details
from bootmenu.view.entry_list import Columns, Row, row_line
from bootmenu.view.entry_texts import entry_texts
from bootmenu.view.findings import finding, text_column
from tests.builders import fakes, machines
from tests.builders.fakes import FakeSession
from tests.frontends.tui.driving import running


async def test_entries_stand_under_their_partition_with_word_and_sign() -> None:
    async with running(FakeSession()) as menu:
        rows = menu.rows
        assert "Raspberry Pi 3 Model B · arm64 · 6.1.0-49-arm64" in rows[0]
        row_at = {
            text: next(i for i, row in enumerate(rows) if text in row) for text in ("BOOT", "rootfs", "iso9660")
        }
        for sign, title, partition in (
            ("• ok", "Debian GNU/Linux 12", "BOOT"),
            ("▲ warn", "6.1.0-47-arm64", "BOOT"),
            ("■ FAIL", "16K pages", "BOOT"),
            ("• ok", "Alpine", "rootfs"),
            ("?", "Image-test", "rootfs"),
        ):
            index = next(i for i, row in enumerate(rows) if sign in row and title in row)
            assert index > row_at[partition]
            assert all(index < row_at[other] for other in row_at if row_at[other] > row_at[partition])


async def test_problems_stand_in_the_group_of_their_partition_and_can_be_read_in_full() -> None:
    long = Problem(device="sda2", path="/loader/entries/very-long-name.conf", message="no linux line " * 20)
    events = (DeviceFound(fakes.ROOT), ProblemFound(long), DeviceDone(fakes.ROOT, 0), ScanFinished(0.1))
    async with running(FakeSession(events=events)) as menu:
        assert "! skip /loader/entries/very-long-name.conf: no linux line" in menu.text
        assert "»" in menu.selected
        assert "no linux line " * 19 in " ".join(menu.text.split())


async def test_the_default_entry_is_selected_until_somebody_moves() -> None:
    events = list(fakes.FULL)
    events[1], events[2] = events[2], events[1]
    async with running(FakeSession(events=events)) as menu:
        assert "6.1.0-49-arm64" in menu.selected


@pytest.mark.parametrize(
    ("keys", "title"),
    [
        (["down"], "6.1.0-47"),
        (["j", "j"], "16K pages"),
        (["down", "down", "up"], "6.1.0-47"),
        (["j", "k"], "6.1.0-49"),
        (["end"], "no known file system"),
        (["G"], "no known file system"),
        (["end", "home"], "6.1.0-49"),
        (["G", "g"], "6.1.0-49"),
        (["4"], "Alpine"),
        (["9"], "6.1.0-49"),
        (["up"], "6.1.0-49"),
    ],
)
async def test_keys_move_and_never_start_anything(keys: list[str], title: str) -> None:
    session = FakeSession()
    async with running(session) as menu:
        await menu.press(*keys)
        assert title in menu.selected
        assert session.calls == ["scan", "scanned"]


async def test_the_story_tells_the_reason_the_files_and_the_hint() -> None:
    async with running(FakeSession(), size=(80, 30)) as menu:
        await menu.press("3")
        for text in (
            "cannot be started here",
            "IMG-PAGE",
            "The Cortex-A53 here can do",
            "→ Choose a kernel with 4 KiB pages.",
            "/vmlinuz-6.12.107-arm64-16k",
            "35.1 MB",
            "arm64 · 16 KiB pages",
            "this machine's own (Raspberry Pi 3 Model B)",
            "root=PARTUUID=6f0c4d5e-02 rw console=ttyAMA0 quiet",
        ):
            assert text in menu.text


async def test_the_story_can_be_read_to_its_end_and_back() -> None:
    async with running(FakeSession(), size=(60, 20)) as menu:
        await menu.press("3")
        assert "more: PgDn" in menu.text
        assert "command line" not in menu.text
        await menu.press("pagedown", "space", "pagedown")
        assert "command line" in menu.text
        assert "more: PgDn" not in menu.text
        await menu.press("pageup", "b", "pageup")
        assert "IMG-PAGE" in menu.text


async def test_what_holds_for_the_machine_is_told_once_at_the_top() -> None:
    async with running(fakes.stuck_session()) as menu:
        assert "■ FAIL CPU-STUCK: The CPUs cannot be handed over" in menu.rows[1]
        assert menu.text.count("cannot be handed over") == 1
        await menu.press("3")
        own, shared = menu.text.index("IMG-PAGE"), menu.text.rindex("CPU-STUCK")
        assert own < shared
        assert "applies to every entry" in menu.text


async def test_a_long_banner_points_to_the_details() -> None:
    findings = tuple(replace(fakes.STUCK, code=f"X-{n}") for n in range(6))
    async with running(FakeSession(machine_report=Report(findings=findings))) as menu:
        assert "more lines: d" in menu.text
        await menu.press("d", "end")
        assert "X-5" in menu.text


async def test_a_rescan_keeps_the_selection_on_its_entry() -> None:
    session = FakeSession()
    async with running(session) as menu:
        await menu.press("4")
        session.events = (
            DeviceFound(fakes.ROOT),
            EntryFound(fakes.TEST),
            EntryFound(fakes.ALPINE),
            DeviceDone(fakes.ROOT, 2),
            ScanFinished(0.1),
        )
        await menu.press("r")
        await menu.until(lambda: session.calls.count("scanned") == 2)
        await menu.scanned()
        assert "Alpine" in menu.selected
        assert "Debian" not in menu.text


async def test_what_comes_late_and_goes_again_is_drawn() -> None:
    events: tuple[ScanEvent, ...] = (
        DeviceFound(fakes.BOOT),
        DeviceFound(fakes.ROOT),
        DeviceFound(fakes.STICK),
        EntryFound(fakes.OLDER, 1),
        ProblemFound(fakes.UNREADABLE),
        ProblemFound(fakes.NONSENSE),
        EntryFound(fakes.DEBIAN, 0),
        EntryFound(fakes.TEST, 0),
        ProblemFound(Problem(device="sdx", path="", message="a problem of something that is no partition")),
        ProblemGone(fakes.NONSENSE),
        EntryGone("sda2", fakes.TEST.entry.id),
        EntryFound(fakes.ALPINE, 7),
        ProblemGone(Problem(device="sdx", path="", message="a problem of something that is no partition")),
        DeviceGone(fakes.STICK),
        ScanFinished(0.1),
    )
    async with running(FakeSession(events=events)) as menu:
        for gone in ("speeling", "Image-test", "no known file system", "sdx", "sdb1"):
            assert gone not in menu.text
        rows = [row for row in menu.rows if "• ok" in row or "▲ warn" in row][:3]
        assert ["6.1.0-49" in rows[0], "6.1.0-47" in rows[1], "Alpine" in rows[2]] == [True] * 3, rows
        assert "3 entries on 2 partitions: 2 ok, 1 warn ─" in menu.text


async def test_what_is_plugged_in_later_appears_and_goes_and_the_selection_stays() -> None:
    stick = replace(fakes.STICK, name="mmcblk0p0")
    live = fakes.listing("live", "Live medium", device=stick.name)
    ranks = {fakes.BOOT: (1,), fakes.ROOT: (2,), fakes.STICK: (3,)}
    session = FakeSession(
        events=[
            DeviceFound(event.device, ranks[event.device]) if isinstance(event, DeviceFound) else event
            for event in fakes.FULL
        ]
    )
    async with running(session) as menu:
        await menu.press("4")
        for event in (DeviceFound(stick, (1, 1)), EntryFound(live), DeviceDone(stick, 1)):
            session.later.put(event)
        await menu.sees("Live medium")
        assert "Alpine" in menu.selected
        assert menu.rows.index(menu.selected) > next(i for i, row in enumerate(menu.rows) if "Live" in row)
        session.later.put(EntryGone(stick.name, "live"))
        session.later.put(DeviceGone(stick))
        await menu.until(lambda: "Live medium" not in menu.text and stick.name not in menu.text)
        assert "Alpine" in menu.selected
        await menu.press("r")
        await menu.until(lambda: session.calls.count("scanned") == 2)
        await menu.scanned()
        assert "Alpine" in menu.selected


@pytest.mark.parametrize("moves", [False, True], ids=["nobody moves", "somebody moves meanwhile"])
async def test_the_selection_returns_with_a_partition_that_is_read_again(moves: bool) -> None:
    session = FakeSession()
    async with running(session) as menu:
        await menu.press("4")
        assert "Alpine" in menu.selected
        session.later.put(EntryGone(fakes.ROOT.name, fakes.ALPINE.entry.id))
        session.later.put(DeviceGone(fakes.ROOT))
        await menu.until(lambda: "Alpine" not in menu.text)
        assert menu.selected
        if moves:
            await menu.press("home")
        for event in (DeviceFound(fakes.ROOT), EntryFound(fakes.ALPINE), DeviceDone(fakes.ROOT, 1)):
            session.later.put(event)
        await menu.until(lambda: "Alpine" in menu.text)
        assert ("Alpine" in menu.selected) is not moves


async def test_a_load_that_comes_back_goes_on_watching() -> None:
    session = FakeSession(plan_error=fakes.NO_ROOT)
    async with running(session) as menu:
        await menu.press("enter")
        await menu.sees("Start it with sudo.")
        await menu.press("escape")
        assert session.calls.count("scan") == 1
        session.later.put(DeviceGone(fakes.ROOT))
        await menu.until(lambda: "Alpine" not in menu.text)


async def test_a_rescan_leaves_what_was_known_on_the_screen_until_it_is_read_again() -> None:
    session = FakeSession()
    async with running(session) as menu:
        session.scan_gate.clear()
        session.events = (ScanFinished(0.1),)
        await menu.press("r")
        assert "still looking" in menu.text
        assert "Alpine" in menu.text
        await menu.press("r")
        assert session.calls.count("scan") <= 2
        session.scan_gate.set()
        await menu.sees("0 entries")
        assert "Alpine" not in menu.text


async def test_the_menu_can_be_used_while_it_is_still_looking() -> None:
    session = FakeSession()
    session.scan_gate.clear()
    async with running(session, scanned=False) as menu:
        await menu.sees("Image-test")
        assert "still looking" in menu.text
        await menu.press("down")
        assert "6.1.0-47" in menu.selected
        session.scan_gate.set()
        await menu.scanned()
        assert "still looking" not in menu.text
        assert "6.1.0-47" in menu.selected


async def test_the_first_entry_that_is_found_has_its_story_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the summaries of entries that are passed are delayed."""
    monkeypatch.setattr("bootmenu.frontends.tui.screens.menu_view._SUMMARY_DELAY", 1000)
    session = FakeSession()
    session.scan_gate.clear()
    async with running(session, scanned=False) as menu:
        await menu.sees("nothing selected")
        session.scan_gate.set()
        await menu.sees("35.1 MB")
        assert "nothing selected" not in menu.text
        assert "Debian" in menu.selected
        await menu.pilot.press("down")
        await menu.until(lambda: "6.1.0-47" in menu.selected)
        assert "vmlinuz-6.1.0-47" not in menu.text


async def test_a_scan_that_breaks_keeps_what_it_found_and_says_why() -> None:
    session = FakeSession(scan_error=OSError("the bus hung up"))
    async with running(session, scanned=False) as menu:
        await menu.sees("the bus hung up")
        assert "Alpine" in menu.text


async def test_an_empty_machine_explains_itself_partition_by_partition() -> None:
    session = FakeSession(events=fakes.EMPTY, notices=("not running as root",))
    async with running(session, offer_demo=True, may_quit=False) as menu:
        assert "Nothing to start was found" in menu.text
        assert "not running as root" in menu.text
        assert "nothing to start here: no boot configuration, no kernel" in menu.text
        assert "not readable: no known file system" in menu.text
        await menu.press("enter")
        assert "there is nothing here to start" in menu.text
        await menu.press("m")
    assert menu.app.return_value == Demo()


async def test_no_partition_at_all() -> None:
    async with running(FakeSession(events=(ScanFinished(0.0),))) as menu:
        assert "No partition was found." in menu.text
        await menu.press("down", "enter", "d")
        assert "This machine, for every entry" in menu.text


async def test_the_demonstration_is_not_offered_unless_it_is_there() -> None:
    async with running(FakeSession(events=fakes.EMPTY)) as menu:
        assert "demonstration" not in menu.text
        await menu.press("m")
        assert menu.app.return_value is None
        assert menu.app.is_running


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_quitting(key: str) -> None:
    async with running(FakeSession()) as menu:
        assert " q quit" in menu.text
        await menu.press(key)
    assert menu.app.return_value == Quit()


async def test_a_first_stage_cannot_be_left() -> None:
    async with running(FakeSession(), may_quit=False) as menu:
        assert "quit" not in menu.text
        await menu.press("q", "ctrl+c", "ctrl+q", "ctrl+z", "ctrl+p", "escape", "tab", "ctrl+backslash")
        assert menu.app.is_running
        assert "Debian" in menu.selected
        await menu.press("f1", "end")
        assert "leave; nothing is loaded" not in menu.text


def choice(path: str, fits: Fit, model: str | None = None) -> DtbChoice:
    head = DtbHead(b"acme,rocket\0acme,soc9\0x,y\0", None if model is None else model.encode())
    return DtbChoice(ref=FileRef(device="mmcblk0p1", path=path, exists=True), fits=fits, head=head)


async def test_details_offer_the_other_device_trees_this_board_s_first() -> None:
    trees = (
        choice("/dtbs/a.dtb", Fit.EXACT, "Rocket \x1b[2J2"),
        choice("/dtbs/b.dtb", Fit.RELATED),
        *(choice(f"/dtbs/r{number}.dtb", Fit.RELATED, "Relative") for number in range(8)),
        *(choice(f"/dtbs/o{number}.dtb", Fit.OTHER, "Other") for number in range(571)),
    )
    async with running(FakeSession(trees=trees), size=(80, 100)) as menu:
        await menu.press("d")
        await menu.at(DetailsScreen)
        await menu.sees("2 more for this and related boards, 571 for other boards.")
        for text in (
            " this board   /dtbs/a.dtb",
            "Rocket ?[2J2",
            " related      /dtbs/b.dtb",
            "acme,rocket, acme,soc9",
        ):
            assert text in menu.text
        for text in ("/dtbs/r7.dtb", "/dtbs/o0.dtb", "x,y"):
            assert text not in menu.text


@pytest.mark.parametrize(
    ("trees", "text"),
    [((choice("/dtbs/o.dtb", Fit.OTHER),), "1 for other boards."), ((), "")],
)
async def test_details_say_no_more_of_device_trees_than_there_is(trees: tuple[DtbChoice, ...], text: str) -> None:
    session = FakeSession(trees=trees)
    async with running(session, size=(80, 100)) as menu:
        await menu.press("d")
        await menu.sees("Boot plan")
        await menu.until(lambda: any(call.startswith("device trees") for call in session.calls))
        if text:
            await menu.sees(text)
        else:
            assert "Device trees" not in menu.text


async def test_details_show_every_finding_and_the_plan_and_on_demand_the_evidence() -> None:
    session = fakes.stuck_session()
    evidence = {"page_size: 16384", "supported: [4096, 65536]", "possible_cpus: [0, 1, 2, 3]"}
    shown = {"IMG-ARCH", "note", "The kernel verifies the image itself.", "entry id"}
    async with running(session, size=(80, 60)) as menu:
        await menu.press("3", "d")
        await menu.at(DetailsScreen)
        await menu.sees("kexec_file_load: the entry names no device tree")
        for hint, expected in (("shows", shown), ("hides", shown | evidence), ("shows", shown)):
            await menu.sees(f"Enter {hint} the evidence")
            assert {text for text in shown | evidence if text in menu.text} == expected
            await menu.press("E")
        await menu.press("escape")
        assert "16K pages" in menu.selected


async def test_the_evidence_of_one_finding_is_shown() -> None:
    session = fakes.stuck_session()
    pages, processors = "page_size: 16384", "possible_cpus: [0, 1, 2, 3]"
    async with running(session, size=(80, 60)) as menu:
        await menu.press("3", "d")
        await menu.at(DetailsScreen)
        await menu.sees("kexec_file_load: the entry names no device tree")
        assert "▶■ FAIL This kernel uses 16 KiB pages." in menu.text
        await menu.press("enter")
        assert pages in menu.text
        assert processors not in menu.text
        await menu.press("tab")
        marked = next(row for row in menu.rows if row.startswith("▶"))
        assert "16 KiB pages" not in marked
        await menu.press("K")
        assert "▶■ FAIL This kernel uses 16 KiB pages." in menu.text
        await menu.press("shift+tab")
        assert "▶■ FAIL The CPUs cannot be handed over" in menu.text, "before the first is the last"
        await menu.press("enter")
        assert pages in menu.text
        assert processors in menu.text
        await menu.press("J", "enter")
        assert pages not in menu.text
        assert processors in menu.text
        await menu.press("E", "enter")
        assert pages not in menu.text, "all but the marked one"
        assert processors in menu.text


async def test_the_marked_finding_is_in_sight() -> None:
    async with running(fakes.stuck_session(), size=(60, 20)) as menu:
        await menu.press("3", "d")
        await menu.at(DetailsScreen)
        for key in ("tab", "enter", "shift+tab", "enter", "tab", "E", "enter"):
            await menu.press(key)
            assert sum(row.startswith("▶") for row in menu.rows[:-2]) == 1, key
        await menu.press("home")
        assert not any(row.startswith("▶") for row in menu.rows)
        await menu.press("tab")
        assert "16 KiB pages" in next(row for row in menu.rows if row.startswith("▶")), "the first below the top"


@pytest.mark.parametrize("width", [44, 60, 80, 120])
def test_the_text_of_a_finding_is_in_one_column_whatever_its_code_is(width: int) -> None:
    column = text_column()
    for code in ("A-B", "IMG-PAGE", "FILE-OUTSIDE", "DT-CPU-SPIN-RESERVED"):
        shown = Finding(code=code, severity=Severity.FAIL, message="word " * 40, hint="do " * 40)
        first, *others = [line.text for line in finding(shown, width)]
        if first.startswith(" ■ FAIL word"):
            assert first.endswith(f"  {code}")
            assert len(first) == width - 1
        else:
            assert (first, width) == (f" ■ FAIL {code}", 44)
        assert all(len(row) < width and row[:column].strip() in ("", "→") and row[column] != " " for row in others)


def test_details_have_words_for_people_where_programs_read_null() -> None:
    reports = [check_machine(machines.recorded(name)) for name in machines.MACHINES]
    assert any(None in found.evidence.values() for report in reports for found in report.findings)
    for report in reports:
        text = "\n".join(line.text for line in machine_details(report, (), 80, Unfolded(every=True)))
        assert "null" not in text
    nested = Finding(code="X", severity=Severity.WARN, message="x", evidence={"a": None, "b": {"cpu@0": [None, 1]}})
    text = "\n".join(
        line.text for line in machine_details(Report.from_findings([nested]), (), 80, Unfolded(every=True))
    )
    assert "a: " not in text
    assert 'b: {"cpu@0": ["none", 1]}' in text


async def test_details_say_why_there_is_no_plan() -> None:
    async with running(FakeSession(plan_error=fakes.NO_ROOT), size=(80, 50)) as menu:
        await menu.press("d")
        await menu.sees("no plan")
        assert "Start it with sudo." in menu.text


async def test_details_scroll() -> None:
    async with running(FakeSession(), size=(60, 20)) as menu:
        await menu.press("3", "d")
        await menu.sees("more: PgDn")
        top = menu.text
        await menu.press("down")
        assert menu.text != top
        await menu.press("up")
        assert menu.text == top
        await menu.press("G")
        assert "more: PgDn" not in menu.text
        await menu.press("g")
        assert menu.text == top


@pytest.mark.parametrize("key", ["f1", "question_mark"])
async def test_help_names_every_key_of_the_menu(key: str) -> None:
    async with running(FakeSession(), size=(100, 60)) as menu:
        await menu.press(key)
        await menu.at(HelpScreen)
        for shown in ("Enter", "1-9", "PgDn Space", "Home g", "F1 ?", "Ctrl+L", "■ FAIL", "! skip"):
            assert shown in menu.text
        groups = [row.strip() for row in menu.rows if row.strip() in ("Move", "Start", "Change", "Look", "System")]
        assert groups == ["Move", "Start", "Change", "Look", "System"]
        assert "While an entry is edited" not in menu.text, "each screen has its own help"
        await menu.press("escape")
        assert "Debian" in menu.selected


async def test_the_help_is_searched() -> None:
    async with running(FakeSession(), size=(100, 60)) as menu:
        await menu.press("f1", "slash", *"next boot")
        assert "boot the entry by default next time only" in menu.text
        assert "Change" in menu.text
        assert "Move" not in menu.text
        await menu.press("enter", "slash", *" xyz")
        assert "Nothing in the help has these words. Esc shows all." in menu.text
        await menu.press("enter", "escape")
        assert isinstance(menu.app.screen, HelpScreen)
        assert "Move" in menu.text
        await menu.press("escape")
        assert "Debian" in menu.selected


@pytest.mark.parametrize(
    ("width", "version", "source"),
    [(96, 23, 8), (80, 23, 0), (74, 23, 0), (60, 15, 0), (46, 0, 0)],
)
def test_the_source_gives_way_to_titles_and_versions(width: int, version: int, source: int) -> None:
    title = "Debian GNU/Linux 13 (trixie) and more"
    rows = [
        Row("a", entry=entry_texts(fakes.listing("a", title, version="6.12.57+deb13-arm64-16k")), number=1),
        Row("b", entry=entry_texts(fakes.listing("b", title, source="extlinux")), number=2),
    ]
    columns = Columns.of(rows, width)
    assert (columns.version, columns.source) == (version, source)
    assert row_line(rows[0], columns, width, selected=False).width <= width


@pytest.mark.parametrize("term", ["linux", "xterm-256color"])
async def test_a_wide_screen_has_the_story_on_the_right(term: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", term)
    async with running(FakeSession(), size=(120, 40)) as menu:
        await menu.press("3")
        assert "│" in menu.selected[1:]
        assert any("cannot be started here" in row.strip("│").split("│")[-1] for row in menu.rows if "│" in row)
        await menu.pilot.resize_terminal(80, 24)
        await menu.until(lambda: "│" not in menu.text)
        assert "16K pages" in menu.selected


async def test_with_many_colours_frames_have_the_titles_and_say_what_is_hidden() -> None:
    async with running(FakeSession(), size=(120, 12)) as menu:
        await menu.press("3")
        upper = next(row for row in menu.rows if row.startswith("╭"))
        assert upper.startswith("╭─ 5 entries on 3 partitions: 2 ok, 1 warn, 1 FAIL, 1 ? ─")
        assert "╭─ Debian GNU/Linux 13, 16K pages ─" in upper
        lower = next(row for row in menu.rows if row.startswith("╰"))
        assert "▼ 3 ─╯╰─" in lower
        assert lower.endswith("PgDn ─╯")
        await menu.press("/", *"[red]")
        await menu.sees("0 of 5 entries with “[red]”")


@pytest.mark.parametrize(("columns", "bar"), [(115, -1), (116, 71), (200, 96)])
async def test_a_list_is_beside_its_summary_where_both_have_room(
    columns: int, bar: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "linux")
    async with running(FakeSession(), size=(columns, 40)) as menu:
        row = next(row for row in menu.rows if row.startswith("▶"))
        assert row.find("│") == bar


@pytest.mark.parametrize(
    ("size", "title"),
    [
        ((80, 24), "─ 5 entries on 3 partitions: 2 ok, 1 warn, 1 FAIL, 1 ? ─"),
        ((60, 20), "─ 5 entries: 2 ok, 1 warn, 1 FAIL, 1 ? ─"),
        ((40, 12), "─ 5 entries on 3 partitions ─"),
    ],
)
async def test_the_verdicts_are_counted_as_far_as_there_is_room(size: tuple[int, int], title: str) -> None:
    async with running(FakeSession(), size=size) as menu:
        assert menu.rows[1].startswith(title), menu.rows[1]


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_list_and_heading_tell_an_entry_from_its_recovery_mode(size: tuple[int, int]) -> None:
    versions = ("6.12.57+deb13-arm64", "6.12.48+deb13-arm64")
    names = [
        (f"Debian GNU/Linux, with Linux {one}{mode}", one) for one in versions for mode in ("", " (recovery mode)")
    ]
    events: list[ScanEvent] = [DeviceFound(fakes.BOOT)]
    events += [EntryFound(fakes.listing(f"e{n}", title, version=one)) for n, (title, one) in enumerate(names)]
    events += [DeviceDone(fakes.BOOT, 4), ScanFinished(1.0)]
    async with running(FakeSession(events=events), size=size) as menu:
        rows, headings = set(), set()
        for number in "1234":
            await menu.press(number)
            rows.add(menu.selected[10:])
            headings.add(next(row for row in menu.rows if "can be started here" in row))
        assert len(rows) == len(headings) == 4
        assert sum("mode)" in row for row in rows) == 2


async def test_hundreds_of_entries_keep_the_selected_one_in_sight() -> None:
    events: list[ScanEvent] = [DeviceFound(fakes.BOOT)]
    events += [EntryFound(fakes.listing(f"e{n}", f"Entry {n}")) for n in range(300)]
    events += [DeviceDone(fakes.BOOT, 300), ScanFinished(1.0)]
    async with running(FakeSession(events=events)) as menu:
        await menu.press("end")
        assert "Entry 299" in menu.selected
        assert "▲ " in menu.rows[1]
        await menu.press(*["up"] * 12)
        assert "Entry 287" in menu.selected
        await menu.press("home")
        assert "Entry 0 " in menu.selected
        assert "BOOT" in menu.text


HOSTILE = "[red]boo[/red] \x1b[2J\x1b]0;own\x07 \u202egnp.exe \x9b31m tab\there \u0301\udcff"


async def test_text_from_a_disk_is_never_markup_nor_an_escape() -> None:
    hostile = fakes.listing(
        "evil", HOSTILE, version="[b]1[/b]\x1b[A", cmdline=HOSTILE, default=True, source="bl\x1bs", device="sda2"
    )
    problem = Problem(device="sda2", path=HOSTILE, message=HOSTILE)
    events = (DeviceFound(fakes.ROOT), EntryFound(hostile), ProblemFound(problem), ScanFinished(0.1))
    async with running(FakeSession(events=events, notices=(HOSTILE,)), size=(120, 70)) as menu:
        await menu.press("down", "up")
        assert "[red]boo[/red]" in menu.text
        for bad in "\x1b\x07\x9b\u202e\u0301\udcff\t":
            assert bad not in menu.text
        await menu.press("d")
        await menu.sees("kexec_file_load")
        await menu.press("escape", "enter")
        for bad in "\x1b\x07\x9b\u202e\u0301\udcff\t":
            assert bad not in menu.text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_a_sentence_that_does_not_fit_is_folded_and_gone_with_the_next_key(size: tuple[int, int]) -> None:
    warning = "Here the machine would go down. This is a simulation, so everything runs on, and nothing was lost."
    async with running(FakeSession(), size=size, warning=warning) as menu:
        await menu.sees("Enter boot")
        assert warning in " ".join(menu.text.replace("─", " ").split())
        await menu.press("down")
        assert "nothing was lost" not in menu.text


async def test_keys_for_an_entry_are_offered_where_one_is_selected() -> None:
    events = (DeviceFound(fakes.ROOT), ProblemFound(fakes.NONSENSE), DeviceDone(fakes.ROOT, 0), ScanFinished(0.1))
    async with running(FakeSession(events=events), size=(120, 40)) as menu:
        assert "d details" in menu.rows[-1]
        for label in ("Enter boot", "e edit", "t test", "D make", "o next"):
            assert label not in menu.rows[-1]
        await menu.press("d")
        await menu.at(DetailsScreen)
        assert "Could not be read" in menu.text
        assert fakes.NONSENSE.path in menu.text
        assert "v device tree" not in menu.rows[-1]
    async with running(FakeSession(), size=(120, 40)) as menu:
        assert "Enter boot   e edit" in menu.rows[-1]


async def test_a_filter_without_a_match_says_which_key_takes_it_away() -> None:
    async with running(FakeSession()) as menu:
        await menu.press("slash", *"zzz", "enter")
        assert "No entry matches. Esc shows all." in menu.text
        assert "boot" not in menu.rows[-1]
        await menu.press("escape")
        assert "Enter boot" in menu.rows[-1]


@pytest.mark.parametrize("term", ["linux", "xterm-256color"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_version_that_its_row_shows_is_not_shown_beside_it_again(
    term: str, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    async with running(FakeSession(), size=size) as menu:
        await menu.scanned()
        assert "6.1.0-49-arm64" in menu.selected
        assert [row for row in menu.rows if re.search(r"(?<!-)6\.1\.0-49-arm64", row)][1:] == [menu.selected]
        assert "Debian GNU/Linux 12 (bookworm)" in menu.text.replace(menu.selected, "", 1)
