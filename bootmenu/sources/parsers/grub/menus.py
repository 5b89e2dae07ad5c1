# SPDX-License-Identifier: MIT
"""Turn a grub.cfg into entries: run the configuration, then the body of each item in its menus."""

from __future__ import annotations

from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, field, replace
from bootmenu.sources import Platform
from bootmenu.sources.menu_titles import titled
from bootmenu.sources.parsers.grub import builtin_commands  # noqa: F401 - registers the commands
from bootmenu.sources.parsers.grub.grub_target import own_name
from bootmenu.sources.parsers.grub.interpreter import Interpreter
from bootmenu.sources.parsers.grub.loader_commands import LINUX
from bootmenu.sources.parsers.grub.script_values import (
    MAX_ITEMS,
    MAX_TEXT,
    Budget,
    Context,
    Item,
    LoadedFiles,
    Menu,
    StepsError,
)
from bootmenu.sources.parsers.grub.shell_state import quoted
from bootmenu.sources.parsers.grub.syntax import Command, For, If, Simple, While, WordPartKind
from bootmenu.sources.tree import Tree
from bootmenu.sources.variables import needed

STEPS = 100_000
"""Steps for one configuration, without the bodies of its entries."""
STEPS_OF_ALL = 200_000
"""Steps for all configurations of a partition."""
BODY_STEPS = 20_000
"""Steps for the body of one entry."""
SUBMENU_STEPS = 100_000
"""Steps for the body of one submenu, which often is a configuration of its own."""
BODY_STEPS_OF_ALL = 200_000
"""Steps for all bodies of a partition."""
_MAX_LEVELS = 8


class Budgets(Record):
    """The steps that are left for a partition."""

    scripts: Budget = field(default_factory=lambda: Budget(STEPS_OF_ALL))
    bodies: Budget = field(default_factory=lambda: Budget(BODY_STEPS_OF_ALL))


class GrubConfiguration(Record):
    """The result of running one grub.cfg."""

    entries: list[BootEntry] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    visited: set[tuple[int, int]] = field(default_factory=set)
    """Identities of the files that it read."""
    bls: Context | None = None
    """The variables at the end of the menu that called `blscfg` for the partition, or None if none did."""
    bls_default: str = ""
    """File name without .conf of the default entry in that menu; empty if that is not an entry of `blscfg`."""


def run(
    tree: Tree,
    path: str,
    budgets: Budgets,
    platform: Platform,
    *,
    listing: Tree | None = None,
    bodies: bool = True,
) -> GrubConfiguration:
    """Run the configuration at this path as that machine's GRUB would.

    listing: the partition whose entries are wanted, if that is another one. bodies: also run the bodies of its
    entries; otherwise the result has no entries.
    """
    listing = listing or tree
    shell = Interpreter(tree, path, Budget(STEPS, budgets.scripts), platform)
    shell.context.set("config_file", f"({own_name(tree)}){path}")
    shell.context.set("config_directory", f"({own_name(tree)}){path.rpartition('/')[0]}")
    menu = shell.menu
    try:
        shell.source(f"({own_name(tree)}){path}")
    except StepsError:
        shell.problem(f"runs for more than {STEPS:,} steps: the rest is left out")
    bls = shell.bls.get(listing.device)
    collector = _Collector(shell, listing, budgets.bodies)
    if shell.loaded.kernel is not None and shell.exiting:
        # a configuration without a menu, which boots a kernel directly
        config = FileRef(device=tree.device, path=path, exists=True)
        entry = collector.entry(path, path, config, shell.loaded) if listing is tree else None
        entries = [replace(entry, default=True)] if entry else []  # GRUB starts it without asking
    else:
        if bodies:
            collector.menu(menu, (), True)
        entries = collector.entries
    problems = [problem for problem in shell.problems if problem.device == listing.device]
    found = GrubConfiguration(entries, problems, shell.visited, bls)
    if bls is not None:
        found.bls_default = _bls_default(menu, bls)
    return found


def _bls_default(menu: Menu, context: Context) -> str:
    if menu.context is context:
        number, _ = find_default(menu.items, context)
        chosen = menu.items[number] if number < len(menu.items) else None
        return chosen.id if chosen is not None and chosen.body is None else ""
    return next((name for inner in menu.nested if (name := _bls_default(inner, context))), "")


class _Collector:
    """Walk through menus and run their items."""

    def __init__(self, shell: Interpreter, listing: Tree, budget: Budget) -> None:
        self._shell = shell
        self._listing = listing
        self._budget = budget
        self._text = 0
        self._full = False
        self._default_found = False
        self._seen: set[BootEntry] = set()
        self.entries: list[BootEntry] = []

    def menu(self, menu: Menu, above: tuple[Item, ...], may_be_default: bool) -> None:
        """Run all items of a menu. above: the submenus that lead to it."""
        for inner in menu.nested:
            self.menu(inner, above, may_be_default)
            # the menu of a `configfile` is shown first, so its default is booted
            may_be_default = may_be_default and not _holds_items(inner)
        chosen, tail = find_default(menu.items, menu.context) if may_be_default else (-1, None)
        for number, item in enumerate(menu.items):
            if item.body is None or item.listed_by != self._listing.device:
                continue  # listed by another format, or with another partition
            if self._full:
                return
            if len(self.entries) >= MAX_ITEMS:
                self._shell.problem(f"has more than {MAX_ITEMS:,} entries: the rest is left out")
                return
            self._item(item, above, number == chosen, tail)

    def _item(self, item: Item, above: tuple[Item, ...], is_default: bool, tail: str | None) -> None:
        shell = self._shell
        path = (*above, item)
        steps = SUBMENU_STEPS if item.is_submenu else BODY_STEPS
        budget = Budget(steps, self._budget)
        shell.budget = budget
        finished = True
        try:
            chosen = ">".join(each.id.replace(">", ">>") for each in path)
            loaded, menu = shell.run_body(item, chosen, tail)
        except StepsError:
            if self._budget.left < 0:
                self._full = True
                shell.problem(f"its entries take more than {BODY_STEPS_OF_ALL:,} steps: the rest is left out")
                return
            what = "submenu" if item.is_submenu else "entry"
            rest = ": the rest is left out" if item.is_submenu else ""
            shell.problem(f"the {what} {quoted(item.title)} runs for more than {steps:,} steps{rest}")
            loaded, menu, finished = shell.loaded, shell.menu, False
        in_image = loaded.kernel is not None and loaded.kernel.device in shell.loopbacks.values()
        if loaded.kernel is not None and in_image and loaded.kernel.path == "/" and finished:
            shell.problem(f"the entry {quoted(item.title)} starts no kernel: what would name it is not read here")
        elif loaded.kernel is not None and _NETWORK.match(loaded.kernel.device):
            shell.problem(f"the entry {quoted(item.title)} is on the network, which is not supported")
        elif loaded.kernel is not None and finished:
            # without an id in the configuration use the path of titles
            entry_id = item.id if item.given_id else ">".join(each.title for each in path)
            title = titled((" ".join(each.title.split()) for each in above), item.title)
            entry = self.entry(entry_id, title, item.config, loaded)
            if entry is not None:
                self._add(entry, is_default)
        elif menu.items or menu.nested:
            if len(path) > _MAX_LEVELS:
                shell.problem(f"has menus more than {_MAX_LEVELS} deep")
                return
            self.menu(menu, path, is_default)
        elif finished and not item.is_submenu and not isinstance(item.body, str) and _names_linux(item.body or ()):
            shell.problem(f"the entry {quoted(item.title)} starts no kernel: its conditions are not met here")

    def _add(self, entry: BootEntry, is_default: bool) -> None:
        if entry in self._seen:
            return  # the file was read twice
        self._seen.add(entry)
        if is_default and not self._default_found:
            self._default_found = True
            entry = replace(entry, default=True)
        self.entries.append(entry)

    def entry(self, entry_id: str, title: str, config: FileRef, loaded: LoadedFiles) -> BootEntry | None:
        """Return an entry for the loaded files, or None if all entries together would be too large."""
        assert loaded.kernel is not None
        cmdline = command_line(loaded.arguments)
        self._text += len(cmdline) + len(entry_id) + len(title) + sum(len(file.path) for file in loaded.initrds)
        if self._text > 8 * MAX_TEXT or len(loaded.initrds) > 256:
            self._full = True
            self._shell.problem("its entries are too large: the rest is left out")
            return None
        name = " ".join(title.split()) or loaded.kernel.path
        return BootEntry(
            id=entry_id.strip() or name,
            title=name,
            source="grub",
            config=config,
            device=self._listing.device,
            kernel=self._here(loaded.kernel),
            initrds=tuple(map(self._here, loaded.initrds)),
            dtb=self._here(loaded.dtb) if loaded.dtb else None,
            cmdline=CommandLine(cmdline, unset=needed(cmdline, loaded.unset, known=not self._shell.unread)),
        )

    def _here(self, file: FileRef) -> FileRef:
        """Return the file, on the listed partition by that one's own name."""
        own = self._shell.tree_of(file.device) is self._listing
        return replace(file, device=self._listing.device) if own else file


def _holds_items(menu: Menu) -> bool:
    return bool(menu.items) or any(map(_holds_items, menu.nested))


# the manual, Device syntax: (http,192.0.2.1), or without a server the one that GRUB came from
_NETWORK = regex(r"(?:https?|tftp|pxe)(?:,|\Z)")
_SPECIAL = regex(r"\\(?!x[0-9a-fA-F]{2})|['\"]")


def command_line(arguments: list[str]) -> str:
    """Return the command line that GRUB passes to the kernel; quote arguments with spaces."""
    # lib/cmdline.c:grub_create_loader_cmdline: quotes and backslashes are escaped, \xNN is not
    words = (_SPECIAL.sub(lambda match: f"\\{match[0]}", argument) for argument in arguments)
    return " ".join(f'"{word}"' if " " in word else word for word in words)


def find_default(items: list[Item], context: Context) -> tuple[int, str | None]:
    """Return (number of the default item, the rest of $default after the first >)."""
    # normal/menu.c:get_entry_number: $default is an id, or a title, or a number; otherwise the first entry is the
    # default; > separates the levels, >> is a literal >
    wanted = context.get("default")
    first, tail = _split(wanted)
    number = _index(items, first)
    if number is None and first == "saved":
        # as in /etc/default/grub, which grub-mkconfig converts to $saved_entry
        first, tail = _split(context.get("saved_entry"))
        number = _index(items, first)
    if number is None:
        return 0, None
    return number, tail


def _index(items: list[Item], wanted: str) -> int | None:
    for name in ("id", "title"):
        for number, item in enumerate(items):
            if getattr(item, name) == wanted:
                return number
    if wanted.isdecimal() and len(wanted) < 6 and int(wanted) < len(items):
        return int(wanted)
    return None


def _split(text: str) -> tuple[str, str | None]:
    at = 0
    while (at := text.find(">", at)) >= 0:
        if not text.startswith(">>", at):
            return text[:at].replace(">>", ">"), text[at + 1 :] or None
        at += 2
    return text.replace(">>", ">"), None


def _names_linux(body: tuple[Command, ...]) -> bool:
    """Return whether any of these commands loads a kernel."""
    pending = list(body)
    while pending:
        command = pending.pop()
        match command:
            case Simple():
                first = command.words[0]
                if len(first) == 1 and first[0][0] is WordPartKind.TEXT and first[0][1] in LINUX:
                    return True
            case If():
                for _, inner in command.clauses:
                    pending += inner
                pending += command.otherwise
            case While() | For():
                pending += command.body
    return False
