# SPDX-License-Identifier: MIT
"""Index directories of device trees, and find the tree for this board.

A directory is read once in a scan, and only the head of each tree (formats/dtb_head.py). Nothing is cached between
scans: most of the time goes into opening the files (`make bench`: Debian's 577 trees), and to check whether a file
has changed, it would have to be opened, too.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from threading import Lock

from bootmenu.compat.facts import DtbFolderFacts, FileState
from bootmenu.errors import FormatError
from bootmenu.formats.dtb import MAX_SIZE
from bootmenu.formats.dtb_head import DtbHead, quick_head, read_head
from bootmenu.formats.reader import ByteSource
from bootmenu.i18n import N_
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.devicetree import TreeFacts
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.value import Value, field, replace
from bootmenu.sources import version_of
from bootmenu.sources.parsers import bare
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason
from bootmenu.typed import NamedTuple

MAX_DEPTH = 6
"""Maximum depth of subdirectories that are searched."""
MAX_FOLDERS = 1000
MAX_NAMES = 100_000
"""Maximum number of directory entries that are read."""
MAX_TREES = 20_000
MAX_ON_PARTITION = 100_000
"""Maximum number of trees in all directories on one partition."""
MAX_LINKS = 2000
MAX_WHOLE = 64 * 1024 * 1024
"""Maximum number of bytes of trees that are read whole because their root node is not near the start."""
MAX_KEPT = 16 * 1024 * 1024
"""Maximum number of bytes of `compatible` and `model` in one index; Debian's 577 trees have 60 KB."""
_MAX_COMPARED = 8
_SHOWN = 8

_STATES = {
    TreeErrorReason.MISSING: FileState.MISSING,
    TreeErrorReason.OUTSIDE: FileState.OUTSIDE,
    TreeErrorReason.FORBIDDEN: FileState.FORBIDDEN,
}


class FoundDtb(NamedTuple):
    """A device tree in a directory."""

    path: str
    """Path, absolute from the partition's root."""
    identity: tuple[int, int]
    head: DtbHead


class DtbIndex(Value, kw_only=True):
    """The device trees in a directory and its subdirectories, each file once, nearest first."""

    trees: tuple[FoundDtb, ...] = ()
    unreadable: int = 0
    """Number of files that are named like a device tree, but are not one or could not be read."""
    first_trouble: str = ""
    """Path of the first of these files, and the reason."""
    cut: str = ""
    """Limit that ended the search early, or empty if the search was complete."""
    by_first: Mapping[bytes, tuple[FoundDtb, ...]] = field(default_factory=dict)
    """The trees by the first string of the root's `compatible`."""


class Fit(StrEnum):
    """How well a device tree fits this board."""

    EXACT = "exact"
    """Both have the same first `compatible`."""
    RELATED = "related"
    """They share a later `compatible`: the board is of the same family, or only has the same chip."""
    OTHER = "other"


class DtbChoice(Value, kw_only=True):
    """A device tree that could be passed on instead of the entry's."""

    ref: FileRef
    fits: Fit
    head: DtbHead

    @property
    def compatible(self) -> tuple[str, ...]:
        """Return the `compatible` of its root, most specific first."""
        return self.head.compatible

    @property
    def model(self) -> str | None:
        """Return the `model` of its root, or None."""
        return self.head.model


def read_index(tree: Tree, folder: str, max_trees: int = MAX_TREES) -> DtbIndex:
    """Index a directory of device trees, within the limits above. Raise TreeError if the directory itself cannot be
    read."""
    return _Search(tree, max_trees).run(folder)


class _Search:
    def __init__(self, tree: Tree, max_trees: int) -> None:
        self._tree = tree
        self._max_trees = max_trees
        self._found: list[FoundDtb] = []
        self._seen: set[tuple[int, int]] = set()
        self._unreadable = 0
        self._first_trouble = ""
        self._cut = ""
        self._files = self._names = self._links = self._kept = self._whole = 0

    def run(self, top: str) -> DtbIndex:
        pending = deque([(top, 0)])
        folders = 0
        while pending and not self._cut:
            path, depth = pending.popleft()
            if folders >= MAX_FOLDERS:
                self._cut = N_("there are more than {n:,} folders", n=MAX_FOLDERS)
                break
            folders += 1
            try:
                below = self._read(path)
            except TreeError as error:
                if depth == 0:
                    raise
                # another partition is mounted there
                if error.reason is not TreeErrorReason.OUTSIDE:
                    self._unusable(path, error.detail)
                continue
            if below and depth >= MAX_DEPTH:
                self._cut = self._cut or f"folders are nested more than {MAX_DEPTH} deep"
            else:
                pending.extend((name, depth + 1) for name in below)
        by_first: dict[bytes, list[FoundDtb]] = {}
        for found in self._found:
            by_first.setdefault((found.head.raw_compatible or b"").partition(b"\0")[0], []).append(found)
        return DtbIndex(
            trees=tuple(self._found),
            unreadable=self._unreadable,
            first_trouble=self._first_trouble,
            cut=self._cut,
            by_first={name: tuple(trees) for name, trees in by_first.items()},
        )

    def _read(self, path: str) -> list[str]:
        """Index one directory and return the paths of its subdirectories."""
        base = path.rstrip("/")
        with self._tree.folder(path) as folder:
            if folder.identity in self._seen:
                return []
            self._seen.add(folder.identity)
            self._names += len(folder.files) + len(folder.folders) + len(folder.links)
            if self._names > MAX_NAMES:
                self._cut = N_("there are more than {n:,} names", n=MAX_NAMES)
            wanted = self._allowed([name for name in folder.files if _is_tree(name)])
            for name, head in folder.visit(wanted, self._head):
                if self._kept > MAX_KEPT:
                    break
                if isinstance(head, TreeError):
                    self._unusable(f"{base}/{name}", head.detail)
                else:
                    self._take(f"{base}/{name}", *head)
        below = [f"{base}/{name}" for name in folder.folders]
        for name in folder.links:
            # `stat` and `open` follow symbolic links, but never out of the partition
            if self._links >= MAX_LINKS:
                self._cut = self._cut or N_("there are more than {n:,} symbolic links", n=MAX_LINKS)
                break
            self._links += 1
            below += self._follow(f"{base}/{name}")
        return below

    def _follow(self, path: str) -> Iterator[str]:
        try:
            info = self._tree.stat(path)
            if info.is_folder:
                yield path
            elif _is_tree(path) and info.identity not in self._seen:
                for _ in self._allowed([path]):
                    with self._tree.open(path) as file:
                        self._take(path, *self._head(file, info.identity))
        except TreeError as error:
            if _is_tree(path):
                self._unusable(path, error.detail)
        except OSError as error:
            self._unusable(path, error.strerror or str(error))

    def _allowed(self, names: list[str]) -> list[str]:
        """Return as many names as the limit still permits."""
        room = self._max_trees - self._files
        if len(names) > room:
            self._cut = self._cut or N_("there are more than {n:,} device trees", n=self._max_trees)
            names = names[:room]
        self._files += len(names)
        return names

    def _head(self, file: ByteSource, identity: tuple[int, int]) -> tuple[DtbHead | str, tuple[int, int]]:
        """Return the head of a tree, or the reason why it has none, and the file's identity."""
        try:
            head = quick_head(file)
            if head is None:
                self._whole += file.size
                if self._whole > MAX_WHOLE:
                    return "too many files have to be read whole", identity
                head = read_head(file)
        except FormatError as error:
            return error.message, identity
        return head, identity

    def _take(self, path: str, head: DtbHead | str, identity: tuple[int, int]) -> None:
        if isinstance(head, str):
            self._unusable(path, head)
        elif identity not in self._seen:  # otherwise another name of the same file
            self._seen.add(identity)
            self._kept += len(head.raw_compatible or b"") + len(head.raw_model or b"")
            if self._kept > MAX_KEPT:
                self._cut = self._cut or "the names of the boards are too long to be kept"
            else:
                self._found.append(FoundDtb(path, identity, head))

    def _unusable(self, path: str, why: str) -> None:
        self._unreadable += 1
        self._first_trouble = self._first_trouble or f"{path}: {why}"


def _is_tree(name: str) -> bool:
    return name.lower().endswith(".dtb")  # FAT's short names are in capitals


class DtbFolders:
    """The directories of device trees that the entries of one scan name, each read once. Thread-safe."""

    def __init__(self, board: TreeFacts | None) -> None:
        """Start without any index. board: the running machine's tree, or None if it has none."""
        self._board = board if board and board.compatible[:1] not in ((), ("",)) else None
        self._lock = Lock()
        """Protects `_reading` and `_taken`; never held while a disk is accessed."""
        self._reading: dict[object, Lock] = {}
        """A lock for each directory, held while it is read."""
        self._indexes: dict[object, DtbIndex | TreeError] = {}
        """The index of each directory, or the error that reading it raised."""
        self._taken: dict[str, int] = {}
        """Number of trees read on each device, of MAX_ON_PARTITION."""
        self._picks: dict[int, tuple[DtbIndex, FoundDtb | None, DtbFolderFacts]] = {}
        """Choices by the index's id, as thousands of entries may name one directory of thousands of trees."""

    def index(self, tree: Tree, folder: str) -> DtbIndex:
        """Return the index of a directory, which is read once. Raise TreeError if it cannot be read."""
        key = (tree.device, tree.stat(folder).identity)
        with self._lock:
            reading = self._reading.setdefault(key, Lock())
        with reading:
            index = self._indexes.get(key)
            if index is None:
                with self._lock:
                    left = MAX_ON_PARTITION - self._taken.get(tree.device, 0)
                try:
                    index = read_index(tree, folder, max(0, min(MAX_TREES, left)))
                except TreeError as error:
                    index = error
                else:
                    with self._lock:
                        taken = len(index.trees) + index.unreadable
                        self._taken[tree.device] = self._taken.get(tree.device, 0) + taken
                self._indexes[key] = index
        if isinstance(index, TreeError):
            raise index
        return index

    def resolve(self, entry: BootEntry, trees: Mapping[str, Tree]) -> tuple[BootEntry, DtbFolderFacts | None]:
        """Return the entry with `dtb` set to this board's tree in its `dtb_folder`, and how it was chosen. Return an
        entry without `dtb_folder` unchanged. The choice depends only on the trees and this machine (`_pick`)."""
        folder = entry.dtb_folder
        if folder is None:
            return entry, None
        facts = DtbFolderFacts(device=folder.device, path=folder.path, state=FileState.WAITING)
        picked: FoundDtb | None = None
        tree = trees.get(folder.device)
        if tree is not None:
            try:
                index = self.index(tree, folder.path)
            except TreeError as error:
                state = _STATES.get(error.reason, FileState.UNUSABLE)
                facts = replace(facts, state=state, detail=error.detail)
            else:
                picked, facts = self._pick(tree, index, facts)
        state = facts.state
        exists = None if state is FileState.WAITING else state not in (FileState.MISSING, FileState.OUTSIDE)
        return replace(
            entry,
            dtb=FileRef(device=folder.device, path=picked.path) if picked else None,
            dtb_folder=replace(folder, exists=exists),
        ), facts

    def _pick(self, tree: Tree, index: DtbIndex, facts: DtbFolderFacts) -> tuple[FoundDtb | None, DtbFolderFacts]:
        pick = self._picks.get(id(index))
        if pick is None:
            self._picks[id(index)] = pick = (index, *self._pick_anew(tree, index, facts))
        _, picked, answer = pick
        return picked, replace(answer, device=facts.device, path=facts.path)

    def _pick_anew(
        self, tree: Tree, index: DtbIndex, facts: DtbFolderFacts
    ) -> tuple[FoundDtb | None, DtbFolderFacts]:
        """Return the tree whose first `compatible` is the machine's, or None, and how it was chosen.

        If several match, prefer the whole `compatible` list, then the model, then the file name that U-Boot asks for;
        then take any if all are identical."""
        # U-Boot loads the file that its variable fdtfile names, else SOC-BOARD.dtb, and passes on the running tree if
        # there is none (boot/pxe_utils.c). Linux does not know these variables, but it knows the board.
        board = self._board
        left = _matching(index, board) if board else ()
        related: tuple[FoundDtb, ...] = ()
        reason = N_("the only one for this board")
        if board and left:
            for why, narrowed in (
                (N_("the only one with this machine's whole compatible"), _same_list),
                (N_("the only one with this machine's model"), _same_model),
                (N_("named as U-Boot asks for it"), _named),
            ):
                better = narrowed(left, board)
                if better and len(better) < len(left):
                    left, reason = better, why
            if 1 < len(left) <= _MAX_COMPARED and _all_the_same(tree, left):
                left, reason = left[:1], N_("one of several copies of the same tree")
        elif board:
            ours = set(board.compatible)
            related = tuple(one for one in index.trees if ours.intersection(one.head.compatible))
        picked = left[0] if len(left) == 1 else None
        return picked, replace(
            facts,
            state=FileState.PRESENT,
            trees=len(index.trees),
            unreadable=index.unreadable,
            first_trouble=index.first_trouble,
            cut=index.cut,
            picked=picked.path if picked else None,
            reason=reason if picked else "",
            candidates=tuple(one.path for one in left[:_SHOWN]),
            related=tuple(one.path for one in related[:_SHOWN]),
        )

    def choices(self, entry: BootEntry, trees: Mapping[str, Tree]) -> tuple[DtbChoice, ...]:
        """Return the device trees that belong to the entry's kernel by their location, those for this board first, or
        () if there are none or they cannot be read."""
        found: dict[tuple[int, int], DtbChoice] = {}
        ours = set(self._board.compatible) if self._board else set()
        first = self._board.compatible[0].encode("utf-8", "replace") if self._board else None
        for ref in _likely_folders(entry):
            tree = trees.get(ref.device)
            if tree is None:
                continue
            try:
                index = self.index(tree, ref.path)
            except TreeError:
                continue
            for one in index.trees:
                if first is not None and (one.head.raw_compatible or b"").partition(b"\0")[0] == first:
                    fits = Fit.EXACT
                else:
                    fits = Fit.RELATED if ours.intersection(one.head.compatible) else Fit.OTHER
                where = FileRef(device=ref.device, path=one.path, exists=True)
                found.setdefault(one.identity, DtbChoice(ref=where, fits=fits, head=one.head))
            if found:
                break
        order = list(Fit)
        return tuple(sorted(found.values(), key=lambda choice: order.index(choice.fits)))


def _likely_folders(entry: BootEntry) -> Iterator[FileRef]:
    """Yield the directories that may hold the entry's device trees, most likely first."""
    if entry.dtb_folder is not None:
        yield entry.dtb_folder
    elif entry.dtb is not None:
        yield FileRef(device=entry.dtb.device, path=entry.dtb.path.rpartition("/")[0] or "/")
    folder = entry.kernel.path.rpartition("/")[0]
    version = entry.version or version_of(entry.kernel.path)
    paths = [f"{folder}/{name.format(version)}" for name in bare.TREES] if version else []
    paths += [f"{folder}/{name}" for name in bare.COMMON_TREES]
    paths += [path.format(version) for path in bare.INSTALLED_TREES] if version else []
    for path in paths:
        yield FileRef(device=entry.kernel.device, path=path)


def _matching(index: DtbIndex, board: TreeFacts) -> tuple[FoundDtb, ...]:
    return index.by_first.get(board.compatible[0].encode("utf-8", "replace"), ())


def _same_list(trees: tuple[FoundDtb, ...], board: TreeFacts) -> tuple[FoundDtb, ...]:
    return tuple(one for one in trees if one.head.compatible == board.compatible)


def _same_model(trees: tuple[FoundDtb, ...], board: TreeFacts) -> tuple[FoundDtb, ...]:
    return tuple(one for one in trees if one.head.model == board.model)


def _named(trees: tuple[FoundDtb, ...], board: TreeFacts) -> tuple[FoundDtb, ...]:
    name = board.compatible[0].rpartition(",")[2]
    soc = board.compatible[-1].rpartition(",")[2]
    return tuple(one for one in trees if one.path.rpartition("/")[2].lower() == f"{soc}-{name}.dtb".lower())


def _all_the_same(tree: Tree, trees: tuple[FoundDtb, ...]) -> bool:
    try:
        contents = (tree.read(one.path, MAX_SIZE) for one in trees)
        return all(one == other for one, other in itertools.pairwise(contents))
    except (TreeError, OSError):
        return False
