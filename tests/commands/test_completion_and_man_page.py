# SPDX-License-Identifier: MIT
"""Completion in the shells themselves, and the manual page as groff reads it."""

from __future__ import annotations

import os
import pty
import re
import select
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from bootmenu.commands import completion_scripts, parser_description, subcommands
from bootmenu.config.settings import FILE, FIRST_STAGE_SECONDS, OPTIONS, Settings
from bootmenu.frontends import theme_folders
from bootmenu.kexec import hooks
from bootmenu.session import menu_log
from bootmenu.view.key_help import actions_of
from bootmenu.view.screen_ids import ScreenId
from scripts import man_page

_PATIENCE = 20


def script(shell: str, folder: Path) -> Path:
    path = folder / ("_bootmenu" if shell == "zsh" else f"bootmenu.{shell}")
    path.write_text(completion_scripts.completion(shell, parser_description.described()), "utf-8")
    return path


def run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    assert done.stderr == ""
    return done.stdout


CASES = [
    (["s"], {"scan", "settings"}),
    (["image", ""], {"build"}),
    (["dtb", ""], {"show", "diff"}),
    (["boot", "--meth"], {"--method"}),
    (["boot", "--method", "kexec_t"], {"kexec_tools"}),
    (["check", "--ignore", "DT-CPU-RE"], {"DT-CPU-RELEASE"}),
    (["completion", "f"], {"fish"}),
    (["--them"], {"--theme"}),
    (["--theme", "l"], {"light"}),
    (["menu", "--profile", "ki"], {"kiosk"}),
    (["themes", "hi"], {"high-contrast"}),
    (["image", "build", "--compress", "z"], {"zstd"}),
    (["check", "--verb"], {"--verbose"}),
    (["-"], {"-V", "--version", "--demo"}),
    (["help", "CPU-S"], {"CPU-STUCK"}),
]


@pytest.mark.parametrize(("words", "offered"), CASES)
def test_bash_offers_what_the_parser_takes(tmp_path: Path, words: Sequence[str], offered: set[str]) -> None:
    quoted = " ".join(f"'{word}'" for word in words)
    asked = f"source {script('bash', tmp_path)}; COMP_WORDS=(bootmenu {quoted}); COMP_CWORD={len(words)}; _bootmenu"
    found = run("bash", "-c", f'{asked}; printf "%s\\n" "${{COMPREPLY[@]}}"').split()
    assert offered <= set(found)
    assert all(name.startswith(words[-1]) for name in found)


@pytest.mark.parametrize(("words", "offered"), CASES)
def test_fish_offers_what_the_parser_takes(tmp_path: Path, words: Sequence[str], offered: set[str]) -> None:
    line = " ".join(["bootmenu", *words])
    found = run("fish", "--no-config", "-c", f"source {script('fish', tmp_path)}; complete -C '{line}'")
    names = {row.split("\t")[0] for row in found.splitlines()}
    assert offered <= names


def test_a_value_may_follow_an_equals_sign(tmp_path: Path) -> None:
    bash, fish = script("bash", tmp_path), script("fish", tmp_path)
    asked = f"source {bash}; COMP_WORDS=(bootmenu --theme = li); COMP_CWORD=3; _bootmenu; echo ${{COMPREPLY[@]}}"
    assert run("bash", "-c", asked) == "light\n"
    found = run("fish", "--no-config", "-c", f"source {fish}; complete -C 'bootmenu --theme=li'")
    assert found.split("\t")[0] == "--theme=light"


def test_options_of_one_command_are_not_offered_for_another(tmp_path: Path) -> None:
    found = run("fish", "--no-config", "-c", f"source {script('fish', tmp_path)}; complete -C 'bootmenu scan --'")
    assert {row.split("\t")[0] for row in found.splitlines()} == {"--help", "--json", "--tree", "--machine"}


def test_bash_and_fish_offer_files_where_one_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "board.dtb").touch()
    asked = "COMP_WORDS=(bootmenu check --dtb board); COMP_CWORD=3; _bootmenu 2>/dev/null; echo ${COMPREPLY[@]}"
    bash, fish = script("bash", tmp_path), script("fish", tmp_path)
    assert run("bash", "-c", f"cd {tmp_path}; source {bash}; {asked}").split() == ["board.dtb"]
    found = run(
        "fish", "--no-config", "-c", f"cd {tmp_path}; source {fish}; complete -C 'bootmenu check --dtb board'"
    )
    assert found.split() == ["board.dtb"]


@pytest.mark.parametrize(
    ("typed", "wanted"),
    [
        ("bootmenu im", "bootmenu image"),
        ("bootmenu check --ignore DT-CPU-RE", "--ignore DT-CPU-RELEASE"),
        ("bootmenu --theme li", "--theme light"),
        ("bootmenu --theme=li", "--theme=light"),
        ("bootmenu themes hi", "themes high-contrast"),
        ("bootmenu check a --machine boa", "--machine board.json"),
        ("bootmenu check a --machine x b vm", "x b vmlinuz"),
    ],
)
def test_zsh_completes_what_was_typed(tmp_path: Path, typed: str, wanted: str) -> None:
    script("zsh", tmp_path)
    for name in ("board.json", "vmlinuz"):
        (tmp_path / name).touch()
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execvp("zsh", ["zsh", "-f", "-i"])
    try:
        start = f"PS1=; fpath=({tmp_path} $fpath); autoload -Uz compinit; compinit -u -D; echo READY$((1+1))\n"
        os.write(terminal, start.encode())
        expect(terminal, "READY2")
        os.write(terminal, f"{typed}\t".encode())
        expect(terminal, wanted)
    finally:
        os.kill(child, 9)
        os.waitpid(child, 0)
        os.close(terminal)


def expect(terminal: int, wanted: str) -> None:
    """Read until it appears."""
    seen = ""
    while wanted not in seen:
        assert select.select([terminal], [], [], _PATIENCE)[0], f"no {wanted!r} in {seen!r}"
        text = os.read(terminal, 4096).decode("utf-8", "replace")
        seen += re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """The manual page as the next release has it: `make man` is one of its steps."""
    path = tmp_path / "bootmenu.8"
    path.write_text(man_page.page(), "utf-8")
    return path


def test_the_manual_page_there_knows_of_no_command_and_no_setting_that_is_gone(page: Path) -> None:
    headings = re.compile(r"^\.S[SH] .*$|^\.TP\n.*$", re.M)
    found = [set(headings.findall(path.read_text("utf-8"))) for path in (man_page.PAGE, page)]
    assert len(found[0]) > 50
    assert found[0] <= found[1], "run: make man"


def test_defaults_are_said_and_not_how_argparse_writes_them() -> None:
    text = man_page.page()
    assert "%(" not in text
    assert "(default: trixie)" in text


def test_the_manual_page_writes_values_as_they_are_typed() -> None:
    """A sentence begins with a capital letter, and a value that begins it would get one, too."""
    text = " ".join(man_page.page().split())
    for command in parser_description.described():
        for flag in command.flags:
            if flag.choices and flag.metavar not in ("CODE", "METHOD", "THEME", "TOPIC"):
                assert not flag.help.startswith(flag.choices), flag
                assert all(re.search(rf"\b{re.escape(value)}\b", flag.help) for value in flag.choices), flag
    assert "none, zstd, gzip or xz" in text
    assert "Standard, or kiosk" not in text


def test_groff_has_nothing_to_say_against_the_manual_page(page: Path) -> None:
    command = ["groff", "-man", "-Tutf8", "-ww", "-rHY=0", str(page)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=True)
    assert done.stderr == ""
    text = re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)
    for command_name in parser_description.described():
        assert " ".join(("bootmenu", *command_name.path)) in text


def test_mandoc_has_nothing_to_say_against_the_manual_page(page: Path) -> None:
    done = subprocess.run(["mandoc", "-Tlint", str(page)], capture_output=True, text=True, check=False)
    assert done.stdout == ""


def test_the_manual_page_has_every_setting_key_file_and_variable() -> None:
    """What the source calls them: nothing that is renamed or added is forgotten."""
    text = re.sub(r"\\\[u([0-9A-F]{4})\]", lambda code: chr(int(code[1], 16)), man_page.page())
    text = re.sub(r"\\f[BIR]|\\&", "", text).replace("\\-", "-").replace("\\e", "\\")
    plain = " ".join(text.split())
    parts = dict(
        zip(re.findall(r"^\.SH (.*)$", text, re.M), re.split(r"^\.SH .*$", text, flags=re.M)[1:], strict=True)
    )
    sections = ["KEYS", "SETTINGS", "FILES", "ENVIRONMENT", "EXAMPLES", "EXIT STATUS"]
    assert list(parts)[-len(sections) :] == sections
    terms = re.findall(r"^\.TP\n(.*)$", parts["SETTINGS"], re.M)
    assert terms == [option.name for option in OPTIONS]
    assert re.findall(r"^\.TP\n(.*)$", parts["KEYS"], re.M) == [action.shown for action in actions_of(ScreenId.MENU)]
    assert f"Default: {FIRST_STAGE_SECONDS} in a first stage, off elsewhere." in plain
    assert 'Default: "standard".' in plain
    for path in (FILE, f"{Settings().state_folder}/state.json", hooks.FOLDER, str(theme_folders.LOCAL_FOLDER)):
        assert path in parts["FILES"]
    assert str(menu_log.log_file({})) in parts["FILES"]
    for words in re.findall(r"^\.TP\nbootmenu (.*)$", parts["EXAMPLES"], re.M):
        typed = shlex.split(words.partition(" > ")[0])
        if "help" not in typed:
            subcommands.parse(["menu", *typed] if words.startswith("-") else typed)
