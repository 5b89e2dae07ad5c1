# SPDX-License-Identifier: MIT
"""The files of this host that `image build --include` adds to an image."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence, Set
from pathlib import Path, PurePosixPath

from bootmenu import i18n
from bootmenu.bootstate import pin
from bootmenu.config import settings_layers
from bootmenu.config.settings import FILE, Settings
from bootmenu.config.settings_layers import COMMAND_LINE_ORIGIN
from bootmenu.errors import UsageError
from bootmenu.frontends.theme_folders import LOCAL_FOLDER, own_folders, theme_names
from bootmenu.image.cpio import MAX_SIZE
from bootmenu.model.text import megabytes
from bootmenu.model.value import Value

_CHUNK = 1 << 20
_RIGHT = f"Put it right, and look at it with bootmenu settings; the image needs {FILE} without a problem."
_KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


class IncludedFile(Value, kw_only=True):
    """A file or folder that is added to an image."""

    path: str
    """In the image, without a leading slash."""
    data: bytes | None
    """None for a folder."""
    executable: bool = False


def parse(text: str) -> tuple[Path, str]:
    """Return the host path and the path in the image of `SRC:DEST`. Raise UsageError."""
    name, colon, destination = text.rpartition(":")
    inside = PurePosixPath(destination.strip("/"))
    hint = "For example --include notes.txt:/etc/notes.txt"
    if not (name and colon and inside.parts):
        raise UsageError(f"--include {text}: this is not SRC:DEST", hint)
    if ".." in inside.parts:
        raise UsageError(f"--include {text}: {destination} is not a path inside an image", hint)
    source = Path(name)
    if destination.endswith("/") and not source.is_dir():
        raise UsageError(f"--include {text}: DEST is a folder, and SRC is none", f"Add the name: {text}{source.name}")
    return source, str(inside)


def collect(source: Path, destination: str, say: Callable[[str], None]) -> Iterator[IncludedFile]:
    """Yield a file, or a folder and what is in it. say: is told what is left out, and why.

    A link to a file is read; one to a folder is not followed, as it may lead anywhere. Raise UsageError if something
    cannot be read.
    """
    try:
        yield from _collected(source, destination, say)
    except OSError as error:
        raise UsageError(f"{error.filename or source} cannot be included: {error.strerror}") from error


def _collected(source: Path, destination: str, say: Callable[[str], None]) -> Iterator[IncludedFile]:
    if not source.is_dir():
        data, mode = _read(source)
        yield IncludedFile(path=destination, data=data, executable=bool(mode & 0o100))
        return
    yield IncludedFile(path=destination, data=None)
    for path in sorted(source.iterdir()):
        if path.is_symlink() and (path.is_dir() or not path.exists()):
            say(f"left out: {path} (a link to {'a folder' if path.is_dir() else 'nothing'})")
        elif not path.is_dir() and not path.is_file():
            say(f"left out: {path} ({_kind(path.stat().st_mode)})")
        else:
            yield from _collected(path, f"{destination}/{path.name}", say)


def _read(path: Path) -> tuple[bytes, int]:
    """Return the content of a regular file and its mode. Raise UsageError for anything else, which may never end."""
    # without waiting for somebody who writes into a named pipe
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise UsageError(f"{path} cannot be included: it is {_kind(status.st_mode)}")
        data = bytearray()
        while status.st_size <= MAX_SIZE and len(data) <= MAX_SIZE:
            piece = file.read(_CHUNK)
            if not piece:
                return bytes(data), status.st_mode
            data += piece
    size = max(status.st_size, len(data))
    raise UsageError(f"{path} cannot be included: {megabytes(size)} is too big for a file of an initramfs")


def _kind(mode: int) -> str:
    return _KINDS.get(stat.S_IFMT(mode), "no regular file")


def check_settings(source: Path, destination: str) -> None:
    """Raise UsageError for a settings file with problems, which could not be fixed where the image runs."""
    inside = PurePosixPath(FILE.strip("/"))
    folder = PurePosixPath(destination.strip("/"))
    file = source if folder == inside else None
    if source.is_dir() and folder in inside.parents:
        file = source / inside.relative_to(folder)
    if file is None or not (file.exists() or file.is_symlink()):
        return
    try:
        data = _read(file)[0]
    except OSError as error:
        raise UsageError(f"{file} cannot be packed as settings: {error.strerror}", _RIGHT) from error
    found = settings_layers.parse(data, str(file), in_force=False)
    problems = [*found.problems, *filter(None, [pin.problem(found.settings)])]
    if problems:
        raise UsageError("\n".join([f"{file} cannot be packed as settings:", *problems]), _RIGHT)


def settings_file(path: Path) -> tuple[Path, str]:
    """Return a settings file as what `--include` names. Raise UsageError if it is no file."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise UsageError(f"{path} cannot be packed as settings: {error.strerror}", "Name a settings file.") from error
    if not stat.S_ISREG(mode):
        kind = "a folder" if stat.S_ISDIR(mode) else _kind(mode)
        raise UsageError(f"{path} cannot be packed as settings: it is {kind}", "Name a settings file.")
    return path, FILE.lstrip("/")


def check_words(included: Sequence[IncludedFile], words: str, say: Callable[[str], None]) -> None:
    """Compare what settings and words of the kernel's command line name with what an image has.

    included: all files that are added to it. say: is told what is wrong with the words. Raise UsageError for settings
    that name a theme or a language that it does not have.
    """
    files = {file.path: file.data for file in included if file.data is not None}
    data = files.get(FILE.lstrip("/"))
    themes = {path.stem for name in files if (path := Path("/", name)).parent == LOCAL_FOLDER}
    below = settings_layers.parse(data, FILE, in_force=False)
    problems = list(_unknown_names(below.settings, themes))
    if problems:
        raise UsageError("\n".join([f"{FILE} of the image cannot be right:", *problems]), _RIGHT)
    loaded = settings_layers.parse(data, FILE, words=words, in_force=False)
    wrong = [problem.removeprefix(f"{COMMAND_LINE_ORIGIN}: ") for problem in loaded.problems]
    for problem in [*wrong, *(f"{problem}." for problem in _unknown_names(loaded.settings, themes))]:
        say(f"--cmdline: {problem}")
    if any("there is no setting" in problem for problem in wrong):
        say(f"--cmdline: known are {', '.join(settings_layers.names_on_command_line())}")


def _unknown_names(settings: Settings, themes: Set[str]) -> Iterator[str]:
    """Yield what is wrong with the theme and the language. themes: names of those that are added."""
    known = sorted({*theme_names(own_folders()), *themes})
    if settings.theme is not None and settings.theme not in known:
        yield f"there is no theme {settings.theme!r}; there are: {', '.join(known)}"
    languages = sorted({i18n.ENGLISH, *(path.stem for path in i18n.LOCALE.glob("*.[mp]o"))})  # .po in a checkout
    if settings.language is not None and i18n.code_of(settings.language) not in languages:
        yield f"there is no language {settings.language!r}; there are: {', '.join(languages)}"
