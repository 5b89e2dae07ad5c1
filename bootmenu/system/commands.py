# SPDX-License-Identifier: MIT
"""Every program that bootmenu starts is started here: by argument list, with a time limit, never by a shell."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bootmenu.errors import BootmenuError


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """How a program ended."""

    returncode: int
    """Exit status; negative = ended by that signal."""
    stdout: bytes
    stderr: bytes

    @property
    def error_text(self) -> str:
        """What it wrote to stderr, as text without trailing space."""
        return self.stderr.decode("utf-8", "replace").strip()


class CommandError(BootmenuError):
    """A program is missing, or did not end in time."""


class HangingError(CommandError):
    """It did not end in time."""


class Commands:
    """Runs programs. Tests hand in an object with the same methods."""

    def find(self, name: str) -> str | None:
        """Path of a program, also in the sbin folders that are not everybody's PATH; None = not installed."""
        path = os.environ.get("PATH", os.defpath) + ":/usr/sbin:/sbin:/usr/local/sbin"
        return shutil.which(name, path=path)

    def interactive(self, argv: Sequence[str]) -> int:
        """Run on the terminal of this process, for as long as somebody wants; returns the exit status.

        Standard output goes where standard error goes, which is the terminal on which the menu draws. Raises
        CommandError.
        """
        program = self.find(argv[0])
        if program is None:
            raise CommandError(f"{argv[0]} is not installed", f"Install the package that has {argv[0]}.")
        try:
            return subprocess.run([program, *argv[1:]], stdin=0, stdout=2, stderr=2, check=False).returncode
        except OSError as error:
            raise CommandError(f"{argv[0]} cannot be started: {error.strerror}") from None

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout: float,
        data: bytes | None = None,
        env: Mapping[str, str] | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Completed:
        """Run to the end. timeout: seconds. pass_fds: descriptors the program inherits under the same number.

        Raises CommandError when the program is missing or takes longer; a failing exit status is no error here.
        """
        program = self.find(argv[0])
        if program is None:
            raise CommandError(f"{argv[0]} is not installed", f"Install the package that has {argv[0]}.")
        try:
            process = subprocess.Popen(
                [program, *argv[1:]],
                stdin=subprocess.DEVNULL if data is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LC_ALL": "C", **(env or {})},
                pass_fds=pass_fds,
            )
        except OSError as error:
            raise CommandError(f"{argv[0]} cannot be started: {error.strerror}") from None
        except ValueError as error:  # a NUL, or half of a surrogate pair, in what a disk says
            raise CommandError(f"{argv[0]} cannot be started: {error}") from None
        try:
            stdout, stderr = process.communicate(data, timeout=timeout)
        except subprocess.TimeoutExpired:
            # and not waited for, as subprocess.run does: what hangs in a dead disk does not end when it is killed
            process.kill()
            raise HangingError(f"{argv[0]} did not end within {timeout:g} s", "Is a disk hanging?") from None
        except BaseException:
            process.kill()
            raise
        return Completed(returncode=process.returncode, stdout=stdout, stderr=stderr)
