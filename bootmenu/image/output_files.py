# SPDX-License-Identifier: MIT
"""Write the files of an image: all of them or none, whatever happens on the way.

.NAME.PID.tmp   the content being written; one that a killed process left is removed by the next build
NAME            the old content, until all the new files are on the disk
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image.process_runner import FULL
from bootmenu.system import signals


def check(paths: Sequence[Path]) -> None:
    """Find out whether files can be written, before the long work for them. Nothing is left behind.

    Raise UsageError for a path that cannot be meant, BootmenuError for one that cannot be written.
    """
    if len({_real(path) for path in paths}) < len(paths):
        raise UsageError(f"{paths[0]} would be the initramfs and the kernel", "Give them different names.")
    for path in paths:
        if path.is_dir():
            raise UsageError(f"{path} is a folder", f"Name a file in it, such as {path / 'first-stage.cpio.zst'}.")
        if path.exists() and not path.is_file():
            raise UsageError(f"{path} is no regular file, and a build would replace it", "Name a file.")
        folder = _real(path).parent
        if not folder.is_dir():
            # it is often where a partition is not mounted, so making it would hide what is missing
            raise UsageError(
                f"{path} cannot be written: there is no folder {folder}", "Make it, or mount the partition it is on."
            )
        try:
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError as error:
            raise BootmenuError(f"{path} cannot be written: {folder}: {error.strerror}") from error


def write(files: Mapping[Path, bytes]) -> None:
    """Write files, each of which replaces an old one only when all are on the disk; a link stays a link.

    Raise BootmenuError, which names the path.
    """
    fresh: dict[Path, Path] = {}
    path = Path()
    try:
        for path, data in files.items():
            target = _real(path)
            _remove_abandoned(target)
            fresh[target] = target.with_name(f".{target.name}.{os.getpid()}.tmp")
            with fresh[target].open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # so that a power cut cannot leave the new name without the content
        with _undisturbed():
            for path, temporary in fresh.items():
                temporary.replace(path)
    except OSError as error:
        hint = "Free some space; what was there before is kept." if error.errno in FULL else ""
        raise BootmenuError(f"{path} cannot be written: {error.strerror}", hint) from error
    finally:
        for temporary in fresh.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Let signals wait that would end this between two files. Do nothing outside of the main thread."""
    came: list[int] = []
    before = {}
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in (signal.SIGINT, *signals.ENDING):
            if signal.getsignal(number) is not signal.SIG_IGN:
                before[number] = signal.signal(number, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for waited in dict.fromkeys(came):
            signal.raise_signal(waited)


def _real(path: Path) -> Path:
    """Return where a link leads, so that it stays one."""
    return Path(os.path.realpath(path))  # unlike `resolve`, it takes a link to itself


def _remove_abandoned(target: Path) -> None:
    """Remove what a build that was killed has left of this file."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.(\d+)\.tmp")
    for path in target.parent.iterdir():
        match = ours.fullmatch(path.name)
        if match and not Path("/proc", match[1]).exists():
            path.unlink(missing_ok=True)
