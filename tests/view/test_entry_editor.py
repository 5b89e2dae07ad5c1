# SPDX-License-Identifier: MIT
"""Test the line editor, and the entry that the lines of the editor describe."""

from __future__ import annotations

import itertools
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import CommandLine, FileRef
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import replace
from bootmenu.terminal.cells import cells
from bootmenu.view.edit_history import EditHistory
from bootmenu.view.entry_editor import EntryEditor, EntryPart
from bootmenu.view.line_editor import LineEditor
from tests.builders.fakes import DEBIAN

OPERATIONS = ["erase", "delete", "clear", "kill", "erase_word", "left", "right", "home", "end"]


@pytest.mark.parametrize(
    ("operation", "before", "after"),
    [
        ("erase", "ab|c", "a|c"),
        ("erase", "|abc", "|abc"),
        ("delete", "ab|c", "ab|"),
        ("delete", "abc|", "abc|"),
        ("clear", "ab|c", "|c"),
        ("kill", "a|bc", "a|"),
        ("erase_word", "quiet ro  |x", "quiet |x"),
        ("erase_word", "quiet ro|x", "quiet |x"),
        ("erase_word", "quiet|", "|"),
        ("erase_word", "|quiet", "|quiet"),
        ("left", "a|b", "|ab"),
        ("right", "a|b", "ab|"),
        ("home", "ab|", "|ab"),
        ("end", "|ab", "ab|"),
    ],
)
def test_what_keys_do(operation: str, before: str, after: str) -> None:
    line = getattr(LineEditor(before.replace("|", ""), before.index("|")), operation)()
    assert line.text[: line.cursor] + "|" + line.text[line.cursor :] == after


@given(
    st.text(max_size=60),
    st.lists(st.sampled_from(OPERATIONS) | st.text(min_size=1, max_size=5).map(lambda text: "+" + text)),
    st.integers(8, 60),
)
def test_any_typing_keeps_the_cursor_in_the_text_and_the_line_in_its_columns(
    text: str, operations: list[str], width: int
) -> None:
    line = LineEditor.of(text)
    for operation in operations:
        line = line.insert(operation[1:]) if operation[0] == "+" else getattr(line, operation)()
        assert 0 <= line.cursor <= len(line.text)
        spans = line.spans(width)
        shown = "".join(span.text for span in spans)
        assert cells(shown) <= width
        assert not {unicodedata.category(char) for char in shown} & {"Cc", "Cf", "Cs", "Mn", "Zl", "Zp"}
        assert [span.marked for span in spans].count(True) == 1


def test_a_long_line_says_that_there_is_more_and_shows_the_cursor() -> None:
    line = LineEditor.of("a" * 50 + "日本" + "b" * 50)
    for at in range(len(line.text) + 1):
        spans = replace(line, cursor=at).spans(20)
        (marked,) = [span.text for span in spans if span.marked]
        assert marked == (line.text[at] if at < len(line.text) else " ")
        text = "".join(span.text for span in spans)
        assert text.startswith("«") == (at > 18)


def test_typing_moves_the_window_seldom() -> None:
    shown = [LineEditor.of("x" * length).spans(40)[0].text for length in range(200)]
    moves = sum(1 for before, after in itertools.pairwise(shown) if (before == "«") != (after == "«"))
    assert moves <= 2


def test_what_is_too_long_is_left_out() -> None:
    assert LineEditor.of("abc").insert("defg", 5) == LineEditor("abcde", 5)


def at(editor: EntryEditor, part: EntryPart, number: int = 0) -> EntryEditor:
    """Go to the line of a part of the entry. number: which one, if there are several."""
    index = [i for i, slot in enumerate(editor.slots) if slot.part is part][number]
    return replace(editor, index=index)


def test_a_draft_that_nobody_changed_is_the_entry() -> None:
    editor = EntryEditor.of(DEBIAN.entry)
    assert not editor.changed
    assert editor.edited() == DEBIAN.entry
    for steps in (1, 1, 1, -1, 99, -99):
        editor = editor.move(steps)
        assert not editor.changed


def test_every_part_can_be_changed_and_the_entry_stays_what_it_was() -> None:
    before = DEBIAN.entry
    editor = at(EntryEditor.of(before), EntryPart.COMMAND_LINE).with_line(LineEditor.of("root=/dev/sda2 single"))
    editor = at(editor, EntryPart.KERNEL).with_line(LineEditor.of("sdb1:/other"))
    editor = at(editor, EntryPart.INITRAMFS, 1).with_line(LineEditor.of("uuid=1-2:/second"))
    editor = at(editor, EntryPart.TREE).with_line(LineEditor.of("board.dtb"))
    editor = at(editor, EntryPart.OVERLAY).with_line(LineEditor.of("/o.dtbo"))
    editor = at(editor, EntryPart.EDIT).with_line(LineEditor.of(" disable /soc/uart@1 "))
    assert editor.edited().dtb_edits == ("disable /soc/uart@1",)
    assert [slot.part for slot in editor.slots].count(EntryPart.EDIT) == 2, "one more is offered"
    edited = editor.edited()
    assert editor.changed
    assert edited.cmdline == CommandLine("root=/dev/sda2 single")
    assert edited.kernel == FileRef(device="sdb1", path="/other")
    assert edited.initrds == (before.initrds[0], FileRef(device="uuid=1-2", path="/second"))
    assert edited.dtb == FileRef(device=before.device, path="/board.dtb")
    assert edited.overlays == (FileRef(device=before.device, path="/o.dtbo"),)
    assert (edited.id, edited.title, edited.source) == (before.id, before.title, before.source)
    assert DEBIAN.entry == before
    assert [slot.part for slot in editor.slots].count(EntryPart.INITRAMFS) == 3, "one more is offered"


@given(st.lists(st.tuples(st.integers(-9, 9), st.sampled_from(["", "x"]))))
def test_a_list_ends_with_one_empty_line(steps: list[tuple[int, str]]) -> None:
    editor = EntryEditor.of(DEBIAN.entry)
    for move, text in steps:
        editor = editor.move(move)
        if editor.current.part.repeatable:
            editor = editor.with_line(LineEditor.of(text))
        for part in filter(lambda part: part.repeatable, EntryPart):
            texts = [slot.line.text for slot in editor.slots if slot.part is part]
            assert texts[-1] == ""
            assert texts[-2:] != ["", ""]


def test_an_emptied_line_leaves_its_file_out() -> None:
    editor = at(EntryEditor.of(DEBIAN.entry), EntryPart.INITRAMFS).with_line(LineEditor())
    assert editor.edited().initrds == ()
    assert at(editor, EntryPart.KERNEL).with_line(LineEditor()).edited().kernel.path == "/"


def test_a_file_s_part_stays_with_it_until_its_line_is_changed() -> None:
    part = FileRef(device="mmcblk0p1", path="/uki.efi", part=".dtb", exists=True)
    editor = at(EntryEditor.of(replace(DEBIAN.entry, dtb=part)), EntryPart.TREE)
    assert editor.with_line(LineEditor.of("x")).with_line(LineEditor.of("/uki.efi")).edited().dtb == part
    assert editor.with_line(LineEditor.of("/uki.dtb")).edited().dtb == FileRef(device="mmcblk0p1", path="/uki.dtb")


def test_choices_go_round_with_the_running_tree_among_them() -> None:
    choices = [FileRef(device="mmcblk0p1", path="/a.dtb"), FileRef(device="sda2", path="/b.dtb")]
    editor = at(EntryEditor.of(DEBIAN.entry), EntryPart.TREE)
    seen = []
    for _ in range(4):
        editor = editor.choose(choices, 1)
        seen.append(editor.edited().dtb)
    assert seen == [*choices, None, choices[0]]
    assert editor.choose(choices, -1).edited().dtb is None
    assert not editor.with_line(LineEditor.of("/typed")).can_choose(choices)


def test_every_line_of_a_file_is_chosen_and_only_a_kernel_is_required() -> None:
    files = [FileRef(device="mmcblk0p1", path="/a"), FileRef(device="sda2", path="/b")]
    for part, none in ((EntryPart.KERNEL, False), (EntryPart.INITRAMFS, True), (EntryPart.OVERLAY, True)):
        editor = at(EntryEditor.of(DEBIAN.entry), part)
        assert ("" in editor.choices(files)) is none
        assert set(editor.choices(files)) - {""} == {"/a", "sda2:/b"}
        assert editor.choices(()) == ()
    empty = at(EntryEditor.of(DEBIAN.entry), EntryPart.OVERLAY)
    assert empty.choose(files, 1).choose(files, 1).edited().overlays == (files[1],)
    assert empty.choose(files, -1).edited().overlays == (files[1],)


@pytest.mark.parametrize(
    ("typed", "found", "becomes", "ways"),
    [
        ("/vm", (), "/vm", ()),
        ("/vm", ("/vmlinuz",), "/vmlinuz", ()),
        ("/b", ("/boot/",), "/boot/", ()),
        ("/v", ("/vmlinuz-1", "/vmlinuz-2"), "/vmlinuz-", ("/vmlinuz-1", "/vmlinuz-2")),
        ("/vmlinuz-", ("/vmlinuz-1", "/vmlinuz-2"), "/vmlinuz-1", ("/vmlinuz-1", "/vmlinuz-2")),
        ("", ("/a", "sda1:/"), "/a", ("/a", "sda1:/")),
    ],
)
def test_a_path_is_completed_as_in_a_shell(
    typed: str, found: tuple[str, ...], becomes: str, ways: tuple[str, ...]
) -> None:
    editor = at(EntryEditor.of(DEBIAN.entry), EntryPart.KERNEL).with_line(LineEditor.of(typed))
    after = editor.complete(found)
    assert (after.current.line.text, after.completions) == (becomes, ways)
    assert after.current.line.cursor == len(becomes)
    if ways and becomes in ways:
        assert after.choose((), 1).current.line.text == ways[1]
        assert after.choose((), 1).choose((), 1).current.line.text == ways[0]
        assert after.choose((), 1).completions == ways, "the next Tab goes on"
    assert after.with_line(LineEditor.of("x")).completions == ()
    assert after.move(1).completions == ()


def test_what_a_configuration_says_of_its_kernel_does_not_hold_for_another_one() -> None:
    entry = replace(DEBIAN.entry, architecture=Architecture.ARM64)
    editor = at(EntryEditor.of(entry), EntryPart.KERNEL)
    other = editor.with_line(LineEditor.of("/vmlinuz-6.12.107-arm64")).edited()
    assert (other.version, other.architecture) == ("6.12.107-arm64", None)
    assert editor.with_line(LineEditor.of("/linux")).edited().version == ""
    assert editor.edited() == entry


def test_a_changed_line_is_known() -> None:
    editor = EntryEditor.of(DEBIAN.entry)
    assert not any(slot.changed for slot in editor.slots)
    changed = at(editor, EntryPart.INITRAMFS).with_line(LineEditor())
    assert [slot.part for slot in changed.slots if slot.changed] == [EntryPart.INITRAMFS]
    assert changed.texts != editor.texts
    more = at(editor, EntryPart.EDIT).with_line(LineEditor.of("disable /x"))
    assert [slot.line.text for slot in more.slots if slot.changed] == ["disable /x"]
    assert not any(slot.changed for slot in EntryEditor.of(more.edited()).slots)


def typing(history: EditHistory, editor: EntryEditor, keys: str) -> EntryEditor:
    """Type: < deletes a character, [ and ] move the cursor, v goes to the next line."""
    for key in keys:
        line = editor.current.line
        moved = {"<": line.erase, "[": line.left, "]": line.right}.get(key)
        after = editor.move(1) if key == "v" else editor.with_line(moved() if moved else line.insert(key))
        history.note(editor, after)
        editor = after
    return editor


@pytest.mark.parametrize(
    ("keys", "steps"),
    [
        ("abc", ["quietabc", "quiet"]),
        ("a b", ["quieta b", "quieta ", "quieta", "quiet"]),
        ("ab<<<", ["quie", "quietab", "quiet"]),
        ("ab[c", ["quietacb", "quietab", "quiet"]),
    ],
)
def test_undo_goes_back_by_words_and_redo_forth(keys: str, steps: list[str]) -> None:
    history = EditHistory()
    start = EntryEditor.of(replace(DEBIAN.entry, cmdline=CommandLine("quiet")))
    editor = typing(history, start, keys)
    seen = [editor]
    while (earlier := history.undo(seen[-1])) is not None:
        seen.append(earlier)
    assert [one.current.line.text for one in seen] == steps
    for wanted in reversed(seen[:-1]):
        later = history.redo(start)
        assert later is not None
        assert later.texts == wanted.texts
    assert history.redo(start) is None


def test_what_is_typed_after_an_undo_takes_the_place_of_what_was_undone() -> None:
    history = EditHistory()
    editor = typing(history, EntryEditor.of(DEBIAN.entry), "abvc")
    undone = history.undo(editor)
    assert undone is not None
    assert undone.texts[0].endswith("ab")
    typing(history, undone, "x")
    assert history.redo(undone) is None


@given(st.text(alphabet="ab <[]v", max_size=30))
def test_undo_ends_where_it_began_and_redo_where_it_was(keys: str) -> None:
    history = EditHistory()
    start = EntryEditor.of(DEBIAN.entry)
    now = last = typing(history, start, keys)
    while (earlier := history.undo(now)) is not None:
        now = earlier
    assert now.texts == start.texts
    while (later := history.redo(now)) is not None:
        now = later
    assert now.texts == last.texts


def test_a_tree_of_a_folder_stays_one_until_another_is_named() -> None:
    folder = FileRef(device="mmcblk0p1", path="/dtbs")
    entry = replace(DEBIAN.entry, dtb=FileRef(device="mmcblk0p1", path="/dtbs/a.dtb"), dtb_folder=folder)
    editor = at(EntryEditor.of(entry), EntryPart.TREE)
    assert editor.edited().dtb_folder == folder
    assert editor.with_line(LineEditor()).edited().dtb_folder is None


def test_a_file_is_named_as_screens_show_it_and_as_settings_do() -> None:
    editor = at(EntryEditor.of(DEBIAN.entry), EntryPart.KERNEL)
    for text, device, path in (
        ("sda2:/@:/boot/vmlinuz", "sda2:/@", "/boot/vmlinuz"),
        ("sda1:/iso/x.iso:/casper/vmlinuz", "sda1:/iso/x.iso", "/casper/vmlinuz"),
        ("/dev/sda1:/vmlinuz", "sda1", "/vmlinuz"),
        ("LABEL=Boot:/vmlinuz", "label=Boot", "/vmlinuz"),
        ("/odd:/name", DEBIAN.entry.device, "/odd:/name"),
        ("a/b:/c", DEBIAN.entry.device, "/a/b:/c"),
    ):
        assert editor.with_line(LineEditor.of(text)).edited().kernel == FileRef(device=device, path=path)
