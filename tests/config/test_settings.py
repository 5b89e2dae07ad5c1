# SPDX-License-Identifier: MIT
"""Settings: each layer over the one below it, and a bad value never in the way."""

from __future__ import annotations

import errno
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.bootstate.state import State
from bootmenu.cli import main
from bootmenu.commands.settings_command import settings_lines
from bootmenu.config.option import UNSET, CommandLineRule, Declarations, Option
from bootmenu.config.setting_values import read_names, read_seconds
from bootmenu.config.settings import (
    FILE,
    FIRST_STAGE_CMDLINE,
    FIRST_STAGE_SECONDS,
    OPTIONS,
    MenuStyle,
    Profile,
    Settings,
    Verify,
    Watchdog,
)
from bootmenu.config.settings_layers import Loaded, load, parse
from bootmenu.model.place import INTERNAL_ONLY
from bootmenu.model.value import Value, fields
from bootmenu.session.autoboot import choose, countdown_seconds
from bootmenu.system.host import Host
from bootmenu.view import json_output
from bootmenu.view.policy import Policy
from tests.builders.fakes import ALPINE, DEBIAN, OLDER

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


def test_words_of_the_build_are_at_the_beginning_of_the_command_line(tmp_path: Path) -> None:
    host = machine(tmp_path, "timeout = 5\nshell = false\n", "quiet bootmenu.timeout=7")
    (tmp_path / "etc/bootmenu").mkdir()
    (tmp_path / FIRST_STAGE_CMDLINE[1:]).write_text("bootmenu.timeout=6 bootmenu.theme=light bootmenu.shell=yes\n")
    found = load(host)
    assert (found.settings.timeout, found.settings.theme, found.settings.shell) == (7, "light", False)
    assert "shell stays as" in found.problems[0], "they tighten only, too"


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
        "console = 5", 'watchdog = "bite"', "no-such-setting = 1", "[no-such-table]\nx = 1\ny = 2",
        'console = "a,,b"',
        pytest.param("timeout = 0x" + "f" * 5000, id="thousands of digits"),
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
    assert (
        load(machine(tmp_path, command_line="bootmenu.term=vt100 bootmenu.size=80x24 bootmenu.loglevel=7"))
        == Loaded()
    )


def test_every_setting_can_be_written_and_is_told_with_its_origin(tmp_path: Path) -> None:
    names = [field.name for field in fields(Settings)]
    assert [option.field for option in OPTIONS] == names[:-1]
    assert names[-1:] == ["kiosk_default_of"], "what is derived comes last, and is no setting"
    rows = {option.name: (value, origin) for option, value, origin in load(machine(tmp_path, "timeout = 3")).rows()}
    assert rows["timeout"] == (3, FILE)
    assert rows["watchdog"] == (Watchdog.LEAVE, "default")
    assert len(rows) == len(OPTIONS)


def test_a_setting_is_one_entry() -> None:
    declared = Declarations()

    class Sample(Value, kw_only=True):
        volume: int = declared.setting("kiosk.volume", 5, read_seconds, "how loud", strictest=0)
        names: dict[str, str] = declared.setting("names", {}, read_names, "who")
        derived: int = 1

    assert declared.options(Sample) == (
        Option("volume", "kiosk.volume", read_seconds, "how loud", strictest=0),
        Option("names", "names", read_names, "who"),
    )
    assert (Sample().volume, Sample(volume=7).volume, Sample().names) == (5, 7, {})
    assert Sample().names is not Sample().names


@given(name=st.sampled_from([option.name for option in OPTIONS]) | st.text(max_size=20), value=st.text(max_size=50))
def test_any_flag_gives_settings(name: str, value: str) -> None:
    found = load(Host(root=Path("/nonexistent")), {name: value})
    known: dict[str, Any] = {option.name: option for option in OPTIONS}
    restricts = name in known and (name == "sha256" or name in found.origins)
    assert (name in found.origins) != bool(found.problems) or name not in known or restricts


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
    assert main(["settings"]) == 1
    out, err = capsys.readouterr()
    assert re.search(rf"^timeout += 4 +# {FILE}$", out, re.MULTILINE)
    assert re.search(rf"^# kiosk.pin is set, and not shown +# {FILE}$", out, re.MULTILINE)
    assert not re.search(r"[0-9a-f]{16}", out)
    assert "menu should be one of visible, hidden, forced" in err
    assert main(["settings", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["settings"]["timeout"] == {"value": 4, "origin": FILE}
    assert found["settings"]["kiosk.pin"]["value"] == "set"
    assert len(found["problems"]) == 1


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            f'[sha256]\n"LABEL=no such partition:/x" = "{"ab" * 32}"\n',
            "no partition is called label=no such partition",
        ),
        ('[kiosk]\npin = "' + PIN.replace("16384", "16383") + '"\n', "N has to be a power of two"),
        ("", "is empty"),
    ],
)
def test_the_command_fails_for_every_problem(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, written: str, told: str
) -> None:
    host = machine(tmp_path, written)
    monkeypatch.setattr("bootmenu.system.host.Host", lambda: host)
    assert main(["settings"]) == 1
    assert told in capsys.readouterr().err
    assert main(["settings", "--json"]) == 1
    assert told in json.loads(capsys.readouterr().out)["problems"][0]
    (tmp_path / FILE[1:]).write_text("timeout = 5\n")
    assert main(["settings"]) == 0
    assert main(["settings", "--json"]) == 0


# ---- what `bootmenu settings` prints is a settings file --------------------------------------------------------

VALUES: list[Any] = [
    True, False, 0, 7, "off", "de", "standard", "kiosk", "visible", "hidden", "forced", "listed", "all", "leave",
    "feed", "disarm", "LABEL=STATE on sd", "efi", "/var/lib/x", 'a "b" \\ # = é', "", PIN, [], ["*"], ["internal"],
    ["PARTUUID=ab-01 on sd", "internal"], ["PARTUUID=0f-2 on platform-fe340000.mmc"], ['a "b"', "#c,d"], "tty1,ttyS0",
    {}, {"*rescue*": "Repair", 'b."c"': "a = b # c"}, {"sda1:/boot/a b": "AB" * 32, "/x": "cd" * 32}, {"/y": ""},
]  # fmt: skip
"""As a TOML file has them; every option takes those that it understands."""


def made(option: Option) -> list[object]:
    """Every value of an option that the settings can have: its default, the strictest, and what it reads."""
    found = [getattr(Settings(), option.field)]
    if option.strictest is not UNSET:
        found.append(option.strictest)
    for value in VALUES:
        try:
            found.append(option.read(value))
        except ValueError as error:
            found += [error.value] if hasattr(error, "value") else []
    return found


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_what_the_command_prints_of_a_setting_is_read_back(option: Option) -> None:
    values = made(option)
    assert any(value != values[0] for value in values), "no value of VALUES is one of this setting"
    for value in values:
        given: dict[str, Any] = {option.field: value}
        settings = Settings(**given)
        loaded = Loaded(settings=settings, origins={option.name: FILE})
        printed = "\n".join(settings_lines(loaded)) + "\n"
        told: Any = json_output.settings_to_json(loaded)["settings"]
        if option.secret:
            assert value is None or str(value) not in printed
            assert told[option.name]["value"] == (None if value is None else "set")
            continue
        assert parse(printed.encode(), "printed").settings == settings, printed
        again = json.loads(json_output.json_text(told))[option.name]["value"]
        assert again is None or taken(option, again) == value


def taken(option: Option, value: object) -> object:
    try:
        return option.read(value)
    except ValueError as error:
        return getattr(error, "value", option.strictest)


def test_every_setting_is_printed_once_with_what_applies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = machine(tmp_path)
    monkeypatch.setattr("bootmenu.system.host.Host", lambda: host)
    for name, value in (("LC_ALL", ""), ("LC_MESSAGES", ""), ("LANG", "pt_BR.UTF-8"), ("TERM", "linux")):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr("sys.argv", ["bootmenu"])
    assert main(["settings"]) == 0
    out = capsys.readouterr().out
    assert re.findall(r"^(?:# )?([a-z0-9.-]+) +(?:=|is)", out, re.MULTILINE) == [option.name for option in OPTIONS]
    assert re.search(r'^timeout += "off" +# default, outside a first stage; 10 in one$', out, re.MULTILINE)
    assert re.search(r'^theme += "vt16" +# default, by the colours of this terminal$', out, re.MULTILINE)
    assert re.search(r'^language += "pt" +# default, by LANG$', out, re.MULTILINE)
    (tmp_path / FILE[1:]).write_text('timeout = "off"\ntheme = "light"\n')
    assert main(["settings"]) == 0
    out = capsys.readouterr().out
    assert re.search(rf'^timeout += "off" +# {FILE}$', out, re.MULTILINE)
    assert re.search(rf'^theme += "light" +# {FILE}$', out, re.MULTILINE)


def test_the_default_timeout_is_printed_as_it_is_here_and_reads_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    host = machine(tmp_path)
    monkeypatch.setattr("bootmenu.system.host.Host", lambda: host)
    for packed, seconds in ((False, None), (True, FIRST_STAGE_SECONDS)):
        if packed:
            (tmp_path / "etc/bootmenu").mkdir()
            (tmp_path / "etc/bootmenu/modules").touch()
        monkeypatch.setattr("sys.argv", ["bootmenu"])
        assert main(["settings"]) == 0
        printed = parse(capsys.readouterr().out.encode(), "printed")
        assert (printed.settings.timeout, printed.problems) == (seconds, ())
        assert countdown_seconds(load(host), first_stage=packed, demo=False) == seconds


# ---- what is not understood is the strictest --------------------------------------------------------------------

KIOSK = f"""\
# of the kiosk in the hall
profile = "kiosk"
timeout = 12
verify = "all"
shell = false
default = "bls-debian-1"

[sha256]
"/dev/sda1:/vmlinuz" = "{"ab" * 32}"
"LABEL=Boot:/initrd" = "{"CD" * 32}"

[state]
device = "LABEL=STATE"

[kiosk]
entries = ["bls-debian-*", "*rescue*"]
recovery = ["*rescue*"]
locked = ["*rescue*"]
actions = ["details", "rescan"]
contact = "Help: 0800 123 456"
pin = "{PIN}"
names = {{ "*rescue*" = "Repair" }}
buttons = true
"""


def locked_down(found: Loaded) -> bool:
    """A kiosk with its default entry and the contact, and nothing else."""
    got = found.settings
    return (got.profile, got.shell, got.kiosk_entries, got.kiosk_actions, got.kiosk_command_line) == (
        *(Profile.KIOSK, False, (), (), False),
    )


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0", b"\0" * 4096, b"\xff\xfe", "profile = [", 'profile = "kiosk"\nx = 1\nx = 2', "[kiosk",
        KIOSK.encode("utf-16"), KIOSK.encode("utf-16-le"), KIOSK.encode() + b"\0", "[kiosk]\n[kiosk]\n", "timeout = ",
        pytest.param("x = " + "[" * 100_000, id="deep"), pytest.param(b"#" * (1024 * 1024 + 1), id="large"),
        pytest.param("x = 1" + "0" * 5000, id="long number"), KIOSK.encode()[:-3], 'profile = "standard"\n' + "x",
    ],
)  # fmt: skip
def test_a_file_that_is_there_and_not_understood_is_a_kiosk_with_its_default_entry(
    tmp_path: Path, content: str | bytes
) -> None:
    found = load(machine(tmp_path, content))
    assert locked_down(found)
    assert found.settings.kiosk_pin is None
    assert found.problems[0].startswith(FILE)
    assert all(len(problem) < 400 for problem in found.problems)


@pytest.mark.parametrize("kind", ["folder", "dangling", "fifo", "forbidden", "error"])
def test_a_file_that_cannot_be_read_is_there(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = machine(tmp_path)
    path = tmp_path / FILE[1:]
    match kind:
        case "folder":
            path.mkdir()
        case "dangling":
            path.symlink_to("nowhere")
        case "fifo":
            os.mkfifo(path)
        case _:
            path.write_text("timeout = 5\n")
            number = errno.EACCES if kind == "forbidden" else errno.EIO
            real = os.open

            def refuse(name: Path, *arguments: int) -> int:
                if name == path:
                    raise OSError(number, os.strerror(number))
                return real(name, *arguments)

            monkeypatch.setattr(os, "open", refuse)
    found = load(host)
    assert locked_down(found)
    assert len(found.problems) == 1


@pytest.mark.parametrize("content", ["# nothing\n", "\n", " "])
def test_a_file_without_a_setting_is_understood(tmp_path: Path, content: str) -> None:
    assert load(machine(tmp_path, content)) == Loaded()


def test_a_byte_order_mark_is_accepted(tmp_path: Path) -> None:
    with_mark = load(machine(tmp_path, KIOSK.encode("utf-8-sig")))
    assert with_mark == load(machine(tmp_path, KIOSK))
    assert with_mark.problems == ()
    assert with_mark.settings.kiosk_locked == ("*rescue*",)


def test_the_contact_of_a_broken_file_is_shown(tmp_path: Path) -> None:
    assert load(machine(tmp_path, KIOSK + "[broken")).settings.kiosk_contact == "Help: 0800 123 456"


@pytest.mark.parametrize(
    ("written", "verify"),
    [
        (f'[sha256]\n"/x" = "{"ab" * 32}"\n[broken', Verify.ALL),
        ('verify = "all"\n[broken', Verify.ALL),
        (f'"/x" = "{"ab" * 32}"\n[broken', Verify.ALL),
        (KIOSK.encode("utf-16"), Verify.ALL),
        (f'# sha256\n[kiosk]\npin = "{PIN}"\n[broken', Verify.LISTED),
    ],
)
def test_a_broken_file_that_may_demand_digests_starts_nothing(
    tmp_path: Path, written: str | bytes, verify: Verify
) -> None:
    assert load(machine(tmp_path, written)).settings.verify is verify


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ('profile = "kiosks"', "profile", Profile.KIOSK),
        ("profile = true", "profile", Profile.KIOSK),
        ('profile = ""', "profile", Profile.KIOSK),
        ('profile = " standard"', "profile", Profile.KIOSK),
        ('Profile = "kiosk"', "profile", Profile.KIOSK),
        ('profil = "kiosk"', "profile", Profile.KIOSK),
        ('[profile]\nx = "kiosk"', "profile", Profile.KIOSK),
        ('shell = "nein"', "shell", False),
        ("shell = 0", "shell", False),
        ("shell = []", "shell", False),
        ("Shell = false", "shell", False),
        ("shel = false", "shell", False),
        ("sehll = false", "shell", False),
        ('verify = "al"', "verify", Verify.ALL),
        ('verfy = "all"', "verify", Verify.ALL),
        ("verify = true", "verify", Verify.ALL),
        ("sha256 = 5", "verify", Verify.ALL),
        ('sha256 = ["x"]', "verify", Verify.ALL),
        ('sha-256 = "x"', "verify", Verify.ALL),
        ('[kiosk]\nentries = ["x", ""]', "kiosk_entries", ()),
        ('[kiosk]\nentries = "x,"', "kiosk_entries", ()),
        ("[kiosk]\nentries = [5]", "kiosk_entries", ()),
        ('[kiosk]\nentries = ["a\\u001bb"]', "kiosk_entries", ()),
        (f'[kiosk]\nentries = ["{"x" * 5000}"]', "kiosk_entries", ()),
        ('[kiosk]\nentries = [["*"]]', "kiosk_entries", ()),
        ('[kiosk]\nentires = ["x"]', "kiosk_entries", ()),
        ('[kiosk]\nlockd = ["*rescue*"]', "kiosk_entries", ()),
        ('[kiosks]\nentries = ["x"]', "kiosk_entries", ()),
        ('kiosk = "yes"', "profile", Profile.KIOSK),
        ('[Kiosk]\nlocked = ["x"]', "profile", Profile.KIOSK),
        ('locked = ["x"]', "profile", Profile.KIOSK),
        ('"kiosk.entries" = ["*"]', "kiosk_entries", ()),
        ('[kiosk]\nlocked = ["*rescue*", ""]', "kiosk_locked", ("*",)),
        ('[kiosk]\nlocked = ""', "kiosk_locked", ("*",)),
        ("[kiosk]\nlocked = false", "kiosk_locked", ("*",)),
        ('[kiosk]\nlocked = ["' + '","'.join(["x"] * 200) + '"]', "kiosk_locked", ("*",)),
        ('[kiosk]\nactions = ["details", 1]', "kiosk_actions", ()),
        ('[kiosk]\npin = "1234"', "kiosk_pin", None),
        ('[kiosk]\ncommand-line = "ja"', "kiosk_command_line", False),
        ("[state]\ndevice = 5", "state_device", ""),
        ('[state]\nfolder = ""', "state_folder", ""),
        ('[state]\ndevice = ""', "state_device", ""),
        ('[state]\ndevcie = "LABEL=STATE"', "state_device", ""),
        ('[sttae]\ndevice = "LABEL=STATE"', "state_device", ""),
        ('state = "LABEL=STATE"', "state_device", ""),
        ('type = "kiosk"', "profile", Profile.KIOSK),
        ('[menus]\nmode = "Kiosk"', "profile", Profile.KIOSK),
        (f'[digests]\n"/vmlinuz" = "{"ab" * 32}"', "sha256", {"/vmlinuz": "ab" * 32}),
    ],
)
def test_what_restricts_and_is_not_understood_restricts_all(
    tmp_path: Path, written: str, field: str, value: object
) -> None:
    found = load(machine(tmp_path, written + "\n"))
    assert getattr(found.settings, field) == value
    assert found.problems
    assert "1234" not in "".join(found.problems)


def test_a_list_with_an_empty_element_is_told_as_such(tmp_path: Path) -> None:
    (problem,) = load(machine(tmp_path, '[kiosk]\nlocked = ["*rescue*", ""]\n')).problems
    assert problem.startswith(f"{FILE}: kiosk.locked should be a list of texts, none of them empty, not ")


def test_a_table_for_the_kiosk_makes_one_unless_the_profile_says_otherwise(tmp_path: Path) -> None:
    assert load(machine(tmp_path, "[kiosk]\nbuttons = true\n")).settings.profile is Profile.KIOSK
    standard = load(machine(tmp_path, 'profile = "standard"\n[kiosk]\nbuttons = true\n'))
    assert (standard.settings.profile, standard.problems) == (Profile.STANDARD, ())


def test_what_an_unknown_name_restricts_is_told_once(tmp_path: Path) -> None:
    found = load(machine(tmp_path, 'state = "LABEL=S"\nshel = true\n[kiosk]\ncolour = 1\ncontct = "x"\n'))
    assert (found.settings.state_device, found.settings.shell) == ("", False)
    assert found.problems == (
        f"{FILE}: there is no setting 'state'; in case it means state.device, the strictest value is used: none.",
        f"{FILE}: there is no setting 'shel'; in case it means shell, the strictest value is used: no.",
        f"{FILE}: there is no setting 'kiosk.colour'.",
        f"{FILE}: until all names are right, a kiosk has only its default entry.",
        f"{FILE}: there is no setting 'kiosk.contct'.",
    )


@pytest.mark.parametrize(("where", "known"), [("sd", True), ("USB", True), ("platform-fe340000.mmc", True),
    ("nvme0", True), ("sdcard", False), ("mmc", False)])  # fmt: skip
def test_a_bus_that_does_not_exist_is_told(tmp_path: Path, where: str, known: bool) -> None:
    file = f'state.device = "LABEL=S on {where}"\nprofile = "kiosk"\n[kiosk]\ndisks = ["PARTUUID=a-1 on {where}"]\n'
    found = load(machine(tmp_path, file))
    assert [problem.split(" should be ")[0] for problem in found.problems] == (
        [] if known else [f"{FILE}: state.device", f"{FILE}: kiosk.disks"]
    )
    assert (found.settings.state_device == "", found.settings.kiosk_disks == INTERNAL_ONLY) == (not known, not known)


def test_a_name_that_names_no_file_is_told_with_what_to_write(tmp_path: Path) -> None:
    found = load(machine(tmp_path, f'[sha256]\n"sda1/vmlinuz" = "{"ab" * 32}"\n'))
    assert found.problems == (
        f"{FILE}: sha256: “sda1/vmlinuz” names no file; until it is right, no file starts without a SHA-256. "
        "Write PARTITION:/path, or /path.",
    )


def test_in_a_kiosk_s_file_any_unknown_name_leaves_the_default_entry_only(tmp_path: Path) -> None:
    found = load(machine(tmp_path, 'profile = "kiosk"\nnonsense = 1\n[kiosk]\nentries = ["x"]\nactions = ["log"]\n'))
    assert (found.settings.kiosk_entries, found.settings.kiosk_actions) == ((), ())


def test_the_default_entry_is_one_of_those_that_the_rest_of_the_file_allows(tmp_path: Path) -> None:
    """A slip of the pen takes the other entries away, and not the limits of the default one."""
    file = 'profile = "kiosk"\n[kiosk]\nlokced = ["*rescue*"]\nentries = ["debian-*"]\n'
    policy = Policy.of(load(machine(tmp_path, file)).settings)
    assert policy.default_only
    assert [one.entry.id for one in policy.startable((ALPINE, DEBIAN, OLDER))] == ["debian-49", "debian-47"]
    # whoever reaches the boot loader's prompt names no other one
    for words in ("bootmenu.default=alpine bootmenu.kiosk.x=1", "bootmenu.kiosk=1 bootmenu.default=*"):
        settings = load(machine(tmp_path, file.replace("lokced", "locked"), words)).settings
        able = Policy.of(settings).startable((ALPINE, DEBIAN))
        choice = choose(able, State(), settings, finished=True)
        assert choice.listing == DEBIAN


def test_a_bad_digest_refuses_its_file_and_the_others_hold(tmp_path: Path) -> None:
    good, bad = "AB" * 32, "ab" * 31 + "ag"
    file = f'[sha256]\n"/dev/sda1:/a" = "{good}"\n"UUID=AB-CD:/b" = "{bad}"\n"/c" = 5\n'
    found = load(machine(tmp_path, file))
    assert found.settings.sha256 == {"sda1:/a": good.lower(), "uuid=ab-cd:/b": "", "/c": ""}
    assert found.settings.verify is Verify.LISTED
    assert len(found.problems) == 2


def test_two_digests_of_one_file_refuse_it(tmp_path: Path) -> None:
    file = f'[sha256]\n"sda1:/a" = "{"ab" * 32}"\n"/dev/sda1://a" = "{"cd" * 32}"\n"/b" = "{"ab" * 32}"\n'
    found = load(machine(tmp_path, file))
    assert found.settings.sha256 == {"sda1:/a": "", "/b": "ab" * 32}
    assert len(found.problems) == 1


def test_a_digest_of_nobody_knows_what_lets_only_listed_files_start(tmp_path: Path) -> None:
    found = load(machine(tmp_path, f'[sha256]\n"sda1:vmlinuz" = "{"ab" * 32}"\n"/b" = "{"ab" * 32}"\n'))
    assert (found.settings.sha256, found.settings.verify) == ({"/b": "ab" * 32}, Verify.ALL)
    assert "sda1:vmlinuz" in found.problems[0]


@pytest.mark.parametrize("name", ["/boot/../vmlinuz", "sda1:/../vmlinuz", "/vmlinuz ", "sda1:/vmlinuz\u00a0", "/.."])
def test_a_name_that_surely_is_not_what_was_meant_lets_only_listed_files_start(tmp_path: Path, name: str) -> None:
    """A folder of that name need not be there, and then the name is no file's."""
    found = load(machine(tmp_path, f'[sha256]\n"{name}" = "{"ab" * 32}"\n'))
    assert (found.settings.sha256, found.settings.verify) == ({}, Verify.ALL)
    assert len(found.problems) == 1


def test_a_table_whose_name_is_nearly_sha256_is_one(tmp_path: Path) -> None:
    found = load(machine(tmp_path, f'[SHA-256]\n"/b" = "{"ab" * 32}"\n'))
    assert found.settings.sha256 == {"/b": "ab" * 32}
    assert len(found.problems) == 1


def test_problems_are_bounded(tmp_path: Path) -> None:
    found = load(machine(tmp_path, "".join(f"x{number} = 1\n" for number in range(5000))))
    assert len(found.problems) == 51


# ---- the kernel's command line tightens --------------------------------------------------------------------------

LOOSE = (
    "bootmenu.profile=standard", "bootmenu.kiosk.entries=*", "bootmenu.kiosk.locked=none",
    "bootmenu.kiosk.actions=log",
    "bootmenu.kiosk.recovery=x", "bootmenu.kiosk.idle=99999", "bootmenu.kiosk.contact=0900", "bootmenu.shell=yes",
    "bootmenu.shell", "bootmenu.verify=listed", "bootmenu.skip-hooks=a", "bootmenu.skip_hooks=a",
    "bootmenu.watchdog=disarm",
    "bootmenu.state.device=LABEL=STICK", "bootmenu.state.folder=/x", "bootmenu.state.rename-counters=yes",
    '"bootmenu.profile=standard"', 'bootmenu.profile="standard"',
    "bootmenu.kiosk.entires=*", "bootmenu.kiosk.x=1", "bootmenu.kiosk", "bootmenu.sttae.device=LABEL=STICK",
    "bootmenu.device=efi", "bootmenu.sha-256=x",
)  # fmt: skip


@pytest.mark.parametrize("word", LOOSE)
def test_nothing_on_the_kernels_command_line_loosens_a_kiosk(tmp_path: Path, word: str) -> None:
    before = load(machine(tmp_path, KIOSK)).settings
    found = load(machine(tmp_path, KIOSK, f"quiet {word}"))
    assert found.settings == before
    (problem,) = found.problems
    assert problem.startswith("kernel command line: ")


@pytest.mark.parametrize("word", LOOSE)
@pytest.mark.parametrize("file", [b"", KIOSK.encode() + b"[broken"])
def test_nor_one_whose_file_was_not_understood(tmp_path: Path, word: str, file: bytes) -> None:
    before = load(machine(tmp_path, file)).settings
    assert load(machine(tmp_path, file, f"{word} bootmenu.default=x")).settings == before


def test_a_file_may_allow_it(tmp_path: Path) -> None:
    file = KIOSK + "command-line = true\n"
    found = load(machine(tmp_path, file, "bootmenu.profile=standard bootmenu.kiosk.entries=x bootmenu.shell=yes"))
    assert (found.settings.profile, found.settings.kiosk_entries, found.settings.shell) == (
        *(Profile.STANDARD, ("x",), True),
    )
    assert found.problems == ()
    # but not on that very line
    assert (
        load(machine(tmp_path, KIOSK, "bootmenu.kiosk.command-line=yes")).settings
        == load(machine(tmp_path, KIOSK)).settings
    )


def test_the_kernels_command_line_may_tighten(tmp_path: Path) -> None:
    words = "bootmenu.profile=kiosk bootmenu.shell=no bootmenu.verify=all"
    found = load(machine(tmp_path, 'profile = "standard"\nverify = "listed"\n', words))
    assert (found.settings.profile, found.settings.shell, found.settings.verify) == (
        *(Profile.KIOSK, False, Verify.ALL),
    )
    assert found.problems == ()


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("bootmenu.profile=kiosks", "profile", Profile.KIOSK),
        ("bootmenu.profile", "profile", Profile.KIOSK),
        ("bootmenu.shell=nein", "shell", False),
        ("bootmenu.verify=", "verify", Verify.ALL),
    ],
)
def test_a_word_that_is_not_understood_is_the_strictest_too(
    tmp_path: Path, word: str, field: str, value: object
) -> None:
    found = load(machine(tmp_path, None, word))
    assert getattr(found.settings, field) == value
    assert len(found.problems) == 1


def test_without_a_kiosk_in_the_file_the_kernels_command_line_makes_one(tmp_path: Path) -> None:
    words = "bootmenu.profile=kiosk bootmenu.kiosk.entries=a,b bootmenu.state.device=efi"
    found = load(machine(tmp_path, "timeout = 3\n", words))
    assert (found.settings.kiosk_entries, found.settings.state_device, found.problems) == (("a", "b"), "efi", ())
    prepared = 'profile = "standard"\n[kiosk]\nentries = ["a"]\n'
    assert load(machine(tmp_path, prepared, words)).settings.kiosk_entries == ("a",)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([option.name for option in OPTIONS]) | st.text("kiosk.entrlpfsh-_", max_size=15),
            st.sampled_from(["", "*", "yes", "no", "standard", "listed", "kiosk", "x,y", "LABEL=X", "0"])
            | st.text(max_size=9),
        ),
        max_size=5,
    )
)
def test_no_words_on_the_kernels_command_line_loosen_a_kiosk(
    tmp_path_factory: pytest.TempPathFactory, words: list[tuple[str, str]]
) -> None:
    line = " ".join(f"bootmenu.{name}={value}" for name, value in words)
    found = load(machine(tmp_path_factory.mktemp("machine"), KIOSK, line.replace("\n", " ")))
    assert looser(found, parse(KIOSK.encode(), "file").settings) == []


def test_whoever_has_a_shell_may_say_what_he_likes(tmp_path: Path) -> None:
    assert load(machine(tmp_path, KIOSK), {"profile": "standard"}).settings.profile is Profile.STANDARD


def test_every_word_that_is_restricted_has_a_reason() -> None:
    assert all(option.because for option in OPTIONS if option.command_line is not CommandLineRule.FREE)


# ---- no mutation loosens ------------------------------------------------------------------------------------------

WITHOUT_VERIFY = KIOSK.replace('verify = "all"\n', "")


def looser(found: Loaded, whole: Settings) -> list[str]:
    """What a mutated kiosk's file allows and the whole one does not. The default entry may always start, unless
    digests are demanded."""
    got = found.settings
    locked = set(whole.kiosk_locked) <= set(got.kiosk_locked) or "*" in got.kiosk_locked
    digests = whole.sha256.keys() <= got.sha256.keys() and whole.verify is Verify.LISTED
    ways = {
        "profile": got.profile is not Profile.KIOSK,
        "shell": got.shell,
        "entries": not set(got.kiosk_entries) <= set(whole.kiosk_entries),
        "locked": not locked and got.kiosk_entries != (),
        "actions": not set(got.kiosk_actions) <= set(whole.kiosk_actions),
        "digests": not digests and got.verify is not Verify.ALL,
        "PIN": got.kiosk_pin not in (None, whole.kiosk_pin),
        "state": got.state_device not in ("", whole.state_device),
        "command line": got.kiosk_command_line,
    }
    return [way for way, is_open in ways.items() if is_open]


@pytest.mark.parametrize("text", [KIOSK, WITHOUT_VERIFY], ids=["all", "listed"])
def test_no_single_byte_that_is_lost_or_changed_loosens_a_kiosk(text: str) -> None:
    """But within a text, where it makes another one of the same form, such as another pattern; and where a comment
    swallows a line. Nobody can see those."""
    whole, data, tried = parse(text.encode(), "file").settings, text.encode(), 0
    assert looser(parse(data, "file"), whole) == []
    free = {
        at
        for match in re.finditer(rb'"([^"\n]*)"', data)
        if match[1] not in (b"kiosk", b"all") and not re.fullmatch(rb"[0-9a-fA-F]{64}", match[1])
        for at in range(match.start(1), match.end(1))
    }
    for at in range(len(data)):
        for other in (
            b"",
            b"\0",
            b"x",
            b"\n",
            b" ",
            b'"',
            b"=",
            b"[",
            b".",
            b"-",
            b"'",
            b"\xff",
            *(bytes([data[at] ^ bit]) for bit in (1, 32)),
        ):
            joins_a_comment = data[at] == ord("\n") and data[:at].rpartition(b"\n")[2].startswith(b"#")
            if other == b"#" or joins_a_comment or (at in free and other not in (b"\0", b"\n", b'"', b"\xff")):
                continue
            mutated = data[:at] + other + data[at + 1 :]
            assert looser(parse(mutated, "file"), whole) == [], (at, other, mutated[max(0, at - 30) : at + 30])
            tried += 1
    assert tried > 3000


@given(st.binary(max_size=300))
def test_any_bytes_are_understood_or_locked_down(data: bytes) -> None:
    found = parse(data, "file")
    try:
        tomllib.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        assert locked_down(found)
        assert found.problems
        return
    assert bool(data) or locked_down(found)


@given(st.lists(st.tuples(st.integers(0, len(KIOSK) - 1), st.binary(max_size=4)), min_size=1, max_size=4))
def test_any_mutation_that_is_told_of_leaves_a_kiosk(places: list[tuple[int, bytes]]) -> None:
    data = KIOSK.encode()
    for at, new in places:
        data = data[:at] + new + data[at + len(new) :]
    found = parse(data, "file")
    assert isinstance(found.settings, Settings)
    if found.problems and b"standard" not in data:
        assert found.settings.profile is Profile.KIOSK or b"kiosk" not in data
