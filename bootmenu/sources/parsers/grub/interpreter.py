# SPDX-License-Identifier: MIT
"""Interpret GRUB's language: variables, functions, loops, and the resulting menu.

Nothing is written. Steps, depth, variables, entries and text are limited, but not the time, so that a disk always
gives the same result. Commands for the screen, modules or hardware do nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bootmenu.sources import Platform
from bootmenu.sources.parsers.grub import syntax
from bootmenu.sources.parsers.grub.grub_files import is_own_configuration
from bootmenu.sources.parsers.grub.script_values import Budget, Item, LoadedFiles, Menu
from bootmenu.sources.parsers.grub.shell_state import STEPS_OF_A_FILE, ShellState
from bootmenu.sources.parsers.grub.syntax import Command, For, Function, If, Mistake, Simple, While
from bootmenu.sources.parsers.grub.word_expansion import TooLongError, expand, unset_variables
from bootmenu.sources.tree import Tree, TreeError, TreeErrorReason, read_text

MAX_DEPTH = 64
"""Depth of nested functions, files, loops and conditions."""
MAX_INCLUDES = 256
"""Files that one configuration may read."""
MAX_MISTAKES = 100
"""Syntax errors after which the rest is ignored."""


class Interpreter(ShellState):
    """Run one configuration, and then the bodies of its entries."""

    def __init__(self, tree: Tree, config: str, budget: Budget, platform: Platform) -> None:
        super().__init__(tree, config, budget, platform)
        self._functions: dict[str, tuple[Command, ...]] = {}
        self._depth = 0
        self._includes = 0
        self._mistakes = 0
        # as in grub-core/script/execute.c: the number of running loops, how many of them to leave, and how
        self._loops = 0
        self._leaving = 0
        self._continuing = False
        self._returning = False

    # ---- files

    def source(self, path: str) -> int:
        """Run a file in this context; silently skip one on a partition that cannot be read here."""
        file = self.resolve(path)
        tree = self.tree_of(file.device)
        if tree is None:
            self.unread = True
            return 0
        self._includes += 1
        if self._includes > MAX_INCLUDES:
            self.problem(f"reads more than {MAX_INCLUDES} files")
            return 1
        self.budget.spend(STEPS_OF_A_FILE)
        try:
            identity = tree.stat(file.path).identity
            # an entry that leads back to a menu above it would list that menu again
            if self.active.count(identity) >= (1 if self.in_body else 3):
                if not self.in_body:
                    self.problem(f"{file.path} includes itself")
                return 1
            self.visited.add(identity)
            text = read_text(tree, file.path)
        except TreeError as error:
            if not self.in_body or error.reason is not TreeErrorReason.MISSING:
                self.problem(error.detail, file.path)
            return 1
        outer = self.active, self.config, self.config_device, self.listed_by
        self.active = (*self.active, identity)
        if tree.device != self.config_device and is_own_configuration(file.path):
            self.listed_by = tree.device
        self.config, self.config_device = file.path, tree.device
        try:
            return self.nested(lambda: self.run_text(text))
        finally:
            self.active, self.config, self.config_device, self.listed_by = outer

    def configfile(self, path: str) -> int:
        """Run a file in its own context; its items make a separate menu, which is shown before this one."""
        context, menu = self.context, self.menu
        self.context = context.inner()
        self._spend_on_context()
        self.menu = Menu(self.context)
        menu.nested.append(self.menu)
        folder = path.rpartition("/")[0]
        # normal/main.c:read_config_file sets these; Fedora's configuration uses `config_directory`
        for name, value in (("config_file", path), ("config_directory", folder)):
            self.context.set(name, value)
            self.context.exported.add(name)
        try:
            return self.source(path)
        finally:
            self.context, self.menu = context, menu

    def extract(self, path: str, *, new_context: bool) -> int:
        """Run a file and add its entries to this menu."""
        context = self.context
        self.context = context.inner() if new_context else context.copy()
        self._spend_on_context()
        try:
            return self.source(path)
        finally:
            self.context = context

    # ---- scripts

    def run_text(self, text: str) -> int:
        """Run a script statement by statement; report syntax errors and continue after them."""
        status = 0
        for statement in syntax.statements(text, self.budget.spend):
            if isinstance(statement, Mistake):
                self.budget.spend(1)
                self.problem(f"line {statement.line}: {statement.message}")
                status = 1
                self._mistakes += 1
                if self._mistakes > MAX_MISTAKES:
                    self.problem(f"has more than {MAX_MISTAKES} syntax errors: the rest is left out")
                    break
            else:
                status = self._execute(statement)
            if self._is_leaving():
                break
        return status

    def run_body(self, item: Item, chosen: str, tail: str | None) -> tuple[LoadedFiles, Menu]:
        """Run an item as GRUB does when it is selected, and return what it loaded and its menu. Raise StepsError.

        chosen: the value of $chosen, the ids that lead to it. tail: the rest of $default after this item."""
        # normal/menu.c:grub_menu_execute_entry: a submenu opens a context, an entry runs in the menu's, which is
        # copied here because more entries follow
        context = item.context.inner() if item.is_submenu else item.context.copy()
        context.set("chosen", chosen)
        context.exported.add("chosen")
        if tail:
            context.set("default", tail)
        self.context, self.menu, self.loaded = context, Menu(context), LoadedFiles()
        self.config, self.config_device = item.config.path, item.config.device
        self.listed_by, self.active, self.in_body = item.listed_by, item.active, True
        # menuentry.c:setparams_prefix: the title is $1
        self.scope = list(item.arguments)
        self._depth = self._loops = self._leaving = self._includes = 0
        self._continuing = self._returning = self.exiting = False
        # what its menu set up is there, and what another item sets up is not
        self.loopbacks = dict(item.loopbacks)
        self._spend_on_context()
        if isinstance(item.body, str):
            self.run_text(item.body)
        else:
            self.run(item.body or ())
        return self.loaded, self.menu

    def _spend_on_context(self) -> None:
        self.budget.spend(1 + len(self.context.values) // 20)

    def run(self, commands: Iterable[Command]) -> int:
        """Run commands until one of them leaves the loop, the function or the script."""
        status = 0
        for command in commands:
            status = self._execute(command)
            if self._is_leaving():
                break
        return status

    def nested(self, run: Callable[[], int]) -> int:
        """Call `run` one nesting level deeper; return 1 if that is too deep."""
        if self._depth >= MAX_DEPTH:
            self.problem(f"is nested more than {MAX_DEPTH} deep")
            return 1
        self._depth += 1
        try:
            return run()
        finally:
            self._depth -= 1

    def leave_loops(self, count: int, *, continuing: bool) -> None:
        """Do what `break` and `continue` do; do nothing outside of loops."""
        self._leaving, self._continuing = min(count, self._loops), continuing

    def leave_function(self) -> None:
        """Do what `return` does."""
        self._returning = True

    def _is_leaving(self) -> bool:
        return self._leaving > 0 or self._returning or self.exiting

    # ---- statements

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
        except TooLongError:
            self.problem("has a command that is too long")
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
        words = expand(self, command.words)
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
        """Return whether break, continue, return or exit ends the innermost loop."""
        if self._leaving == 0:
            return self._returning or self.exiting
        self._leaving -= 1
        return self._leaving > 0 or not self._continuing

    def _simple(self, command: Simple) -> int:
        words = expand(self, command.words)
        self.unset = unset_variables(self, command.words)
        if not words:
            return 0
        inverted = words[0] == "!"
        if inverted:
            del words[0]
            if not words:
                return 1
        status = self._call(words[0], words[1:], command)
        # execute.c:grub_script_execute_cmdline: ! inverts the status
        return int(status == 0) if inverted else status

    def _call(self, name: str, arguments: list[str], command: Simple) -> int:
        # execute.c: first commands, then functions, and finally assignments
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
        # "can't find command": GRUB continues with an error status
        return 1

    def _function(self, body: tuple[Command, ...], arguments: list[str]) -> int:
        scope, loops = self.scope, self._loops
        self.scope, self._loops = arguments, 0
        status = self.run(body)
        self._returning = False
        self.scope, self._loops = scope, loops
        return status


Block = tuple[Command, ...] | None
Implementation = Callable[[Interpreter, list[str]], int]
"""A command: takes its arguments and returns 0 or an error status."""

COMMANDS: dict[str, Implementation] = {}
"""All commands; filled by builtin_commands.py and loader_commands.py."""
WITH_BLOCK: dict[str, Callable[[Interpreter, list[str], Block], int]] = {}
"""The commands with a block; also filled there."""


def command(*names: str) -> Callable[[Implementation], Implementation]:
    """Register a function as the command of these names."""

    def add(function: Implementation) -> Implementation:
        COMMANDS.update(dict.fromkeys(names, function))
        return function

    return add


HARMLESS = frozenset(
    # screen, sound, modules, hardware: nothing that affects what is booted
    "insmod rmmod loadfont terminal_input terminal_output terminal_setup terminfo terminal serial gfxmode"
    " background_image background_color echo clear cls play sleep vbeinfo videoinfo lsmod lsfonts keymap"
    " list_env list_trusted password password_pbkdf2 authenticate gettext nativedisk true : cat ls help"
    " date acpi badram cutmem fakebios fix_video loadbios usb outb outw outl write_byte write_word write_dword"
    " rmmod blocklist hexdump cryptomount parttool gptsync trust distrust verify_detached efi-watchdog"
    " bls_import_done increment lockdown shim_lock tpm2_key_protector_init module multiboot multiboot2 module2"
    " xen_hypervisor xen_module ntldr freedos drivemap fwsetup kfreebsd knetbsd kopenbsd xnu_kernel"
    " appleloader plan9 truecrypt linux_kexec hdparm setpci progress dump".split()
)
