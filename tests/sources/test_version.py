# SPDX-License-Identifier: MIT
"""Versions, by the examples and the algorithm of the UAPI version format specification (UAPI.10)."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.sources.version import version_key
from tests.properties import examples

PROPERTY = examples(200)

VERSIONS = st.text("0123ab.-~^_+ ", max_size=12) | st.text(max_size=12) | st.from_regex(r"\A\d+\.\d+(-\w+)*\Z")


def compare(left: str, right: str) -> str:
    one, other = version_key(left), version_key(right)
    return "<" if one < other else ">" if one > other else "=="


@pytest.mark.parametrize(
    ("left", "sign", "right"),
    [
        ("11", "==", "11"),
        ("systemd-123", "==", "systemd-123"),
        ("bar-123", "<", "foo-123"),
        ("123a", ">", "123"),
        ("123.a", ">", "123"),
        ("123.a", "<", "123.b"),
        ("123a", ">", "123.a"),
        ("11α", "==", "11β"),
        ("B", "<", "a"),
        ("", "<", "0"),
        ("0.", ">", "0"),
        ("0.0", ">", "0"),
        ("0", ">", "~"),
        ("", ">", "~"),
        ("1_", "==", "1"),
        ("_1", "==", "1"),
        ("1_", "<", "1.2"),
        ("1_2_3", ">", "1.3.3"),
        ("1+", "==", "1"),
        ("+1", "==", "1"),
        ("1+", "<", "1.2"),
        ("1+2+3", ">", "1.3.3"),
        ("6.1.0-9", "<", "6.1.0-49"),
        ("6.12.0-rc1", ">", "6.12.0"),
        ("6.12.0~rc1", "<", "6.12.0"),
        ("007", "==", "7"),
        ("²", "==", "³"),
    ],
)
def test_the_examples_of_the_specification(left: str, sign: str, right: str) -> None:
    assert compare(left, right) == sign
    assert compare(right, left) == {"<": ">", ">": "<", "==": "=="}[sign]


def test_the_specification_s_chain_is_in_order() -> None:
    chain = ("122.1 123~rc1-1 123 123-a 123-a.1 123-1 123-1.1 123^post1 123.a-1 123.1-1 123a-1 124-1").split()
    for left, right in itertools.combinations(chain, 2):
        assert compare(left, right) == "<", (left, right)
    assert sorted([*chain[5:], *chain[:5]], key=version_key) == chain


@PROPERTY
@given(VERSIONS, VERSIONS, VERSIONS)
def test_it_is_a_total_order_on_any_text(one: str, two: str, three: str) -> None:
    assert compare(one, one) == "=="
    assert compare(one, two) == {"<": ">", ">": "<", "==": "=="}[compare(two, one)]
    low, middle, high = sorted([one, two, three], key=version_key)
    assert compare(low, middle) != ">"
    assert compare(middle, high) != ">"
    assert compare(low, high) != ">"


def test_very_long_versions_are_compared_in_no_time() -> None:
    # a configuration file may hold a mebibyte of them
    for long in ("a1" * 500_000, "." * 1_000_000, "~" * 1_000_000, "+" * 1_000_000, "9" * 1_000_000):
        assert compare(long, long + "1") == "=="
        assert compare(long[:400], long[:400] + "1") == "<"
