# SPDX-License-Identifier: MIT
"""Comparing versions as the UAPI version format specification (UAPI.10) says, oldest first."""

from __future__ import annotations

import functools
import re

_MARKS = "~-^."  # in rising order; see the specification's steps 3 to 6

_LONGEST = 500
"""Characters that are compared: time grows with their square, and a configuration may hold a mebibyte of them."""


def _compare(left: str, right: str) -> int:
    left, right = left[:_LONGEST], right[:_LONGEST]
    # UAPI.10: "1. Skip leading characters not of alphabet, digit, -, ^, ~ and ." then, from the left, the first
    # difference decides: ~ sorts before everything, even the end; - before ^ before .; then runs of digits
    # by number, runs of letters by alphabet.
    while True:
        left, right = re.sub(r"^[^A-Za-z0-9~^.\-]+", "", left), re.sub(r"^[^A-Za-z0-9~^.\-]+", "", right)
        if left.startswith("~") or right.startswith("~"):
            if not left.startswith("~"):
                return 1
            if not right.startswith("~"):
                return -1
            left, right = left[1:], right[1:]
            continue
        if not left or not right:
            return bool(left) - bool(right)
        for mark in _MARKS[1:]:
            if left[0] == mark or right[0] == mark:
                if left[0] != mark:
                    return 1
                if right[0] != mark:
                    return -1
                left, right = left[1:], right[1:]
                break
        else:
            pattern = r"\d*" if left[0].isdigit() or right[0].isdigit() else r"[A-Za-z]*"
            mine, theirs = (_run(pattern, text) for text in (left, right))
            left, right = left[len(mine) :], right[len(theirs) :]
            if pattern == r"\d*":
                # a missing number sorts before any number
                if bool(mine) != bool(theirs):
                    return 1 if mine else -1
                if int(mine) != int(theirs):
                    return 1 if int(mine) > int(theirs) else -1
            elif mine != theirs:
                return 1 if mine > theirs else -1


def _run(pattern: str, text: str) -> str:
    match = re.match(pattern, text, re.ASCII)
    return match.group()[:200] if match else ""


version_key = functools.cmp_to_key(_compare)
"""Sort key; `reverse=True` puts the newest first."""
