# SPDX-License-Identifier: MIT
"""Where the files of themes are, and their names. Imports no Textual, so that completion and --theme are quick."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import bootmenu

LOCAL_FOLDER = Path("/etc/bootmenu/themes")
"""Themes of this machine."""


def theme_folders() -> tuple[Path, ...]:
    """Return the folders of themes, by precedence: the machine's, the installed package's, the source checkout's."""
    return (LOCAL_FOLDER, *own_folders())


def own_folders() -> tuple[Path, Path]:
    """Return the folders of the themes that come with bootmenu: the installed package's, and the checkout's."""
    package = Path(bootmenu.__file__).parent
    return (package / "themes", package.parent / "themes")


def theme_names(folders: Iterable[Path] | None = None) -> list[str]:
    """Return the names of all themes, sorted."""
    return sorted({path.stem for folder in (folders or theme_folders()) for path in folder.glob("*.toml")})
