# SPDX-License-Identifier: MIT
"""What tells entries apart that have the same title."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.view.entry_texts import unique_titles
from tests.properties import examples


def entry(
    title: str = "Linux",
    version: str = "",
    machine: str = "",
    config: str = "",
    device: str = "sda1",
    cmdline: str = "",
) -> BootEntry:
    return BootEntry(
        id="x",
        title=title,
        version=version,
        machine_id=machine,
        source="bls",
        config=FileRef(device=device, path=f"/loader/entries/{config}") if config else None,
        device=device,
        kernel=FileRef(device=device, path="/k"),
        cmdline=CommandLine(cmdline),
    )


def test_what_is_unique_stays_as_it_is() -> None:
    assert unique_titles([entry("A", "1"), entry("B", "1")]) == ["A", "B"]


def test_the_version_goes_first_then_machine_id_then_file_then_partition() -> None:
    machine, other = "0123456789abcdef" * 2, "f" * 32
    assert unique_titles(
        [
            entry(version="2", machine=machine, config="a.conf"),
            entry(version="1", machine=machine, config="a.conf"),
            entry(version="1", machine=other, config="a.conf"),
            entry(version="3", machine=machine, config="a.conf"),
            entry(version="3", machine=machine, config="b.conf"),
            entry(version="3", machine=machine, config="b.conf", device="sdb1"),
        ]
    ) == [
        "Linux (2)",
        "Linux (1, 01234567)",
        "Linux (1, ffffffff)",
        "Linux (3, a.conf)",
        "Linux (3, b.conf, sda1)",
        "Linux (3, b.conf, sdb1)",
    ]


def test_what_nothing_tells_apart_is_numbered() -> None:
    assert unique_titles([entry(), entry(), entry("Linux (#1)")]) == ["Linux (#1) #1", "Linux (#2)", "Linux (#1)"]


WORDS = st.sampled_from(["", "a", "b", "Linux", "Linux (a)", "Linux (#1)", "\0"])


@examples(200)
@given(st.lists(st.builds(entry, WORDS, WORDS, WORDS, WORDS, WORDS, WORDS), max_size=12))
def test_no_two_titles_are_ever_the_same(entries: list[BootEntry]) -> None:
    titles = unique_titles(entries)
    assert len(set(titles)) == len(entries)
    assert all(title.startswith(one.name) for title, one in zip(titles, entries, strict=True))
