# SPDX-License-Identifier: MIT
"""Wildcards and regular expressions, held against Python's own."""

from __future__ import annotations

import contextlib
import fnmatch
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmenu.errors import FormatError
from bootmenu.sources.parsers.grub.patterns import MAX_SUBJECT, Regex, wildcard

PROPERTY = settings(max_examples=300, deadline=None)

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
