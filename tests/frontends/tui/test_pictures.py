# SPDX-License-Identifier: MIT
"""The pictures of README.md and docs/ show what the program draws now: `make pictures`."""

from __future__ import annotations

import pytest

from tests.frontends.tui import pictures


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_picture_is_what_is_drawn_now(name: str) -> None:
    kept = (pictures.FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert pictures.drawn(name) == kept, f"draw it anew: make pictures ARGS={name}"


def test_there_are_no_other_pictures() -> None:
    assert {path.stem for path in pictures.FOLDER.iterdir()} == set(pictures.PICTURES)
