# SPDX-License-Identifier: MIT
"""mark-good in the ordinary case: the same as `run` does, with next to no imports."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.bootstate import state_json
from bootmenu.bootstate.state import Attempt, State, StateError, decode, encode
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.commands import mark_good_command
from bootmenu.config import plain_toml
from bootmenu.config.settings import FILE, OPTIONS, Settings
from bootmenu.config.settings_layers import load
from bootmenu.config.unknown_settings import meant_by_name
from bootmenu.model.codec import to_json
from bootmenu.session.boot_success import mark_good as mark_good_slowly
from bootmenu.session.machine_session import MachineSession
from bootmenu.system import efi
from tests.bootstate.test_state_store import MOUNTED, states
from tests.builders import machines
from tests.builders.hosts import fake_host

TRIED = Attempt(entry="bls-debian-1", at="2026-11-14T09:30:00Z", title="Debian “stable” \\ 13")
STATE = State(default="x", wrong_pins=2).booting(Attempt(entry="other", at="")).on_menu_start().booting(TRIED)
PLACE = "var/lib/bootmenu"
KIOSK = """\
# a terminal
profile = "kiosk"
timeout = 12
state.folder = "/var/lib/bootmenu"  # here
[kiosk]
entries = [
    "bls-*",   # most
    '*rescue*',
]
names = { "bls-*" = "Start normally", '*rescue*' = "Repair" }
buttons = true
[sha256]
"sda1:/boot/vmlinuz" = "0000000000000000000000000000000000000000000000000000000000000000"
"""


def machine(
    root: Path, settings: str | None = None, cmdline: str = "", files: Mapping[str, bytes] | None = None
) -> Path:
    """A started system below a folder, with a state; files: of its state folder."""
    (root / "proc/self").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "proc/cmdline").write_text(f"{cmdline}\n")
    (root / "proc/self/mountinfo").write_text(MOUNTED)
    if settings is not None:
        (root / FILE.lstrip("/")).write_text(settings, "utf-8")
    (root / PLACE).mkdir(parents=True)
    for name, data in ({"state.json": encode(STATE)} if files is None else files).items():
        (root / PLACE / name).write_bytes(data)
    return root


def at_length(root: Path) -> str:
    """What `run` does on such a machine."""
    host = fake_host(root)
    with contextlib.closing(MachineSession(host, machines.virt(), tuple, settings=load(host).settings)) as session:
        return mark_good_slowly(session)


def timeless(root: Path, settings: Settings) -> State:
    """The state, without the time at which it was marked."""
    if (settings.state_device or "").lower() == "efi":
        state = decode((root / efi.STATE.lstrip("/")).read_bytes()[4:])
    else:
        state = FolderBackend(root / PLACE).read()
    text = json.dumps(to_json(state))
    return decode(text.replace(state.good[0].at, "now").encode() + b"\n") if state.good else state


@pytest.mark.parametrize("settings", [None, "# nothing\ntimeout = 3\n", KIOSK, 'state.device = "EFI"\n'])
def test_it_does_what_run_does(tmp_path: Path, settings: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    seen = []
    for name in ("quick", "long"):
        root = machine(tmp_path / name, settings)
        (root / efi.VARIABLES.lstrip("/")).mkdir(parents=True)
        variable = root / efi.STATE.lstrip("/")
        variable.write_bytes(b"\7\0\0\0" + encode(STATE))
        found = load(fake_host(root)).settings
        for _ in range(2):
            if name == "quick":
                assert mark_good_command.run_quickly(str(root)) == 0
                said = capsys.readouterr().out
            else:
                said = at_length(root) + "\n"
            # unlike a variable, a file keeps the end of what was longer
            variable.write_bytes(variable.read_bytes().partition(b"\n")[0] + b"\n")
            seen.append((said, timeless(root, found)))
    assert seen[0][0] == "Debian “stable” \\ 13 came up well.\n"
    assert seen[0][1].trying is None
    assert seen[1][0].startswith("Nothing to mark")
    assert seen[:2] == seen[2:]


@pytest.mark.parametrize(
    ("settings", "more"),
    [
        ('state.device = "LABEL=STATE"\n', {}),
        ('state.device = "efi on usb"\n', {}),
        ("state.device = 7\n", {}),
        ('state.device = ""\n', {}),
        ('state.folder = "/nowhere"\n', {}),
        ('state.folder = "relative"\n', {}),
        ("state.rename-counters = true\n", {}),
        ('state.rename-counters = "no"\n', {}),
        ('state.devise = "efi"\n', {}),
        ('"state.device" = "efi"\n', {}),
        ('stat.device = "efi"\n', {}),
        ("state = 1\n", {}),
        ("this is no TOML", {}),
        ("timeout = 1\ntimeout = 2\n", {}),
        ("", {}),
        (None, "bootmenu.state.device=efi"),
        (None, "Bootmenu.x bootmenu.profile=kiosk"),
        (None, {"state.json": encode(STATE)[:-1]}),
        (None, {"state.json": b""}),
        (None, {"state.json": b'{"schema": 2}\n'}),
        (None, {"state.json.new": encode(STATE)}),
        (None, {"state.json": b"{", "state.json.old": encode(STATE)}),
        (None, {"state.json": encode(STATE).replace(b'"wrong_pins":2', b'"wrong_pins":true')}),
        (None, {"state.json": b" " + encode(STATE), "state.json.old": encode(STATE)}),
    ],
)
def test_what_is_out_of_the_ordinary_is_left_as_it_is(
    tmp_path: Path, settings: str | None, more: str | dict[str, bytes], capsys: pytest.CaptureFixture[str]
) -> None:
    cmdline, files = (more, None) if isinstance(more, str) else ("", more or None)
    root = machine(tmp_path / "m", settings, cmdline, files)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    assert mark_good_command.run_quickly(str(root)) is None
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before
    assert capsys.readouterr() == ("", "")


def test_a_title_from_a_disk_does_not_steer_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", output)
    state = State().booting(Attempt(entry="x", at="", title="\x1b[2Jé"))
    assert mark_good_command.run_quickly(str(machine(tmp_path / "m", files={"state.json": encode(state)}))) == 0
    output.flush()
    assert b"\\ufffd[2J\\xe9 came up well.\n" in output.buffer.getvalue()


def test_nobody_needs_to_read_what_it_says(tmp_path: Path) -> None:
    root = str(machine(tmp_path / "m"))
    program = f"import sys; from bootmenu.commands import mark_good_command as it; sys.exit(it.run_quickly({root!r}))"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", program], stdout=full, check=False, capture_output=False)
    assert done.returncode == 2
    assert FolderBackend(tmp_path / "m" / PLACE).read().trying is None


MODULES = {
    "__future__",
    "_json",
    "errno",
    "bootmenu",
    "bootmenu.bootstate",
    "bootmenu.commands",
    "bootmenu.commands.mark_good_command",
    "bootmenu.config",
    "bootmenu.model",
    "bootmenu.model.text",
    "bootmenu.config.plain_toml",
    "bootmenu.bootstate.state_json",
    "bootmenu.system",
    "bootmenu.system.durable_file",
}
"""What mark-good may import beside what every start of Python does. None of them takes long, which re, enum, pathlib,
json and argparse all do."""
MODULES_FOR_A_PARTITION = {"_ctypes", "_struct", "bootmenu.bootstate.quick_mount"}
MODULES_FOR_EFI = {"_struct", "bootmenu.system.efi", "errno", "fcntl", "struct"}


@pytest.mark.parametrize(
    ("settings", "allowed"), [(KIOSK, MODULES), ('state.device = "efi"\n', MODULES | MODULES_FOR_EFI)]
)
def test_it_imports_these_modules_and_no_other(tmp_path: Path, settings: str, allowed: set[str]) -> None:
    root = machine(tmp_path / "m", settings)
    (root / efi.VARIABLES.lstrip("/")).mkdir(parents=True)
    (root / efi.STATE.lstrip("/")).write_bytes(b"\7\0\0\0" + encode(STATE))
    program = f"""
import sys
before = set(sys.modules)
sys.argv[1:] = ["mark-good"]
from bootmenu import __main__
from bootmenu.commands import mark_good_command
run = mark_good_command.run_quickly
mark_good_command.run_quickly = lambda: run({str(root)!r})
code = __main__.main()
print(code, *sorted(set(sys.modules) - before))
"""
    command = [sys.executable, "-I", "-c", program]
    said, modules = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said.endswith("came up well.")
    code, *imported = modules.split()
    assert code == "0"
    assert set(imported) - {"bootmenu.__main__"} <= allowed


near = st.builds(
    lambda name, at, many, more: name[:at] + more + name[at + many :],
    st.sampled_from(["state", "device", "folder", "State-Device", "statedevice"]),
    st.integers(0, 12),
    st.integers(0, 3),
    st.text("statedvicfolr-x", max_size=4),
)


@given(near)
def test_a_name_that_is_taken_for_one_of_those_needed_is_out_of_the_ordinary(name: str) -> None:
    if meant_by_name(name).startswith("state.") and name != "state":  # which is a table, and looked into
        assert mark_good_command._may_mean_needed(name)


def test_no_setting_is_taken_for_one_of_those_needed() -> None:
    """A new one that is would make mark-good slow, and no more."""
    assert not [
        option.name for option in OPTIONS if mark_good_command._may_mean_needed(option.name.partition(".")[0])
    ]
    assert set(mark_good_command.NEEDED) == {option.name for option in OPTIONS if option.name.startswith("state.")}
    tables = {option.name.partition(".")[0] for option in OPTIONS if "." in option.name} | {"sha256"}
    assert set(mark_good_command.TABLES) == tables
    assert mark_good_command.FILE == FILE
    assert Settings().state_folder == mark_good_command.FOLDER


# ---- the same as json, and as tomllib ----------------------------------------------------------------------


@given(states)
def test_a_state_is_written_as_json_writes_it(state: State) -> None:
    assert state_json.dumps(state_json.loads(encode(state))) == encode(state)


encoded = states.map(encode)


@given(
    st.binary(max_size=200)
    | st.builds(lambda data, at, more: data[:at] + more + data[at:], encoded, st.integers(0, 300), st.binary())
)
def test_any_bytes_are_a_state_for_state_decode_too_or_an_error(data: bytes) -> None:
    try:
        state = state_json.loads(data)
    except ValueError:
        return
    with contextlib.suppress(StateError):
        assert to_json(decode(data)) == {**state, "own": []}
        return
    raise AssertionError(f"{data!r} was taken for a state")


pieces = (
    *"ab=.,#[]{}\"'\\\n\t \r\x07é0179-_+\n\n\n",
    *("a = ", " = ", '"x"', "'y'", '"""', "true", "false", "12", "1.5", "0x1", "a.b = 1", "state.device", "# x\n"),
    *("\n[a]\n", "\n[b]\n", "[[a]]\n", "{ a = 1 }", "[ 1, 2 ]", "[\n", "\ufeff"),
)


@given(st.lists(st.sampled_from(pieces), max_size=14).map("".join))
def test_plain_toml_is_what_tomllib_says(text: str) -> None:
    plain = plain_toml.loads(text)
    if plain is not None:
        assert plain == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        KIOSK,
        "",
        "a = []\nb = [1, 'x', true,]\nc = {}\nd.e = 1\nd.f = '#'\n[g]\n[h]\n\"i = j\" = \"[\" # ]",
        "a\t=\t0\n\n[ok]\nx = [\n# none\n]",
    ],
)
def test_plain_is_what_settings_are_made_of(text: str) -> None:
    assert plain_toml.loads(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text",
    [
        "a = 1\na = 2",
        "[a]\n[a]",
        "a.b = 1\n[a]",
        "a = 1\na.b = 2",
        "a = {b = 1}\na.c = 2",
        "a = {b = 1, b = 2}",
        "a = [1",
    ],
)
def test_what_is_no_toml_is_never_plain(text: str) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    assert plain_toml.loads(text) is None
