# SPDX-License-Identifier: MIT
"""The linters, as tests: each fails with what its tool has to say. make runs mypy before the tests."""

from __future__ import annotations

import subprocess
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SCRIPTS = Path(sysconfig.get_path("scripts"))


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(["ruff", "check", "--quiet"], id="ruff-check"),
        pytest.param(["ruff", "format", "--check", "--diff", "--quiet"], id="ruff-format"),
        pytest.param(["lint-imports", "--no-logo"], id="import-linter"),
    ],
)
def test_the_linter_has_nothing_to_say(command: list[str]) -> None:
    tool, *arguments = command
    outcome = subprocess.run([SCRIPTS / tool, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if outcome.returncode != 0:
        pytest.fail(f"{outcome.stdout}{outcome.stderr}", pytrace=False)
