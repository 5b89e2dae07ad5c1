# SPDX-License-Identifier: MIT
"""grub.cfg for tests: what a script comes to is seen in the command line of an entry."""

from __future__ import annotations

from collections.abc import Mapping

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.sources import ForPlatform, Platform
from bootmenu.sources.parsers.grub import parse
from bootmenu.sources.parsers.grub.environment import SIGNATURE
from tests.builders.trees import MemoryTree

CONFIG = "/boot/grub/grub.cfg"
ARM64 = Platform(architecture=Architecture.ARM64, efi=True)
NAMES = frozenset({"sda1", "uuid=1111-aaaa", "label=ROOT", "partuuid=2222-bb", "hd0,gpt2"})


def block(variables: Mapping[str, str], size: int = 1024) -> bytes:
    """An environment block with these variables, filled up with #."""
    lines = [
        name + "=" + value.replace("\\", "\\\\").replace("\n", "\\\n") + "\n" for name, value in variables.items()
    ]
    return (SIGNATURE + "".join(lines).encode()).ljust(size, b"#")


def menu(
    text: str | bytes, files: Mapping[str, str | bytes] | None = None, platform: Platform = ARM64
) -> tuple[list[BootEntry], list[Problem]]:
    """(entries, problems) of this configuration on a partition with these other files, on that machine."""
    data = {
        path: content.encode() if isinstance(content, str) else content
        for path, content in {**(files or {}), CONFIG: text}.items()
    }
    assert isinstance(parse, ForPlatform)
    found = list(parse.parse(MemoryTree(data, names=NAMES), platform))
    return (
        [item for item in found if isinstance(item, BootEntry)],
        [item for item in found if isinstance(item, Problem)],
    )


def entries(text: str, files: Mapping[str, str | bytes] | None = None) -> list[BootEntry]:
    """The entries of a configuration without any problem."""
    found, problems = menu(text, files)
    assert not problems
    return found


def titles(text: str, files: Mapping[str, str | bytes] | None = None) -> list[str]:
    """Their titles."""
    return [entry.title for entry in entries(text, files)]


def words(script: str, shown: str, files: Mapping[str, str | bytes] | None = None, platform: Platform = ARM64) -> str:
    """What `shown` becomes behind a script, as the kernel would get it."""
    (entry,), problems = menu(f"{script}\nmenuentry x {{\nlinux /k {shown}\n}}\n", files, platform)
    assert not problems
    return entry.cmdline.text


def value(script: str, name: str = "v", files: Mapping[str, str | bytes] | None = None) -> str:
    """What a variable holds behind a script."""
    return words(script, f'"${{{name}}}"', files)


def messages(text: str | bytes, files: Mapping[str, str | bytes] | None = None) -> list[str]:
    """What was wrong with a configuration."""
    return [problem.message for problem in menu(text, files)[1]]
