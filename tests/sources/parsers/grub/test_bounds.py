# SPDX-License-Identifier: MIT
"""Whatever a grub.cfg holds: entries and problems, in bounded work."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from unittest import mock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.sources import patterns
from bootmenu.sources.parsers.grub import menus
from bootmenu.sources.parsers.grub.interpreter import MAX_INCLUDES
from bootmenu.sources.tree import CONFIG_LIMIT
from tests.properties import examples
from tests.sources.parsers.grub.building import block, menu
from tests.sources.parsers.reading import read
from tests.trees import goldens

PROPERTY = examples(150)

FIRST = "menuentry first { linux /k }\n"


def check(found: tuple[list[BootEntry], list[Problem]]) -> None:
    """What holds for every answer."""
    entries, problems = found
    assert all(entry.title and entry.id and entry.kernel.path.startswith("/") for entry in entries)
    assert len(entries) <= 1000
    assert len(problems) <= 20
    assert sum(entry.default for entry in entries) <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("while true; do true; done", "runs for more than 100,000 steps: the rest is left out"),
        ("until false; do continue; done", "runs for more than 100,000 steps: the rest is left out"),
        ("function f { f; }\nf", "is nested more than 64 deep"),
        ("function f { eval f; }\nf", "is nested more than 64 deep"),
        ("v=x\nwhile true; do v=$v$v; done", "has too many variables, or one that is too long"),
        (f"v={'x' * 60_000}\necho $v$v$v$v$v", "has a command that is too long"),
        ("v=x\nwhile true; do v=x$v; set $v=1; done", "has too many variables, or one that is too long"),
        ("while true; do menuentry a { linux /l }; done", "has too many entries: only the first 2,000 are read"),
        ("while true; do source /empty; done", f"reads more than {MAX_INCLUDES} files"),
        ("function f { submenu x { f }; submenu y { f }; }\nf", "has menus more than 8 deep"),
        ("menuentry b { while true; do true; done }", "the entry “b” runs for more than 20,000 steps"),
        (
            "for i in 1 2 3 4 5 6 7 8 9 10 11 12; do menuentry b$i { while true; do true; done }; done",
            "its entries take more than 200,000 steps: the rest is left out",
        ),
        (
            f"v={'x' * 60_000}\nfor i in {'1 ' * 100}; do menuentry b$i {{ linux /k $v$v$v }}; done",
            "its entries are too large: the rest is left out",
        ),
        ("while true; do regexp '(a|b)*(a|b)*c' aaaaaaaaaaaaaaaaaaaaaaaaaaaa; done", "runs for more than 100,000 "),
        ("while true; do echo /*/*; done", "runs for more than 100,000 "),
        ("a | b\n" * 200, "line 2: unexpected “|”"),
        ("'" + '"$v' * 10_000, "line 2: a quotation mark (') is not closed"),
        ('"$v"' * 10_000, "line 2: a word grows too long"),
        ("a{" * 100_000, "line 2: blocks are nested more than 32 deep"),
        ("if " * 100_000, "line 2: blocks are nested more than 32 deep"),
        (lambda: "a;" * 400_000, "runs for more than 100,000 "),
        (lambda: "a " * 400_000, "runs for more than 100,000 "),
        ("[ " + "( " * 1000 + "]\nsource /gone", "does not exist"),
    ],
    ids=lambda text: text[:24] if isinstance(text, str) else None,
)
def test_what_has_no_end_is_ended_and_the_entries_before_it_are_listed(
    text: str | Callable[[], str], message: str
) -> None:
    found, problems = menu(f"{FIRST}{text if isinstance(text, str) else text()}\n", {"/empty": "", "/a/b": ""})
    check((found, problems))
    assert found[0].title == "first"
    assert any(problem.message.startswith(message) for problem in problems), problems


def test_a_file_with_many_mistakes_is_given_up() -> None:
    found, problems = menu("a & b\n" * 200 + FIRST)
    assert not found
    assert len(problems) == 20


def test_a_configuration_that_is_too_large_is_a_problem() -> None:
    found, problems = menu("#" * (CONFIG_LIMIT + 1))
    assert (found, len(problems)) == ([], 1)


def test_two_endless_configurations_do_not_hide_the_third() -> None:
    found, problems = read(
        {"/EFI/a/grub.cfg": "while true; do true; done", "/grub.cfg": FIRST, "/grub/grub.cfg": FIRST}
    )
    assert [entry.title for entry in found] == ["first", "first"]
    assert len(problems) == 1


@contextlib.contextmanager
def few_steps() -> Iterator[None]:
    """Most loops of random scripts are endless: let them end soon."""
    with mock.patch.multiple(menus, STEPS=1000, BODY_STEPS=200, SUBMENU_STEPS=200):
        yield


@PROPERTY
@given(st.text(max_size=100) | st.text("{}|&$;<> \t\n'\"\\#a=[]!", max_size=60))
def test_any_text(text: str) -> None:
    check(menu(text))
    check(menu(f"menuentry x {{\nlinux /k {text}\n}}\n"))


@PROPERTY
@given(st.binary(max_size=100))
def test_any_bytes(data: bytes) -> None:
    check(menu(data, {"/boot/grub/grubenv": data, "/x.cfg": data}))


WORDS = st.sampled_from(
    "a $v ${v} \"$v\" '$v' $1 $# $@ $? '' \"\" a=b v=$v$v /boot/* /b?ot ($root)/k (hd0,gpt2)/k [ ] = -f ! ( ) -o 1 2"
    " --id --set=root --set -u -f /k 1111-AAAA uuid=x".split(" ")
)
NAMES = st.sampled_from(
    "set unset export load_env save_env search search.file probe regexp source configfile normal linux initrd"
    " devicetree break continue return shift setparams eval test [ ! f g v=1 menuentry submenu blscfg exit boot"
    " loopback extract_entries_source extract_entries_configfile true false echo unknown".split()
)
SIMPLE = st.builds(lambda name, words: " ".join([name, *words]), NAMES, st.lists(WORDS, max_size=5))


def _compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    bodies = st.lists(inner, min_size=1, max_size=3).map("\n".join)
    return (
        st.builds("if {}\nthen {}\nelif {}\nthen {}\nelse {}\nfi".format, inner, bodies, inner, bodies, bodies)
        | st.builds("while {}\ndo {}\ndone".format, inner, bodies)
        | st.builds("until {}\ndo {}\ndone".format, inner, bodies)
        | st.builds("for v in {} {}\ndo {}\ndone".format, WORDS, WORDS, bodies)
        | st.builds("function {} {{\n{}\n}}".format, st.sampled_from("fg"), bodies)
        | st.builds("menuentry {} {} {{\n{}\nlinux /k {}\n}}".format, WORDS, WORDS, bodies, WORDS)
        | st.builds("submenu {} {{\n{}\n}}".format, WORDS, bodies)
    )


SCRIPTS = st.lists(st.recursive(SIMPLE, _compound, max_leaves=8), max_size=6).map("\n".join)


@examples(40)
@given(SCRIPTS, SCRIPTS)
def test_scripts_shaped_by_the_grammar(text: str, other: str) -> None:
    files: dict[str, str | bytes] = {"/k": other, "/boot/grub/grubenv": block({"v": "1", "default": "2"})}
    with few_steps():
        found, problems = menu(text, files)
        check((found, problems))
        assert menu(text, files) == (found, problems)  # nothing depends on the clock or on chance
    assert not [problem for problem in problems if "makes no sense" in problem.message and problem.path != "/k"]


REAL = sorted(path.read_text("utf-8") for path in goldens.FOLDER.glob("*/**/grub.cfg") if path.stat().st_size > 200)


@examples(100)
@given(st.data())
def test_real_configurations_with_damage(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from(REAL))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text)))
        cut = data.draw(st.integers(0, 30))
        text = (
            text[:at]
            + data.draw(st.sampled_from("{ } ' \" $ \\ ; \n if fi done # \0 menuentry".split(" ")))
            + text[at + cut :]
        )
    with few_steps():
        check(menu(text))


def test_a_loop_compiles_its_expressions_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Counted(patterns.Regex):
        def __init__(self, pattern: str, spend: Callable[[int], None]) -> None:
            made.append(pattern)
            super().__init__(pattern, spend)

    monkeypatch.setattr(patterns, "Regex", Counted)
    loop = "while true; do regexp '{}' aaaa; done"
    check(menu(loop.format("(a{1,255}){1,255}")))
    check(menu(loop.format("(a+)+b")))
    assert made == ["(a{1,255}){1,255}", "(a+)+b"]
    made.clear()
    check(menu("".join(f"regexp '{number}(a{{1,255}}){{1,255}}' a\n" for number in range(5000))))
    assert len(made) < 100, "each costs steps, of which there are so many"


def test_wildcards_over_many_long_names_cost_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    matches = patterns.Wildcard.matches

    def counted(self: patterns.Wildcard, text: str) -> bool:
        nonlocal steps
        before = self.steps
        try:
            return matches(self, text)
        finally:
            steps += self.steps - before

    monkeypatch.setattr(patterns.Wildcard, "matches", counted)
    files = {f"/a/{'a' * 200}{number}": "" for number in range(500)}
    check(menu("while true; do echo /a/*a*a*a*a*a*a*a*b; done", files))
    assert steps < 100_000 * 70
