# SPDX-License-Identifier: MIT
"""Make the files of a wheel that the source does not have, as a build hook of hatchling: the compiled translations
(bootmenu/i18n/locale/*.mo) and the completion scripts of the shells.

An editable installation compiles the translations in place, and so do the tests if a .po file is newer.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

LOCALE = Path(__file__).parents[1] / "bootmenu" / "i18n" / "locale"
COMPLETIONS = {
    "bash": "share/bash-completion/completions/bootmenu",
    "zsh": "share/zsh/site-functions/_bootmenu",
    "fish": "share/fish/vendor_completions.d/bootmenu.fish",
}
"""Where each shell looks for them, below the prefix of the installation."""


class BuildHook(BuildHookInterface[Any]):
    """Makes the translations and the completion scripts before a package is built."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compile every catalogue; for a wheel, write the completion scripts."""
        root = Path(self.root)
        compile_catalogues(root / LOCALE.relative_to(Path(__file__).parents[1]))
        if self.target_name == "wheel":
            build_data["shared_data"].update(write_completions(root))


def compile_catalogues(folder: Path = LOCALE) -> None:
    """Write LANG.mo beside each LANG.po, unless it is newer."""
    for source in sorted(folder.glob("*.po")):
        target = source.with_suffix(".mo")
        if target.exists() and target.stat().st_mtime_ns > source.stat().st_mtime_ns:
            continue
        from babel.messages.mofile import write_mo
        from babel.messages.pofile import read_po

        partial = target.with_suffix(".mo.part")
        with source.open("rb") as text, partial.open("wb") as binary:
            write_mo(binary, read_po(text, abort_invalid=True))
        partial.replace(target)  # somebody else may be reading or writing it


def write_completions(root: Path) -> dict[str, str]:
    """Write the completion scripts below build/, and return their places in an installation by path."""
    sys.path.insert(0, str(root))  # the command line needs nothing but the standard library
    try:
        from bootmenu.commands import completion_scripts, parser_description
    finally:
        sys.path.remove(str(root))
    found = parser_description.described()
    folder = root / "build" / "completions"
    folder.mkdir(parents=True, exist_ok=True)
    for shell in COMPLETIONS:
        (folder / shell).write_text(completion_scripts.completion(shell, found), "utf-8")
    return {str(folder / shell): place for shell, place in COMPLETIONS.items()}


if __name__ == "__main__":
    compile_catalogues()
