# SPDX-License-Identifier: MIT
"""data/mark-good/bootmenu-mark-good, a shell script, does what `bootmenu mark-good` does."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings

from bootmenu.bootstate.state import Attempt, State, encode
from bootmenu.commands import mark_good_command
from bootmenu.config.settings import FILE
from bootmenu.config.settings_layers import load
from bootmenu.discovery.attachment import Places
from bootmenu.model.place import is_at
from bootmenu.model.value import replace
from bootmenu.system import efi
from bootmenu.system.host import Host
from tests.bootstate.test_quick_mount import with_disk
from tests.bootstate.test_state_store import states
from tests.builders.hosts import fake_host
from tests.builders.places import DOCK, EMMC, NVME, SATA, SDCARD, USB, VIRTIO
from tests.commands.test_mark_good import KIOSK, PLACE, STATE, at_length, machine, timeless

SCRIPT = Path(__file__).parents[2] / "data/mark-good/bootmenu-mark-good"


def script(root: Path) -> subprocess.CompletedProcess[str]:
    """Run it on a machine below a folder."""
    command = ["sh", str(SCRIPT), "--root", str(root)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def with_variable(root: Path, state: State) -> Path:
    """The machine, with the state in an EFI variable, too."""
    (root / efi.VARIABLES.lstrip("/")).mkdir(parents=True)
    (root / efi.STATE.lstrip("/")).write_bytes(b"\7\0\0\0" + encode(state))
    return root


@pytest.mark.parametrize(
    "text",
    [
        None,
        "timeout = 3\n",
        KIOSK,
        'state.device = "EFI"  # the firmware keeps it\n',
        "[kiosk]\ndisks = ['PARTUUID=0f5a1d50-01 on sd', \"x\"]\n[state]\ndevice = 'efi'\n",
        'timeout = 1\n[state]\nfolder = "/var/lib/bootmenu/"\nrename-counters = false\n',
        'theme = "state.device = efi"\nstate.folder="/var/lib/bootmenu"\n',
    ],
)
def test_it_does_what_the_program_does(tmp_path: Path, text: str | None, capsys: pytest.CaptureFixture[str]) -> None:
    seen = []
    for name in ("program", "script"):
        root = with_variable(machine(tmp_path / name, text), STATE)
        found = load(fake_host(root)).settings
        variable = root / efi.STATE.lstrip("/")
        for _ in range(2):
            if name == "program":
                assert mark_good_command.run_quickly(str(root)) == 0
                said = capsys.readouterr().out
            else:
                done = script(root)
                assert (done.returncode, done.stderr) == (0, "")
                said = done.stdout
            # unlike a variable, a file keeps the end of what was longer
            variable.write_bytes(variable.read_bytes().partition(b"\n")[0] + b"\n")
            seen.append((said, timeless(root, found)))
    assert seen[0][1].trying is None
    assert seen[:2] == seen[2:]


@pytest.mark.slow
@given(states)
@settings(max_examples=25)
def test_any_state_becomes_the_same(tmp_path_factory: pytest.TempPathFactory, state: State) -> None:
    top = tmp_path_factory.mktemp("states")
    program, shell = (machine(top / name, files={"state.json": encode(state)}) for name in ("program", "script"))
    done = script(shell)
    said = at_length(program)
    assert (done.returncode, done.stderr) == (0, "")
    here = load(fake_host(program)).settings
    assert timeless(shell, here) == timeless(program, here)
    assert len(done.stdout) == len(said) + 1 or not said.isascii(), "all but rare characters are shown alike"
    if state.trying is not None:
        assert (shell / PLACE / "state.json.old").read_bytes() == encode(state)


def test_a_long_history_is_cut_as_the_program_cuts_it(tmp_path: Path) -> None:
    many = tuple(Attempt(entry=f"entry-{number}", at="", title="\x1b[2J") for number in range(50))
    state = replace(STATE, good=many, tries=many, lost=many)
    seen = []
    for name, text in (("variable", 'state.device = "efi"\n'), ("folder", None)):
        for run in ("program", "script"):
            root = with_variable(
                machine(tmp_path / f"{name}-{run}", text, files={"state.json": encode(state)}), state
            )
            assert (mark_good_command.run_quickly(str(root)) if run == "program" else script(root).returncode) == 0
            variable = root / efi.STATE.lstrip("/")
            variable.write_bytes(variable.read_bytes().partition(b"\n")[0] + b"\n")
            seen.append(timeless(root, load(fake_host(root)).settings))
    assert seen[0] == seen[1]
    assert seen[2] == seen[3]
    assert (len(seen[0].good), len(seen[2].good)) == (3, 50)


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("\x1b[2Jé\u009b", "�[2Jé�"),
        ('Debian “stable” \\ " / 13', 'Debian “stable” \\ " / 13'),
        ("\u202eevil\u2028\ufeff\t", "�evil���"),
        ("😀 \U000f0000 ß%s%n\\0101", "😀 � ß%s%n\\0101"),
        ("", "bls-x"),
    ],
)
def test_a_title_is_shown_as_the_program_shows_it(tmp_path: Path, title: str, shown: str) -> None:
    state = State().booting(Attempt(entry="bls-x", at="", title=title))
    done = script(machine(tmp_path / "m", files={"state.json": encode(state)}))
    assert done.stdout == f"{shown} came up well.\n"


@pytest.mark.parametrize(
    ("text", "cmdline", "files", "code"),
    [
        ("", "", {}, 2),
        ("state = 1\n", "", {}, 2),
        ("state = { device = 'efi' }\n", "", {}, 2),
        ('"state".device = "efi"\n', "", {}, 2),
        ('state . device = "efi"\nstate.device = "x"\n', "", {}, 2),
        ('state.device = "a\\u0062"\n', "", {}, 2),
        ('state.devise = "efi"\n', "", {}, 2),
        ("state.device = '''efi'''\n", "", {}, 2),
        ('state.device = ""\n', "", {}, 2),
        ("x = [\n1\n", "", {}, 2),
        ("this is no TOML", "", {}, 2),
        ('state.folder = "relative"\n', "", {}, 2),
        ('state.folder = "/var/../etc"\n', "", {}, 2),
        ('state.folder = "/nowhere"\n', "", {}, 2),
        ('state.device = "LABEL=STATE"\n', "", {}, 2),
        ('state.device = "LABEL=$(id)"\n', "", {}, 2),
        (None, "quiet bootmenu.state.device=efi", {}, 2),
        (None, "", {"state.json": encode(STATE)[:-1]}, 1),
        (None, "", {"state.json": b""}, 1),
        (None, "", {"state.json": b'{"schema":2}\n'}, 1),
        (None, "", {"state.json": encode(STATE).replace(b'"wrong_pins":2', b'"wrong_pins":true')}, 1),
        (None, "", {"state.json": encode(STATE).replace(b"}\n", b',"x":1}\n')}, 1),
        (None, "", {"state.json.old": encode(STATE)}, 1),
    ],
)
def test_what_it_does_not_understand_stays_as_it_is(
    tmp_path: Path, text: str | None, cmdline: str, files: dict[str, bytes], code: int
) -> None:
    root = machine(tmp_path / "m", text, cmdline, files or None)
    before = {path: path.read_bytes() for path in root.rglob("*") if path.is_file()}
    done = script(root)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("bootmenu-mark-good: ")
    assert {path: path.read_bytes() for path in root.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["state.json", "state.json.old", "state.json.new"])
@pytest.mark.parametrize("what", ["link", "link to nothing", "pipe", "folder"])
def test_nothing_but_a_regular_file_is_opened(name: str, what: str, tmp_path: Path) -> None:
    root = machine(tmp_path / "m", None, "", {"state.json": encode(STATE)})
    victim = tmp_path / "victim"
    victim.write_bytes(encode(STATE))
    (path,) = (each.with_name(name) for each in root.rglob("state.json"))
    path.unlink(missing_ok=True)
    match what:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case _:
            path.symlink_to(victim if what == "link" else tmp_path / "nothing")
    before = sorted(root.rglob("*"))
    done = script(root)
    assert done.returncode == 1
    assert f"{name} is no regular file" in done.stderr
    assert sorted(root.rglob("*")) == before
    assert victim.read_bytes() == encode(STATE)
    assert not (tmp_path / "nothing").exists()


def test_a_file_that_a_power_cut_left_half_renamed_is_used(tmp_path: Path) -> None:
    root = machine(tmp_path / "m", files={"state.json.new": encode(STATE)})
    assert script(root).returncode == 0
    assert timeless(root, load(fake_host(root)).settings).trying is None


def test_a_counter_that_it_cannot_end_is_reported(tmp_path: Path) -> None:
    done = script(machine(tmp_path / "m", "state.rename-counters = true\n"))
    assert done.returncode == 1
    assert done.stdout.endswith("came up well.\n")
    assert "boot counter" in done.stderr


BLKID = """\
#!/bin/sh
case $3 in
*p1 | *[sv]d*1) printf 'LABEL=STATE\\nUUID=AB-12\\nTYPE=vfat\\nPARTLABEL=state\\nPARTUUID=0f5a1d50-01\\n' ;;
*) exit 2 ;;
esac
"""


def finds(root: Path, setting: str) -> list[str]:
    """The partition and the file system that it would mount, or nothing."""
    (root / "etc").mkdir(exist_ok=True)
    (root / FILE.lstrip("/")).write_text(f'state.device = "{setting}"\n')
    for name, text in (("blkid", BLKID), ("unshare", '#!/bin/sh\necho "$4 $5"\n')):
        (root / name).write_text(text)
        (root / name).chmod(0o755)
    environ = {"PATH": f"{root}:{os.environ['PATH']}"}
    command = ["sh", str(SCRIPT), "--root", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environ)
    assert done.returncode == (0 if done.stdout else 2), done.stderr
    return done.stdout.split()


@pytest.mark.parametrize("where", [SATA, USB, NVME, EMMC, SDCARD, VIRTIO, DOCK])
def test_a_partition_is_taken_only_where_the_settings_say(tmp_path: Path, where: str) -> None:
    files = {EMMC: {f"{EMMC}/../../type": "MMC\n"}, SDCARD: {f"{SDCARD}/../../type": "SD\n"}}.get(where, {})
    part = with_disk(tmp_path, where, files)
    for bus in ("internal", "sd", "usb", "external"):
        setting = f"LABEL=STATE on {bus}"
        there = is_at(Places(Host(root=tmp_path)).of(part.name, ""), bus)
        assert finds(tmp_path, setting) == ([f"/dev/{part.name}", "vfat"] if there else []), setting


def test_a_partition_has_any_of_its_names(tmp_path: Path) -> None:
    part = with_disk(tmp_path, SATA)
    for setting in ("LABEL=STATE", "UUID=ab-12", "partuuid=0F5A1D50-01 on internal", "PARTLABEL=state", "/dev/sda1"):
        assert finds(tmp_path, setting) == [f"/dev/{part.name}", "vfat"], setting
    for setting in ("LABEL=state", "LABEL=OTHER", "LABEL=", "KIND=x", "LABEL=*", "/dev/disk/by-label/STATE", "sda9"):
        assert finds(tmp_path, setting) == [], setting
    with_disk(tmp_path, SATA.replace("sda", "sdc").replace("2:0", "4:0"))
    assert finds(tmp_path, "LABEL=STATE") == [], "there are two"


def test_language_and_theme_are_kept_and_a_state_from_before_them_is_understood(tmp_path: Path) -> None:
    chosen = replace(STATE, language="de", theme="light")
    old = encode(STATE).replace(b'"language":null,"theme":null,', b"")
    assert old != encode(STATE)
    for name, data, look in (("new", encode(chosen), ("de", "light")), ("old", old, (None, None))):
        root = machine(tmp_path / name, files={"state.json": data})
        done = script(root)
        assert (done.returncode, done.stderr) == (0, "")
        marked = timeless(root, load(fake_host(root)).settings)
        assert (marked.trying, marked.language, marked.theme) == (None, *look)
