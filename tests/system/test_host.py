# SPDX-License-Identifier: MIT
"""Reading the machine: files of /proc and /sys, the kernel log, mounts, programs."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.kernel import Architecture
from bootmenu.system import kmsg
from bootmenu.system.kmsg import KernelLog
from bootmenu.system.mountinfo import mounts
from bootmenu.system.processes import CommandError, Commands
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.system.syscalls import Syscalls
from tests.builders import machines
from tests.builders.hosts import fake_host
from tests.properties import examples

PROPERTY = examples(100)


def test_files_are_read_or_not_known(tmp_path: Path) -> None:
    files = {"/a": "12\n", "/hex": "0x1f\n", "/junk": "x", "/one": "1\n", "/zero": "0", "/nul": "b\0"}
    host = fake_host(tmp_path, files)
    assert (host.text("/a"), host.number("/a"), host.number("/hex", 16)) == ("12", 12, 31)
    assert [host.flag(name) for name in ("/one", "/zero", "/junk", "/gone")] == [True, False, None, None]
    assert (host.text("/nul"), host.text("/gone"), host.read("/"), host.number("/junk")) == ("b", None, None, None)
    assert host.exists("/a")
    assert not host.exists("/gone")
    (tmp_path / "many").write_text("9" * 10_000)
    assert host.number("/many") is None


# ---- mountinfo --------------------------------------------------------------------------------------------


def one_mount(tmp_path: Path, line: str) -> tuple[str, str, str, str, str]:
    (mount,) = mounts(fake_host(tmp_path, {"/proc/self/mountinfo": line + "\n"}))
    return mount.number, mount.root, mount.point, mount.filesystem, mount.source


@pytest.mark.parametrize(
    ("escaped", "meant"),
    [
        (r"/a\040b", "/a b"),
        (r"/a\011b\012c", "/a\tb\nc"),
        (r"/a\134b", r"/a\b"),
        (r"/a\134040b", r"/a\040b"),
        (r"/a\043b", "/a#b"),
        ("/größe", "/größe"),
    ],
)
def test_escapes_of_mountinfo(tmp_path: Path, escaped: str, meant: str) -> None:
    line = f"36 35 98:0 {escaped} {escaped} rw,noatime master:1 - ext3 {escaped} rw,errors=continue"
    assert one_mount(tmp_path, line) == ("98:0", meant, meant, "ext3", meant)


WORDS = st.sampled_from(["36", "-", "8:1", "/", "\\04", "\\777", "ext4", "\n"])


@PROPERTY
@given(st.text(max_size=120) | st.lists(WORDS, max_size=20).map(" ".join))
def test_any_mountinfo_gives_mounts(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    folder = tmp_path_factory.getbasetemp() / "mountinfo"
    for mount in mounts(fake_host(folder, {"/proc/self/mountinfo": text.encode("utf-8", "replace")})):
        assert mount.filesystem


# ---- kernel log -------------------------------------------------------------------------------------------


def records(*messages: bytes) -> list[tuple[int, str]]:
    """What is read of /dev/kmsg when it gives these records, one a read."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        for message in messages:
            theirs.send(message)
        theirs.shutdown(socket.SHUT_WR)
        return list(kmsg._read(ours.fileno()))


def test_records_lose_their_stamps_and_continuations() -> None:
    assert records(
        b"6,1,5140900,-;NET: Registered protocol family 10\n",
        b"30,340,5690716,-,caller=T1;udevd[80]: starting; version 181\n SUBSYSTEM=acpi\n DEVICE=+acpi:1\n",
        b"4,x,0,-;no number\n",
        b"junk",
        b";",
        b"3,7,0,-;\xff\x1b[2J\n",
    ) == [(1, "NET: Registered protocol family 10"), (340, "udevd[80]: starting; version 181"), (7, "\ufffd\x1b[2J")]


def test_a_log_that_may_not_be_read_is_none(tmp_path: Path) -> None:
    log = KernelLog(str(tmp_path / "gone"))
    with log.watched() as added:
        assert (log.lines(), added()) == (None, [])


def test_only_what_is_added_is_read_of_a_log_that_is_watched(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    path.write_bytes(b"6,5,1,-;old\n")
    log = KernelLog(str(path))
    with log.watched() as added:
        with path.open("ab") as file:
            file.write(b"6,6,2,-;new\n")
        assert (added(), log.lines()) == (["new"], ["old"]), "a record a read"


def test_what_is_in_place_of_the_log_and_cannot_be_searched_has_no_messages(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "kmsg")
    with KernelLog(str(tmp_path / "kmsg")).watched() as added:
        assert added() == []


@pytest.mark.parametrize("first", [0, 3])
def test_an_excerpt_has_the_messages_with_a_word_in_any_case(monkeypatch: pytest.MonkeyPatch, first: int) -> None:
    rows = [(first, "Secure boot enabled"), (first + 1, "usb 1-1: new device"), (first + 2, "UEFI Secure Boot is on")]
    monkeypatch.setattr(kmsg, "_read", lambda descriptor: iter(rows))
    found, whole = KernelLog(os.devnull).excerpt(["psci", "secure boot"])
    assert found == ["Secure boot enabled", "UEFI Secure Boot is on"]
    assert whole is (first == 0)


def test_an_excerpt_of_a_log_that_may_not_be_read_is_none(tmp_path: Path) -> None:
    assert KernelLog(str(tmp_path / "gone")).excerpt(["psci"]) == (None, False)


# ---- programs ---------------------------------------------------------------------------------------------


def test_a_program_gets_its_words_as_they_are_and_its_descriptors() -> None:
    reader, writer = os.pipe()
    try:
        script = f"import os, sys; os.write({writer}, repr(sys.argv[1:]).encode()); sys.exit(3)"
        done = Commands().run([sys.executable, "-c", script, "a b", "$(c)", "-d", ""], timeout=30, pass_fds=[writer])
        assert done.returncode == 3
        assert os.read(reader, 1000) == b"['a b', '$(c)', '-d', '']"
    finally:
        os.close(reader)
        os.close(writer)


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="did not end"):
        Commands().run([sys.executable, "-c", "import signal; signal.pause()"], timeout=0.2)


def test_a_program_that_is_missing_or_none_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="is not installed"):
        Commands().run(["no-such-program"], timeout=1)
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF garbage")
    program.chmod(0o755)
    with pytest.raises(CommandError, match="cannot be started"):
        Commands().run([str(program)], timeout=1)


@pytest.mark.parametrize("word", ["a\0b", "a\ud800b"])
def test_what_no_program_can_be_told_is_an_error_in_words(word: str) -> None:
    """A command line comes from a disk, or from whoever edits it."""
    with pytest.raises(CommandError, match="cannot be started"):
        Commands().run([sys.executable, "-c", "", word], timeout=30)


def test_output_is_bytes_and_errors_are_text_in_english(tmp_path: Path) -> None:
    script = "import sys, os; sys.stderr.buffer.write(b'\\xff ' + os.environ['LC_ALL'].encode() + b'\\n')"
    done = Commands().run([sys.executable, "-c", script], timeout=30)
    assert done.error_text == "\ufffd C"


# ---- calls and the simulated kernel -----------------------------------------------------------------------


def test_a_call_that_fails_names_itself() -> None:
    calls = Syscalls()
    with pytest.raises(OSError, match="umount2") as caught:
        calls.umount("/nonexistent")
    assert caught.value.filename == "/nonexistent"


@pytest.mark.parametrize(
    ("name", "loads"),
    [("virt-psci-hvc", True), ("nr-cpus-1", True), ("spin-table-4", False), ("unprivileged-x86", False)],
)
def test_the_simulated_kernel_answers_as_the_recorded_one(name: str, loads: bool) -> None:
    machine = machines.recorded(name)
    host = SimulatedHost.from_facts(machine)
    if loads:
        host.kernel.load([1 << 20])
        with pytest.raises(OSError, match="Invalid argument"):
            host.kernel.load([1 << 40])
    else:
        with host.log.watched() as added:
            with pytest.raises(OSError, match=r"busy|permitted"):
                host.kernel.load([1])
            assert bool(added()) == (machine.architecture is Architecture.ARM64)
    assert host.kexec_loaded() is loads
    assert host.syscalls.uname() == (machine.machine, machine.kernel_release)
    with pytest.raises(OSError, match=r"simulated|permitted"):
        host.syscalls.reboot_kexec()


def test_a_note_in_the_kernel_log_is_a_whole_line(tmp_path: Path) -> None:
    path = tmp_path / "kmsg"
    path.touch()
    KernelLog(str(path)).say("x" * 500)
    written = path.read_bytes()
    # without its end it is hidden from readers until somebody else says something
    assert written.startswith(b"<7>xxx")
    assert written.endswith(b"x\n")
    assert len(written) < 300
