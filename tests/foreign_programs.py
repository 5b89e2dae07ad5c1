# SPDX-License-Identifier: MIT
"""Run a command as root where programs of arm64 run, too: `python3 tests/foreign_programs.py COMMAND...`.

Where the kernel does not run them already, the command gets a user namespace of its own with qemu-aarch64-static as
their interpreter; nothing of this machine changes. That takes Linux 6.7, where binfmt_misc belongs to a namespace.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import sys
from pathlib import Path

_BINFMT = Path("/proc/sys/fs/binfmt_misc")
# as Debian's qemu-user-static has it. P is left out: a chroot has no other program to keep the name of; F keeps the
# interpreter open, since a chroot does not have that either.
_RULE = (
    r":qemu-aarch64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:{program}:OCF"
)
_CLONE_NEWNS = 0x00020000
_CLONE_NEWUSER = 0x10000000
_ALL_IDS = "0 0 65536"


def _checked(result: int, call: str) -> None:
    if result != 0:
        sys.exit(f"{call}: {os.strerror(ctypes.get_errno())}; programs of arm64 cannot be run here")


def _enter(libc: ctypes.CDLL, program: str) -> None:
    """Move this process into new namespaces in which the interpreter is registered."""
    ready, done = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:  # only from outside can more ids than one be mapped
        os.read(ready[0], 1)
        for name in ("uid_map", "gid_map"):
            Path(f"/proc/{os.getppid()}/{name}").write_text(_ALL_IDS)
        os.write(done[1], b"x")
        os._exit(0)
    _checked(libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNS), "unshare")
    os.write(ready[1], b"x")
    os.close(done[1])
    os.read(done[0], 1)
    os.waitpid(child, 0)
    os.setgid(0)
    os.setuid(0)
    _checked(libc.mount(b"binfmt_misc", os.fsencode(_BINFMT), b"binfmt_misc", 0, None), "mount of binfmt_misc")
    (_BINFMT / "register").write_text(_RULE.format(program=program))


def main() -> None:
    """Become the command."""
    program = shutil.which("qemu-aarch64-static")
    if not (_BINFMT / "qemu-aarch64").exists():
        if program is None:
            sys.exit("qemu-aarch64-static is missing: apt-get install qemu-user-static")
        _enter(ctypes.CDLL(None, use_errno=True), program)
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
