# SPDX-License-Identifier: MIT
"""Read the environment that U-Boot keeps in a file (CONFIG_ENV_IS_IN_FAT and CONFIG_ENV_IS_IN_EXT4): uboot.env.

include/env_internal.h, env_t: a CRC-32 of what follows, one byte of flags if there are two copies, and the variables
as `name=value`, each with a zero byte at its end.
"""

from __future__ import annotations

import zlib
from contextlib import suppress
from itertools import islice

from bootmenu.sources import neighbours
from bootmenu.sources.parsers.uboot.unknown_text import cleaned
from bootmenu.sources.tree import Tree, TreeError

# CONFIG_ENV_FAT_FILE, CONFIG_ENV_FAT_FILE_REDUND and CONFIG_ENV_EXT4_FILE
_NAMES = ("/uboot.env", "/uboot-redund.env")
_LIMIT = 256 * 1024
_MAX_VARIABLES = 500
_MAX_PARTITIONS = 16


def stored(tree: Tree) -> dict[str, str]:
    """Return the variables of the script's partition, or of another one of its disk; nothing if there are none."""
    for each in islice((tree, *neighbours.beside(tree)), _MAX_PARTITIONS):
        copies = []
        for name in _NAMES:
            with suppress(TreeError):
                copies.append(_checked(each.read(name, _LIMIT)))
        good = [copy for copy in copies if copy is not None]
        if len(good) == 2 and (good[1][0] - good[0][0]) % 256 < 128:
            good.reverse()  # env/common.c:env_check_redund: the higher number, which may wrap, is the newer copy
        if good:
            return _variables(good[0][1])
    return {}


def _checked(data: bytes) -> tuple[int, bytes] | None:
    """Return (flags, variables) of a copy, or None if its CRC is wrong."""
    crc = int.from_bytes(data[:4], "little")
    for begin in (4, 5):
        if len(data) > begin and zlib.crc32(data[begin:]) == crc:
            return (data[4] if begin == 5 else 0), data[begin:]
    return None


def _variables(data: bytes) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in data.partition(b"\0\0")[0].split(b"\0", _MAX_VARIABLES)[:_MAX_VARIABLES]:
        name, _, value = cleaned(line.decode("utf-8", "replace")).partition("=")
        if name and value:
            found[name] = value
    return found
