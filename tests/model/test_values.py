# SPDX-License-Identifier: MIT
"""The shared values: command lines, ranges of memory, architectures, progress."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.devicetree import MemoryRange, merged, subtracted
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.finding import Severity
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.stamp import Stamp
from bootmenu.model.value import replace
from tests.properties import examples

PROPERTY = examples(150)


# ---- command line -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("", []),
        ("  quiet\tro \n", [("quiet", None), ("ro", None)]),
        ("root=UUID=1-2 x=", [("root", "UUID=1-2"), ("x", "")]),
        ('dyndbg="file drivers/usb/* +p" quiet', [("dyndbg", "file drivers/usb/* +p"), ("quiet", None)]),
        ('"name=a b" c', [("name", "a b"), ("c", None)]),
        ('"a b"', [("a b", None)]),
        ('a="', [("a", "")]),
        ('a=b"c d"e', [("a", 'b"c d"e')]),
        ("a -- b=c", [("a", None)]),
        ("a --b", [("a", None), ("--b", None)]),
    ],
)
def test_a_command_line_is_read_as_the_kernel_reads_it(text: str, options: list[tuple[str, str | None]]) -> None:
    # lib/cmdline.c:next_arg, init/main.c
    assert CommandLine(text).options() == options


def test_the_last_value_wins_and_all_are_there() -> None:
    line = CommandLine("console=tty0 quiet console=ttyAMA0,115200")
    assert line.get("console") == "ttyAMA0,115200"
    assert line.all("console") == ["tty0", "ttyAMA0,115200"]
    assert line.get("quiet") == ""
    assert line.get("absent") is None


@PROPERTY
@given(st.text(max_size=60))
def test_any_text_is_a_command_line_and_stays_as_it_was(text: str) -> None:
    line = CommandLine(text)
    line.options()
    assert str(line) == text


def test_a_long_command_line_takes_no_time() -> None:
    assert len(CommandLine("a=b " * 100_000).options()) == 100_000


@pytest.mark.parametrize(
    ("command_line", "possible", "cpu"),
    [
        (None, None, None),
        ("", None, 0),
        ("reboot=s2", None, 2),
        ("reboot=smp3", None, 3),
        ("reboot=warm,s2", None, 2),
        ("reboot=s2 reboot=hard", None, 2),
        ("reboot=s", None, 0),
        ("reboot=soft", None, 0),
        ("reboot=s4", (0, 1, 2, 3), 0),
        ("quiet -- reboot=s2", None, 0),
    ],
)
def test_the_cpu_that_jumps(command_line: str | None, possible: tuple[int, ...] | None, cpu: int | None) -> None:
    assert MachineFacts(command_line=command_line, possible_cpus=possible).jump_cpu == cpu


# ---- memory -----------------------------------------------------------------------------------------------

pieces = st.lists(st.builds(MemoryRange, base=st.integers(0, 30), size=st.integers(-2, 8)), max_size=6)


def covered(ranges: list[MemoryRange] | tuple[MemoryRange, ...]) -> set[int]:
    return {address for piece in ranges for address in range(piece.base, piece.end)}


@PROPERTY
@given(pieces, pieces)
def test_ranges_are_sets_of_addresses(left: list[MemoryRange], right: list[MemoryRange]) -> None:
    joined, rest = merged(left), subtracted(left, right)
    assert covered(joined) == covered(left)
    assert covered(rest) == covered(left) - covered(right)
    for result in (joined, rest):
        assert all(piece.size > 0 for piece in result)
        assert all(one.end < other.base for one, other in itertools.pairwise(result))


def test_a_range_says_its_last_address() -> None:
    assert str(MemoryRange(base=0x1000, size=0x1000)) == "0x1000-0x1fff"
    assert str(MemoryRange(base=0x1000, size=0)) == "0x1000 (empty)"


# ---- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("machine", "architecture"),
    [
        ("aarch64", Architecture.ARM64),
        ("aarch64_be", Architecture.ARM64),
        ("armv7l", Architecture.ARM),
        ("x86_64", Architecture.X86_64),
        ("i686", Architecture.X86),
        ("ppc64le", Architecture.PPC64),
        ("mips64", Architecture.MIPS),
        ("sparc64", None),
        ("", None),
    ],
)
def test_uname_to_architecture(machine: str, architecture: Architecture | None) -> None:
    assert Architecture.from_uname(machine) is architecture


def test_severities_rank_as_the_contract_says() -> None:
    order = [Severity.PASS, Severity.UNKNOWN, Severity.WARN, Severity.FAIL]
    assert sorted(Severity, key=lambda severity: severity.rank) == order
    assert Severity.worst([]) is Severity.PASS
    assert Severity.worst([Severity.UNKNOWN, Severity.PASS]) is Severity.UNKNOWN


def test_an_entry_lists_its_files_in_loading_order() -> None:
    def ref(path: str) -> FileRef:
        return FileRef(device="sda1", path=path)

    entry = BootEntry(
        id="a",
        title="a",
        source="bls",
        device="sda1",
        kernel=ref("/k"),
        initrds=(ref("/i"), ref("/j")),
        dtb=ref("/d"),
        overlays=(ref("/o"),),
    )
    assert [(role, file.path) for role, file in entry.files] == [
        ("kernel", "/k"),
        ("initramfs", "/i"),
        ("initramfs", "/j"),
        ("device tree", "/d"),
        ("overlay", "/o"),
    ]
    assert [role for role, _ in replace(entry, dtb=None, overlays=(), initrds=()).files] == ["kernel"]


def test_a_problem_says_where() -> None:
    assert str(Problem(device="sda1", path="/a", message="is bad")) == "sda1:/a: is bad"
    assert str(Problem(device="", path="", message="is bad")) == "is bad"


def test_a_rate_needs_some_time() -> None:
    event = Progress(stage=Stage.KERNEL, state=StageState.RUNNING, done=1000, total=2000, seconds=0.5)
    assert event.rate == 2000
    assert event.remaining == 0.5
    assert replace(event, done=2500).remaining == 0
    for unknown in ({"seconds": 0.0}, {"total": 0}, {"done": 0}):
        assert replace(event, **unknown).remaining is None
    assert replace(event, seconds=0.0).rate == 0
    json = event.to_json()
    assert (json["stage"], json["rate"], json["remaining"]) == ("read kernel", 2000, 0.5)


STAMP = Stamp(size=10, modified=20, changed=30, inode=40)


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ({}, ""),
        ({"size": 11}, "11 bytes are there, it had 10"),
        ({"modified": 21}, "it was written to"),
        ({"changed": 31}, "its times, name or permissions were changed"),
        ({"inode": 41}, "another file has its name"),
        ({"changed": None}, ""),
        ({"inode": None}, ""),  # a file system that makes them up says nothing
        ({"within": STAMP}, ""),
    ],
)
def test_a_stamp_tells_what_differs(now: dict[str, object], says: str) -> None:
    later = replace(STAMP, **now)  # type: ignore[arg-type]
    assert STAMP.differs(later) == says
    inside = replace(STAMP, within=STAMP).differs(replace(STAMP, within=later))
    assert inside == (f"the image file that it is in has changed: {says}" if says else "")


def test_pieces_are_walked_beside_each_other_not_each_with_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile tree has tens of thousands of both."""
    asked = []

    def end(area: MemoryRange) -> int:
        asked.append(area)
        return area.base + area.size

    monkeypatch.setattr(MemoryRange, "end", property(end))
    areas = [MemoryRange(base=at << 13, size=1 << 12) for at in range(1000)]
    holes = [MemoryRange(base=area.base + 1024, size=512) for area in areas]
    assert len(subtracted(areas, holes)) == 2 * len(areas)
    assert len(asked) < 20 * len(areas)


# ---- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("title", "version", "full"),
    [
        ("Debian", "", "Debian"),
        ("Debian", "6.12", "Debian, 6.12"),
        ("Debian 6.12", "6.12", "Debian 6.12"),
        ("", "", "/vmlinuz"),
        ("", "6.12", "/vmlinuz, 6.12"),
    ],
)
def test_an_entry_has_a_name_even_without_a_title(title: str, version: str, full: str) -> None:
    kernel = FileRef(device="sda1", path="/vmlinuz", exists=True)
    entry = BootEntry(id="x", title=title, version=version, source="bls", device="sda1", kernel=kernel)
    assert (entry.name, entry.full_name) == (title or "/vmlinuz", full)
