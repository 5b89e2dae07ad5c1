# SPDX-License-Identifier: MIT
"""Hosts that are not this computer: folders for /proc and /sys, calls that are recorded and answered."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from ctypes import string_at
from dataclasses import dataclass, field
from pathlib import Path

from bootmenu.system.host import Host
from bootmenu.system.kmsg import KernelLog
from bootmenu.system.processes import MAX_STDOUT, CommandError, Commands, Completed
from bootmenu.system.syscalls import MountFlag, Segment, Syscalls
from tests.builders.trees import write_tree


def failure(number: int) -> OSError:
    return OSError(number, os.strerror(number))


@dataclass(frozen=True)
class Loaded:
    """A segment that was handed to kexec_load, with its bytes."""

    phys: int
    memory: int
    content: bytes


class FakeSyscalls(Syscalls):
    """openat2 and mmap are real; everything that would change the machine is recorded in `calls` and answered from
    `errors`, whose keys are call names, or (call, argument)."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[object, ...]] = []
        self.errors: dict[object, int] = {}
        self.sync_waits_for: Callable[[], object] = lambda: None
        self.mounted: list[str] = []
        self.keyrings: dict[int, tuple[int, ...]] = {}
        self.loops = 0
        self.loads: list[tuple[int, list[Loaded]]] = []
        """Entry and segments of each kexec_load that loaded something."""
        self.file_loads: list[tuple[bytes, bytes | None, bytes]] = []
        """Kernel, initramfs and command line of each kexec_file_load."""
        self.meanwhile: Callable[[], object] = lambda: None
        """Happens during a load."""

    def kexec_load(self, entry: int, segments: Sequence[Segment]) -> None:
        if not segments:
            self._answer("kexec_unload")
            return
        self.meanwhile()
        self._answer("kexec_load")
        pieces = [Loaded(piece.phys, piece.memory, string_at(piece.buffer, piece.size)) for piece in segments]
        self.loads.append((entry, pieces))

    def kexec_file_load(self, kernel: int, initrd: int | None, command_line: bytes) -> None:
        self.meanwhile()
        self._answer("kexec_file_load")
        archive = None if initrd is None else os.pread(initrd, 1 << 24, 0)
        self.file_loads.append((os.pread(kernel, 1 << 24, 0), archive, command_line))

    def kexec_file_unload(self) -> None:
        self._answer("kexec_file_unload")

    def _answer(self, call: str, *arguments: object) -> None:
        self.calls.append((call, *arguments))
        for key in (call, *((call, argument) for argument in arguments)):
            if key in self.errors:
                raise failure(self.errors[key])

    def mount(self, source: str, target: str, kind: str, flags: MountFlag, options: str) -> None:
        self._answer("mount", source, target, kind, flags, options)
        self.mounted.append(target)

    def umount(self, target: str, flags: int = 0) -> None:
        self._answer("umount", target, flags)
        if target not in self.mounted:
            raise failure(errno.EINVAL)
        self.mounted.remove(target)

    def attach_loop(self, descriptor: int) -> tuple[str, int]:
        self._answer("attach_loop", str(Path(f"/proc/self/fd/{descriptor}").readlink()))
        self.loops += 1
        return f"loop{self.loops - 1}", os.open("/dev/null", os.O_RDONLY)

    def own_mounts(self) -> None:
        self._answer("own_mounts")

    def watchdog(self, path: str, *, disarm: bool) -> None:
        self._answer("watchdog", path[path.index("/dev/") :], disarm)

    def keyring(self, serial: int) -> tuple[int, ...]:
        if serial not in self.keyrings:
            raise failure(errno.EACCES)
        return self.keyrings[serial]

    def sync(self) -> None:
        self.calls.append(("sync",))
        self.sync_waits_for()

    def reboot_kexec(self) -> None:
        self._answer("reboot_kexec")
        raise failure(errno.EINVAL)

    def reboot(self, command: int) -> None:
        self._answer("reboot", command)
        raise failure(errno.EINVAL)

    def uname(self) -> tuple[str, str]:
        return "aarch64", "6.1.0-test"


@dataclass
class FakeCommands(Commands):
    """Programs by name: a function of (argv, inherited descriptors) that gives (exit status, stdout, stderr)."""

    programs: Mapping[str, Callable[[Sequence[str], Sequence[int]], tuple[int, bytes, bytes]]] = field(
        default_factory=dict
    )
    calls: list[list[str]] = field(default_factory=list)
    inputs: list[bytes] = field(default_factory=list)
    """What programs were given on their standard input."""

    def find(self, name: str) -> str | None:
        return f"/usr/sbin/{name}" if name in self.programs else None

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
        keep: int = MAX_STDOUT,
    ) -> Completed:
        assert timeout > 0
        self.calls.append(list(argv))
        self.inputs += [] if data is None else [data]
        if argv[0] not in self.programs:
            raise CommandError(f"{argv[0]} is not installed", "Install it.")
        status, out, err = self.programs[argv[0]](argv, pass_fds)
        return Completed(returncode=status, stdout=out, stderr=err)


class FakeLog(KernelLog):
    """A kernel log that is a list; None = not permitted."""

    def __init__(self, lines: list[str] | None = None) -> None:
        super().__init__("/nonexistent")
        self.messages = lines

    def _records(self) -> list[tuple[int, str]] | None:
        return None if self.messages is None else list(enumerate(self.messages))

    @contextlib.contextmanager
    def watched(self) -> Iterator[Callable[[], list[str]]]:
        before = len(self.messages or ())
        yield lambda: (self.messages or [])[before:]


def fake_host(
    root: Path,
    files: Mapping[str, bytes | str] | None = None,
    programs: Mapping[str, Callable[[Sequence[str], Sequence[int]], tuple[int, bytes, bytes]]] | None = None,
    log: list[str] | None = None,
) -> Host:
    """A machine whose /proc, /sys and /dev are these files below `root`."""
    write_tree(root, files or {})
    return Host(root=root, syscalls=FakeSyscalls(), commands=FakeCommands(programs or {}), log=FakeLog(log))


def syscalls_of(host: Host) -> FakeSyscalls:
    assert isinstance(host.syscalls, FakeSyscalls)
    return host.syscalls


def commands_of(host: Host) -> FakeCommands:
    assert isinstance(host.commands, FakeCommands)
    return host.commands
