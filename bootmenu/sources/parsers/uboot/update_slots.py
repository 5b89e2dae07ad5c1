# SPDX-License-Identifier: MIT
"""The slots between which a script chooses by variables that an update client keeps in U-Boot's environment.

The environment is usually outside all file systems, so it is not known which slot is started: the script is followed
once for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import islice

from bootmenu.model.regex import regex
from bootmenu.model.value import Value
from bootmenu.sources import neighbours
from bootmenu.sources.parsers.uboot.loader_variables import DiskNames
from bootmenu.sources.tree import Tree

_MAX_SLOTS = 4
# rauc, docs/integration.rst, U-Boot: "BOOT_ORDER" has the bootnames of slots in the order in which they are tried,
# and "BOOT_<bootname>_LEFT" the attempts that each of them has left
_ORDER, _ATTEMPTS = "BOOT_ORDER", regex(r"\bBOOT_(\w{1,32}?)_LEFT\b")
_DEFAULT_ORDER = regex(r"\b(?:setenv|env set) BOOT_ORDER[ \t]+[\"']?(\w[\w \t]{0,100})")
# meta-mender, recipes-bsp/u-boot: mender_setup sets the others from mender_boot_part
_MENDER = regex(r"\bmender_(?:uboot_root|boot_part)\b")
# SWUpdate's and others' scripts, which have no names in common: a number of a partition with a default, in a script
# that stores variables
_STORES = regex(r"\bsaveenv\b|\benv save\b|\bupgrade_available\b")
_NUMBER = regex(r"\btest -[zn] \"?\$\{(\w{0,24}(?:part|slot|bank)\w{0,24})\}")
_FIRMWARES_OWN = frozenset(("distro_bootpart", "bootpart", "partition", "mmcbootpart"))


class UpdateSlot(Value, kw_only=True):
    """A slot, and the variables with which a script starts it."""

    name: str
    variables: Mapping[str, str]
    decided_by: str
    """The variable that decides whether it is this one."""


NO_SLOT = UpdateSlot(name="", variables={}, decided_by="")
"""What a script without slots is followed with."""


def slots(text: str, tree: Tree, env: Mapping[str, str]) -> list[UpdateSlot]:
    """Return the slots of a script whose variables are `env`; nothing if it has none."""
    if _ORDER in text:
        names = [*dict.fromkeys(_ATTEMPTS.findall(text))]
        if default := _DEFAULT_ORDER.search(text):
            names = [*dict.fromkeys([*default[1].split(), *names])]
        # of slots that are tried one after the other, the first with attempts left
        known = [name for name in env.get(_ORDER, "").split() if env.get(f"BOOT_{name}_LEFT") != "0"]
        names.sort(key=lambda name: name not in known[:1])
        return [
            UpdateSlot(
                name=name,
                variables={_ORDER: name, f"BOOT_{name}_LEFT": "3"},
                decided_by="" if name in known[:1] else _ORDER,
            )
            for name in names[:_MAX_SLOTS]
        ]
    if _MENDER.search(text):
        made = _mender
    elif _STORES.search(text) and (names := [name for name in _NUMBER.findall(text) if name not in _FIRMWARES_OWN]):
        made = partial(_numbered, names[0])
    else:
        return []
    found = [made(other, env) for other in islice(neighbours.beside(tree), _MAX_SLOTS)]
    return sorted(found, key=lambda slot: bool(slot.decided_by))


def _numbered(name: str, tree: Tree, env: Mapping[str, str]) -> UpdateSlot:
    number = str(DiskNames(tree).number)
    return UpdateSlot(name=tree.device, variables={name: number}, decided_by="" if env.get(name) == number else name)


def _mender(tree: Tree, env: Mapping[str, str]) -> UpdateSlot:
    disk = DiskNames(tree)
    return UpdateSlot(
        name=tree.device,
        variables={
            "mender_boot_part": str(disk.number),
            "mender_boot_part_hex": f"{disk.number:x}",
            "mender_kernel_root": f"/dev/{tree.device}",
            "mender_uboot_root": f"{disk.kind} {disk.index}:{disk.number:x}",
            "mender_setup": "true",
        },
        decided_by="" if env.get("mender_boot_part") == str(disk.number) else "mender_boot_part",
    )
