# SPDX-License-Identifier: MIT
"""`bootmenu help`."""

from __future__ import annotations

import pytest

from bootmenu.compat import CHECKS
from bootmenu.kexec import load_test
from bootmenu.view import check_help
from tests.commands.calling import Call


def test_alone_it_lists_every_code_with_its_whole_question(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    outcome = call("help")
    assert outcome.code == 0
    lines = outcome.out.splitlines()
    assert max(map(len, lines)) <= 80
    listed = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
    assert sorted(listed) == sorted([*CHECKS.names(), load_test.CODE])
    text = " ".join(outcome.out.split())
    for item in check_help.explained().values():
        assert f"{item.code} {' '.join(item.explanation.question.split())}" in text


@pytest.mark.parametrize("code", ["IMG-PAGE", "img-page"])
def test_it_explains_a_check(call: Call, code: str) -> None:
    outcome = call("help", code)
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    for part in (
        "IMG-PAGE (a check of an entry)",
        "Check that the CPU supports the kernel's page size",
        "FAIL The CPU that makes the jump cannot do it. → Choose a kernel with 4 KiB pages.",
        "? The kernel does not say its page size",
        "Evidence: kernel_page_size",
        "Not asked if one of these failed: IMG-FORMAT, IMG-ARCH.",
        "--ignore IMG-PAGE",
    ):
        assert part in text


@pytest.mark.parametrize("width", [20, 40, 80, 300])
def test_every_text_fits_the_terminal(call: Call, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    for code in (*CHECKS.names(), load_test.CODE):
        for line in call("help", code).out.splitlines():
            assert len(line) <= min(max(width, 40), 100), line


def test_it_prints_json(call: Call) -> None:
    outcome = call("help", "--json")
    checks = outcome.json["checks"]
    assert [check["code"] for check in checks] == [*CHECKS.names(), load_test.CODE]
    assert call("help", "CPU-STUCK", "--json").json == next(check for check in checks if check["code"] == "CPU-STUCK")


def test_it_prints_the_help_of_a_command(call: Call) -> None:
    assert call("help", "scan").out == call("scan", "--help").out != ""
    assert call("help", "image", "build").out == call("image", "build", "--help").out != ""


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["cpu-stuk"], "Did you mean CPU-STUCK"),
        (["imge"], "Did you mean image"),
        (["nonsense"], "bootmenu help lists all codes"),
        (["CPU-STUCK", "IMG-PAGE"], "Did you mean CPU-STUCK"),
    ],
)
def test_an_unknown_topic_is_a_wrong_call(call: Call, words: list[str], hint: str) -> None:
    outcome = call("help", *words)
    assert (outcome.code, outcome.out) == (2, "")
    assert "there is no help about" in outcome.err
    assert hint in outcome.err
