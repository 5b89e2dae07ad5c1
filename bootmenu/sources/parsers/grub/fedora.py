# SPDX-License-Identifier: MIT
"""Fedora's extension of Boot Loader Specification entries: variables in GRUB's environment block."""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import CommandLine
from bootmenu.model.value import Value
from bootmenu.sources import Platform, neighbours
from bootmenu.sources.parsers.grub import environment
from bootmenu.sources.parsers.grub.grub_files import homes
from bootmenu.sources.tree import Tree, exists, firmware_files, normal
from bootmenu.sources.variables import needed, parameter_of

_VITAL = "kernelopts"
"""The options of entries in RHEL 8 and older Fedoras; with EFI it is set on the EFI system partition."""


class Variables(Value):
    """The variables that are set when `blscfg` reads the entries of one directory."""

    values: dict[str, str]
    read: bool = True
    """Whether a file that may set them was read."""
    configured: bool = False
    """Whether a grub.cfg was run, which sets $default."""
    preferred: str = ""
    """File name without .conf of the default entry in GRUB's menu; empty if the default is another kind of entry."""

    def options(self, lines: list[str]) -> CommandLine:
        """Return the command line with variables replaced, or `default_kernelopts` for an entry without options."""
        # grub-core/commands/blscfg.c of Fedora's GRUB: options = expand_val(bls_get_val(entry, "options")), and when
        # there are none, expand_val(grub_env_get("default_kernelopts"))
        # If unset, the vital variable is kept in the text, so that people and checks see it.
        values = {_VITAL: f"${_VITAL}", **self.values}
        stated = " ".join(lines) or values.get("default_kernelopts", "")
        text = environment.expand(stated, values).strip()
        unset = [
            (parameter_of(word), name)
            for word in stated.split()
            for name in environment.names_in(word)
            if name not in values
        ]
        return CommandLine(text, unset=needed(text, unset, known=self.read))

    def initrds(self, lines: list[str], kernel: str, most: int) -> list[str]:
        """Return the paths of the first `most` initrds. A line with a variable may give several or none
        (`$tuned_initrd`)."""
        found: list[str] = []
        for line in lines:
            if len(found) >= most:
                break
            # blscfg writes "initrd ($root)LINE" into a script, which splits variables at spaces, but not paths
            found += environment.expand(line, self.values).split() if "$" in line else [line]
        # blscfg.c: early_initrd is a list of file names in the directory of the first initrd, or else of the kernel
        folder = normal((lines or [kernel])[0]).rpartition("/")[0]
        early = self.values.get("early_initrd", "").split()[:most]
        return [*(f"{folder}/{name}" for name in early), *found][:most]

    def default(self, entries: list[tuple[str, str]]) -> int | None:
        """Return the number of the entry (file name without .conf, title) that GRUB would start, or None if none of
        these."""
        # without a grub.cfg, GRUB has the configuration in itself, which takes the default from its environment:
        # openSUSE's sdbootutil (set_default_grub2_bls) writes `default=ID.conf`, Fedora `saved_entry=ID`
        wanted = self.values.get("default") or ("" if self.configured else self.values.get("saved_entry", ""))
        names, titles = [name for name, _ in entries], [title for _, title in entries]
        for name, among in (
            *((wanted, names), (wanted, titles), (wanted.removesuffix(".conf"), names)),
            (self.preferred, names),
        ):
            if name and name in among:
                return among.index(name)
        return None

    @property
    def devicetree(self) -> str:
        """Return the path of the device tree of entries that name none, or empty."""
        # blscfg.c takes it from GRUB's environment; /etc/default/grub has it as GRUB_DEFAULT_DTB
        return self.values.get("devicetree", "")

    def missing(self, lines: list[str]) -> str:
        """Return the unset variable that an entry depends on, or empty."""
        # tuned_params and the like are optional and often unset; kernelopts contains root=
        wanted = {name for line in lines for name in environment.names_in(line)}
        return _VITAL if _VITAL in wanted - self.values.keys() else ""


def variables(tree: Tree, boot: str, platform: Platform) -> Variables:
    """Return the variables for the entries in `boot`/loader/entries. boot: a directory without trailing slash."""
    # the variables at the end of grub.cfg include those loaded from the environment block
    own = (*firmware_files(tree, "grub.cfg"), f"{boot}/grub2/grub.cfg", f"{boot}/grub/grub.cfg")
    configurations = [*homes(tree), *((tree, path) for path in own if exists(tree, path))]
    if configurations:
        # a shell takes long to import, and most directories of entries have no grub.cfg
        from bootmenu.sources.parsers.grub.menus import Budgets, run

        budgets, others = Budgets(), Budgets()
        for home, path in configurations:
            found = run(home, path, budgets if home is tree else others, platform, listing=tree, bodies=False)
            if found.bls is not None:
                return Variables(found.bls.values, configured=True, preferred=found.bls_default)
    for home, path in _environment_blocks(tree, boot):
        try:
            return Variables(environment.parse(home.read(path, environment.LIMIT)))
        except BootmenuError:
            continue  # a broken block, or Fedora's link to the EFI system partition
    return Variables({}, read=False)


def _environment_blocks(tree: Tree, boot: str) -> Iterator[tuple[Tree, str]]:
    for path in (f"{boot}/grub2/grubenv", f"{boot}/grub/grubenv"):
        yield tree, path
    for above in ("", f"{boot}/efi"):
        yield from ((tree, path) for path in firmware_files(tree, "grubenv", above))
    for other in neighbours.homes(tree):
        yield from ((other, path) for path in firmware_files(other, "grubenv"))
