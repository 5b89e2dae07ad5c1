# SPDX-License-Identifier: MIT
"""Runs GRUB's language on one partition: variables, functions, loops, and the menu that comes of it.

It only reads. Steps, depth, variables, entries and text are bounded, none of it by the clock: the same disk gives the
same answer. What a script does at the screen, to modules or to hardware does nothing here.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterable

from bootmenu.errors import FormatError
from bootmenu.model.entry import FileRef, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import Record, field
from bootmenu.sources import Platform, references
from bootmenu.sources.parsers.grub import patterns, syntax
from bootmenu.sources.parsers.grub.syntax import Command, For, Function, If, Kind, Mistake, Simple, While, Word
from bootmenu.sources.tree import Stat, Tree, TreeError, Trouble, normal, read_text
from bootmenu.sources.variables import parameter_of

MAX_DEPTH = 64
"""Functions, files, loops and conditions within each other."""
MAX_INCLUDES = 64
"""Files that one configuration reads."""
MAX_ITEMS = 1000
"""Things in all menus of one configuration."""
MAX_VALUE = 64 * 1024
"""Characters of a variable."""
MAX_TEXT = 256 * 1024
"""Characters of one command; also of all variables, and of all titles and arguments of entries, times four."""
MAX_VARIABLES = 2000
MAX_MISTAKES = 100
"""Statements that make no sense; a file with more is none."""
_MAX_PROBLEMS = 20
_MAX_EXPANSIONS = 1000
_STEPS_OF_A_FILE = 5
_STEPS_OF_MATCHING = 64  # of a wildcard or a regular expression, for one of a script
_MAX_EXPRESSIONS = 64

FEATURES = (
    # grub-core/normal/main.c, `features`: what a script may ask for as feature_NAME
    "chainloader_bpb ntldr platform_search_hint default_font_path all_video_module menuentry_id menuentry_options"
    " 200_final nativedisk_cmd timeout_style"
).split()


_VARIABLES = (Kind.VARIABLE, Kind.QUOTED_VARIABLE)
_NAME = re.compile("[A-Za-z_]")  # all others are positional parameters


class StepsError(Exception):
    """The steps of a script are used up."""


class _TooLongError(Exception):
    """One command's text grows too long; costs that command."""


class Budget(Record):
    """Steps that may be taken; those of a part are also the whole's."""

    left: int
    whole: Budget | None = None

    def spend(self, steps: int) -> None:
        """Raises StepsError when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise StepsError
        if self.whole is not None:
            self.whole.spend(steps)


class Context(Record):
    """GRUB's environment: a submenu and a `configfile` see only what was exported (normal/context.c)."""

    values: dict[str, str] = field(default_factory=dict)
    exported: set[str] = field(default_factory=set)
    size: int = 0
    """Characters of all names and values."""

    def get(self, name: str) -> str:
        """Empty when it is not set."""
        return self.values.get(name, "")

    def set(self, name: str, value: str) -> bool:
        """False when it would be too much, and nothing has changed."""
        old = self.values.get(name)
        size = self.size + len(value) - len(old or "") + (len(name) if old is None else 0)
        if len(value) > MAX_VALUE or size > 4 * MAX_TEXT or (old is None and len(self.values) >= MAX_VARIABLES):
            return False
        self.values[name] = value
        self.size = size
        return True

    def unset(self, name: str) -> None:
        """Nothing when it is not set."""
        if name in self.values:
            self.size -= len(name) + len(self.values.pop(name))
        self.exported.discard(name)

    def copy(self) -> Context:
        """For one entry, so that it changes nothing for the others."""
        return Context(dict(self.values), set(self.exported), self.size)

    def inner(self) -> Context:
        """What a context that is opened in this one begins with."""
        context = Context(exported=set(self.exported))
        for name in self.exported:
            if name in self.values:
                context.set(name, self.values[name])
        return context


class Loaded(Record):
    """What an entry has put into memory by the end of its body."""

    kernel: FileRef | None = None
    arguments: list[str] = field(default_factory=list)
    unset: list[tuple[str, str]] = field(default_factory=list)
    """Of the arguments: (parameter, variable that nothing set), as variables.needed takes them."""
    initrds: list[FileRef] = field(default_factory=list)
    dtb: FileRef | None = None


class Item(Record):
    """An entry, a submenu, or the place of an entry that another format lists (body None)."""

    title: str
    id: str
    given_id: bool
    """Whether the configuration names it; else the id is the title."""
    arguments: list[str]
    body: tuple[Command, ...] | str | None
    is_submenu: bool
    context: Context
    config: str
    active: tuple[tuple[int, int], ...]
    """The files that were being read when it was defined."""


class Menu(Record):
    """Items in order; `nested` are the menus that were shown before this one, by `configfile`."""

    context: Context
    items: list[Item] = field(default_factory=list)
    nested: list[Menu] = field(default_factory=list)


def quoted(text: str) -> str:
    """A title in a message."""
    return f"“{text}”" if len(text) <= 60 else f"“{text[:57]}...”"


_TARGETS = {
    # GRUB's configure.ac, target_cpu and platform: what it is built for, with EFI and without
    Architecture.X86_64: (("x86_64", "efi"), ("i386", "pc")),
    Architecture.X86: (("i386", "efi"), ("i386", "pc")),
    Architecture.ARM: (("arm", "efi"), ("arm", "uboot")),
    Architecture.PPC64: (("powerpc", "ieee1275"),) * 2,
    Architecture.S390X: (("s390x", "emu"),) * 2,  # Fedora's and SUSE's
    Architecture.MIPS: (("mipsel", "loongson"),) * 2,
}


def target(platform: Platform) -> tuple[str, str]:
    """Return $grub_cpu and $grub_platform (normal/main.c) of the GRUB that this machine would start.

    On arm64, riscv64 and loongarch64 it always comes from EFI, which may be U-Boot's: that the running kernel was
    started in another way says nothing about it. Of an x86 machine that says nothing EFI is assumed.
    """
    architecture = platform.architecture
    usual = (architecture or "", "efi")
    with_efi, without = _TARGETS.get(architecture, (usual, usual)) if architecture else (usual, usual)
    return without if platform.efi is False else with_efi


def own_name(tree: Tree) -> str:
    """How GRUB calls the device that is read: an image as whoever opens one does, for its path may hold blanks."""
    return "loop" if tree.image else tree.device


class Interpreter:
    """Runs one configuration, and then the bodies of its entries.

    config: path of the file that it begins with; its folder is GRUB's `prefix`.
    """

    def __init__(self, tree: Tree, config: str, budget: Budget, platform: Platform) -> None:
        self.tree = tree
        self.platform = platform
        self.budget = budget
        self.config = config
        self.context = Context()
        self.menu = Menu(self.context)
        self.loaded = Loaded()
        self.problems: list[Problem] = []
        self.visited: set[tuple[int, int]] = set()
        self.bls: Context | None = None
        """The variables when `blscfg` was last called; None = it never was."""
        self.loopbacks: dict[str, str] = {}
        """Names that `loopback` gave to files."""
        self.scope: list[str] | None = None
        """Positional parameters; None outside of a function and an entry."""
        self.in_body = False
        self.items = 0
        self.exiting = False
        self.unset: list[tuple[int, str, str]] = []
        """Of the command that is run: (number of the word, its parameter, variable in it that nothing set)."""
        self.unread = False
        """A file on another partition could have set variables here."""
        self._text = 0
        self._functions: dict[str, tuple[Command, ...]] = {}
        self._expressions: dict[str, patterns.Regex | FormatError] = {}
        self._active: tuple[tuple[int, int], ...] = ()
        self._depth = 0
        self._includes = 0
        self._mistakes = 0
        # as in grub-core/script/execute.c: how many loops run, how many of them are being left and how
        self._loops = 0
        self._leaving = 0
        self._continuing = False
        self._returning = False
        self._identity: tuple[str, frozenset[str]] = (tree.device, tree.names | {tree.device, own_name(tree)})
        self._begin()

    def _begin(self) -> None:
        """The variables that GRUB sets itself."""
        folder = self.config.rpartition("/")[0]
        own = own_name(self.tree)
        cpu, platform = target(self.platform)
        # kern/main.c:grub_set_prefix_and_root: where the firmware found GRUB, on a PC the disk alone
        image = f"({own}){folder}" if folder.startswith("/EFI/") else f"({own})/EFI/BOOT"
        values = {
            "root": own,
            "prefix": f"({own}){folder}",
            "cmdpath": image if platform == "efi" else "(hd0)",
            "grub_cpu": cpu,
            "grub_platform": platform,
            "lang": "",
            **{f"feature_{name}": "y" for name in FEATURES},
            # GRUB's manual, "Loopback booting": set by whoever reads the loopback.cfg of an image
            **({"iso_path": self.tree.image} if self.tree.image else {}),
        }
        for name, value in values.items():
            self.context.set(name, value)
            self.context.exported.add(name)

    # --- what commands use -------------------------------------------------------------------------------------

    def problem(self, message: str, path: str = "") -> None:
        """Say once what went wrong."""
        found = Problem(device=self.tree.device, path=path or self.config, message=message)
        if len(self.problems) < _MAX_PROBLEMS and found not in self.problems:
            self.problems.append(found)

    def set(self, name: str, value: str) -> int:
        """Set a variable: 0, or 1 when that may not be."""
        # execute.c:grub_script_env_set: positional parameters are not variables
        if not name or name[0].isdigit() or name in ("#", "*", "@"):
            return 1
        if not self.context.set(name, value):
            self.problem("has a variable that grows too long, or too many of them")
            return 1
        return 0

    def is_own(self, device: str) -> bool:
        """Whether this is a name of the partition that is read."""
        return references.canonical(device) in self._identity[1]

    def resolve(self, path: str) -> FileRef:
        """`(device)/path`, or a path on $root."""
        device, place = self.context.get("root"), path
        if path.startswith("("):
            device, _, place = path[1:].partition(")")
        return FileRef(device=self.device(device), path=normal(place))

    def device(self, name: str) -> str:
        """GRUB's name of a device in the form of references.py; this partition's own is its kernel name."""
        # the manual, Device syntax: LVM is (lvm/VOLUME), with the dashes that the device mapper has, RAID is (md/0)
        name = name.strip().removeprefix("(").removesuffix(")")
        if not name or self.is_own(name):
            return self.tree.device
        if name.startswith("lvm/"):
            return name.removeprefix("lvm/")
        if name.startswith("md/"):
            return f"md{name[3:]}" if name[3:].isdecimal() else f"md_{name[3:]}"
        return references.canonical(name)

    def stat(self, path: str) -> Stat | None:
        """What is there; None when nothing is, or when it is on another partition."""
        self.budget.spend(_STEPS_OF_A_FILE)
        file = self.resolve(path)
        if file.device != self.tree.device:
            return None
        try:
            return self.tree.stat(file.path)
        except TreeError:
            return None

    def names(self, folder: str) -> tuple[str, ...]:
        """Names in a folder of this partition; none when it cannot be listed."""
        self.budget.spend(_STEPS_OF_A_FILE)
        try:
            names = self.tree.list(folder)
        except TreeError:
            return ()
        self.budget.spend(len(names) // 10)
        return names

    def add(self, item: Item) -> int:
        """Put something into the current menu."""
        self._text += len(item.title) + len(item.id) + sum(map(len, item.arguments))
        if self.items >= MAX_ITEMS or self._text > 4 * MAX_TEXT:
            self.problem(f"holds too much: the first {self.items:,} entries are read")
            return 1
        self.items += 1
        self.menu.items.append(item)
        return 0

    def item(
        self,
        arguments: list[str],
        *,
        given_id: str = "",
        body: tuple[Command, ...] | str | None,
        is_submenu: bool = False,
    ) -> Item:
        """An item that is defined here; arguments[0] is its title."""
        title = arguments[0]
        return Item(
            title=title,
            id=given_id or title,
            given_id=bool(given_id),
            arguments=arguments,
            body=body,
            is_submenu=is_submenu,
            context=self.context,
            config=self.config,
            active=self._active,
        )

    def source(self, path: str) -> int:
        """Run a file in this context. One on another partition is read when that partition is: nothing is said."""
        file = self.resolve(path)
        if file.device != self.tree.device:
            return 0
        self._includes += 1
        if self._includes > MAX_INCLUDES:
            self.problem(f"reads more than {MAX_INCLUDES} files")
            return 1
        self.budget.spend(_STEPS_OF_A_FILE)
        try:
            identity = self.tree.stat(file.path).identity
            # an entry that leads back to a menu above it would only list that menu again
            if self._active.count(identity) >= (1 if self.in_body else 3):
                if not self.in_body:
                    self.problem(f"{file.path} is read by itself, again and again")
                return 1
            self.visited.add(identity)
            text = read_text(self.tree, file.path)
        except TreeError as error:
            if not self.in_body or error.trouble is not Trouble.MISSING:
                self.problem(error.detail, file.path)
            return 1
        outer = self._active, self.config
        self._active = (*self._active, identity)
        self.config = file.path
        try:
            return self.nested(lambda: self.run_text(text))
        finally:
            self._active, self.config = outer

    def configfile(self, path: str) -> int:
        """Run a file in a context of its own; what it defines is a menu of its own, shown before this one."""
        context, menu = self.context, self.menu
        self.context = context.inner()
        self._spend_on_context()
        self.menu = Menu(self.context)
        menu.nested.append(self.menu)
        folder = path.rpartition("/")[0]
        # normal/main.c:read_config_file: where a configuration comes from, for Fedora's `config_directory`
        for name, value in (("config_file", path), ("config_directory", folder)):
            self.context.set(name, value)
            self.context.exported.add(name)
        try:
            return self.source(path)
        finally:
            self.context, self.menu = context, menu

    def extract(self, path: str, *, new_context: bool) -> int:
        """Run a file for its entries only, which become entries of this menu."""
        context = self.context
        self.context = context.inner() if new_context else context.copy()
        self._spend_on_context()
        try:
            return self.source(path)
        finally:
            self.context = context

    def nested(self, run: Callable[[], int]) -> int:
        """One level deeper, or 1 where it is too deep."""
        if self._depth >= MAX_DEPTH:
            self.problem(f"is nested more than {MAX_DEPTH} deep")
            return 1
        self._depth += 1
        try:
            return run()
        finally:
            self._depth -= 1

    def leave_loops(self, count: int, *, continuing: bool) -> None:
        """`break` and `continue`; outside of a loop they do nothing."""
        self._leaving, self._continuing = min(count, self._loops), continuing

    def leave_function(self) -> None:
        """`return`."""
        self._returning = True

    def shift(self, count: int) -> int:
        """`shift`."""
        if self.scope is None:
            return 0
        if count > len(self.scope):
            return 1
        self.scope = self.scope[count:]
        return 0

    def regex(self, expression: str) -> patterns.Regex:
        """The regular expression, which a loop may ask for again and again. Raises FormatError."""
        known = self._expressions.get(expression)
        if known is None:
            try:
                known = patterns.Regex(expression, self.budget.spend)
            except FormatError as error:
                known = error
            if len(self._expressions) >= _MAX_EXPRESSIONS:
                del self._expressions[next(iter(self._expressions))]
            self._expressions[expression] = known
        if isinstance(known, FormatError):
            raise known.with_traceback(None)
        return known

    # --- running -----------------------------------------------------------------------------------------------

    def run_text(self, text: str) -> int:
        """Run a script, statement by statement; one that makes no sense is a problem and costs itself."""
        status = 0
        for statement in syntax.statements(text, self.budget.spend):
            if isinstance(statement, Mistake):
                self.budget.spend(1)
                self.problem(f"line {statement.line}: {statement.message}")
                status = 1
                self._mistakes += 1
                if self._mistakes > MAX_MISTAKES:
                    self.problem(f"has more than {MAX_MISTAKES} mistakes: the rest is left out")
                    break
            else:
                status = self._execute(statement)
            if self._is_leaving():
                break
        return status

    def run_body(self, item: Item, chosen: str, tail: str | None) -> tuple[Loaded, Menu]:
        """Run an item as GRUB does when it is selected. chosen: the ids that lead to it; tail: what the default says
        behind it. Raises StepsError."""
        # normal/menu.c:grub_menu_execute_entry: a submenu opens a context, an entry runs in the menu's, which is
        # copied here because more entries follow
        context = item.context.inner() if item.is_submenu else item.context.copy()
        context.set("chosen", chosen)
        context.exported.add("chosen")
        if tail:
            context.set("default", tail)
        self.context, self.menu, self.loaded = context, Menu(context), Loaded()
        self.config, self._active, self.in_body = item.config, item.active, True
        # menuentry.c:setparams_prefix: the title is $1
        self.scope = list(item.arguments)
        self._depth = self._loops = self._leaving = self._includes = 0
        self._continuing = self._returning = self.exiting = False
        self.loopbacks = {}
        self._spend_on_context()
        if isinstance(item.body, str):
            self.run_text(item.body)
        else:
            self.run(item.body or ())
        return self.loaded, self.menu

    def _spend_on_context(self) -> None:
        self.budget.spend(1 + len(self.context.values) // 20)

    def run(self, commands: Iterable[Command]) -> int:
        """Run commands until one of them leads away."""
        status = 0
        for command in commands:
            status = self._execute(command)
            if self._is_leaving():
                break
        return status

    def _is_leaving(self) -> bool:
        return self._leaving > 0 or self._returning or self.exiting

    def _execute(self, command: Command) -> int:
        self.budget.spend(1)
        try:
            match command:
                case Simple():
                    status = self._simple(command)
                case If():
                    status = self.nested(lambda: self._if(command))
                case While():
                    status = self.nested(lambda: self._while(command))
                case For():
                    status = self.nested(lambda: self._for(command))
                case Function():
                    self._functions[command.name] = command.body
                    status = 0
        except _TooLongError:
            self.problem("has a command that grows too long")
            status = 1
        self.context.values["?"] = str(status)
        return status

    def _if(self, command: If) -> int:
        for condition, body in command.clauses:
            status = self.run(condition)
            if self._is_leaving():
                return status
            if status == 0:
                return self.run(body)
        return self.run(command.otherwise)

    def _while(self, command: While) -> int:
        self._loops += 1
        status = 0
        while True:
            status = self.run(command.condition)
            if self._leaving == 0 and (self._is_leaving() or (status == 0) == command.until):
                break
            if self._leaving == 0:
                status = self.run(command.body)
            if self._loop_ends():
                break
            self.budget.spend(1)
        self._loops -= 1
        return status

    def _for(self, command: For) -> int:
        words = self.expand(command.words)
        self._loops += 1
        status = 0
        for word in words:
            self.set(command.name, word)
            status = self.run(command.body)
            if self._loop_ends():
                break
            self.budget.spend(1)
        self._loops -= 1
        return status

    def _loop_ends(self) -> bool:
        """Whether break, continue, return or exit ends the innermost loop."""
        if self._leaving == 0:
            return self._returning or self.exiting
        self._leaving -= 1
        return self._leaving > 0 or not self._continuing

    def _simple(self, command: Simple) -> int:
        words = self.expand(command.words)
        self.unset = self._unset_in(command.words)
        if not words:
            return 0
        inverted = words[0] == "!"
        if inverted:
            del words[0]
            if not words:
                return 1
        status = self._call(words[0], words[1:], command)
        # execute.c:grub_script_execute_cmdline: what failed succeeds, and what succeeded fails
        return int(status == 0) if inverted else status

    def _call(self, name: str, arguments: list[str], command: Simple) -> int:
        # execute.c: first the commands, then functions, and as a last resort an assignment
        if known := COMMANDS.get(name):
            return known(self, arguments)
        if defines := WITH_BLOCK.get(name):
            return defines(self, arguments, command.block)
        if (body := self._functions.get(name)) is not None:
            return self.nested(lambda: self._function(body, arguments))
        if "=" in name:
            before, _, value = name.partition("=")
            return self.set(before, value)
        if name in HARMLESS:
            return 0
        # "can't find command": GRUB goes on, and what asked for it is told no
        return 1

    def _function(self, body: tuple[Command, ...], arguments: list[str]) -> int:
        scope, loops = self.scope, self._loops
        self.scope, self._loops = arguments, 0
        status = self.run(body)
        self._returning = False
        self.scope, self._loops = scope, loops
        return status

    # --- words -------------------------------------------------------------------------------------------------

    def expand(self, words: Iterable[Word]) -> list[str]:
        """Words with their variables and wildcards replaced, as script/execute.c:grub_script_arglist_to_argv does."""
        made: list[str] = []
        size = 0
        for word in words:
            if len(word) == 1 and word[0][0] is Kind.TEXT:
                pieces = [(word[0][1], word[0][1])]
            else:
                pieces = self._pieces(word, MAX_TEXT - size)
            for text, pattern in pieces:
                if ("*" in pattern or "?" in pattern) and (found := self._files(pattern)):
                    made += found
                    size += sum(map(len, found))
                else:
                    made.append(text)
                    size += len(text)
            if size > MAX_TEXT:
                raise _TooLongError
        self.budget.spend(size // 1024 + len(made) // 16)
        return made

    def _unset_in(self, words: Iterable[Word]) -> list[tuple[int, str, str]]:
        found = []
        for number, word in enumerate(words):
            for kind, content in word:
                if kind in _VARIABLES and content not in self.context.values and _NAME.match(content):
                    first = word[0][1] if word[0][0] not in _VARIABLES else ""
                    found.append((number, parameter_of(first), content))
        return found

    def _pieces(self, word: Word, room: int) -> list[tuple[str, str]]:
        """(text, text as a pattern) of everything that one word becomes: none, one or several."""
        made: list[tuple[str, str]] = []
        texts: list[str] = []
        marks: list[str] = []
        exists = False

        def end() -> None:
            nonlocal exists
            if exists:
                made.append(("".join(texts), "".join(marks)))
            texts.clear()
            marks.clear()
            exists = False

        for kind, content in word:
            match kind:
                case Kind.TEXT | Kind.QUOTED:
                    values = [content]
                case Kind.VARIABLE:
                    values = [part for value in self._values(content) for part in value.split()]
                case Kind.QUOTED_VARIABLE:
                    values = self._values(content)
                    values = values if content == "@" else [" ".join(values)]
            for number, value in enumerate(values):
                if number:
                    end()
                exists = True
                room -= len(value)
                if room < 0:
                    raise _TooLongError
                texts.append(value)
                marks.append(value if kind in (Kind.TEXT, Kind.VARIABLE) else _escaped(value))
        end()
        return made

    def _values(self, name: str) -> list[str]:
        """What a variable stands for: one value, or every positional parameter."""
        scope = self.scope or []
        match name:
            case "@" | "*":
                return scope
            case "#":
                return [str(len(scope))]
        if name[0].isdigit():
            number = int(name[:9])
            return [scope[number - 1]] if 0 < number <= len(scope) else [""]
        return [self.context.get(name)]

    def _files(self, pattern: str) -> list[str]:
        """The files of this partition that a pattern matches; none when it is no path on it."""
        # commands/wildcard.c: a pattern is matched folder by folder; ( and / begin a path, all else is no file
        device, place = "", pattern
        if pattern.startswith("("):
            device, _, place = pattern.partition(")")
            device += ")"
        if not place.startswith("/") or "*" in device or "?" in device:
            return []
        if self.resolve(f"{_unescaped(device)}/").device != self.tree.device:
            return []
        found = [""]
        for part in place.split("/")[1:]:
            if "*" not in part and "?" not in part:
                found = [f"{path}/{_unescaped(part)}" for path in found]
                continue
            self.budget.spend(len(found) + len(part) // _STEPS_OF_MATCHING)
            wildcard = patterns.Wildcard(part)
            paths = (
                f"{path}/{name}"
                for path in found
                for name in self.names(path or "/")
                if self._matches(wildcard, name) and not (name.startswith(".") and not part.startswith("."))
            )
            found = list(itertools.islice(paths, _MAX_EXPANSIONS))
        device = _unescaped(device)
        return [device + path for path in found if self.stat(device + path)]

    def _matches(self, wildcard: patterns.Wildcard, name: str) -> bool:
        before = wildcard.steps
        matched = wildcard.matches(name)
        # the cheap ones are paid for with the listing
        self.budget.spend((wildcard.steps - before) // _STEPS_OF_MATCHING)
        return matched


def _escaped(text: str) -> str:
    if not any(char in text for char in "\\*?"):
        return text
    return "".join(f"\\{char}" if char in "\\*?" else char for char in text)


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    made, at = [], 0
    while at < len(text):
        at += text[at] == "\\" and at + 1 < len(text)
        made.append(text[at])
        at += 1
    return "".join(made)


Block = tuple[Command, ...] | None
Implementation = Callable[[Interpreter, list[str]], int]
"""A command: its arguments in, 0 or another status out."""

COMMANDS: dict[str, Implementation] = {}
"""Filled by commands.py."""
WITH_BLOCK: dict[str, Callable[[Interpreter, list[str], Block], int]] = {}
"""The commands that take the block behind them; also filled there."""

HARMLESS = frozenset(
    # screen, sound, modules, hardware: nothing that decides what is started
    "insmod rmmod loadfont terminal_input terminal_output terminal_setup terminfo terminal serial gfxmode"
    " background_image background_color echo clear cls play sleep vbeinfo videoinfo lsmod lsfonts keymap"
    " list_env list_trusted password password_pbkdf2 authenticate gettext nativedisk true : cat ls help"
    " date acpi badram cutmem fakebios fix_video loadbios usb outb outw outl write_byte write_word write_dword"
    " rmmod blocklist hexdump cryptomount parttool gptsync trust distrust verify_detached efi-watchdog"
    " bls_import_done increment lockdown shim_lock tpm2_key_protector_init module multiboot multiboot2 module2"
    " xen_hypervisor xen_module chainloader ntldr freedos drivemap fwsetup kfreebsd knetbsd kopenbsd xnu_kernel"
    " appleloader plan9 truecrypt linux_kexec hdparm setpci progress dump".split()
)
