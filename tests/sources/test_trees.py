# SPDX-License-Identifier: MIT
"""Real configurations beside what must be found in them (tests/trees/)."""

from __future__ import annotations

import json

import pytest

from tests.trees import goldens


@pytest.mark.parametrize("name", goldens.names())
def test_a_partition_gives_what_is_written_beside_it(name: str) -> None:
    wanted = json.loads(goldens.golden(name).read_text("utf-8"))
    assert goldens.scan(name) == wanted, "right? then run: python -m tests.trees.goldens"


def test_every_folder_is_a_machine() -> None:
    folders = {path.name for path in goldens.FOLDER.iterdir() if path.is_dir() and path.name[0] != "_"}
    assert folders == set(goldens.names())
