# SPDX-License-Identifier: MIT
"""How long the first stage takes to its first frame, its menu and its jump; see boot_times.py."""

from __future__ import annotations

from benchmarks import boot_times


def test_no_moment_of_a_start_comes_later_than_its_budget() -> None:
    ratios = boot_times.measured(3)
    print(f"\n{boot_times.table(ratios)}")
    late = {key: value for key, value in ratios.items() if value > boot_times.RATIOS[key].budget}
    assert late == {}
