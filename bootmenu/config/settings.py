# SPDX-License-Identifier: MIT
"""Settings: defaults, then /etc/bootmenu.toml, then the kernel's command line (`bootmenu.NAME=`), then flags.

A value that is not understood is told. Where the setting restricts something it becomes the strictest one
(Option.strictest), else that of the layer below. A file that is there and cannot be read or parsed is a kiosk that
has only its default entry and the contact. No setting keeps the menu from starting.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

from bootmenu.config import plain_toml
from bootmenu.model.entry import CommandLine
from bootmenu.model.place import INTERNAL_ONLY, PlaceRule, may_be_at, split
from bootmenu.model.text import printable
from bootmenu.sources.references import FileNameError, file_name, joined
from bootmenu.system.host import Host

FILE = "/etc/bootmenu.toml"
_LONGEST = 4096  # characters of one value
_LIMIT = 1024 * 1024  # bytes of the file
_MOST_FILES = 10_000  # whose SHA-256 is demanded
_MOST_PROBLEMS = 50  # that are told


class Profile(StrEnum):
    """For whom the menu is."""

    STANDARD = "standard"
    KIOSK = "kiosk"
    """Only what is allowed exists; everything else asks for the PIN."""


class Verify(StrEnum):
    """Which files have to be the ones that the settings know."""

    LISTED = "listed"
    """Those of the table sha256."""
    ALL = "all"
    """All: a file without a digest is not started."""


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
    """Expected SHA-256 by file, `sda1:/boot/vmlinuz` or `/boot/vmlinuz`, in the form of references.file_name: another
    content is not started. Empty = the digest was not understood, and the file is not started at all."""
    verify: Verify = Verify.LISTED
    state_device: str | None = None
    """Partition that remembers between boots, in the forms of sources/references.py, and where it is attached unless
    it is inside the machine (`LABEL=STATE on usb`); None = a mounted folder; empty = it was not understood, and
    nothing is remembered."""
    state_folder: str = "/var/lib/bootmenu"
    """Folder on it, or of the running system; empty = it was not understood, and nothing is remembered."""
    rename_counters: bool = False
    """Boot counting may rename its files (`NAME+LEFT-DONE.conf`)."""
    shell: bool = True
    """A shell may be opened from the menu."""
    kiosk_entries: tuple[str, ...] = ("*",)
    """Patterns of the ids that exist in the kiosk, in the order in which they are shown; () = only the entry that
    would start by itself."""
    kiosk_default_of: tuple[str, ...] = ("*",)
    """Where kiosk_entries is (): patterns of the ids that may start by themselves. No setting of its own: what
    kiosk_entries was before something was not understood."""
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
    kiosk_command_line: bool = False
    """The kernel's command line may loosen what the file says about the kiosk."""
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


class Words(StrEnum):
    """What the kernel's command line may say of a setting. Who reaches the boot loader's prompt can write there."""

    FREE = "free"
    TIGHTEN = "tighten"
    """Over a value of the file only the strictest one."""
    OUTSIDE = "outside a kiosk"
    """Nothing, where the file has a kiosk or sets this part of it."""
    NEVER = "never"
    """Nothing: the setting belongs into the file."""


@dataclass(frozen=True, slots=True)
class _Unset:
    """The setting restricts nothing, and has no strictest value."""


_UNSET = _Unset()


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting is written and read."""

    name: str
    """As in the file and behind `bootmenu.`; a dot is a table of the file."""
    field: str
    read: Callable[[object], object]
    """From a TOML value, or from text. Raises ValueError with what it should be."""
    help: str
    words: Words = Words.FREE
    because: str = ""
    """Why the kernel's command line may say that much; empty = the setting opens nothing."""
    strictest: object = _UNSET
    """What a value becomes that is not understood."""
    none: str = ""
    """How None is written; empty = None is a setting that nobody has made."""
    secret: bool = False
    """The value is shown to nobody."""
    applies: str = ""
    """What applies by default, where None stands for more than can be written; else empty."""

    def written(self, value: object) -> object:
        """Return a value as a TOML file has it, which `read` reads; None = not set."""
        match value:
            case None:
                return self.none or None
            case bool() | int():
                return value
            case float():
                return int(value)
            case tuple():
                return [str(part) for part in value]
            case Mapping():
                return dict(value)
            case _:
                return str(value)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value or len(value) > _LONGEST or not value.isprintable():
        raise ValueError("a text")
    return value


def _any_text(value: object) -> str:
    return "" if value == "" else _text(value)


def _shown(value: object) -> str:
    """A value for a message, and for comparing it with words."""
    try:
        return str(value)[:60]
    except ValueError:  # a number of thousands of digits (sys.set_int_max_str_digits)
        return f"a very long {type(value).__name__}"


def _shown_strictest(option: Option) -> str:
    match option.strictest:
        case bool() as allowed:
            return "yes" if allowed else "no"
        case None | "" | ():
            return "none"
        case tuple() as values:
            return ", ".join(map(str, values))
        case value:
            return str(value)


def _seconds(value: object) -> int:
    text = _shown(value)
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
    if value is False or _shown(value).lower() in ("off", "never"):
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
            return kind(_shown(value).lower())
        except ValueError:
            raise ValueError("one of " + ", ".join(kind)) from None

    return read


def _list(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list) or len(parts) > 100:
        raise ValueError("a list of texts")
    try:
        return tuple(map(_text, parts))
    except ValueError:
        raise ValueError("a list of texts, none of them empty") from None


def _state_device(value: object) -> str:
    text = _text(value)
    if not may_be_at(split(text)[1]):
        raise ValueError('a partition such as LABEL=STATE, and "on" with sd, usb, external or a path after it')
    return text


def _places(value: object) -> tuple[PlaceRule, ...]:
    return tuple(map(PlaceRule.parse, _list(value)))


class _PartlyError(ValueError):
    """Some of a table was not understood. value: what to use of it; problems: a clause each."""

    def __init__(self, value: Mapping[str, str], problems: list[str], *, unnamed: bool) -> None:
        super().__init__(*problems)
        self.value = value
        self.problems = problems
        self.unnamed = unnamed
        """It is not known of which file a digest is."""


def _digests(value: object) -> Mapping[str, str]:
    """A digest that is none, or a second one for the same file, becomes the empty one. Raises ValueError."""
    if not isinstance(value, dict):
        raise ValueError("a table of files and their SHA-256")
    if len(value) > _MOST_FILES:
        raise ValueError(f"a table of at most {_MOST_FILES:,} files and their SHA-256")
    table: dict[str, str] = {}
    problems, unnamed = [], False
    for name, digest in value.items():
        try:
            partition, path = file_name(_text(name))
            if path != path.rstrip() or ".." in path.split("/"):
                raise FileNameError(f"“{name[:60]}” has a blank at its end, or goes up with ..")
            file = joined(partition, path)
        except (FileNameError, ValueError) as error:
            unnamed = True
            why, hint = f"{name[:60]!r} is not a text", ""
            if isinstance(error, FileNameError):
                why, hint = error.message, f". {error.hint.removesuffix('.')}"
            problems.append(f"{why}; until it is right, no file starts without a SHA-256{hint}")
            continue
        known = isinstance(digest, str) and re.fullmatch(r"[0-9a-fA-F]{64}", digest)
        said = digest.lower() if known else ""
        if not known:
            problems.append(f"{name[:200]} should have a SHA-256 of 64 hexadecimal digits; that file does not start")
        elif table.setdefault(file, said) != said:
            problems.append(f"{name[:200]} has two different SHA-256; that file does not start")
            said = ""
        table[file] = said
    if problems:
        raise _PartlyError(table, problems, unnamed=unnamed)
    return table


def _names(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > 100:
        raise ValueError("a table of patterns and the words for them")
    return {_text(pattern): _text(words) for pattern, words in value.items()}


def _pin(value: object) -> str:
    text = _text(value)
    if not re.fullmatch(r"scrypt\$\d{1,7}\$\d{1,2}\$\d{1,2}\$[0-9a-f]{16,128}\$[0-9a-f]{32,128}", text):
        raise ValueError("what `bootmenu pin` prints")
    return text


_KIOSKS_OWN = "what the kiosk offers is for the file to say"

OPTIONS: tuple[Option, ...] = (
    Option(
        "profile",
        "profile",
        _one_of(Profile),
        "standard, or kiosk: only what is allowed exists; kiosk where the file has a table [kiosk] and no profile",
        Words.TIGHTEN,
        "standard would be the way out of the kiosk",
        strictest=Profile.KIOSK,
    ),
    Option("theme", "theme", _text, "colours, by the name of a theme", applies="by the terminal's colours"),
    Option("language", "language", _text, "language of the screens, such as de", applies="by LANG"),
    Option("menu", "menu", _one_of(MenuStyle), "visible, hidden until a key is pressed, or forced: no countdown"),
    Option(
        "timeout",
        "timeout",
        _timeout,
        "seconds until the default entry starts by itself; 0 at once, off never",
        none="off",
        applies="10 in a first stage, off elsewhere",
    ),
    Option(
        "default",
        "default",
        _text,
        "id of the default entry, or a pattern with * and ?",
        because="it chooses among entries that exist without the PIN; nothing where only the default one does",
    ),
    Option(
        "console",
        "consoles",
        _list,
        "terminals that show the menu, such as tty1,ttyAMA0",
        because="each shows the same kiosk, and the kernel's own console= says as much",
    ),
    Option("scan-seconds", "scan_seconds", _limit, "seconds after which a partition that does not answer is told"),
    Option(
        "watchdog",
        "watchdog",
        _one_of(Watchdog),
        "leave, feed or disarm a running watchdog at the jump",
        Words.OUTSIDE,
        "disarm would end what watches over the next system",
    ),
    Option(
        "skip-hooks",
        "skip_hooks",
        _list,
        "names of hooks that are not run before a jump",
        Words.OUTSIDE,
        "a hook may be what refuses the jump",
    ),
    Option(
        "carry-over",
        "carry_over",
        _flag,
        "add what firmware knows to an entry's own device tree",
        because="it says how an entry is started, not which",
    ),
    Option(
        "sha256",
        "sha256",
        _digests,
        "table of files and the SHA-256 they must have",
        Words.NEVER,
        "a table has no form there",
    ),
    Option(
        "verify",
        "verify",
        _one_of(Verify),
        "listed, or all: what has no SHA-256 in [sha256] does not start",
        Words.TIGHTEN,
        "listed would start what nobody has listed",
        strictest=Verify.ALL,
    ),
    Option(
        "state.device",
        "state_device",
        _state_device,
        "partition that remembers, such as LABEL=STATE, or LABEL=S on sd",
        Words.OUTSIDE,
        "another place has another default, and has counted no wrong PIN",
        strictest="",
    ),
    Option(
        "state.folder",
        "state_folder",
        _text,
        "folder on it, or of the running system",
        Words.OUTSIDE,
        "as state.device",
        strictest="",
    ),
    Option(
        "state.rename-counters",
        "rename_counters",
        _flag,
        "let boot counting rename its files",
        Words.OUTSIDE,
        "it lets the menu write to the partition of an entry",
    ),
    Option(
        "shell",
        "shell",
        _flag,
        "offer a shell",
        Words.TIGHTEN,
        "yes would open one",
        strictest=False,
    ),
    Option(
        "kiosk.entries",
        "kiosk_entries",
        _list,
        "patterns of the entries that exist in the kiosk; none: only the default one",
        Words.OUTSIDE,
        _KIOSKS_OWN,
        strictest=(),
    ),
    Option(
        "kiosk.disks",
        "kiosk_disks",
        _places,
        "places whose entries exist: internal, or PARTUUID=... on sd",
        Words.OUTSIDE,
        _KIOSKS_OWN,
        strictest=INTERNAL_ONLY,
    ),
    Option(
        "kiosk.recovery",
        "kiosk_recovery",
        _list,
        "patterns of the entries that are for repair",
        Words.OUTSIDE,
        _KIOSKS_OWN,
        strictest=(),
    ),
    Option(
        "kiosk.locked",
        "kiosk_locked",
        _list,
        "patterns of the entries that ask for the PIN",
        Words.OUTSIDE,
        _KIOSKS_OWN,
        strictest=("*",),
    ),
    Option(
        "kiosk.names",
        "kiosk_names",
        _names,
        "table of patterns and plain words for entries",
        Words.NEVER,
        "a table has no form there",
    ),
    Option(
        "kiosk.actions",
        "kiosk_actions",
        _list,
        "actions that need no PIN",
        Words.OUTSIDE,
        _KIOSKS_OWN,
        strictest=(),
    ),
    Option(
        "kiosk.pin",
        "kiosk_pin",
        _pin,
        "the PIN, as bootmenu pin prints it",
        Words.NEVER,
        "/proc/cmdline is everybody's to read",
        strictest=None,
        secret=True,
    ),
    Option(
        "kiosk.command-line",
        "kiosk_command_line",
        _flag,
        "let the kernel's command line loosen the kiosk",
        Words.NEVER,
        "it would allow itself",
        strictest=False,
    ),
    Option(
        "kiosk.contact",
        "kiosk_contact",
        _any_text,
        "whom to call; shown on every screen",
        Words.OUTSIDE,
        "people call the number that is shown",
    ),
    Option(
        "kiosk.idle",
        "kiosk_idle",
        _some_seconds,
        "seconds without a key until the countdown begins anew",
        Words.OUTSIDE,
        "it also ends what the PIN has opened",
    ),
    Option("kiosk.buttons", "buttons", _flag, "read volume, power and GPIO keys"),
)
_BY_NAME = {option.name: option for option in OPTIONS}
_TABLES = frozenset(option.name.partition(".")[0] for option in OPTIONS if "." in option.name)

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
    """Return what is in force on this machine. flags: values by Option.name, from the program's own command line.

    Never raises: what cannot be read is a problem of the answer.
    """
    reading = _Reading(file)
    reading.take_file(host)
    reading.take_words(host.text("/proc/cmdline") or "")
    for name, value in (flags or {}).items():
        reading.take(name, value, f"--{name}")
    return reading.loaded()


def parse(data: bytes, name: str) -> Loaded:
    """Return what the content of a settings file says. name: what the problems call it."""
    reading = _Reading(name)
    reading.take_content(data)
    return reading.loaded()


class _NotUnderstoodError(Exception):
    """A settings file is there, and what it says is not known: why."""


class _Reading:
    """The settings while they are read, layer upon layer."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._values: dict[str, object] = {}
        self._origins: dict[str, str] = {}
        self._problems: list[str] = []
        self._file_set: frozenset[str] = frozenset()
        """Names of the options that the file has set."""

    def loaded(self) -> Loaded:
        few = self._problems[:_MOST_PROBLEMS]
        if more := len(self._problems) - len(few):
            few.append(f"{self._file}: there are {more:,} more problems.")
        return Loaded(settings=Settings(**self._values), origins=self._origins, problems=tuple(few))  # type: ignore[arg-type]

    # ---- one value

    def take(self, name: str, value: object, origin: str) -> None:
        """Use a value; one that is not understood is told, and the strictest one used where there is one."""
        option = _BY_NAME.get(name)
        if option is None:
            self._unknown(name, value, origin)
            return
        try:
            read = option.read(value)
        except _PartlyError as error:
            self._problems += [f"{origin}: {name}: {problem}." for problem in error.problems]
            if error.unnamed:
                self._restrict("verify", origin)
            read = error.value
        except ValueError as error:
            self._wrong(option, error, value, origin)
            return
        if name == "sha256":
            read = _both(self._settings().sha256, read)
        self._values[option.field] = read
        self._origins[name] = origin

    def _wrong(self, option: Option, error: ValueError, value: object, origin: str) -> None:
        name = option.name
        expected = f"{origin}: {name} should be {error}"
        if not option.secret:  # somebody may have written the digits
            expected += f", not {_shown(value)!r}"
        if name == "sha256":
            self._restrict("verify", origin)
            self._problems.append(f"{expected}; no file starts without a SHA-256.")
        elif option.strictest is _UNSET:
            self._problems.append(f"{expected}; the {self._origins.get(name, DEFAULT_ORIGIN)} value is used.")
        else:
            self._restrict(name, origin)
            self._problems.append(f"{expected}; the strictest value is used: {_shown_strictest(option)}.")

    def _restrict(self, name: str, origin: str) -> None:
        option = _BY_NAME[name]
        self._values[option.field] = option.strictest
        self._origins[name] = origin

    def _settings(self) -> Settings:
        return Settings(**self._values)  # type: ignore[arg-type]

    # ---- names that do not exist

    def _unknown(self, name: str, value: object, origin: str) -> None:
        """Tell that there is no such setting. What it may have been meant for is restricted as far as it goes."""
        what = f"table [{printable(name[:60])}]" if isinstance(value, dict) else f"setting {name[:60]!r}"
        # a dot in the middle of a name makes it a table: ver.fy
        table = dict(islice(value.items(), 10)) if isinstance(value, dict) else {}
        meant = next(filter(None, map(_meant, (name, *(name + key for key in table)))), "")
        if not meant:
            meant = next(filter(None, map(_meant_by, table.values() if table else (value,))), "")
        if meant == "sha256" and isinstance(value, dict):
            self._problems.append(f"{origin}: there is no {what}; it is taken for [sha256].")
            self.take("sha256", value, origin)
            return
        if meant == "":
            self._problems.append(f"{origin}: there is no {what}.")
            return
        if meant == "kiosk":
            self._problems.append(f"{origin}: there is no {what}.")
            if "profile" not in self._origins and not name.startswith("kiosk."):
                self._restrict("profile", origin)
            self._only_the_default(origin)
            return
        if meant == "sha256":
            self._problems.append(
                f"{origin}: there is no {what}; until it is right, no file starts without a SHA-256."
            )
            meant = "verify"
        else:
            strictest = f"the strictest value is used: {_shown_strictest(_BY_NAME[meant])}"
            self._problems.append(f"{origin}: there is no {what}; in case it means {meant}, {strictest}.")
        self._restrict(meant, origin)

    def _only_the_default(self, origin: str) -> None:
        """The other entries do not exist. The default one is still one of those that may be started."""
        consequence = f"{origin}: until all names are right, a kiosk has only its default entry."
        if consequence not in self._problems:
            self._problems.append(consequence)
        self._values.setdefault("kiosk_default_of", self._settings().kiosk_entries or ("*",))
        for name in ("kiosk.entries", "kiosk.actions", "kiosk.command-line"):
            self._restrict(name, origin)

    # ---- the file

    def take_file(self, host: Host) -> None:
        """Use the file of this machine."""
        try:
            data = _content(host, self._file)
        except _NotUnderstoodError as error:
            self._not_understood(str(error), b"")
            return
        if data is not None:
            self.take_content(data)

    def take_content(self, data: bytes) -> None:
        """Use the content of a file."""
        try:
            if not data:
                raise _NotUnderstoodError("is empty")
            if len(data) > _LIMIT:
                raise _NotUnderstoodError(f"has more than {_LIMIT:,} bytes")
            tables = _tables(data.decode("utf-8-sig"))
        except _NotUnderstoodError as error:
            self._not_understood(str(error), data[:_LIMIT])
            return
        except (ValueError, RecursionError) as error:
            self._not_understood(f"is not TOML: {str(error)[:200]}", data)
            return
        unknown = []
        for name, value in tables.items():
            if name in _TABLES and isinstance(value, dict):
                for inner, found in value.items():
                    full = f"{name}.{inner}"
                    if full in _BY_NAME:
                        self.take(full, found, self._file)
                    else:
                        unknown.append((full, found))
            elif name in _BY_NAME and "." not in name:
                self.take(name, value, self._file)
            else:
                unknown.append((name, value))
        for name, value in unknown:
            self._unknown(name, value, self._file)
        if "kiosk" in tables and "profile" not in self._origins:
            self._restrict("profile", self._file)
        if unknown and self._settings().profile is Profile.KIOSK:
            self._only_the_default(self._file)
        self._file_set = frozenset(self._origins)

    def _not_understood(self, why: str, data: bytes) -> None:
        """The file restricts something, and nobody knows what."""
        self._problems.append(
            f"{self._file} {why}; until it is right, this is a kiosk that has only its default entry."
        )
        text = data.replace(b"\0", b"")  # UTF-16
        for option in OPTIONS:
            # were the default entry locked, nothing would start; and what demands digests says so
            if option.strictest is not _UNSET and option.name not in ("kiosk.locked", "verify"):
                self._restrict(option.name, self._file)
        if _DEMANDS.search(_COMMENT.sub(b"", text)):
            self._restrict("verify", self._file)
            self._problems.append(f"{self._file}: it may demand a SHA-256 of files; none starts until it is right.")
        if found := _CONTACT.search(text):
            try:
                self._values["kiosk_contact"] = _any_text(found[1].decode("utf-8", "replace"))
                self._origins["kiosk.contact"] = self._file
            except ValueError:
                pass
        self._file_set = frozenset(self._origins)

    # ---- the kernel's command line

    def take_words(self, command_line: str) -> None:
        """Use what the kernel's command line may say."""
        below = self._settings()
        kiosk = below.profile is Profile.KIOSK
        for name, value in _words(command_line):
            option = _BY_NAME.get(name)
            if option is None:
                if name in _INITS_OWN:
                    continue
                if kiosk and not below.kiosk_command_line:  # to restrict one thing can be to open another
                    self._problems.append(f"{COMMAND_LINE_ORIGIN}: there is no setting {name[:60]!r}.")
                else:
                    self.take(name, value, COMMAND_LINE_ORIGIN)
            elif option.words is Words.NEVER:
                self._problems.append(f"{COMMAND_LINE_ORIGIN}: {name} is taken from {self._file} only.")
            elif below.kiosk_command_line:
                self.take(name, value, COMMAND_LINE_ORIGIN)
            elif self._loosens(option, value, below, kiosk=kiosk):
                self._problems.append(
                    f"{COMMAND_LINE_ORIGIN}: {name} stays as {self._file} says: {option.because}. "
                    "It may be changed there, or allowed with kiosk.command-line."
                )
            else:
                self.take(name, value, COMMAND_LINE_ORIGIN)

    def _loosens(self, option: Option, value: str, below: Settings, *, kiosk: bool) -> bool:
        """Whether a word might allow something that the file does not."""
        if option.words is Words.OUTSIDE:
            return kiosk or (option.name.startswith("kiosk.") and option.name in self._file_set)
        if option.name == "default":
            return kiosk and below.kiosk_entries == ()
        if option.words is not Words.TIGHTEN or option.name not in self._file_set:
            return False
        try:
            return option.read(value) not in (option.strictest, getattr(below, option.field))
        except ValueError:  # which becomes the strictest
            return False


def _tables(text: str) -> Mapping[str, object]:
    """Return what TOML says. Raises ValueError, RecursionError."""
    plain = plain_toml.loads(text)
    if plain is not None:
        return plain
    import tomllib  # seldom needed, and the first frame waits for imports

    return tomllib.loads(text)


_DEMANDS = re.compile(rb"sha-?256|verify|(?<![$0-9a-f])[0-9a-f]{64}(?![0-9a-f])", re.IGNORECASE)
"""A file that cannot be parsed has this where it may demand digests; what follows a dollar sign is of a PIN."""
_COMMENT = re.compile(rb"^[ \t]*#.*$", re.MULTILINE)
_CONTACT = re.compile(rb"""^[ \t]*contact[ \t]*=[ \t]*"([^"\\\r\n]*)\"""", re.MULTILINE)


def _both(one: Mapping[str, str], other: object) -> dict[str, str]:
    """Two tables of digests; a file that is in both has to have one digest only."""
    assert isinstance(other, Mapping)
    table = dict(one)
    for file, digest in other.items():
        table[file] = digest if table.get(file, digest) == digest else ""
    return table


def _meant(name: str) -> str:
    """Which restricting setting an unknown name may be a slip of the pen for: an Option.name, `kiosk` or `sha256`;
    empty = none."""
    import difflib  # seldom needed, and the first frame waits for imports

    head, _, inner = name.partition(".")
    if head == "kiosk":
        return "kiosk"
    words = {}
    for option in OPTIONS:
        table, _, last = option.name.rpartition(".")
        restricts = option.strictest is not _UNSET or option.name == "sha256"
        words[_plain(last)] = ("kiosk" if table == "kiosk" else option.name) if restricts else ""
    words |= {"kiosk": "kiosk", "state": "state.device", "statedevice": "state.device"}
    word = inner if inner and head == "state" else head
    near = difflib.get_close_matches(_plain(word)[:100], words, n=1, cutoff=0.7)
    return words[near[0]] if near else ""


def _meant_by(value: object) -> str:
    """The same by its value, where the name says nothing: the word kiosk, or a digest."""
    if not isinstance(value, str):
        return ""
    if value.strip().casefold() == Profile.KIOSK:
        return "profile"
    return "sha256" if re.fullmatch(r"[0-9a-fA-F]{64}", value.strip()) else ""


def _plain(name: str) -> str:
    return re.sub(r"[-_. ]", "", name).casefold()


def _content(host: Host, file: str) -> bytes | None:
    """Return the whole of a regular file; None where nothing has this name. Raises _NotUnderstoodError."""
    path = host.path(file)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise _NotUnderstoodError(f"cannot be read: {error.strerror}") from None
    descriptor, data = -1, bytearray()
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a FIFO does not wait
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise _NotUnderstoodError("is not a file")
        while len(data) <= _LIMIT and (piece := os.read(descriptor, _LIMIT + 1 - len(data))):
            data += piece
    except OSError as error:
        raise _NotUnderstoodError(f"cannot be read: {error.strerror}") from None
    finally:
        if descriptor >= 0:
            os.close(descriptor)
    return bytes(data)


def _words(command_line: str) -> Iterator[tuple[str, str]]:
    for name, value in CommandLine(command_line).options():
        prefix, dot, rest = name.partition(".")
        if prefix == "bootmenu" and dot:
            # the kernel takes - and _ in the name of a parameter for the same (kernel/params.c:parameqn)
            yield rest.replace("_", "-"), "yes" if value is None else value
