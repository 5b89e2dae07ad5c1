# SPDX-License-Identifier: MIT
"""Read the settings in layers: defaults, /etc/bootmenu.toml, the kernel's command line (`bootmenu.NAME=`), flags.

An invalid value is reported as a problem. If the setting restricts something, the strictest value is used
(Option.strictest), else that of the layer below. A file that exists but cannot be read or parsed gives a kiosk with
only its default entry and the contact. No setting keeps the menu from starting.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice

from bootmenu.config import settings_file
from bootmenu.config.option import UNSET, CommandLineRule
from bootmenu.config.setting_values import PartlyError, shown
from bootmenu.config.settings import FILE, FIRST_STAGE_CMDLINE, OPTIONS, Profile, Settings
from bootmenu.config.settings_file import NotUnderstoodError
from bootmenu.config.unknown_settings import meant_by_name, meant_by_value
from bootmenu.model.entry import CommandLine
from bootmenu.model.suggestion import did_you_mean
from bootmenu.model.text import printable
from bootmenu.model.value import Value, field
from bootmenu.typed import TYPE_CHECKING

if TYPE_CHECKING:
    from bootmenu.config.option import Option
    from bootmenu.system.host import Host

_MOST_PROBLEMS = 50  # that are reported
_BY_NAME = {option.name: option for option in OPTIONS}
_TABLES = frozenset(option.name.partition(".")[0] for option in OPTIONS if "." in option.name)

_INITS_OWN = frozenset({"term", "size", "loglevel", "shell"})
"""Names on the kernel's command line that the first stage's init reads (image/init.sh); `shell` is a setting, too."""

DEFAULT_ORIGIN = "default"
COMMAND_LINE_ORIGIN = "kernel command line"


class Loaded(Value, kw_only=True):
    """The settings in force, the origin of each, and problems that were found."""

    settings: Settings = field(default_factory=Settings)
    origins: Mapping[str, str] = field(default_factory=dict)
    """By Option.name: `/etc/bootmenu.toml`, `kernel command line`, `--timeout`; absent for a default."""
    problems: tuple[str, ...] = ()
    """A sentence each, with the origin and what was expected."""

    def rows(self) -> Iterator[tuple[Option, object, str]]:
        """Yield every setting, its value and its origin, in the order of Settings."""
        for option in OPTIONS:
            value = getattr(self.settings, option.field)
            yield option, value, self.origins.get(option.name, DEFAULT_ORIGIN)


def load(host: Host, flags: Mapping[str, object] | None = None, *, file: str = FILE) -> Loaded:
    """Return the settings of this machine. flags: values by Option.name, from the program's own command line.

    Never raise: errors are problems of the result.
    """
    layers = _Layers(file)
    layers.take_file(host)
    layers.take_words(" ".join(host.text(path) or "" for path in (FIRST_STAGE_CMDLINE, "/proc/cmdline")))
    for name, value in (flags or {}).items():
        layers.take(name, value, f"--{name}")
    return layers.loaded()


def parse(data: bytes | None, name: str, *, words: str = "", in_force: bool = True) -> Loaded:
    """Return the settings from the content of a file and words of the kernel's command line.

    data: None if there is no file. name: its name in problems. in_force: whether problems say what comes of them,
    which nothing does where the file is refused.
    """
    layers = _Layers(name, in_force=in_force)
    if data is not None:
        layers.take_content(data)
    layers.take_words(words)
    return layers.loaded()


def names_on_command_line() -> list[str]:
    """Return what bootmenu reads on the kernel's command line: `bootmenu.timeout`, ..."""
    own = (option.name for option in OPTIONS if option.command_line is not CommandLineRule.NEVER)
    return [f"bootmenu.{name}" for name in sorted({*own, *_INITS_OWN})]


class _Layers:
    """The settings while they are read, layer upon layer."""

    def __init__(self, file: str, *, in_force: bool = True) -> None:
        self._file = file
        self._in_force = in_force
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

    def _report(self, what: str, consequence: str = "", hint: str = "") -> None:
        """Report a problem: a clause that says what is wrong, what comes of it, and what helps."""
        clauses = [what, *([consequence] if consequence and self._in_force else [])]
        self._problems.append(f"{'; '.join(clauses)}.{f' {hint}' if hint else ''}")

    # ---- one value

    def take(self, name: str, value: object, origin: str) -> None:
        """Use a value. If it is invalid, report a problem and use the strictest value, if there is one."""
        option = _BY_NAME.get(name)
        if option is None:
            self._unknown(name, value, origin)
            return
        try:
            read = option.read(value)
        except PartlyError as error:
            for what, consequence, hint in error.problems:
                self._report(f"{origin}: {name}: {what}", consequence, f"{hint}." if hint else "")
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
        if not option.secret:  # it may be the PIN itself
            expected += f", not {shown(value)!r}"
        if name == "sha256":
            self._restrict("verify", origin)
            self._report(expected, "no file starts without a SHA-256")
        elif option.strictest is UNSET:
            self._report(expected, f"the {self._origins.get(name, DEFAULT_ORIGIN)} value is used")
        else:
            self._restrict(name, origin)
            self._report(expected, f"the strictest value is used: {option.strictest_shown()}")

    def _restrict(self, name: str, origin: str) -> None:
        option = _BY_NAME[name]
        self._values[option.field] = option.strictest
        self._origins[name] = origin

    def _settings(self) -> Settings:
        return Settings(**self._values)  # type: ignore[arg-type]

    # ---- names that do not exist

    def _unknown(self, name: str, value: object, origin: str) -> None:
        """Report an unknown setting. If it may be a typo of a restricting one, use the strictest value of that."""
        what = f"table [{printable(name[:60])}]" if isinstance(value, dict) else f"setting {name[:60]!r}"
        # a dot within a name makes it a table: ver.fy
        table = dict(islice(value.items(), 10)) if isinstance(value, dict) else {}
        meant = next(filter(None, map(meant_by_name, (name, *(name + key for key in table)))), "")
        if not meant:
            meant = next(filter(None, map(meant_by_value, table.values() if table else (value,))), "")
        if meant == "sha256" and isinstance(value, dict):
            self._report(f"{origin}: there is no {what}", "it is taken for [sha256]")
            self.take("sha256", value, origin)
            return
        if meant == "":
            self._report(f"{origin}: there is no {what}", hint=did_you_mean(name, _BY_NAME))
            return
        if meant == "kiosk":
            self._report(f"{origin}: there is no {what}")
            if "profile" not in self._origins and not name.startswith("kiosk."):
                self._restrict("profile", origin)
            self._only_the_default(origin)
            return
        if meant == "sha256":
            self._report(f"{origin}: there is no {what}", "until it is right, no file starts without a SHA-256")
            meant = "verify"
        else:
            strictest = f"the strictest value is used: {_BY_NAME[meant].strictest_shown()}"
            self._report(f"{origin}: there is no {what}", f"in case it means {meant}, {strictest}")
        self._restrict(meant, origin)

    def _only_the_default(self, origin: str) -> None:
        """Restrict the kiosk to its default entry, chosen among the entries that were allowed before."""
        consequence = f"{origin}: until all names are right, a kiosk has only its default entry."
        if self._in_force and consequence not in self._problems:
            self._problems.append(consequence)
        self._values.setdefault("kiosk_default_of", self._settings().kiosk_entries or ("*",))
        for name in ("kiosk.entries", "kiosk.actions", "kiosk.command-line"):
            self._restrict(name, origin)

    # ---- the file

    def take_file(self, host: Host) -> None:
        """Use the settings file of this machine."""
        try:
            data = settings_file.content(host, self._file)
        except NotUnderstoodError as error:
            self._not_understood(str(error), b"")
            return
        if data is not None:
            self.take_content(data)

    def take_content(self, data: bytes) -> None:
        """Use the content of a settings file."""
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
        """Restrict everything, as the file may restrict anything."""
        self._report(f"{self._file} {why}", "until it is right, this is a kiosk that has only its default entry")
        for option in OPTIONS:
            # a locked default entry could not start; whether digests are demanded is looked up below
            if option.strictest is not UNSET and option.name not in ("kiosk.locked", "verify"):
                self._restrict(option.name, self._file)
        if settings_file.may_demand_digests(data):
            self._restrict("verify", self._file)
            if self._in_force:
                self._report(f"{self._file}: it may demand a SHA-256 of files", "none starts until it is right")
        if (contact := settings_file.contact(data)) is not None:
            self._values["kiosk_contact"] = contact
            self._origins["kiosk.contact"] = self._file
        self._file_set = frozenset(self._origins)

    # ---- the kernel's command line

    def take_words(self, command_line: str) -> None:
        """Use the kernel's command line, as far as it may change settings."""
        below = self._settings()
        kiosk = below.profile is Profile.KIOSK
        for name, value in _words(command_line):
            option = _BY_NAME.get(name)
            if option is None:
                if name in _INITS_OWN:
                    continue
                if kiosk and not below.kiosk_command_line:  # restricting one thing may open another
                    what = f"{COMMAND_LINE_ORIGIN}: there is no setting {name[:60]!r}"
                    self._report(what, hint=did_you_mean(name, _BY_NAME))
                else:
                    self.take(name, value, COMMAND_LINE_ORIGIN)
            elif option.command_line is CommandLineRule.NEVER:
                self._report(f"{COMMAND_LINE_ORIGIN}: {name} is taken from {self._file} only")
            elif below.kiosk_command_line:
                self.take(name, value, COMMAND_LINE_ORIGIN)
            elif self._loosens(option, value, below, kiosk=kiosk):
                self._report(
                    f"{COMMAND_LINE_ORIGIN}: {name} stays as {self._file} says: {option.because}",
                    hint="It may be changed there, or allowed with kiosk.command-line.",
                )
            else:
                self.take(name, value, COMMAND_LINE_ORIGIN)

    def _loosens(self, option: Option, value: str, below: Settings, *, kiosk: bool) -> bool:
        """Return whether a value on the command line may allow something that the file does not."""
        if option.command_line is CommandLineRule.OUTSIDE:
            return kiosk or (option.name.startswith("kiosk.") and option.name in self._file_set)
        if option.name == "default":
            return kiosk and below.kiosk_entries == ()
        if option.command_line is not CommandLineRule.TIGHTEN or option.name not in self._file_set:
            return False
        try:
            return option.read(value) not in (option.strictest, getattr(below, option.field))
        except ValueError:  # an invalid value becomes the strictest
            return False


def _merged(one: Mapping[str, str], other: object) -> dict[str, str]:
    """Merge two tables of digests; a file with different digests gets an empty one."""
    assert isinstance(other, Mapping)
    table = dict(one)
    for file, digest in other.items():
        table[file] = digest if table.get(file, digest) == digest else ""
    return table


def _words(command_line: str) -> Iterator[tuple[str, str]]:
    """Yield (name, value) of each `bootmenu.NAME=` on the kernel's command line."""
    for name, value in CommandLine(command_line).options():
        prefix, dot, rest = name.partition(".")
        if prefix == "bootmenu" and dot:
            # the kernel treats - and _ in parameter names alike (kernel/params.c:parameqn)
            yield rest.replace("_", "-"), "yes" if value is None else value
