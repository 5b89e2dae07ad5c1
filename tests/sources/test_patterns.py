# SPDX-License-Identifier: MIT
"""Wildcards and regular expressions, held against Python's own."""

from __future__ import annotations

import contextlib
import fnmatch
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.sources.patterns import MAX_SUBJECT, Regex, Wildcard
from tests.properties import examples

PROPERTY = examples(300)

ATOMS = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "[a-b]", "[]a]", "\\.", "^", "$"])
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: (
        st.tuples(inner, inner).map("".join)
        | inner.map(lambda text: f"({text})")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]}|{pair[1]})")
        | st.tuples(
            st.sampled_from(["a", "b", "[ab]", ".", "(ab)", "(a|b)"]),
            st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{0,2}"]),
        ).map("".join)
    ),
    max_leaves=8,
)


def wildcard(pattern: str, text: str) -> bool:
    return Wildcard(pattern).matches(text)


@PROPERTY
@given(EXPRESSIONS, st.text("ab.c", max_size=8))
def test_it_matches_as_python_does(expression: str, text: str) -> None:
    match = re.search(expression, text)
    wanted = None if match is None else [match.group(), *match.groups()]
    assert Regex(expression).search(text) == wanted


@PROPERTY
@given(st.text("ab*?[", max_size=8), st.text("ab[", max_size=8))
def test_wildcards_match_as_python_s_do(pattern: str, text: str) -> None:
    assert wildcard(pattern, text) == fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


def test_protected_wildcards() -> None:
    assert wildcard("a\\*", "a*")
    assert not wildcard("a\\*", "ab")
    assert wildcard("\\", "\\")


@pytest.mark.parametrize(
    ("name", "member", "other"),
    [
        ("alpha", "a", "1"),
        ("digit", "1", "a"),
        ("alnum", "1", "-"),
        ("upper", "A", "a"),
        ("lower", "a", "A"),
        ("space", " ", "a"),
        ("blank", "\t", "\n"),
        ("punct", "-", "a"),
        ("print", "a", "\n"),
        ("graph", "a", " "),
        ("cntrl", "\n", "a"),
        ("xdigit", "f", "g"),
    ],
)
def test_classes(name: str, member: str, other: str) -> None:
    regex = Regex(f"^[[:{name}:]]$")
    assert regex.search(member)
    assert not regex.search(other)


@pytest.mark.parametrize(
    "expression", ["(", ")", "a)", "[", "[a", "a{", "a{x}", "a{1", "[[:none:]]", "a" * 256, "(" * 20, "a{999}" * 9]
)
def test_what_is_none(expression: str) -> None:
    with pytest.raises(FormatError):
        Regex(expression)


def test_what_makes_others_run_for_ever() -> None:
    assert Regex("(a+)+$").search("a" * MAX_SUBJECT + "b") is not None  # no further than that is looked at
    assert Regex("(a*)*b").search("a" * 1000) is None
    assert not wildcard("*a" * 200 + "b", "a" * 4000)


@PROPERTY
@given(st.text(max_size=40) | st.text("()[]{}|*+?^$\\a1,:-", max_size=40), st.text(max_size=20))
def test_any_text_is_an_expression_or_none(expression: str, text: str) -> None:
    with contextlib.suppress(FormatError):
        Regex(expression).search(text)
    wildcard(expression, text)


HOSTILE = [
    "(a{1,255}){1,255}",
    "^{999}{0}" * 28,
    "a{999}{0}" * 28,
    "(" * 16 + "a" + ")" * 16 + "{1}" * 50 + "{",
    "((a{9}){9}){9}",
    "(a?)" * 63,
    "(((a|b)*|c)*|d)*",
    "|" * 254,
    "[[:alpha:][:punct:]]{200}",
]


@pytest.mark.parametrize("expression", HOSTILE)
def test_all_that_is_written_out_is_paid_for_before_and_bounded(expression: str) -> None:
    paid: list[int] = []
    with contextlib.suppress(FormatError):
        Regex(expression, paid.append)
    assert sum(paid) <= 8000

    def nothing_left(_: int) -> None:
        raise TimeoutError

    if sum(paid):
        with pytest.raises(TimeoutError):
            Regex(expression, nothing_left)


@pytest.mark.parametrize("expression", ["(a*)*b", "(a?)" * 20, "a" * 100, ".*.*.*b"])
def test_a_search_runs_no_more_than_it_costs(expression: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ran = 0
    regex = Regex(expression)
    follow = Regex._follow

    def counted(
        self: Regex,
        counter: int,
        saved: tuple[int, ...],
        position: int,
        end: int,
        seen: set[int],
        ready: list[tuple[int, tuple[int, ...]]],
    ) -> None:
        nonlocal ran
        before = len(seen)
        follow(self, counter, saved, position, end, seen, ready)
        ran += len(seen) - before

    monkeypatch.setattr(Regex, "_follow", counted)
    for length in (10, 100, 1000):
        ran, text = 0, "a" * length
        regex.search(text)
        assert 0 < ran <= regex.cost(text)


def test_matching_a_wildcard_counts_its_work_and_knows_what_is_too_short() -> None:
    many = Wildcard("?*" * 30_000)
    for _ in range(1000):
        assert not many.matches("a" * 200)
    assert many.steps == 1000, "no name is that long"
    nasty = Wildcard("*a*a*a*a*b")
    assert not nasty.matches("a" * 200)
    assert 200 < nasty.steps <= 10 * 201 * 2
    assert Wildcard("*" * 50_000 + "b").matches("ab"), "many are as one"
