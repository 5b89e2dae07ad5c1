# SPDX-License-Identifier: MIT
"""A hostile partition on a real folder: nothing leaves it, nothing hangs, nothing is written."""

from __future__ import annotations

import ctypes
import errno
import hashlib
import os
import socket
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from bootmenu.compat.facts import FileState
from bootmenu.discovery.devices import Device
from bootmenu.formats.dtb import MAX_SIZE
from bootmenu.model.entry import BootEntry, FileRef
from bootmenu.model.machine import MachineFacts
from bootmenu.session.machine_session import MachineSession
from bootmenu.session.scan_collection import collect
from bootmenu.sources.tree import CONFIG_LIMIT, LIST_LIMIT, TreeError, TreeErrorReason
from bootmenu.system.directory_tree import DirectoryTree, OpenFile
from bootmenu.system.host import Host
from bootmenu.system.syscalls import MountFlag, Resolve, Syscalls
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.environment import refuse_without_own_mounts
from tests.properties import examples


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A partition below a folder with a secret that must not be reached."""
    (tmp_path / "secret").write_text("secret")
    return write_tree(tmp_path / "part", {"boot/Image": whole_image(), "boot/text": "hello"})


@pytest.fixture
def tree(root: Path) -> Iterator[DirectoryTree]:
    with DirectoryTree(str(root), "sda1", Syscalls()) as opened:
        yield opened


def trouble(tree: DirectoryTree, path: str) -> TreeErrorReason:
    """What goes wrong with that path, however it is asked for."""
    with pytest.raises(TreeError) as of_reading:
        tree.read(path, 100)
    with pytest.raises(TreeError) as of_opening, tree.open(path):
        pass
    assert of_opening.value.reason is of_reading.value.reason
    assert of_reading.value.detail
    return of_reading.value.reason


def test_what_is_there_is_read(tree: DirectoryTree) -> None:
    assert tree.read("/boot/text", 5) == b"hello"
    assert tree.read("boot//./text", 5) == b"hello"
    assert tree.list("/boot") == ("Image", "text")
    assert tree.list("/") == ("boot",)
    info = tree.stat("/boot/../boot/text")
    assert (info.is_file, info.is_folder, info.size, info.resolved) == (True, False, 5, "/boot/text")
    with tree.open("/boot/text") as file:
        assert (file.size, file.read(1, 3), file.read(4, 99), file.read(99, 1)) == (5, b"ell", b"o", b"")


@pytest.mark.parametrize(
    ("link", "path", "expected"),
    [
        (None, "/../secret", TreeErrorReason.OUTSIDE),
        (None, "/boot/../../secret", TreeErrorReason.OUTSIDE),
        (None, "/..", TreeErrorReason.OUTSIDE),
        (None, "/gone", TreeErrorReason.MISSING),
        (None, "/gone/../../secret", TreeErrorReason.MISSING),
        (None, "/boot/text/more", TreeErrorReason.MISSING),
        (None, "/" + "x" * 300, TreeErrorReason.MISSING),
        (None, "/" + "x/" * 5000, TreeErrorReason.MISSING),
        (None, "/boot/te\0xt", TreeErrorReason.MISSING),
        (None, "/boot", TreeErrorReason.NOT_A_FILE),
        ("../secret", "/link", TreeErrorReason.OUTSIDE),
        ("boot/../../secret", "/link", TreeErrorReason.OUTSIDE),
        ("/../secret", "/link", TreeErrorReason.OUTSIDE),
        ("/boot/../../secret", "/link", TreeErrorReason.OUTSIDE),
        ("gone", "/link", TreeErrorReason.MISSING),
        ("/gone", "/link", TreeErrorReason.MISSING),
        ("/etc/passwd", "/link", TreeErrorReason.MISSING),
        ("link", "/link", TreeErrorReason.UNREADABLE),
        ("/link", "/link", TreeErrorReason.UNREADABLE),
        ("/proc/self/root/etc/passwd", "/link", TreeErrorReason.MISSING),
        ("/boot", "/link", TreeErrorReason.NOT_A_FILE),
    ],
)
def test_a_path_that_leads_nowhere_or_outside(
    root: Path, tree: DirectoryTree, link: str | None, path: str, expected: TreeErrorReason
) -> None:
    if link is not None:
        (root / "link").symlink_to(link)
    assert trouble(tree, path) is expected


@pytest.mark.parametrize("target", ["boot/text", "/boot/text", "/boot/../boot/text", "boot/./text", "//boot//text"])
def test_a_link_within_the_partition_is_followed_also_an_absolute_one(
    root: Path, tree: DirectoryTree, target: str
) -> None:
    (root / "link").symlink_to(target)
    (root / "again").symlink_to("/link")
    for name in ("/link", "/again"):
        assert tree.read(name, 5) == b"hello"
        assert tree.stat(name).resolved == "/boot/text"
        assert tree.stat(name).identity == tree.stat("/boot/text").identity


def test_a_long_chain_of_links_ends(root: Path, tree: DirectoryTree) -> None:
    for number in range(60):
        (root / f"l{number}").symlink_to(f"/l{number + 1}")
    assert trouble(tree, "/l0") is TreeErrorReason.UNREADABLE
    (root / "twice").symlink_to("/many/" + "boot/../" * 400 + "boot/text")
    (root / "many").symlink_to("/" + "boot/../" * 400)
    assert tree.read("/twice", 5) == b"hello"


def test_special_files_are_never_opened(root: Path, tree: DirectoryTree) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(root)
        try:
            listening.bind("socket")
        finally:
            os.chdir(here)
    names = ["/fifo", "/socket"]
    if os.geteuid() == 0:
        os.mknod(root / "null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
        names.append("/null")
    for name in names:
        assert trouble(tree, name) is TreeErrorReason.NOT_A_FILE
        assert not tree.stat(name).is_file


def test_the_files_of_a_folder_are_read_by_their_names(root: Path, tree: DirectoryTree) -> None:
    write_tree(root, {"dtbs/a.dtb": "A", "dtbs/b.dtb": "BB", "dtbs/vendor/c.dtb": "C"})
    os.mkfifo(root / "dtbs/pipe")
    (root / "dtbs/link").symlink_to("a.dtb")
    with tree.folder("/dtbs") as folder:
        assert (folder.files, folder.folders, folder.links) == (("a.dtb", "b.dtb"), ("vendor",), ("link",))
        assert folder.identity == tree.stat("/dtbs").identity
        found = dict(folder.visit(folder.files, lambda file, identity: (file.read(0, file.size), identity)))
        assert found == {
            "a.dtb": (b"A", tree.stat("/dtbs/a.dtb").identity),
            "b.dtb": (b"BB", tree.stat("/dtbs/b.dtb").identity),
        }
        # what became something else meanwhile, or was never asked for: nothing waits, nothing is followed
        refused = dict(folder.visit(("pipe", "link", "vendor", "gone"), lambda file, _: file.read(0, 1)))
        assert [error.reason for error in refused.values() if isinstance(error, TreeError)] == [
            TreeErrorReason.NOT_A_FILE,
            TreeErrorReason.UNREADABLE,
            TreeErrorReason.NOT_A_FILE,
            TreeErrorReason.MISSING,
        ]
        for name in ("..", ".", "vendor/c.dtb", "/etc/passwd"):
            with pytest.raises(ValueError, match="no name"):
                list(folder.visit((name,), lambda file, _: file.size))
    assert trouble(tree, "/dtbs") is TreeErrorReason.NOT_A_FILE
    for path, why in (
        ("/boot/text", TreeErrorReason.NOT_A_FOLDER),
        ("/no", TreeErrorReason.MISSING),
        ("/../..", TreeErrorReason.OUTSIDE),
    ):
        with pytest.raises(TreeError) as caught, tree.folder(path):
            pass
        assert caught.value.reason is why


def test_a_disk_that_fails_under_a_file_of_a_folder_costs_only_that_file(root: Path, tree: DirectoryTree) -> None:
    def failing(file: object, identity: object) -> int:
        raise OSError(errno.EIO, "bad block")

    with tree.folder("/boot") as folder:
        found = dict(folder.visit(("text", "text"), failing))
    assert [error.reason for error in found.values() if isinstance(error, TreeError)] == [TreeErrorReason.UNREADABLE]


def test_a_large_file_is_refused_before_it_is_read(root: Path, tree: DirectoryTree) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TreeError) as caught:
        tree.read("/huge", 1 << 20)
    assert caught.value.reason is TreeErrorReason.TOO_LARGE
    with tree.open("/huge") as source:
        assert (source.size, source.read((1 << 40) - 4, 100)) == (1 << 40, bytes(4))


def test_names_that_are_no_utf8_are_names(root: Path, tree: DirectoryTree) -> None:
    raw = os.fsencode(root) + b"/\xff\xfe"
    Path(os.fsdecode(raw)).write_text("odd")
    assert tree.list("/") == ("boot", "\udcff\udcfe")
    assert tree.read("/\udcff\udcfe", 3) == b"odd"


def test_a_path_that_no_name_can_have_is_not_there(tree: DirectoryTree) -> None:
    """What is not UTF-8 in a configuration; or anything at all, where the locale is ASCII."""
    with pytest.raises(TreeError) as caught:
        tree.stat("/lone-\ud800")
    assert caught.value.reason is TreeErrorReason.MISSING


def test_a_folder_is_listed_so_far_and_no_further(root: Path, tree: DirectoryTree) -> None:
    folder = root / "many"
    folder.mkdir()
    for number in range(30_000):
        os.close(os.open(folder / f"{number}", os.O_CREAT | os.O_WRONLY))
    assert len(tree.list("/many")) == LIST_LIMIT


class _Endless:
    """A folder whose names do not end; each is a regular file."""

    def __init__(self) -> None:
        self.told = 0

    def __enter__(self) -> _Endless:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> _Endless:
        return self

    def __next__(self) -> _Endless:
        self.told += 1
        return self

    @property
    def name(self) -> str:
        return f"{self.told}"

    def is_symlink(self) -> bool:
        return False

    def is_file(self, *, follow_symlinks: bool = True) -> bool:
        return True

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return False


def test_a_folder_without_an_end_is_read_no_further_than_the_limit(
    tree: DirectoryTree, monkeypatch: pytest.MonkeyPatch
) -> None:
    endless = _Endless()
    monkeypatch.setattr(os, "scandir", lambda _folder: endless)
    assert len(tree.list("/boot")) == LIST_LIMIT
    assert endless.told == LIST_LIMIT
    with tree.folder("/boot") as folder:
        assert len(folder.files) == LIST_LIMIT
    assert endless.told == 2 * LIST_LIMIT


def test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere_else(root: Path, tree: DirectoryTree) -> None:
    (root / "turn").mkdir()
    (root / "turn/secret").write_text("inside")
    (root / "out").symlink_to("..")
    stop = threading.Event()

    def swap() -> None:
        # renameat2 would be sharper; a moment without the name is what a slow reader sees, too
        while not stop.is_set():
            (root / "turn").rename(root / "aside")
            (root / "out").rename(root / "turn")
            (root / "turn").rename(root / "out")
            (root / "aside").rename(root / "turn")

    swapping = threading.Thread(target=swap)
    swapping.start()
    try:
        seen = set()
        for _ in range(3000):
            try:
                seen.add(tree.read("/turn/secret", 100))
            except TreeError as error:
                seen.add(error.reason.encode())
    finally:
        stop.set()
        swapping.join()
    assert b"secret" not in seen
    assert b"inside" in seen


def test_another_file_system_inside_is_another_partition_s(root: Path) -> None:
    refuse_without_own_mounts()
    (root / "mnt").mkdir()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            calls = Syscalls()
            calls.own_mounts()
            calls.mount("none", str(root / "mnt"), "tmpfs", MountFlag(0), "")
            (root / "mnt/file").write_text("other")
            (root / "link").symlink_to("/mnt/file")
            with DirectoryTree(str(root), "sda1", calls) as tree:
                kinds = {trouble(tree, path) for path in ("/mnt/file", "/mnt", "/link")}
            with DirectoryTree(str(root), "sda1", calls, one_filesystem=False) as tree:
                code = 0 if kinds == {TreeErrorReason.OUTSIDE} and tree.read("/mnt/file", 5) == b"other" else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_an_openat2_that_raced_with_a_rename_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    # openat2(2): EAGAIN, "the kernel could not ensure that a .. component didn't escape"
    calls = Syscalls()
    real, failed = calls._openat2, [0]

    def racing(*arguments: object) -> int:
        failed[0] += 1
        if failed[0] < 4:
            ctypes.set_errno(errno.EAGAIN)
            return -1
        return int(real(*arguments))

    monkeypatch.setattr(calls, "_openat2", racing)
    folder = os.open("/", os.O_PATH)
    os.close(calls.openat2(folder, "proc", os.O_PATH, Resolve.IN_ROOT))
    assert failed[0] == 4
    failed[0] = -1000
    with pytest.raises(OSError, match="openat2"):
        calls.openat2(folder, "proc", os.O_PATH, Resolve.IN_ROOT)
    os.close(folder)


@examples(150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["..", ".", "boot", "up", "home", "text", "loop", "", "\\", "gone"]), max_size=9))
def test_no_path_reaches_the_secret(root: Path, parts: list[str]) -> None:
    for name, target in (("up", ".."), ("home", "/"), ("loop", "loop/loop")):
        if not (root / name).is_symlink():
            (root / name).symlink_to(target)
    with DirectoryTree(str(root), "sda1", Syscalls()) as tree:
        for path in ("/".join([*parts, "secret"]), "/" + "/".join(["..", *parts, "secret"])):
            with pytest.raises(TreeError):
                tree.read(path, 100)


# ---- a whole scan -----------------------------------------------------------------------------------------


def snapshot(root: Path) -> str:
    """Names, kinds, contents and times of change of everything below."""
    digest = hashlib.sha256()
    for folder, folders, files in os.walk(root):
        folders.sort()
        for name in sorted([*folders, *files, "."]):
            path = Path(folder) / name
            info = path.lstat()
            digest.update(repr((str(path), info.st_mode, info.st_size, info.st_mtime_ns, info.st_ctime_ns)).encode())
            if stat.S_ISREG(info.st_mode) and info.st_size < 1 << 20:
                digest.update(path.read_bytes())
    return digest.hexdigest()


def nasty(root: Path) -> Path:
    """A partition of which every part tries something."""
    write_tree(
        root,
        {
            "loader/entries/outside.conf": "linux /../../../etc/passwd\n",
            "loader/entries/link.conf": "linux /up\n",
            "loader/entries/fifo.conf": "linux /fifo\ninitrd /boot\ndevicetree /loop\n",
            "loader/entries/huge.conf": "linux /boot/Image\ndevicetree /huge\n",
            "boot/Image": whole_image(),
            "extlinux/extlinux.conf": "include ../../../etc/passwd\nlabel a\nkernel /fifo\n",
        },
    )
    (root / "up").symlink_to("../../../../etc/passwd")
    (root / "loop").symlink_to("/loop")
    (root / "vmlinuz").symlink_to("../secret")
    (root / "vmlinux").symlink_to("fifo")
    (root / "loader/entries/folder.conf").mkdir()
    (root / "loader/loader.conf").symlink_to("/fifo")
    os.mkfifo(root / "fifo")
    os.mkfifo(root / "loader/entries/pipe.conf")
    with (root / "huge").open("wb") as file:
        file.truncate(1 << 33)
    return root


def test_a_scan_of_a_hostile_partition_ends_says_what_is_wrong_and_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    root = nasty(tmp_path / "part")
    before = snapshot(tmp_path)
    session = MachineSession(Host(), MachineFacts(), lambda: (Device(name="sda1", folder=str(root)),))
    listings, problems = collect(session)
    session.close()
    assert snapshot(tmp_path) == before
    states = {(listing.entry.title, file.role): file.state for listing in listings for file in listing.facts.files}
    assert states == {
        ("outside", "kernel"): FileState.OUTSIDE,
        ("link", "kernel"): FileState.OUTSIDE,
        ("fifo", "kernel"): FileState.UNUSABLE,
        ("fifo", "initramfs"): FileState.UNUSABLE,
        ("fifo", "device tree"): FileState.UNUSABLE,
        ("huge", "kernel"): FileState.PRESENT,
        ("huge", "device tree"): FileState.UNUSABLE,
        ("a", "kernel"): FileState.UNUSABLE,
    }
    codes = {listing.entry.title: listing.report.get("FILE-OUTSIDE") for listing in listings}
    assert codes["outside"] is not None
    assert "climbs above" in codes["outside"].message
    assert {problem.path for problem in problems} == {
        "/loader/entries/folder.conf",
        "/loader/entries/pipe.conf",
        "/extlinux/../../../etc/passwd",
        "/vmlinuz",
    }


def test_a_configuration_and_a_device_tree_may_be_so_large_and_no_larger(tmp_path: Path) -> None:
    """The limits are exact, and what is beyond them costs nothing else."""

    def config(size: int) -> bytes:
        return b"linux /boot/Image\ndevicetree /fits.dtb\n".ljust(size, b"#")

    root = write_tree(
        tmp_path / "part",
        {
            "loader/entries/fits.conf": config(CONFIG_LIMIT),
            "loader/entries/large.conf": config(CONFIG_LIMIT + 1),
            "loader/entries/tree.conf": b"linux /boot/Image\ndevicetree /large.dtb\n",
            "boot/Image": whole_image(),
            "fits.dtb": bytes(MAX_SIZE),
            "large.dtb": bytes(MAX_SIZE + 1),
        },
    )
    session = MachineSession(Host(), MachineFacts(), lambda: (Device(name="sda1", folder=str(root)),))
    listings, problems = collect(session)
    session.close()
    states = {listing.entry.title: {file.role: file.state for file in listing.facts.files} for listing in listings}
    assert states["fits"]["device tree"] is FileState.PRESENT
    assert states["tree"]["device tree"] is FileState.UNUSABLE
    assert "large" not in states
    ((path, message),) = [(problem.path, problem.message) for problem in problems]
    assert path == "/loader/entries/large.conf"
    assert "at most 1,048,576 are read" in message


def test_outside_and_missing_are_told_apart(tmp_path: Path) -> None:
    from bootmenu.discovery.entry_facts import gather

    write_tree(tmp_path / "part", {"k": "x"})
    with DirectoryTree(str(tmp_path / "part"), "sda1", Syscalls()) as tree:
        states = {}
        for path in ("/k", "/gone", "/../gone", "/../part/k"):
            entry = BootEntry(
                id="a", title="a", source="bls", device="sda1", kernel=FileRef(device="sda1", path=path)
            )
            after, facts = gather(entry, {"sda1": tree})
            states[path] = (facts.files[0].state, after.kernel.exists)
    assert states == {
        "/k": (FileState.PRESENT, True),
        "/gone": (FileState.MISSING, False),
        "/../gone": (FileState.OUTSIDE, False),
        "/../part/k": (FileState.OUTSIDE, False),
    }


def test_a_buffer_is_filled_also_by_short_reads_and_to_the_end_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(content := bytes(range(100)))
    real = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, buffers, at: real(file, [buffers[0][:7]], at))
    buffer = memoryview(bytearray(60))
    with (tmp_path / "file").open("rb") as raw:
        file = OpenFile(raw.fileno(), 100)
        assert bytes(file.read_into(buffer, 10)) == content[10:70]
        assert bytes(file.read_into(buffer, 70)) == content[70:]
        assert bytes(file.read_into(buffer, 100)) == b""
