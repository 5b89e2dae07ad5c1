# SPDX-License-Identifier: MIT
"""What exactly the kernel is handed by the two calls of kexec, below a C library that only records."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bootmenu.system.syscalls import Segment, Syscalls

Words = tuple[object, ...]


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Syscalls, list[Words]]]:
    def make(machine: str, answer: int = 0) -> tuple[Syscalls, list[Words]]:
        syscalls, words = Syscalls(), list[Words]()
        monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", "6.1", "#1", machine)))

        def call(number: int, *arguments: object) -> int:
            array = arguments[2] if isinstance(arguments[2], ctypes.Array) else None
            if array is not None:
                arguments = (arguments[0], arguments[1], bytes(array), arguments[3])
            words.append((number, *arguments))
            if answer:
                ctypes.set_errno(answer)
            return -1 if answer else 0

        for name in ("_kexec_load", "_kexec_file_load"):
            real = getattr(syscalls, name)
            assert real.argtypes is not None, "the types are set once, for every call"
            assert real.restype is ctypes.c_long
            monkeypatch.setattr(syscalls, name, call)
        return syscalls, words

    return make


Recorded = Callable[..., tuple[Syscalls, list[Words]]]


@pytest.mark.parametrize(
    ("machine", "number", "architecture"), [("aarch64", 104, 183), ("riscv64", 104, 243), ("x86_64", 246, 62)]
)
def test_segments_are_four_words_each(recorded: Recorded, machine: str, number: int, architecture: int) -> None:
    syscalls, words = recorded(machine)
    first = Segment(buffer=0x1111, size=0x22, phys=0x40200000, memory=0x1000)
    second = Segment(buffer=0x3333, size=0x44, phys=0xFFFF_0000_0000, memory=0x2000)
    syscalls.kexec_load(0x7FFF_F000, [first, second])
    syscalls.kexec_load(0, [])
    numbers = (0x1111, 0x22, 0x40200000, 0x1000, 0x3333, 0x44, 0xFFFF_0000_0000, 0x2000)
    layout = b"".join(value.to_bytes(8, "little") for value in numbers)
    assert words == [
        (number, 0x7FFF_F000, 2, layout, architecture << 16),
        (number, 0, 0, None, architecture << 16),
    ]


@pytest.mark.parametrize(("machine", "number"), [("aarch64", 294), ("riscv64", 294), ("x86_64", 320)])
def test_the_command_line_is_counted_with_its_nul(recorded: Recorded, machine: str, number: int) -> None:
    syscalls, words = recorded(machine)
    syscalls.kexec_file_load(5, 6, b"quiet")
    syscalls.kexec_file_load(5, None, b"")
    syscalls.kexec_file_unload()
    assert words == [(number, 5, 6, 6, b"quiet", 0), (number, 5, -1, 1, b"", 4), (number, -1, -1, 0, None, 1)]


@pytest.mark.parametrize("number", [errno.EPERM, errno.EBUSY, errno.EADDRNOTAVAIL, errno.ENOSYS])
def test_an_errno_becomes_an_error_that_names_the_call(recorded: Recorded, number: int) -> None:
    syscalls, _ = recorded("aarch64", number)
    calls: dict[str, Callable[[], None]] = {
        "kexec_load": lambda: syscalls.kexec_load(0, []),
        "kexec_file_load": lambda: syscalls.kexec_file_load(0, None, b""),
    }
    for name, call in calls.items():
        with pytest.raises(OSError, match=f"{name}: ") as caught:
            call()
        assert caught.value.errno == number


def test_an_architecture_without_a_number_has_no_such_call(recorded: Recorded) -> None:
    syscalls, words = recorded("sparc64")
    with pytest.raises(OSError, match="not known") as caught:
        syscalls.kexec_file_unload()
    assert caught.value.errno == errno.ENOSYS
    assert not words


@pytest.mark.parametrize(("machine", "number"), [("aarch64", 219), ("riscv64", 219), ("x86_64", 250)])
def test_a_keyring_has_as_many_keys_as_the_kernel_says(
    monkeypatch: pytest.MonkeyPatch, machine: str, number: int
) -> None:
    syscalls, words = Syscalls(), list[Words]()
    monkeypatch.setattr(os, "uname", lambda: os.uname_result(("Linux", "host", "6.1", "#1", machine)))

    def call(number: int, command: int, serial: int, keys: ctypes.Array[ctypes.c_int32], size: int) -> int:
        words.append((number, command, serial, size))
        keys[0], keys[1] = 0x1234, 0x7FFFFFFF
        return 8

    monkeypatch.setattr(syscalls, "_keyctl", call)
    assert syscalls.keyring(0x144B5AA3) == (0x1234, 0x7FFFFFFF)
    assert words == [(number, 11, 0x144B5AA3, 4 * 4096)]


def test_a_keyring_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(OSError, match="keyctl: "):
        Syscalls().keyring(0x7FFFFFFE)


def test_a_file_is_mapped_and_let_go_of(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 5000)
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        with Syscalls().mapped(descriptor, 15000) as address:
            assert ctypes.string_at(address, 15000) == b"abc" * 5000
        with Syscalls().mapped(descriptor, 3, 14997) as last:
            assert ctypes.string_at(last, 3) == b"abc"
        with Syscalls().mapped(descriptor, 15000) as address:
            assert f"{address:x}-" in Path("/proc/self/maps").read_text()
        assert f"{address:x}-" not in Path("/proc/self/maps").read_text()
        with pytest.raises(OSError, match="mmap") as caught, Syscalls().mapped(descriptor, 1 << 62):
            pass
        assert caught.value.errno == errno.ENOMEM
    finally:
        os.close(descriptor)


def test_what_was_read_of_a_mapped_file_does_not_count_as_in_use(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(3 * mmap.PAGESIZE))
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with Syscalls().mapped(descriptor, 3 * mmap.PAGESIZE) as address:
            area = Path("/proc/self/smaps").read_text().partition(f"\n{address:08x}-")[2]
    finally:
        os.close(descriptor)
    assert "sr" in area.partition("VmFlags:")[2].partition("\n")[0].split(), "read in sequence"


def test_a_folder_cannot_be_mapped(tmp_path: Path) -> None:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        with pytest.raises(OSError, match="mmap"), Syscalls().mapped(descriptor, 4096):
            pass
    finally:
        os.close(descriptor)
