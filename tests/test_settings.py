# SPDX-License-Identifier: MIT
"""Settings: each layer over the one below it, and a bad value never in the way."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.cli import main
from bootmenu.settings import FILE, OPTIONS, Loaded, MenuStyle, Profile, Settings, Watchdog, load
from bootmenu.system.host import Host

PIN = "scrypt$16384$8$1$" + "0a" * 16 + "$" + "0b" * 32


def machine(folder: Path, file: str | bytes | None = None, command_line: str = "") -> Host:
    """A host with this /etc/bootmenu.toml and this kernel command line."""
    (folder / "etc").mkdir(exist_ok=True)
    (folder / "proc").mkdir(exist_ok=True)
    (folder / "proc/cmdline").write_text(command_line + "\n")
    if file is not None:
        (folder / FILE[1:]).write_bytes(file.encode() if isinstance(file, str) else file)
    return Host(root=folder)


def test_without_any_layer_there_are_the_defaults(tmp_path: Path) -> None:
    assert load(machine(tmp_path)) == Loaded()


def test_each_layer_wins_over_the_one_below_it(tmp_path: Path) -> None:
    host = machine(tmp_path, 'timeout = 5\ntheme = "light"\nmenu = "hidden"\n', "quiet bootmenu.timeout=7 console=x")
    found = load(host, {"theme": "vt16"})
    assert (found.settings.timeout, found.settings.theme, found.settings.menu) == (7, "vt16", MenuStyle.HIDDEN)
    assert found.origins == {"timeout": "kernel command line", "theme": "--theme", "menu": FILE}
    assert found.problems == ()


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ('profile = "kiosk"', "profile", Profile.KIOSK),
        ("timeout = 0", "timeout", 0),
        ('timeout = "off"', "timeout", None),
        ('watchdog = "disarm"', "watchdog", Watchdog.DISARM),
        ('console = ["tty1", "ttyAMA0"]', "consoles", ("tty1", "ttyAMA0")),
        ("scan-seconds = 3", "scan_seconds", 3.0),
        ('[sha256]\n"sda1:/vmlinuz" = "' + "AB" * 32 + '"', "sha256", {"sda1:/vmlinuz": "ab" * 32}),
        ('[state]\ndevice = "LABEL=STATE"', "state_device", "LABEL=STATE"),
        ("[state]\nrename-counters = true", "rename_counters", True),
        (f'[kiosk]\npin = "{PIN}"', "kiosk_pin", PIN),
        ('[kiosk]\ncontact = ""', "kiosk_contact", ""),
    ],
)
def test_the_file_is_read(tmp_path: Path, written: str, field: str, value: object) -> None:
    found = load(machine(tmp_path, f"timeout = 9\n{written}\n" if "timeout" not in written else written))
    assert getattr(found.settings, field) == value
    assert found.problems == ()


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("bootmenu.skip-hooks=a,b", "skip_hooks", ("a", "b")),
        ("bootmenu.skip_hooks=a", "skip_hooks", ("a",)),
        ("bootmenu.shell=no", "shell", False),
        ("bootmenu.kiosk.buttons", "buttons", True),
        ('bootmenu.kiosk.contact="call 0800 1"', "kiosk_contact", "call 0800 1"),
    ],
)
def test_the_kernels_command_line_is_read(tmp_path: Path, word: str, field: str, value: object) -> None:
    found = load(machine(tmp_path, command_line=f"root=/dev/sda1 {word} -- bootmenu.timeout=1"))
    assert getattr(found.settings, field) == value
    assert (found.problems, found.settings.timeout) == ((), None)


@pytest.mark.parametrize(
    "file",
    [
        "timeout = -1", "timeout = 1.5", "timeout = true", "menu = 3", 'theme = ""', 'theme = "a\\u001b[2J"',
        "console = 5", "[kiosk]\nidle = 0", '[kiosk]\npin = "1234"', '[sha256]\nx = "00"', 'watchdog = "bite"',
        "no-such-setting = 1", "[kiosk]\nnone = 1", "profile = [", b"\xff\xfe", "x = " + "[" * 100_000,
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_told_and_replaced_by_the_default(tmp_path: Path, file: str | bytes) -> None:
    found = load(machine(tmp_path, file))
    assert found.settings == Settings()
    (problem,) = found.problems
    assert problem.startswith(FILE)
    assert len(problem) < 400


def test_a_bad_value_falls_back_to_the_layer_below(tmp_path: Path) -> None:
    found = load(machine(tmp_path, "timeout = 5\n", "bootmenu.timeout=soon"))
    assert found.settings.timeout == 5
    (problem,) = found.problems
    assert "kernel command line: timeout should be a whole number of seconds" in problem
    assert f"the {FILE} value is used" in problem


def test_a_pin_on_the_kernels_command_line_is_not_taken(tmp_path: Path) -> None:
    found = load(machine(tmp_path, command_line=f"bootmenu.kiosk.pin={PIN}"))
    assert found.settings.kiosk_pin is None
    assert PIN not in "".join(found.problems)


def test_words_of_the_first_stages_init_are_none_of_ours(tmp_path: Path) -> None:
    assert load(machine(tmp_path, command_line="bootmenu.term=vt100 bootmenu.loglevel=7")) == Loaded()


def test_every_setting_can_be_written_and_is_told_with_its_origin(tmp_path: Path) -> None:
    assert {option.field for option in OPTIONS} == {field.name for field in dataclasses.fields(Settings)}
    rows = {option.name: (value, origin) for option, value, origin in load(machine(tmp_path, "timeout = 3")).rows()}
    assert rows["timeout"] == (3, FILE)
    assert rows["watchdog"] == (Watchdog.LEAVE, "default")
    assert len(rows) == len(OPTIONS)


@given(name=st.sampled_from([option.name for option in OPTIONS]) | st.text(max_size=20), value=st.text(max_size=50))
def test_any_flag_gives_settings(name: str, value: str) -> None:
    found = load(Host(root=Path("/nonexistent")), {name: value})
    known: dict[str, Any] = {option.name: option for option in OPTIONS}
    assert (name in found.origins) != bool(found.problems) or name not in known


@given(st.binary(max_size=200))
def test_any_file_gives_settings(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("machine")
    found = load(machine(folder, data))
    assert isinstance(found.settings, Settings)


def test_the_command_shows_values_and_origins_and_keeps_the_pin(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = machine(tmp_path, f'timeout = 4\nmenu = "loud"\n[kiosk]\npin = "{PIN}"\n')
    monkeypatch.setattr("bootmenu.system.host.Host", lambda: host)
    assert main(["settings"]) == 0
    out, err = capsys.readouterr()
    assert re.search(rf"^timeout +4 +{FILE}$", out, re.MULTILINE)
    assert re.search(rf"^kiosk.pin +set +{FILE}$", out, re.MULTILINE)
    assert "menu should be one of visible, hidden, forced" in err
    assert main(["settings", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["timeout"] == {"value": 4, "origin": FILE}
    assert found["settings"]["kiosk.pin"]["value"] == "set"
    assert len(found["problems"]) == 1


@pytest.mark.parametrize("rest", ["[kiosk]\npin = ", "x = 1\nx = 2", "[kiosk", "\xff"])
def test_a_kiosk_whose_file_is_broken_stays_a_kiosk(tmp_path: Path, rest: str) -> None:
    host = machine(tmp_path)
    (tmp_path / "etc/bootmenu.toml").parent.mkdir(exist_ok=True)
    (tmp_path / "etc/bootmenu.toml").write_bytes(f' profile = "kiosk"\n{rest}'.encode("latin-1"))
    found = load(host)
    assert found.problems
    assert found.settings.profile is Profile.KIOSK
    assert not found.settings.shell
    assert found.settings.kiosk_pin is None
