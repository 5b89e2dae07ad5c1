# SPDX-License-Identifier: MIT
"""Which device tree of a folder is this board's, and what a hostile folder costs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from bootmenu.compat.facts import DtbFolderFacts, FileState
from bootmenu.demo.builders import board_tree
from bootmenu.discovery import dtb_candidates
from bootmenu.discovery.dtb_candidates import DtbFolders, DtbIndex, Fit, read_index
from bootmenu.discovery.entry_facts import gather
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree, Node
from bootmenu.model.devicetree import TreeFacts
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.value import replace
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.syscalls import Syscalls
from tests.builders.entries import whole_image
from tests.builders.trees import MemoryTree, write_tree

BOARD = TreeFacts(compatible=("acme,rocket-2", "acme,rocket", "acme,soc9"), model="ACME Rocket 2")


def dtb(*compatible: str, model: str | None = "ACME", note: str = "") -> bytes:
    """A tree of that board; note: makes it another one of the same board."""
    tree = board_tree(compatible, model or "")
    if model is None:
        tree.root.remove("model")
    if note:
        tree.root.children.append(Node("chosen", properties=[("note", note.encode())]))
    return tree.to_bytes()


OURS = dtb(*BOARD.compatible, model=BOARD.model)
OTHER = dtb("beta,boat", "beta,chip")


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[tuple[Path, DirectoryTree]]:
    """An empty partition."""
    root = tmp_path / "part"
    root.mkdir()
    with DirectoryTree(str(root), "sda1", Syscalls()) as tree:
        yield root, tree


def entry(folder: str | None = "/dtbs", *, device: str = "sda1", kernel: str = "/vmlinuz-6.1") -> BootEntry:
    return BootEntry(
        id="one",
        title="One",
        source="extlinux",
        device="sda1",
        kernel=FileRef(device="sda1", path=kernel),
        dtb_folder=None if folder is None else FileRef(device=device, path=folder),
    )


def resolved(
    files: Mapping[str, bytes], board: TreeFacts | None = BOARD, folder: str = "/dtbs"
) -> tuple[str | None, DtbFolderFacts]:
    """What is picked of these files, and why."""
    after, facts = DtbFolders(board).resolve(entry(folder), {"sda1": MemoryTree(files)})
    assert facts is not None
    assert (after.dtb.path if after.dtb else None) == facts.picked
    return facts.picked, facts


def paths(index: DtbIndex) -> list[str]:
    return [found.path for found in index.trees]


# ---- the choice -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "picked", "reason"),
    [
        ({"z": OTHER, "acme/b": OURS}, "acme/b", "only one for this board"),
        # a board's revision adds names behind the first
        ({"a": dtb("acme,rocket-2", "acme,soc9")}, "a", "only one for this board"),
        ({"a": dtb("acme,rocket-2", "acme,soc9"), "b": dtb(*BOARD.compatible)}, "b", "whole compatible"),
        ({"a": dtb(*BOARD.compatible), "b": OURS}, "b", "model"),
        # nothing but the model tells them apart, as the lists differ from the machine's both
        ({"a": dtb("acme,rocket-2", "x,y"), "b": dtb("acme,rocket-2", model=BOARD.model)}, "b", "model"),
        ({"acme/soc9-rocket-2": OURS, "b": dtb(*BOARD.compatible, model=BOARD.model, note="b")}, None, "U-Boot"),
        ({"6.1/a": OURS, "6.2/a": OURS}, "6.1/a", "copies"),
    ],
    ids=["one", "shorter list", "whole list", "model", "model alone", "name", "copies"],
)
def test_the_tree_of_this_board_is_picked(files: dict[str, bytes], picked: str | None, reason: str) -> None:
    picked = picked or "acme/soc9-rocket-2"
    path, facts = resolved({f"/dtbs/{name}.dtb": data for name, data in files.items()})
    assert path == f"/dtbs/{picked}.dtb"
    assert reason in facts.reason
    assert (facts.state, facts.trees) == (FileState.PRESENT, len(files))


def test_a_tie_is_not_broken_by_chance() -> None:
    path, facts = resolved({"/dtbs/a.dtb": OURS, "/dtbs/b.dtb": dtb(*BOARD.compatible, model=BOARD.model, note="b")})
    assert path is None
    assert facts.candidates == ("/dtbs/a.dtb", "/dtbs/b.dtb")
    assert not facts.reason


def test_a_relative_is_never_picked() -> None:
    files = {
        "/dtbs/a.dtb": dtb("acme,rocket", "acme,soc9"),
        "/dtbs/b.dtb": OTHER,
        "/dtbs/c.dtb": dtb("q", "acme,rocket-2"),
    }
    path, facts = resolved(files)
    assert path is None
    assert facts.related == ("/dtbs/a.dtb", "/dtbs/c.dtb")
    assert not facts.candidates


@pytest.mark.parametrize("board", [None, TreeFacts(), TreeFacts(compatible=("",))], ids=["none", "nameless", "empty"])
def test_a_machine_that_nothing_describes_gets_none(board: TreeFacts | None) -> None:
    assert resolved({"/dtbs/a.dtb": OURS, "/dtbs/b.dtb": dtb(model=None)}, board)[0] is None


def test_a_tree_without_a_name_is_for_nobody() -> None:
    nameless = DeviceTree(root=Node("")).to_bytes()
    empty = DeviceTree(root=Node("", properties=[("compatible", b"\0")])).to_bytes()
    path, facts = resolved({"/dtbs/a.dtb": nameless, "/dtbs/b.dtb": empty})
    assert (path, facts.trees, facts.candidates) == (None, 2, ())


def test_files_that_are_no_trees_are_counted_and_the_others_are_seen() -> None:
    files = {"/dtbs/a.dtb": b"hello", "/dtbs/B.DTB": OURS, "/dtbs/c.dtb": OURS[:50], "/dtbs/d.dtbo": OURS}
    path, facts = resolved(files)
    assert path == "/dtbs/B.DTB"
    assert (facts.trees, facts.unreadable) == (1, 2)
    assert facts.first_trouble.startswith("/dtbs/a.dtb: ")


@pytest.mark.parametrize("folder", ["/dtbs", "/boot/dtb-6.1/", "/boot//./dtb-6.1"])
def test_the_entry_is_given_its_tree_wherever_the_folder_is(folder: str) -> None:
    tree = MemoryTree({f"{folder}/acme/a.dtb": OURS, "/vmlinuz-6.1": whole_image()})
    tree = MemoryTree({path.replace("//", "/").replace("/./", "/"): data for path, data in tree.files.items()})
    after, facts = gather(entry(folder), {"sda1": tree}, device_trees=DtbFolders(BOARD))
    assert facts.tree_folder is not None
    assert after.dtb is not None
    assert after.dtb_folder == FileRef(device="sda1", path=folder, exists=True)
    assert after.dtb.exists
    assert facts.wants_own_tree
    assert facts.tree is not None
    assert facts.tree.compatible == BOARD.compatible
    # asked again, it is picked again
    assert gather(after, {"sda1": tree}, device_trees=DtbFolders(BOARD)) == (after, facts)


def test_many_entries_of_one_folder_look_through_its_trees_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = 0

    def counted(index: DtbIndex, board: TreeFacts) -> tuple[dtb_candidates.FoundDtb, ...]:
        nonlocal asked
        asked += 1
        return matching(index, board)

    matching = dtb_candidates._matching
    monkeypatch.setattr(dtb_candidates, "_matching", counted)
    trees = DtbFolders(BOARD)
    tree = MemoryTree({"/dtbs/a.dtb": OURS, "/dtbs/b.dtb": dtb(model=None), "/more/c.dtb": OURS})
    answers = [trees.resolve(entry("/dtbs"), {"sda1": tree}) for _ in range(50)]
    assert asked == 1
    assert len({answer.dtb for answer, _ in answers}) == 1
    other, facts = trees.resolve(entry("/more"), {"sda1": tree})
    assert (other.dtb and other.dtb.path, facts and facts.path) == ("/more/c.dtb", "/more")
    assert asked == 2


def test_a_folder_that_is_not_there_leaves_the_running_tree() -> None:
    tree = MemoryTree({"/vmlinuz-6.1": whole_image()}, troubles={"/outside": TreeErrorReason.OUTSIDE})
    for folder, state in (
        ("/dtbs", FileState.MISSING),
        ("/vmlinuz-6.1", FileState.UNUSABLE),
        ("/outside", FileState.OUTSIDE),
    ):
        after, facts = gather(entry(folder), {"sda1": tree}, device_trees=DtbFolders(BOARD))
        assert facts.tree_folder is not None
        assert (after.dtb, facts.tree_folder.state, facts.wants_own_tree) == (None, state, False)
        assert facts.tree_folder.detail
        assert after.dtb_folder is not None
        assert after.dtb_folder.exists is (state is FileState.UNUSABLE)


def test_a_folder_on_a_partition_that_was_not_seen_waits_and_resolves_when_it_comes() -> None:
    here = MemoryTree({"/vmlinuz-6.1": whole_image()})
    there = MemoryTree({"/dtbs/a.dtb": OURS}, device="sdb1")
    trees = DtbFolders(BOARD)
    waiting, facts = gather(entry(device="sdb1"), {"sda1": here}, device_trees=trees)
    assert facts.tree_folder is not None
    assert facts.tree_folder.state is FileState.WAITING
    assert waiting.dtb is None
    assert waiting.dtb_folder is not None
    assert waiting.dtb_folder.exists is None
    after, _ = gather(waiting, {"sda1": here, "sdb1": there}, device_trees=trees)
    assert after.dtb == FileRef(device="sdb1", path="/dtbs/a.dtb", exists=True)


def test_an_entry_without_a_folder_is_left_as_it_is() -> None:
    before = replace(entry(None), dtb=FileRef(device="sda1", path="/a.dtb"))
    assert DtbFolders(BOARD).resolve(before, {}) == (before, None)


# ---- real folders -----------------------------------------------------------------------------------------


def test_links_are_followed_within_the_partition_and_every_file_counts_once(disk: tuple[Path, DirectoryTree]) -> None:
    root, tree = disk
    write_tree(root, {"dtbs/acme/a.dtb": OURS, "store/dtbs/c.dtb": OTHER, "store/d.dtb": OTHER})
    (root.parent / "secret.dtb").write_bytes(OURS)
    folder = root / "dtbs"
    for name, target in {
        "a.dtb": "acme/a.dtb",
        "vendor": "acme",
        "loop": "..",
        "self.dtb": "self.dtb",
        "store": "/store/dtbs",
        "d.dtb": "/store/d.dtb",
        "out.dtb": "../../secret.dtb",
        "out": "../..",
        "gone.dtb": "nothing",
    }.items():
        (folder / name).symlink_to(target)
    os.link(root / "dtbs/acme/a.dtb", folder / "zero.dtb")
    os.mkfifo(folder / "pipe.dtb")
    index = read_index(tree, "/dtbs")
    assert paths(index) == ["/dtbs/zero.dtb", "/dtbs/d.dtb", "/dtbs/store/c.dtb"]
    assert (index.unreadable, index.cut) == (3, "")
    assert DtbFolders(BOARD).resolve(entry(), {"sda1": tree})[0].dtb == FileRef(device="sda1", path="/dtbs/zero.dtb")


def test_the_folder_may_be_a_link_and_is_read_once_whatever_it_is_called(
    disk: tuple[Path, DirectoryTree], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, tree = disk
    write_tree(root, {"boot/dtb-6.1/a.dtb": OURS})
    (root / "boot/dtb").symlink_to("dtb-6.1")
    calls = 0

    def counted(tree: Tree, folder: str, limit: int) -> DtbIndex:
        nonlocal calls
        calls += 1
        return read_index(tree, folder, limit)

    monkeypatch.setattr(dtb_candidates, "read_index", counted)
    trees = DtbFolders(BOARD)
    for folder in ("/boot/dtb", "/boot/dtb-6.1/", "/boot/../boot/dtb"):
        picked = trees.resolve(entry(folder), {"sda1": tree})[0].dtb
        assert picked is not None
    assert calls == 1


@pytest.mark.parametrize(
    ("limit", "value", "files", "cut"),
    [
        ("MAX_DEPTH", 1, {"a/b.dtb": OURS, "a/b/c/d.dtb": OURS}, "nested"),
        ("MAX_FOLDERS", 2, {"a/b.dtb": OURS, "b/c.dtb": OURS}, "folders"),
        ("MAX_NAMES", 2, {"a.dtb": OURS, "b": b"", "c": b""}, "names"),
        ("MAX_KEPT", 100, {"a.dtb": dtb(model="a" * 101)}, "too long"),
    ],
)
def test_the_search_ends_and_says_so(
    limit: str, value: int, files: dict[str, bytes], cut: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = MemoryTree({f"/dtbs/{name}": data for name, data in files.items()})
    assert not read_index(tree, "/dtbs").cut
    monkeypatch.setattr(dtb_candidates, limit, value)
    assert cut in read_index(tree, "/dtbs").cut


def test_links_are_followed_only_so_often(disk: tuple[Path, DirectoryTree], monkeypatch: pytest.MonkeyPatch) -> None:
    root, tree = disk
    for number in range(5):
        (root / str(number)).symlink_to("nothing")
    monkeypatch.setattr(dtb_candidates, "MAX_LINKS", 4)
    assert "links" in read_index(tree, "/").cut


def test_twenty_thousand_trees_are_read_and_no_more(disk: tuple[Path, DirectoryTree]) -> None:
    root, tree = disk
    for number in range(dtb_candidates.MAX_TREES + 10):
        folder = root / f"dtbs/{number % 3}"
        if number < 3:
            folder.mkdir(parents=True)
        (folder / f"{number}.dtb").write_bytes(OURS if number == 3000 else OTHER)
    trees = DtbFolders(BOARD)
    index = trees.index(tree, "/dtbs")
    assert len(index.trees) == dtb_candidates.MAX_TREES
    assert "20,000" in index.cut
    after, facts = trees.resolve(entry(), {"sda1": tree})
    assert after.dtb == FileRef(device="sda1", path="/dtbs/0/3000.dtb")
    assert facts is not None
    assert facts.cut


def test_the_folders_of_a_partition_share_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    tree = MemoryTree({f"/{folder}/{number}.dtb": OURS for folder in "ab" for number in range(3)})
    monkeypatch.setattr(dtb_candidates, "MAX_ON_PARTITION", 4)
    trees = DtbFolders(BOARD)
    assert [len(trees.index(tree, folder).trees) for folder in ("/a", "/b", "/a")] == [3, 1, 3]


def test_trees_that_hide_their_root_are_read_whole_only_so_far(monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = DeviceTree(root=Node("", properties=[("x", bytes(4000)), ("compatible", b"a,b\0")])).to_bytes()
    tree = MemoryTree({f"/{number}.dtb": hidden for number in range(5)} | {"/z.dtb": OURS})
    monkeypatch.setattr(dtb_candidates, "MAX_WHOLE", 3 * len(hidden))
    index = read_index(tree, "/")
    assert paths(index) == ["/0.dtb", "/1.dtb", "/2.dtb", "/z.dtb"]
    assert (index.unreadable, index.first_trouble) == (2, "/3.dtb: too many files have to be read whole")


def test_a_tree_over_two_megabytes_is_none() -> None:
    index = read_index(MemoryTree({"/a.dtb": OURS + bytes(MAX_SIZE), "/b.dtb": OURS}), "/")
    assert paths(index) == ["/b.dtb"]
    assert "too many" in index.first_trouble


def test_a_folder_that_cannot_be_read_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = 0

    def failing(tree: Tree, folder: str, limit: int) -> DtbIndex:
        nonlocal calls
        calls += 1
        raise TreeError(folder, TreeErrorReason.UNREADABLE, "cannot be read")

    monkeypatch.setattr(dtb_candidates, "read_index", failing)
    trees = DtbFolders(BOARD)
    for _ in range(2):
        with pytest.raises(TreeError):
            trees.index(MemoryTree({"/dtbs/a": b""}), "/dtbs")
    assert calls == 1


# ---- what the details offer -------------------------------------------------------------------------------

OFFERED = MappingProxyType(
    {"o.dtb": OTHER, "r.dtb": dtb("acme,rocket", "acme,soc9", model="Relative"), "x/e.dtb": OURS, "none.dtb": b"no"}
)


@pytest.mark.parametrize(
    ("asked", "folder"),
    [
        (entry("/trees"), "/trees"),
        (replace(entry(None), dtb=FileRef(device="sda1", path="/own/a.dtb")), "/own"),
        (entry(None), "/dtbs"),
        (entry(None), "/dtb-6.1"),
        (entry(None), "/dtbs/6.1"),
        (entry(None, kernel="/boot/vmlinuz-6.1"), "/boot/dtbs"),
        (entry(None, kernel="/boot/vmlinuz-6.1"), "/usr/lib/linux-image-6.1"),
        (entry(None, kernel="/boot/vmlinuz-6.1"), "/lib/firmware/6.1/device-tree"),
    ],
)
def test_the_others_are_offered_too_this_board_s_first(asked: BootEntry, folder: str) -> None:
    tree = MemoryTree({f"{folder}/{name}": data for name, data in OFFERED.items()})
    choices = DtbFolders(BOARD).choices(asked, {"sda1": tree})
    assert [(choice.ref.path, choice.fits) for choice in choices] == [
        (f"{folder}/x/e.dtb", Fit.EXACT),
        (f"{folder}/r.dtb", Fit.RELATED),
        (f"{folder}/o.dtb", Fit.OTHER),
    ]
    assert (choices[1].model, choices[1].compatible) == ("Relative", ("acme,rocket", "acme,soc9"))
    unknown = DtbFolders(None).choices(asked, {"sda1": tree})
    assert {choice.fits for choice in unknown} == {Fit.OTHER}


def test_nothing_is_offered_where_there_is_nothing() -> None:
    assert DtbFolders(BOARD).choices(entry(), {}) == ()
    assert DtbFolders(BOARD).choices(entry(), {"sda1": MemoryTree({})}) == ()
