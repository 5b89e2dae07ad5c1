# SPDX-License-Identifier: MIT
"""Read the settings: defaults, /etc/bootmenu.toml over them, the kernel's command line (`bootmenu.NAME=`), flags.

A value that is not understood is a problem. Where the setting restricts something it becomes the strictest one
(Option.strictest), else that of the layer below. A file that exists and cannot be read or parsed is a kiosk that
has only its default entry and the contact. No setting keeps the menu from starting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from bootmenu.config import settings_file
from bootmenu.config.option import UNSET, CommandLineRule, Option
from bootmenu.config.setting_values import PartlyError, shown
from bootmenu.config.settings import FILE, OPTIONS, Profile, Settings
from bootmenu.config.settings_file import NotUnderstoodError
from bootmenu.config.unknown_settings import meant_by_name, meant_by_value
from bootmenu.model.entry import CommandLine
from bootmenu.model.text import printable
from bootmenu.model.value import Value, field
from bootmenu.system.host import Host

_MOST_PROBLEMS = 50  # that are reported
_BY_NAME = {option.name: option for option in OPTIONS}
_TABLES = frozenset(option.name.partition(".")[0] for option in OPTIONS if "." in option.name)

_INITS_OWN = frozenset({"term", "loglevel", "shell"})
"""Words on the kernel's command line that the first stage's init reads (image/init.sh); `shell` is both's."""

DEFAULT_ORIGIN = "default"
COMMAND_LINE_ORIGIN = "kernel command line"


class Loaded(Value, kw_only=True):
    """The settings in force, where each came from, and what was wrong on the way."""

    settings: Settings = field(default_factory=Settings)
    origins: Mapping[str, str] = field(default_factory=dict)
    """By Option.name: `/etc/bootmenu.toml`, `kernel command line`, `--timeout`; absent = the default."""
    problems: tuple[str, ...] = ()
    """A sentence each, with the place and what was expected."""

    def rows(self) -> Iterator[tuple[Option, object, str]]:
        """Yield every setting, its value and its origin, in the order of Settings."""
        for option in OPTIONS:
            value = getattr(self.settings, option.field)
            yield option, value, self.origins.get(option.name, DEFAULT_ORIGIN)


def load(host: Host, flags: Mapping[str, object] | None = None, *, file: str = FILE) -> Loaded:
    """Return what is in force on this machine. flags: values by Option.name, from the program's own command line.

    Never raise: what cannot be read is a problem of the answer.
    """
    layers = _Layers(file)
    layers.take_file(host)
    layers.take_words(host.text("/proc/cmdline") or "")
    for name, value in (flags or {}).items():
        layers.take(name, value, f"--{name}")
    return layers.loaded()


def parse(data: bytes, name: str) -> Loaded:
    """Return what the content of a settings file says. name: what the problems call it."""
    layers = _Layers(name)
    layers.take_content(data)
    return layers.loaded()


class _Layers:
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
        """Use a value; one that is not understood is a problem, and the strictest one is used where there is one."""
        option = _BY_NAME.get(name)
        if option is None:
            self._unknown(name, value, origin)
            return
        try:
            read = option.read(value)
        except PartlyError as error:
            self._problems += [f"{origin}: {name}: {problem}." for problem in error.problems]
            if error.unnamed:
                self._restrict("verify", origin)
            read = error.value
        except ValueError as error:
            self._wrong(option, error, value, origin)
            return
        if name == "sha256":
            read = _merged(self._settings().sha256, read)
        self._values[option.field] = read
        self._origins[name] = origin

    def _wrong(self, option: Option, error: ValueError, value: object, origin: str) -> None:
        name = option.name
        expected = f"{origin}: {name} should be {error}"
        if not option.secret:  # somebody may have written the digits
            expected += f", not {shown(value)!r}"
        if name == "sha256":
            self._restrict("verify", origin)
            self._problems.append(f"{expected}; no file starts without a SHA-256.")
        elif option.strictest is UNSET:
            self._problems.append(f"{expected}; the {self._origins.get(name, DEFAULT_ORIGIN)} value is used.")
        else:
            self._restrict(name, origin)
            self._problems.append(f"{expected}; the strictest value is used: {option.strictest_shown()}.")

    def _restrict(self, name: str, origin: str) -> None:
        option = _BY_NAME[name]
        self._values[option.field] = option.strictest
        self._origins[name] = origin

    def _settings(self) -> Settings:
        return Settings(**self._values)  # type: ignore[arg-type]

    # ---- names that do not exist

    def _unknown(self, name: str, value: object, origin: str) -> None:
        """Report that there is no such setting. What it may have been meant for is restricted as far as it goes."""
        what = f"table [{printable(name[:60])}]" if isinstance(value, dict) else f"setting {name[:60]!r}"
        # a dot in the middle of a name makes it a table: ver.fy
        table = dict(islice(value.items(), 10)) if isinstance(value, dict) else {}
        meant = next(filter(None, map(meant_by_name, (name, *(name + key for key in table)))), "")
        if not meant:
            meant = next(filter(None, map(meant_by_value, table.values() if table else (value,))), "")
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
            strictest = f"the strictest value is used: {_BY_NAME[meant].strictest_shown()}"
            self._problems.append(f"{origin}: there is no {what}; in case it means {meant}, {strictest}.")
        self._restrict(meant, origin)

    def _only_the_default(self, origin: str) -> None:
        """Restrict the kiosk to its default entry, which is still one of those that may be started."""
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
            data = settings_file.content(host, self._file)
        except NotUnderstoodError as error:
            self._not_understood(str(error), b"")
            return
        if data is not None:
            self.take_content(data)

    def take_content(self, data: bytes) -> None:
        """Use the content of a file."""
        try:
            tables = settings_file.tables(data)
        except NotUnderstoodError as error:
            self._not_understood(str(error), data)
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
        """Restrict everything: the file restricts something, and nobody knows what."""
        self._problems.append(
            f"{self._file} {why}; until it is right, this is a kiosk that has only its default entry."
        )
        for option in OPTIONS:
            # were the default entry locked, nothing would start; and what demands digests says so
            if option.strictest is not UNSET and option.name not in ("kiosk.locked", "verify"):
                self._restrict(option.name, self._file)
        if settings_file.may_demand_digests(data):
            self._restrict("verify", self._file)
            self._problems.append(f"{self._file}: it may demand a SHA-256 of files; none starts until it is right.")
        if (contact := settings_file.contact(data)) is not None:
            self._values["kiosk_contact"] = contact
            self._origins["kiosk.contact"] = self._file
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
            elif option.command_line is CommandLineRule.NEVER:
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
        """Return whether a word might allow something that the file does not."""
        if option.command_line is CommandLineRule.OUTSIDE:
            return kiosk or (option.name.startswith("kiosk.") and option.name in self._file_set)
        if option.name == "default":
            return kiosk and below.kiosk_entries == ()
        if option.command_line is not CommandLineRule.TIGHTEN or option.name not in self._file_set:
            return False
        try:
            return option.read(value) not in (option.strictest, getattr(below, option.field))
        except ValueError:  # which becomes the strictest
            return False


def _merged(one: Mapping[str, str], other: object) -> dict[str, str]:
    """Merge two tables of digests; a file with a different one in each gets the empty one."""
    assert isinstance(other, Mapping)
    table = dict(one)
    for file, digest in other.items():
        table[file] = digest if table.get(file, digest) == digest else ""
    return table


def _words(command_line: str) -> Iterator[tuple[str, str]]:
    """Yield the names after `bootmenu.` on the kernel's command line, each with its value."""
    for name, value in CommandLine(command_line).options():
        prefix, dot, rest = name.partition(".")
        if prefix == "bootmenu" and dot:
            # the kernel takes - and _ in the name of a parameter for the same (kernel/params.c:parameqn)
            yield rest.replace("_", "-"), "yes" if value is None else value
