# SPDX-License-Identifier: MIT
"""Settings: defaults, then /etc/bootmenu.toml, then the kernel's command line (`bootmenu.NAME=`), then flags.

A value that makes no sense is told and replaced by the one below it: no setting keeps the menu from starting.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bootmenu.model.entry import CommandLine
from bootmenu.model.place import INTERNAL_ONLY, PlaceRule, split
from bootmenu.system.host import Host

FILE = "/etc/bootmenu.toml"
_LONGEST = 4096  # characters of one value
_KIOSK = re.compile(rb"""^\s*["']?profile["']?\s*=\s*["']*kiosk""", re.IGNORECASE | re.MULTILINE)


class Profile(StrEnum):
    """For whom the menu is."""

    STANDARD = "standard"
    KIOSK = "kiosk"
    """Only what is allowed exists; everything else asks for the PIN."""


class MenuStyle(StrEnum):
    """What is seen while the countdown runs."""

    VISIBLE = "visible"
    """The default entry, and the seconds that are left."""
    HIDDEN = "hidden"
    """One line; a key opens the menu."""
    FORCED = "forced"
    """The menu, and no countdown."""


class Watchdog(StrEnum):
    """What becomes of a running hardware watchdog at the jump."""

    LEAVE = "leave"
    """It is not touched: the next system has what is left of its time."""
    FEED = "feed"
    """It gets its whole time once more, right before the jump."""
    DISARM = "disarm"
    """It is switched off, where the driver allows that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting with its default."""

    profile: Profile = Profile.STANDARD
    theme: str | None = None
    """Name of a theme; None = by the terminal's colours."""
    language: str | None = None
    """Language code, `de`; None = as LANG says."""
    menu: MenuStyle = MenuStyle.VISIBLE
    timeout: int | None = None
    """Seconds until the default entry starts by itself; 0 = at once, None = never."""
    default: str | None = None
    """Id of the default entry, or a pattern for it with * and ?; None = as the configurations say."""
    consoles: tuple[str, ...] = ()
    """Terminals on which the menu is shown, `tty1`, `ttyAMA0`; () = the one it was started on."""
    scan_seconds: float = 10.0
    """After which a partition that does not answer is reported."""
    watchdog: Watchdog = Watchdog.LEAVE
    skip_hooks: tuple[str, ...] = ()
    """Names of hooks that are not run before a jump."""
    carry_over: bool = True
    """A device tree of an entry's own gets the facts that firmware put into the running one."""
    sha256: Mapping[str, str] = field(default_factory=dict)
    """Expected SHA-256 by file, `sda1:/boot/vmlinuz` or `/boot/vmlinuz`: another content is not started."""
    state_device: str | None = None
    """Partition that remembers between boots, in the forms of sources/references.py, and where it is attached unless
    it is inside the machine (`LABEL=STATE on usb`); None = a mounted folder."""
    state_folder: str = "/var/lib/bootmenu"
    """Folder on it, or of the running system."""
    rename_counters: bool = False
    """Boot counting may rename its files (`NAME+LEFT-DONE.conf`)."""
    shell: bool = True
    """A shell may be opened from the menu."""
    kiosk_entries: tuple[str, ...] = ("*",)
    """Patterns of the ids that exist in the kiosk, in the order in which they are shown."""
    kiosk_disks: tuple[PlaceRule, ...] = INTERNAL_ONLY
    """Places whose entries exist in the kiosk."""
    kiosk_recovery: tuple[str, ...] = ()
    """Patterns of the ids that are for repair: shown first when the default did not come back."""
    kiosk_locked: tuple[str, ...] = ()
    """Patterns of the ids that ask for the PIN before they are started."""
    kiosk_names: Mapping[str, str] = field(default_factory=dict)
    """Plain words for entries, by pattern of the id: `*rescue*` = "Repair"; the first that fits is taken."""
    kiosk_actions: tuple[str, ...] = ()
    """Actions that exist without the PIN beside starting an entry: `details`, `rescan`, `power`, ..."""
    kiosk_pin: str | None = None
    """`scrypt$N$R$P$SALT$HASH` as `bootmenu pin` prints it; None = what asks for a PIN does not exist."""
    kiosk_contact: str = ""
    """Whom to call, shown on every screen."""
    kiosk_idle: int = 120
    """Seconds without a key after which the countdown begins anew."""
    buttons: bool = False
    """Read volume, power and GPIO keys from /dev/input."""

    @property
    def state_place(self) -> str:
        """Return the bus, or the path to a disk, that may be written to."""
        return split(self.state_device or "")[1]


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting is written and read."""

    name: str
    """As in the file and behind `bootmenu.`; a dot is a table of the file."""
    field: str
    read: Callable[[object], object]
    """From a TOML value, or from text. Raises ValueError with what it should be."""
    help: str
    command_line: bool = True
    """It may stand on the kernel's command line."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise ValueError("a text")
    return value


def _any_text(value: object) -> str:
    return "" if value == "" else _text(value)


def _seconds(value: object) -> int:
    text = str(value)
    if isinstance(value, bool) or not re.fullmatch(r"[0-9]{1,6}", text):
        raise ValueError("a whole number of seconds")
    return int(text)


def _some_seconds(value: object) -> int:
    if _seconds(value) < 1:
        raise ValueError("at least one second")
    return _seconds(value)


def _limit(value: object) -> float:
    return float(_some_seconds(value))


def _timeout(value: object) -> int | None:
    if value is False or str(value).lower() in ("off", "never"):
        return None
    try:
        return _seconds(value)
    except ValueError:
        raise ValueError('a whole number of seconds, or "off"') from None


def _flag(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = {"yes": True, "no": False, "true": True, "false": False, "on": True, "off": False, "1": True, "0": False}
    if not isinstance(value, str) or value.lower() not in known:
        raise ValueError("yes or no")
    return known[value.lower()]


def _one_of(kind: type[StrEnum]) -> Callable[[object], StrEnum]:
    def read(value: object) -> StrEnum:
        try:
            return kind(str(value).lower())
        except ValueError:
            raise ValueError("one of " + ", ".join(kind)) from None

    return read


def _list(value: object) -> tuple[str, ...]:
    parts = [part for part in value.split(",") if part] if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > 100:
        raise ValueError("a list of texts")
    return tuple(_text(part) for part in parts)


def _places(value: object) -> tuple[PlaceRule, ...]:
    return tuple(map(PlaceRule.parse, _list(value)))


def _digests(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > 1000:
        raise ValueError("a table of files and their SHA-256")
    for name, digest in value.items():
        if not isinstance(digest, str) or not re.fullmatch(r"[0-9a-fA-F]{64}", digest):
            raise ValueError(f"a SHA-256 of 64 hexadecimal digits for {name}")
    return {name: digest.lower() for name, digest in value.items()}


def _names(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > 100:
        raise ValueError("a table of patterns and the words for them")
    return {_text(pattern): _text(words) for pattern, words in value.items()}


def _pin(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"scrypt\$\d{1,7}\$\d{1,2}\$\d{1,2}\$[0-9a-f]{16,128}\$[0-9a-f]{32,128}", text):
        raise ValueError("what `bootmenu pin` prints")
    return text


OPTIONS: tuple[Option, ...] = (
    Option("profile", "profile", _one_of(Profile), "standard, or kiosk: only what is allowed exists"),
    Option("theme", "theme", _text, "colours, by the name of a theme"),
    Option("language", "language", _text, "language of the screens, such as de"),
    Option("menu", "menu", _one_of(MenuStyle), "visible, hidden until a key is pressed, or forced: no countdown"),
    Option("timeout", "timeout", _timeout, "seconds until the default entry starts by itself; 0 at once, off never"),
    Option("default", "default", _text, "id of the default entry, or a pattern with * and ?"),
    Option("console", "consoles", _list, "terminals that show the menu, such as tty1,ttyAMA0"),
    Option("scan-seconds", "scan_seconds", _limit, "seconds after which a partition that does not answer is told"),
    Option("watchdog", "watchdog", _one_of(Watchdog), "leave, feed or disarm a running watchdog at the jump"),
    Option("skip-hooks", "skip_hooks", _list, "names of hooks that are not run before a jump"),
    Option("carry-over", "carry_over", _flag, "add what firmware knows to an entry's own device tree"),
    Option("sha256", "sha256", _digests, "table of files and the SHA-256 they must have", command_line=False),
    Option("state.device", "state_device", _text, "partition that remembers, such as LABEL=STATE, or LABEL=S on usb"),
    Option("state.folder", "state_folder", _text, "folder on it, or of the running system"),
    Option("state.rename-counters", "rename_counters", _flag, "let boot counting rename its files"),
    Option("shell", "shell", _flag, "offer a shell"),
    Option("kiosk.entries", "kiosk_entries", _list, "patterns of the entries that exist in the kiosk"),
    Option("kiosk.disks", "kiosk_disks", _places, "places whose entries exist: internal, or PARTUUID=... on usb"),
    Option("kiosk.recovery", "kiosk_recovery", _list, "patterns of the entries that are for repair"),
    Option("kiosk.locked", "kiosk_locked", _list, "patterns of the entries that ask for the PIN"),
    Option("kiosk.names", "kiosk_names", _names, "table of patterns and plain words for entries", command_line=False),
    Option("kiosk.actions", "kiosk_actions", _list, "actions that need no PIN"),
    Option("kiosk.pin", "kiosk_pin", _pin, "the PIN, as bootmenu pin prints it", command_line=False),
    Option("kiosk.contact", "kiosk_contact", _any_text, "whom to call; shown on every screen"),
    Option("kiosk.idle", "kiosk_idle", _some_seconds, "seconds without a key until the countdown begins anew"),
    Option("kiosk.buttons", "buttons", _flag, "read volume, power and GPIO keys"),
)
_BY_NAME = {option.name: option for option in OPTIONS}

_INITS_OWN = frozenset({"term", "loglevel", "shell"})
"""Words on the kernel's command line that the first stage's init reads (image/init.sh); `shell` is both's."""

DEFAULT_ORIGIN = "default"
COMMAND_LINE_ORIGIN = "kernel command line"


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The settings in force, where each came from, and what was wrong on the way."""

    settings: Settings = field(default_factory=Settings)
    origins: Mapping[str, str] = field(default_factory=dict)
    """By Option.name: `/etc/bootmenu.toml`, `kernel command line`, `--timeout`; absent = the default."""
    problems: tuple[str, ...] = ()
    """A sentence each, with the place and what was expected."""

    def rows(self) -> Iterator[tuple[Option, object, str]]:
        """(option, value, origin) of every setting, in the table's order."""
        for option in OPTIONS:
            value = getattr(self.settings, option.field)
            yield option, value, self.origins.get(option.name, DEFAULT_ORIGIN)


def load(host: Host, flags: Mapping[str, object] | None = None, *, file: str = FILE) -> Loaded:
    """What is in force on this machine. flags: values by Option.name, from the program's own command line.

    Never raises: what cannot be read is a problem of the answer.
    """
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    problems: list[str] = []

    def take(name: str, value: object, origin: str) -> None:
        option = _BY_NAME.get(name)
        if option is None:
            problems.append(f"{origin}: there is no setting {name[:60]!r}.")
            return
        try:
            values[option.field] = option.read(value)
            origins[name] = origin
        except ValueError as error:
            kept = origins.get(name, DEFAULT_ORIGIN)
            problems.append(f"{origin}: {name} should be {error}, not {str(value)[:60]!r}; the {kept} value is used.")

    written = _file(host, file, problems)
    for name, value in written:
        take(name, value, file)
    for name, value in _words(host.text("/proc/cmdline") or ""):
        known = _BY_NAME.get(name)
        if known is not None and not known.command_line:
            problems.append(f"{COMMAND_LINE_ORIGIN}: {name} is taken from {file} only.")
        elif known is not None or name not in _INITS_OWN:
            take(name, value, COMMAND_LINE_ORIGIN)
    for name, value in (flags or {}).items():
        take(name, value, f"--{name}")
    return Loaded(settings=Settings(**values), origins=origins, problems=tuple(problems))  # type: ignore[arg-type]


def _file(host: Host, file: str, problems: list[str]) -> list[tuple[str, Any]]:
    if not host.exists(file):
        return []
    data = host.read(file)
    if data is None:
        problems.append(f"{file} cannot be read.")
        return []
    try:
        tables = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        problems.append(f"{file}: {error}; none of it is used.")
        # a slip of the pen must not open a kiosk: without its PIN, only starting an entry is left
        return [("profile", "kiosk"), ("shell", False)] if _KIOSK.search(data) else []
    rows: list[tuple[str, Any]] = []
    for name, value in tables.items():
        if isinstance(value, dict) and name not in _BY_NAME:
            rows += [(f"{name}.{inner}", found) for inner, found in value.items()]
        else:
            rows.append((name, value))
    return rows


def _words(command_line: str) -> Iterator[tuple[str, str]]:
    for name, value in CommandLine(command_line).options():
        prefix, dot, rest = name.partition(".")
        if prefix == "bootmenu" and dot:
            # the kernel takes - and _ in the name of a parameter for the same (kernel/params.c:parameqn)
            yield rest.replace("_", "-"), "yes" if value is None else value
