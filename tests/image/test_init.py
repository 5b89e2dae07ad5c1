# SPDX-License-Identifier: MIT
"""The scripts of the image: their syntax, and rules that keep PID 1 alive."""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import termios
from pathlib import Path

import pytest

import bootmenu.image

FOLDER = Path(bootmenu.image.__file__).parent
INIT = (FOLDER / "init.sh").read_text("utf-8")


def test_syntax() -> None:
    shells = [["busybox", "sh"], ["dash"], ["sh"]]
    shell = next(argv for argv in shells if shutil.which(argv[0]) is not None)
    done = subprocess.run([*shell, "-n", str(FOLDER / "init.sh")], capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr


def test_nothing_in_it_may_end_the_shell() -> None:
    code = re.sub(r"^\s*#.*$", "", INIT, flags=re.MULTILINE)
    assert not re.search(r"^\s*set\s+-\w*[eu]", code, re.MULTILINE)
    assert not re.search(r"^\s*exit\b", code, re.MULTILINE)
    # A failing redirection on a special built-in ends a POSIX shell.
    assert not re.search(r"^\s*(:|exec|export|set|trap|unset|shift|return|eval|\.)\b[^'\n]*[<>]", code, re.MULTILINE)
    assert "trap 'busybox sleep 5; exec /bin/busybox sh /init' EXIT" in code


def test_the_menu_gets_a_clean_environment_and_isolated_python() -> None:
    start = INIT[INIT.index("start_menu() {") :]
    start = start[: start.index("\n}")]
    assert "env -i" in start
    assert "setsid -c" in start
    assert "python3 -I" in start


def functions(tmp_path: Path, script: str) -> str:
    """Run `script` with the functions of init, and a busybox that is this machine's own tools."""
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "busybox").write_text('#!/bin/sh\nexec "$@"\n')
    (tools / "busybox").chmod(0o755)
    body = INIT[INIT.index("state=/run") : INIT.index("\nmount_all 2>/dev/null\n")]
    body = body.replace("echo 0 >/proc/sys/kernel/sysrq", "echo sysrq off >>$state/sysrq")
    body = body.replace('>"$console"', '>>"$console"')  # a terminal keeps what was written before
    where = f"state={tmp_path}\nlog=$state/menu.log\nsettings=$state/bootmenu.toml\nconsole=$state/console\n"
    done = subprocess.run(
        ["sh", "-c", f"PATH={tools}:$PATH\n{body}\n{where}\n{script}"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert not done.stderr
    return done.stdout


@pytest.mark.parametrize("call", ["hush_keys", "prepare_terminal", "restore_terminal"])
def test_what_is_typed_before_anything_reads_it_is_not_shown(call: str, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    try:
        assert termios.tcgetattr(theirs)[3] & termios.ECHO
        functions(tmp_path, f"console={os.ttyname(theirs)}\n{call}")
        assert not termios.tcgetattr(theirs)[3] & termios.ECHO
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("bootmenu.size=132x43", (132, 43)),
        ("", (80, 24)),
        ("bootmenu.size=0x0", (80, 24)),
        ("bootmenu.size=1;reboot", (80, 24)),
    ],
)
def test_a_serial_line_gets_the_size_of_its_terminal(word: str, expected: tuple[int, int], tmp_path: Path) -> None:
    (tmp_path / "cmdline").write_text(f"quiet {word}\n")
    script = INIT[INIT.index("read_command_line() {") :]
    script = script[: script.index("\n}\n") + 3].replace("/proc/cmdline", str(tmp_path / "cmdline"))
    ours, theirs = pty.openpty()
    try:
        functions(tmp_path, f"{script}console={os.ttyname(theirs)}\nread_command_line\nprepare_terminal")
        assert os.get_terminal_size(theirs) == expected
    finally:
        os.close(ours)
        os.close(theirs)


@pytest.mark.parametrize("mdev", [True, False])
def test_devices_name_the_modules_and_one_process_inserts_them(tmp_path: Path, mdev: bool) -> None:
    (tmp_path / "modules").write_text("ext4\nvfat\n")
    for path, alias in {
        "pci0/modalias": "pci:v00001AF4",
        "pci0/virtio0/modalias": "virtio:d00000002",
        "platform/bus/modalias": "platform:Fixed MDIO bus",
        "platform/again/modalias": "platform:Fixed MDIO bus",
        "system/cpu/modalias": "cpu:type:aarch64",
    }.items():
        (tmp_path / "devices" / path).parent.mkdir(parents=True)
        (tmp_path / "devices" / path).write_text(f"{alias}\n")
    (tmp_path / "dep").write_text("kernel/fs/ext4.ko:\nkernel/virtio-blk.ko: kernel/virtio.ko\n")
    for tool in ("mdev", "modprobe"):
        script = f'#!/bin/sh\necho {tool} >>{tmp_path}/ran\nprintf "%s\\n" "$@" >>{tmp_path}/ran\n'
        script += "" if mdev or tool == "modprobe" else "exit 1\n"
        (tmp_path / tool).write_text(script)
        (tmp_path / tool).chmod(0o755)
    body = INIT[INIT.index("insert_modules() {") :]
    body = body[: body.index("\n}\n") + 3].replace("/sys/devices", f"{tmp_path}/devices")
    body = body.replace("/etc/bootmenu/modules", f"{tmp_path}/modules")
    body = body.replace("/lib/modules/$(busybox uname -r)/modules.dep", f"{tmp_path}/dep")
    functions(tmp_path, f"PATH={tmp_path}:$PATH\n{body}insert_modules")
    ran = (tmp_path / "ran").read_text().splitlines()
    assert ran[:4] == ["mdev", "-d", "modprobe", "-aq"], "mdev listens before anything is inserted"
    asked = ["ext4", "pci:v00001AF4", "platform:Fixed MDIO bus", "vfat", "virtio:d00000002"]
    assert ran[4:] == (asked if mdev else ["ext4", "virtio-blk"]), "without mdev it is every module"


STUBS = """
insert_modules() { echo inserts; console_now=$after; }
mount_efi_variables() { echo mounts; }
prepare_terminal() { echo prepares $console; }
hush_keys() { echo hushes; }
choose_console() { console=$console_now; }
start_menu() { echo starts $console; menu=$$; }
show_first_frame() { :; }
wait_for_menu() { echo waits; }
busybox() { [ "$1" = kill ] && echo kills || "$@"; }
console_now=$state/one
"""


@pytest.mark.parametrize("other", [False, True], ids=["the same console", "another console"])
def test_the_menu_starts_before_modules_are_inserted_and_on_the_console_that_they_bring(
    tmp_path: Path, other: bool
) -> None:
    steps = "choose_console; start_menu; insert_everything; ls $state/gate; insert_everything"
    said = functions(tmp_path, f"after=$state/{'two' if other else 'one'}\n{STUBS}{steps}").splitlines()
    began = [f"starts {tmp_path}/one", "inserts", "mounts", "hushes"]
    again = ["kills", "waits", f"prepares {tmp_path}/two", f"starts {tmp_path}/two"] if other else []
    assert said == [*began, *again, f"{tmp_path}/gate"], "once, and the gate is there when everything is"


@pytest.mark.parametrize(
    ("word", "settings", "drawn"),
    [
        ("", None, True),
        ("", 'theme = "mono"\n', True),
        ("", 'menu = "hidden"\n', False),
        ("", 'profile = "kiosk"\n', False),
        ("bootmenu.menu=hidden", None, False),
        ("bootmenu.profile=kiosk", None, False),
        ("bootmenu.term=dumb", None, False),
    ],
)
def test_the_title_is_there_at_once_unless_nothing_is_to_be_shown(
    tmp_path: Path, word: str, settings: str | None, drawn: bool
) -> None:
    if settings is not None:
        (tmp_path / "bootmenu.toml").write_text(settings)
    steps = f"words={word!r} built= term={word.partition('term=')[2]!r} profile={word.partition('profile=')[2]!r}"
    functions(tmp_path, f"{steps}\nread_profile 2>/dev/null\nterminal=$term\nshow_first_frame")
    shown = tmp_path / "console"
    assert (shown.read_text() if shown.exists() else "").strip() == (
        "\x1b[?25l\x1b[m\x1b[H\x1b[J\x1b[1m bootmenu\x1b[m" if drawn else ""
    )


def test_words_of_the_build_come_before_those_of_the_kernel(tmp_path: Path) -> None:
    (tmp_path / "built").write_text("bootmenu.term=a bootmenu.loglevel=7\n")
    (tmp_path / "cmdline").write_text("quiet bootmenu.term=b\n")
    script = INIT[INIT.index("read_command_line() {") :]
    script = script[: script.index("\n}\n") + 3].replace("/proc/cmdline", str(tmp_path / "cmdline"))
    script = script.replace("/etc/bootmenu/cmdline", str(tmp_path / "built"))
    assert functions(tmp_path, f'{script}read_command_line; echo "$term $loglevel"').strip() == "b 7"


def test_a_shell_shows_what_is_typed() -> None:
    shell = INIT[INIT.index("start_shell() {") :]
    shell = shell[: shell.index("\n}")]
    assert shell.index("stty sane ") < shell.index("sh -l") < shell.index("hush_keys")


@pytest.mark.parametrize(
    ("text", "profile", "expected"),
    [
        (None, "", "no yes"),
        ('theme = "dark"\n', "", "no yes"),
        ('profile = "kiosk"\n', "", "yes no"),
        ("  profile='Kiosk'  # ours\n", "", "yes no"),
        ("profile = kiosk\n[broken", "", "yes no"),
        ('# profile = "kiosk"\n', "", "no yes"),
        ('profile = "kiosk"\n', "standard", "yes no"),
        ('profile = "kiosk"\n', "nonsense", "yes no"),
        (None, "kiosk", "yes no"),
        (None, "standard", "no yes"),
        (None, "kiosks", "yes no"),
        ("", "", "yes no"),
        ("", "standard", "yes no"),
        ("\n# nothing\n", "", "no yes"),
        ("theme = \0", "", "yes no"),
        ("[broken\n", "", "yes no"),
        ("timeout = \n", "", "yes no"),
        ('profil = "x"\n', "", "yes no"),
        ("[kiosk]\nbuttons = true\n", "", "yes no"),
        ('profile = "standard"  # ours\n[kiosk]\nbuttons = true\n', "", "no yes"),
        ('[state]\nprofile = "standard"\n[kiosk]\n', "", "yes no"),
        ('timeout = 5\nconsole = ["tty1", "ttyS0"]\r\n[sha256]\n"sda1:/x" = "00"\n', "", "no yes"),
        ("shell = false\n", "", "no no"),
        ("shell = true # yes\n", "", "no yes"),
        ('shell = "nein"\n', "", "no no"),
    ],
)
def test_in_the_kiosk_there_is_no_shell(tmp_path: Path, text: str | None, profile: str, expected: str) -> None:
    if text is not None:
        (tmp_path / "bootmenu.toml").write_text(text)
    assert functions(tmp_path, f'shell=yes profile={profile}; read_profile; echo "$kiosk $shell"').strip() == expected
    assert (tmp_path / "sysrq").exists() == expected.startswith("yes")


@pytest.mark.parametrize("kind", ["folder", "dangling"])
def test_settings_that_cannot_be_read_are_a_kiosk(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "bootmenu.toml"
    if kind == "folder":
        file.mkdir()
    else:
        file.symlink_to("nowhere")
    assert functions(tmp_path, 'profile=; read_profile 2>/dev/null; echo "$kiosk $shell"').strip() == "yes no"


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("bootmenu.shell=no", "no -"),
        ("bootmenu.shell=nein", "no -"),
        ("bootmenu.shell=", "no -"),
        ("bootmenu.shell=yes", "yes -"),
        ("bootmenu.shell", "yes -"),
        ("bootmenu.profile=kiosks", "yes kiosks"),
        ("bootmenu.profile=", "yes unknown"),
        ("bootmenu.profile", "yes unknown"),
    ],
)
def test_a_word_that_is_not_understood_tightens(tmp_path: Path, word: str, expected: str) -> None:
    (tmp_path / "cmdline").write_text(f"quiet {word}\n")
    script = INIT[INIT.index("read_command_line() {") :]
    script = script[: script.index("\n}\n") + 3].replace("/proc/cmdline", str(tmp_path / "cmdline"))
    assert functions(tmp_path, f'{script}read_command_line; echo "$shell ${{profile:--}}"').strip() == expected


@pytest.mark.parametrize(
    ("said", "expected"), [("yes yes", "yes no"), ("no no", "no no"), ("no yes", "no yes"), (None, "yes no")]
)
def test_the_menu_knows_better_what_the_settings_say(tmp_path: Path, said: str | None, expected: str) -> None:
    if said is not None:
        (tmp_path / "settings").write_text(said + "\n")
    assert functions(tmp_path, 'kiosk=yes shell=no; heed_menu; echo "$kiosk $shell"').strip() == expected
    assert "wait_for_menu\n\theed_menu\n" in INIT


@pytest.mark.parametrize("profile", ["kiosk", "standard"])
def test_what_is_said_when_the_menu_ends(tmp_path: Path, profile: str) -> None:
    (tmp_path / "bootmenu.toml").write_text(f'profile = "{profile}"\n[kiosk]\ncontact = "Call 0800 123 456"\n')
    (tmp_path / "menu.log").write_text("Traceback (most recent call last):\n")
    script = f"profile={profile}; read_profile; status=1 lived=2 failures=5; explain_end; offer_shell"
    # pause would wait, and read would ask
    functions(tmp_path, f"pause() {{ :; }}\nread() {{ return 1; }}\nnow=100; {script}")
    shown = (tmp_path / "console").read_text()
    if profile == "kiosk":
        assert "One moment, please. This terminal starts again." in shown
        assert "Call 0800 123 456" in shown
        assert not re.search(r"Traceback|shell|bootmenu|status", shown)
        assert "exit status 1" in (tmp_path / "init.log").read_text()
    else:
        assert "press Enter for a shell" in shown


def test_after_three_quick_failures_it_is_the_plain_menu() -> None:
    start = INIT[INIT.index("start_menu() {") :]
    start = start[: start.index("\n}")]
    assert '[ "$failures" -ge 3 ] && set -- menu --plain' in start
    assert '-m bootmenu "$@"' in start
