# SPDX-License-Identifier: MIT
"""What Fedora's GRUB adds to Boot Loader Specification entries: variables, kept in its environment block."""

from __future__ import annotations

from bootmenu.errors import BootmenuError
from bootmenu.model.entry import CommandLine
from bootmenu.model.value import Value
from bootmenu.sources import Platform
from bootmenu.sources.parsers.grub import environment
from bootmenu.sources.parsers.grub.menus import Budgets, run
from bootmenu.sources.tree import Tree, TreeError, exists, normal
from bootmenu.sources.variables import needed, parameter_of

_MAX_FOLDERS = 32
_VITAL = "kernelopts"
"""Of RHEL 8 and older Fedoras; it may be in the grubenv of another partition."""


class Variables(Value):
    """What `blscfg` would know when it reads the entries of one folder."""

    values: dict[str, str]
    read: bool = True
    """Something that could have set them was read."""
    preferred: str = ""
    """The entry that GRUB's menu starts, by its file's name without .conf; empty when it is none of these."""

    def options(self, lines: list[str]) -> CommandLine:
        """The command line: its variables replaced, or `default_kernelopts` for an entry that has no options."""
        # grub-core/commands/blscfg.c of Fedora's GRUB: options = expand_val(bls_get_val(entry, "options")), and when
        # there are none, expand_val(grub_env_get("default_kernelopts"))
        # What an entry cannot do without stays as it is where nothing sets it, to be seen and to be judged.
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
        """Paths of the first `most` files. A line with a variable may be several, or none: `$tuned_initrd`."""
        found: list[str] = []
        for line in lines:
            if len(found) >= most:
                break
            # blscfg writes "initrd ($root)LINE" into a script, where a variable is split at spaces and a path is not
            found += environment.expand(line, self.values).split() if "$" in line else [line]
        # blscfg.c: early_initrd is a list of file names, which lie beside the first initrd or else the kernel
        folder = normal((lines or [kernel])[0]).rpartition("/")[0]
        early = self.values.get("early_initrd", "").split()[:most]
        return [*(f"{folder}/{name}" for name in early), *found][:most]

    def default(self, entries: list[tuple[str, str]]) -> int | None:
        """Which of the entries (file name without .conf, title) GRUB would start; None when it does not read them."""
        wanted = self.values.get("default", "")
        names, titles = [name for name, _ in entries], [title for _, title in entries]
        for name, among in ((wanted, names), (wanted, titles), (self.preferred, names)):
            if name and name in among:
                return among.index(name)
        return None

    def missing(self, lines: list[str]) -> str:
        """A variable that an entry cannot do without and that nothing sets; empty when there is none."""
        # tuned_params and the like are extras, and often unset; kernelopts holds root=
        wanted = {name for line in lines for name in environment.names_in(line)}
        return _VITAL if _VITAL in wanted - self.values.keys() else ""


def variables(tree: Tree, boot: str, platform: Platform) -> Variables:
    """Of the entries in `boot`/loader/entries; `boot` is a folder without a slash at its end, so "" is the root."""
    # what grub.cfg has set by the end of its menu, which includes what it loaded from the environment block
    for path in (f"{boot}/grub2/grub.cfg", f"{boot}/grub/grub.cfg"):
        if exists(tree, path) and (found := run(tree, path, Budgets(), platform, bodies=False)).bls is not None:
            return Variables(found.bls.values, preferred=found.bls_default)
    for path in (f"{boot}/grub2/grubenv", f"{boot}/grub/grubenv", *_firmware_blocks(tree, boot)):
        try:
            return Variables(environment.parse(tree.read(path, environment.LIMIT)))
        except BootmenuError:
            continue  # Fedora's is a link to the EFI system partition, or a broken block: as good as none
    return Variables({}, read=False)


def _firmware_blocks(tree: Tree, boot: str) -> list[str]:
    for folder in ("/EFI", f"{boot}/efi/EFI"):
        try:
            return [f"{folder}/{name}/grubenv" for name in tree.list(folder)[:_MAX_FOLDERS]]
        except TreeError:
            continue
    return []
