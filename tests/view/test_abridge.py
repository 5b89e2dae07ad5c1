# SPDX-License-Identifier: MIT
"""Test that different rows never look the same, however narrow the screen is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.discovery.devices import Device
from bootmenu.discovery.scan_events import DeviceDone, DeviceFound, EntryFound, Listing, ProblemFound
from bootmenu.model.entry import CommandLine, FileRef, Problem
from bootmenu.model.value import replace
from bootmenu.session.scan_results import ScanResults
from bootmenu.terminal.cells import cells
from bootmenu.view.abridge import abridged
from bootmenu.view.entry_list import Columns, EntryList, Row, row_line
from bootmenu.view.wording import verdict_width
from tests.builders import fakes
from tests.properties import examples

VERSIONS = ("6.12.57+deb13-arm64", "6.12.48+deb13-arm64")
DEBIAN = tuple(f"Debian GNU/Linux, with Linux {v}{mode}" for v in VERSIONS for mode in ("", " (recovery mode)"))


@pytest.mark.parametrize(
    ("width", "normal", "recovery"),
    [
        (64, DEBIAN[0], DEBIAN[1]),
        (52, DEBIAN[0], "Debian» 6.12.57+deb13-arm64 (recovery mode)"),
        (44, "Debian GNU/Linux, with» 6.12.57+deb13-arm64", "Debian» 6.12.57+deb13-arm64 (recovery mode)"),
        (36, "Debian» 6.12.57+deb13-arm64", "»6.12.57+deb13-arm64 (recovery mode)"),
    ],
)
def test_what_all_of_them_say_is_cut_and_what_differs_stays(width: int, normal: str, recovery: str) -> None:
    short = abridged(DEBIAN, width)
    assert short[:2] == (normal, recovery)
    assert len(set(short)) == 4


def test_a_title_keeps_its_beginning_where_there_is_room() -> None:
    modes = ("", ", own device tree", ", two CPUs", ", tree of another board")
    short = abridged(tuple(f"Alpine Linux edge{mode}" for mode in modes), 32)
    assert short[1:] == (
        "Alpine» edge, own device tree",
        "Alpine Linux edge, two CPUs",
        "Alpine» edge,» of another board",
    )


LETTERS = st.text("ab ()-1é漢", max_size=30)
TEXTS = st.lists(LETTERS | st.builds("{} {} {}".format, LETTERS, st.sampled_from(DEBIAN), LETTERS), max_size=30)


@examples(300)
@given(texts=TEXTS, width=st.integers(0, 60))
def test_texts_fit_and_those_that_differ_stay_different(texts: list[str], width: int) -> None:
    short = abridged(tuple(texts), width)
    assert len(short) == len(texts)
    assert all(cells(text) <= width for text in short)
    assert all(after == before for before, after in zip(texts, short, strict=True) if cells(before) <= width)
    if width >= 4:
        assert len(set(short)) == len(set(texts))


# ---- rows -------------------------------------------------------------------------------------------------


def listed(found: Iterable[Listing], problems: Iterable[Problem] = ()) -> Sequence[Row]:
    """Return the rows of the list after a scan that found these entries and problems."""
    results = ScanResults()
    results.begin()
    devices = {listing.entry.device: Device(name=listing.entry.device) for listing in found}
    for number, device in enumerate(devices.values()):
        results.add(DeviceFound(device, (number,)))
    for listing in found:
        results.add(EntryFound(listing, 1))
    for problem in problems:
        results.add(ProblemFound(problem))
    for device in devices.values():
        results.add(DeviceDone(device, 0))
    return EntryList().rows(results)


def drawn(found: Sequence[Row], width: int) -> list[str]:
    """Return the rows as they are drawn, without numbers and verdicts."""
    columns = Columns.of(found, width)
    lines = [row_line(row, columns, width, selected=False) for row in found if row.key is not None]
    assert all(line.width <= width for line in lines)
    return [line.text[5 + verdict_width() :].rstrip() for line in lines]


def entry(number: int, title: str, version: str = "", **changes: object) -> Listing:
    """Return an entry with its report. changes: attributes of BootEntry."""
    made = fakes.listing(f"e{number}", title, version=version)
    return replace(made, entry=replace(made.entry, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_version_that_the_title_has_takes_no_column(width: int) -> None:
    found = listed([entry(n, title, title.split()[4]) for n, title in enumerate(DEBIAN)])
    assert Columns.of(found, width).version == 0
    shown = drawn(found, width)
    assert all(text.count("6.12.") == 1 for text in shown)
    assert [text.partition("  ")[0].endswith("mode)") for text in shown] == [False, True] * 2


def test_beside_others_the_title_goes_on_over_the_column_of_the_version() -> None:
    found = listed([entry(1, DEBIAN[1], VERSIONS[0]), entry(2, "Debian", VERSIONS[1])])
    one, two = drawn(found, 100)
    assert Columns.of(found, 100).version == len(VERSIONS[1])
    assert one.startswith(f" {DEBIAN[1]}")
    assert VERSIONS[1] in two


def test_what_has_one_title_is_told_apart_by_the_first_thing_that_differs() -> None:
    def config(path: str) -> FileRef:
        return FileRef(device="sda1", path=path)

    one = [entry(n, "Debian", "6.1", config=config(f"/{n}.conf")) for n in (1, 2)]
    assert [row.name for row in listed(one) if row.listing] == ["Debian, 6.1 (1.conf)", "Debian, 6.1 (2.conf)"]
    two = [entry(n, "Debian", config=config("/a"), device=device) for n, device in enumerate(("sda1", "sdb1"))]
    assert [row.name for row in listed(two) if row.listing] == ["Debian (sda1)", "Debian (sdb1)"]
    lines = [CommandLine(f"vga=1 {words}quiet") for words in ("", "desktop=kde ", "theme=dark ")]
    three = [entry(n, "Install", config=config("/a"), cmdline=line) for n, line in enumerate(lines)]
    titles = [row.name for row in listed(three) if row.listing]
    assert titles == ["Install", "Install (desktop=kde)", "Install (theme=dark)"]
    four = [entry(n, "Install", config=None, cmdline=CommandLine(), kernel=config("/k")) for n in range(2)]
    assert [row.name for row in listed(four) if row.listing] == ["Install (#1)", "Install (#2)"]


@examples(150)
@given(
    some=st.lists(
        st.tuples(
            st.sampled_from([*DEBIAN, "Debian", "Debian GNU/Linux", ""]) | LETTERS,
            st.sampled_from([*VERSIONS, "", "6.1"]),
            st.sampled_from(["sda1", "sdb1"]),
            st.sampled_from(["", "quiet", "quiet single"]),
            st.sampled_from(["bls", "grub", "extlinux"]),
        ),
        max_size=25,
    ),
    unreadable=st.lists(st.sampled_from(["/a", "/loader/entries/a.conf", "/loader/entries/b.conf"]), max_size=3),
    width=st.integers(20, 140),
)
def test_no_two_rows_are_ever_equal(
    some: list[tuple[str, str, str, str, str]], unreadable: list[str], width: int
) -> None:
    found = listed(
        [
            entry(number, title, version, device=device, cmdline=CommandLine(line), source=source)
            for number, (title, version, device, line, source) in enumerate(some)
        ],
        [Problem(device="sda1", path=path, message="line 1: makes no sense") for path in dict.fromkeys(unreadable)],
    )
    titles = [row.name for row in found if row.listing]
    assert len(set(titles)) == len(titles), "the heading says which one it is"
    for kind in (True, False):
        shown = drawn([row for row in found if (row.listing is not None) is kind], width)
        assert len(set(shown)) == len(shown)
