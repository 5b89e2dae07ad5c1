# SPDX-License-Identifier: MIT
"""The bundle for a bug report: whole, bounded, and without anybody's secrets."""

from __future__ import annotations

import dataclasses
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu import report
from bootmenu.demo import recorded_machine
from bootmenu.model.entry import CommandLine, Problem
from bootmenu.settings import Loaded, load
from bootmenu.system.commands import Commands, Completed
from bootmenu.system.host import Host
from bootmenu.system.kmsg import KernelLog
from tests.ui.fakes import DEBIAN

SECRET = "hunter2Zx9"

PLANTED = [
    "rd.iscsi.password={}",
    "PASSWORD={}",
    'passphrase="{} and more {}"',
    "systemd.machine_id={}",
    "androidboot.serialno={}",
    "kaslr-seed={}",
    "bootmenu.kiosk.pin={}",
    "wifi.psk={}",
    "rd.luks.key={}",
    "api_key={}",
    "netroot=iscsi:user:{}@10.0.0.1::3260",
    "root=cifs://me:{}@server/share",
    "usb 1-1: SerialNumber: {}",
    "Serial: {}",
    "password: {}",
    "auth-token={}",
]
HASHES = [
    "grub.pbkdf2.sha512.10000.0123456789ABCDEF.FEDCBA9876543210",
    "$6$saltsalt$abcdefghijklmnop./",
    "$y$j9T$abc$defghij",
    "scrypt$16384$8$1$0123456789abcdef$0123456789abcdef0123456789abcdef",
    "dc:a6:32:01:02:03",
    "DC-A6-32-01-02-03",
    "link/infiniband 80:00:02:08:fe:80:00:00",
]


@pytest.mark.parametrize("planted", PLANTED)
@pytest.mark.parametrize("around", ["{}", "root=/dev/sda1 {} quiet", "[    1.0] {}", "x\n{}\ny"])
def test_a_secret_is_removed_from_text(planted: str, around: str) -> None:
    text = around.format(planted.format(SECRET, SECRET))
    said = report.without_secrets(text)
    assert SECRET not in said
    assert report.REMOVED in said
    if ": {}" not in planted:  # what is said in a log goes on to the end of its line
        assert ("quiet" in said) == ("quiet" in text)


@pytest.mark.parametrize("planted", HASHES)
def test_hashes_and_addresses_are_removed(planted: str) -> None:
    value = planted.split()[-1]
    assert value not in report.without_secrets(f"a {planted} b")


@pytest.mark.parametrize(
    "text",
    [
        "root=UUID=7b0c9d52-1111-2222-3333-444455556666 rw console=ttyAMA0,115200 quiet",
        "Machine model: Raspberry Pi 3 Model B",
        "12:34:56 kexec_core: Starting new kernel",
        "rootflags=subvol=@home pinctrl-single 4a003 passthrough=1 compass=north",
        "/boot/vmlinuz-6.1.0-49-arm64",
    ],
)
def test_what_a_report_is_for_stays(text: str) -> None:
    assert report.without_secrets(text) == text


@given(
    st.recursive(
        st.one_of(st.none(), st.integers(), st.text(max_size=20)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=10), inner, max_size=3)
        ),
        max_leaves=10,
    ),
    st.sampled_from(["password", "kiosk.pin", "serial_number", "rng-seed", "machine-id", "token"]),
)
def test_a_key_that_names_a_secret_loses_its_value(around: object, key: str) -> None:
    told = json.dumps(report.cleaned([around, {"a": [{key: SECRET}], key: {"inner": SECRET}}]))
    assert SECRET not in told


class Programs(Commands):
    """Has lsblk only."""

    def run(self, argv: Sequence[str], **_: object) -> Completed:
        """What lsblk prints."""
        assert argv[0] == "lsblk"
        assert "SERIAL" not in argv[-1]
        return Completed(returncode=0, stdout=f"sda disk password={SECRET}\n".encode(), stderr=b"")


class Log(KernelLog):
    """A kernel log."""

    def lines(self) -> list[str] | None:
        """Long, and with a password in it."""
        told = [f"Kernel command line: console=ttyS0 password={SECRET}", "random: nothing of interest"]
        return ["error: again"] * 20_000 + told


def packed(tmp_path: Path) -> dict[str, str]:
    """The files of a bundle of a machine that has secrets everywhere."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/bootmenu.toml").write_text(
        "theme = 'dark'\n[kiosk]\npin = 'scrypt$16384$8$1$0123456789abcdef$0123456789abcdef0123456789abcdef'\n"
    )
    (tmp_path / "menu.log").write_text("first line\n" + "x" * 300_000 + f"\nValueError: password={SECRET}\n")
    host = Host(root=tmp_path, commands=Programs(), log=Log())
    machine = dataclasses.replace(recorded_machine(), command_line=f"quiet rd.iscsi.password={SECRET} rw")
    secretive = dataclasses.replace(DEBIAN.entry, cmdline=CommandLine(f'root=/dev/sda2 luks.key="{SECRET} x" rw'))
    problems = [Problem(device="sda1", path="/grub.cfg", message=f"password={SECRET} makes no sense")]
    texts = report.parts(
        host,
        machine,
        [dataclasses.replace(DEBIAN, entry=secretive)],
        problems,
        load(host),
        log=tmp_path / "menu.log",
        notes=[f"token={SECRET}"],
    )
    with tarfile.open(fileobj=io.BytesIO(report.bundle(texts, "report"))) as tar:
        found = {}
        for member in tar:
            file = tar.extractfile(member)
            assert file is not None
            found[member.name.removeprefix("report/")] = file.read().decode()
    return found


def test_a_planted_secret_is_nowhere_in_the_bundle(tmp_path: Path) -> None:
    found = packed(tmp_path)
    told = ("about.txt", "disks.txt", "kernel-log.txt", "menu-log.txt", "versions.txt")
    assert set(found) == {*told, "facts.json", "scan.json", "settings.json"}
    for name, text in found.items():
        assert SECRET not in text, name
        assert "0123456789abcdef0123" not in text, name
    assert json.loads(found["facts.json"])["command_line"] == "quiet rd.iscsi.password=(removed) rw"
    (entry,) = json.loads(found["scan.json"])["entries"]
    assert entry["cmdline"] == "root=/dev/sda2 luks.key=(removed) rw"
    assert json.loads(found["settings.json"])["settings"]["theme"]["value"] == "dark"
    assert "Kernel command line: console=ttyS0" in found["kernel-log.txt"]
    assert "nothing of interest" not in found["kernel-log.txt"]
    assert "python" in found["versions.txt"]


def test_a_bundle_is_bounded_and_the_end_of_a_log_is_kept(tmp_path: Path) -> None:
    found = packed(tmp_path)
    assert found["menu-log.txt"].endswith("ValueError: password=(removed)\n")
    assert len(found["menu-log.txt"]) <= 256 * 1024
    assert found["kernel-log.txt"].count("\n") <= 4000
    problems = [Problem(device="sda1", path="/x", message="m" * 1000)] * 6000
    machine = recorded_machine()
    texts = report.parts(
        Host(root=tmp_path, commands=Programs(), log=Log()), machine, [], problems, Loaded(), log=tmp_path / "no-log"
    )
    assert len(texts["scan.json"]) < 4.1 * 1024 * 1024
    assert "cut here" in texts["scan.json"]
    assert texts["menu-log.txt"].startswith("There is no log")


def test_the_same_texts_give_the_same_bytes() -> None:
    assert report.bundle({"a.txt": "x"}, "n") == report.bundle({"a.txt": "x"}, "n")
