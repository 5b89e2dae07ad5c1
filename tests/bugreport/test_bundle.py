# SPDX-License-Identifier: MIT
"""The bundle for a bug report: whole, bounded, and without anybody's secrets."""

from __future__ import annotations

import io
import json
import tarfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.bugreport import bundle
from bootmenu.bugreport.own_words import words_of_checks
from bootmenu.bugreport.redaction import REMOVED, Redactor
from bootmenu.config.settings_layers import Loaded, load
from bootmenu.demo import recorded_machine
from bootmenu.model.entry import CommandLine, Problem
from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from bootmenu.system.host import Host
from bootmenu.system.kmsg import KernelLog
from bootmenu.system.processes import Commands, Completed
from tests.builders.fakes import DEBIAN
from tests.builders.hosts import fake_host
from tests.compat.examples import examples
from tests.properties import Offenders

SECRET = "hunter2Zx9"
MACHINES = Path(__file__).parents[1] / "machines" / "recorded"

PLANTED = [
    # parameters of kernels, initramfs and installers
    "rd.iscsi.password={}",
    "rd.iscsi.username={}",
    "rd.iscsi.in.password={}",
    "PASSWORD={}",
    'passphrase="{} and more {}"',
    "systemd.machine_id={}",
    "systemd.set_credential=passwd.hashed-password.root:{}",
    "systemd.set_credential_binary=name:{}",
    "systemd.setenv=TOKEN={}",
    "systemd.hostname={}",
    "inst.sshpw={}",
    "inst.rootpw={}",
    "inst.ks=http://me:{}@server/ks.cfg",
    "inst.vncpassword={}",
    "ks=https://server/{}/ks.cfg",
    "url=http://user:{}@server/preseed.cfg",
    "passwd/root-password={}",
    "netcfg/wireless_wpa={}",
    "ds=nocloud;s=http://user:{}@host/",
    "ds=nocloud;h={};i=x",
    "androidboot.serialno={}",
    "kaslr-seed={}",
    "rng-seed={}",
    "bootmenu.kiosk.pin={}",
    "bootmenu.kiosk.contact={}",
    "wifi.psk={}",
    "wpa_passphrase={}",
    "wifi_ssid={}",
    "rd.luks.key={}",
    "luks.options=keyfile-{}",
    "keyfile=/{}",
    "api_key={}",
    "apikey={}",
    "X-Api-Key={}",
    "access_token={}",
    "clientSecret={}",
    "key={}",
    "psk={}",
    "unheard.of={}",
    "--password={}",
    "-p={}",
    "netroot=iscsi:user:{}@10.0.0.1::3260",
    "root=cifs://me:{}@server/share",
    "root=nfs:{}@server:/x",
    "nfsroot={}:/srv",
    "ifname={}:aa",
    "vpn.preshared={}",
    "tpm2-pin={}",
    "eap.identity={}",
    "http_proxy=http://x:{}@proxy:3128",
    "AWS_SECRET_ACCESS_KEY={}",
    "auth-token={}",
]
SAID = [
    # texts, where the rest of the line goes
    "usb 1-1: SerialNumber: {}",
    "Serial: {}",
    "Serial Number : {}",
    "password: {}",
    '"password": "{}"',
    '"password" : "{}",',
    "'secret': '{}'",
    'password = "{}"',
    "psk = {}",
    "ssid: {}",
    'key: "{}"',
    "Authorization: Bearer {}",
    "Authorization: Basic {}",
    "Bearer {}",
    "Cookie: session={}",
    "X-Auth-Token: {}",
    "curl --password {}",
    "mysql -p {}",
    "tool --user me --token {} next",
    "rootpw --plaintext {}",
    "rootpw {}",
    "sshpw --username=root {}",
    "menu master passwd {}",
    "password root {}",
    "password_pbkdf2 root {}",
    "Enter passphrase for /dev/sda2: {}",
    "the PIN {} was wrong",
    "hostname: {}",
    "Hostname set to <{}>",
    "mail to {}@example.org",
    "/home/{}/.config",
    "user {} logged in",
    "ID_SERIAL_SHORT={}",
    "serial-number {}",
    "loaded key from {}.key",
    "wlan0: SSID {}",
    "https://me:{}@example.org/x",
    "git+ssh://{}@example.org/x",
]
HASHES = [
    "grub.pbkdf2.sha512.10000.0123456789ABCDEF.FEDCBA9876543210",
    "$6$saltsalt$abcdefghijklmnop./",
    "$y$j9T$abc$defghij",
    "$2b$12$abcdefghijklmnopqrstuvwxyz",
    "$argon2id$v=19$m=65536$c29tZXNhbHQ$hash",
    "scrypt$16384$8$1$0123456789abcdef$0123456789abcdef0123456789abcdef",
    "dc:a6:32:01:02:03",
    "DC-A6-32-01-02-03",
    "ifname=eth0:dc:a6:32:01:02:03",
    "BOOTIF=01-dc-a6-32-01-02-03",
    "dca632010203",
    "link/infiniband 80:00:02:08:fe:80:00:00",
    "192.168.178.21",
    "ip=192.168.178.21::192.168.178.1:255.255.255.0",
    "fe80::dea6:32ff:fe01:203",
    "2001:db8:0:0:1:2:3:4",
    "AKIAIOSFODNN7EXAMPLE",
    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl",
    "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj",
    "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
    "xoxb-123456789012-abcdefghijklmnop",
    "0x0123456789abcdef0123456789abcdef",
    "100000003d1d1c36",
    "S4EWNX0N123456",
    "anna@example.org",
    "123456-234567-345678-456789",
    "4111-1111-1111-1111",
    "7b0c9d52-1111-2222-3333-444455556666",
    "1C4E-5A7B",
    "6f0c4d5e-02",
]


def test_there_are_as_many_kinds_as_there_ought_to_be() -> None:
    assert len({*PLANTED, *SAID, *HASHES}) >= 81


@pytest.mark.parametrize("around", ["{}", "[    1.0] {}", "x\n{}\ny", "tool: {}"])
@pytest.mark.parametrize("secret", [SECRET, "Tr0ub4dor&3", "correcthorse-battery", "8f3b2c1d9e"])
def test_a_secret_that_is_said_is_removed(around: str, secret: str) -> None:
    with Offenders() as offenders:
        for planted in SAID:
            said = Redactor().text(around.format(planted.format(secret)))
            with offenders.among(planted):
                assert secret not in said
                assert bundle.REMOVED in said


@pytest.mark.parametrize("around", ["{}", "root=/dev/sda1 {} quiet", "[    1.0] {}", "x\n{}\ny"])
def test_a_secret_is_removed_from_text(around: str) -> None:
    with Offenders() as offenders:
        for planted in PLANTED:
            text = around.format(planted.format(SECRET, SECRET))
            said = Redactor().text(text)
            with offenders.among(planted):
                assert SECRET not in said
                assert bundle.REMOVED in said
                assert ("quiet" in said) == ("quiet" in text)


@pytest.mark.parametrize("planted", HASHES)
def test_hashes_and_addresses_are_removed(planted: str) -> None:
    value = planted.split()[-1]
    assert value not in Redactor().text(f"a {planted} b")


@pytest.mark.parametrize(
    "text",
    [
        "root=LABEL=rootfs rw console=ttyAMA0,115200 quiet nr_cpus=1 crashkernel=256M@0x40000000",
        "Machine model: Raspberry Pi 3 Model B",
        "Booting Linux on physical CPU 0x0000000000 [0x411fd070]",
        "psci: PSCIv1.1 detected in firmware.",
        "GICv3: 256 SPIs implemented",
        "ITS [mem 0x08080000-0x0809ffff]",
        "CPU1: failed to come online",
        "efi: UEFI not found.",
        "Memory: 948304K/970752K available (14080K kernel code, 2894K rwdata, 65536K cma-reserved)",
        "OF: reserved mem: initialized node linux,cma",
        "kexec_core: Starting new kernel",
        "kexec_image: Loaded kernel at 0x200000",
        "/boot/vmlinuz-6.1.0-49-arm64",
        "sda1:/@:/boot/initrd.img-6.1.0-49-arm64",
        "nvme0n1p2 part 100G ext4 /boot/efi",
    ],
)
def test_what_a_report_is_for_stays(text: str) -> None:
    assert Redactor().text(text) == text


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
    told = json.dumps(bundle.cleaned([around, {"a": [{key: SECRET}], key: {"inner": SECRET}}]))
    assert SECRET not in told


class Programs(Commands):
    """Has lsblk only."""

    def find(self, name: str) -> str | None:
        """Where lsblk is."""
        return "/usr/bin/lsblk" if name == "lsblk" else None

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
    machine = replace(recorded_machine(), command_line=f"quiet rd.iscsi.password={SECRET} rw")
    secretive = replace(DEBIAN.entry, cmdline=CommandLine(f'root=/dev/sda2 luks.key="{SECRET} x" rw'))
    problems = [Problem(device="sda1", path="/grub.cfg", message=f"password={SECRET} makes no sense")]
    texts = bundle.parts(
        host,
        machine,
        [replace(DEBIAN, entry=secretive)],
        problems,
        load(host),
        log=tmp_path / "menu.log",
        notes=[f"token={SECRET}"],
    )
    with tarfile.open(fileobj=io.BytesIO(bundle.bundle(texts, "report"))) as tar:
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
    assert found["kernel-log.txt"].count("\n") <= 4001
    problems = [Problem(device="sda1", path="/x", message="error " * 170)] * 6000
    machine = recorded_machine()
    texts = bundle.parts(
        Host(root=tmp_path, commands=Programs(), log=Log()), machine, [], problems, Loaded(), log=tmp_path / "no-log"
    )
    assert len(texts["scan.json"]) < 4.1 * 1024 * 1024
    assert "cut here" in texts["scan.json"]
    assert texts["menu-log.txt"].startswith("There is no log")


def test_the_same_texts_give_the_same_bytes() -> None:
    assert bundle.bundle({"a.txt": "x"}, "n") == bundle.bundle({"a.txt": "x"}, "n")


def test_the_same_uuid_has_the_same_name_everywhere_and_types_keep_theirs() -> None:
    one, other = "7b0c9d52-1111-2222-3333-444455556666", "7B0C9D52-1111-2222-3333-444455556667"
    efi = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
    redactor = Redactor()
    assert redactor.text(f"root=UUID={one} {efi}") == f"root=UUID=id-1 {efi}"
    assert redactor.cleaned({"uuid": other.lower(), "root": one.upper()}) == {"uuid": "id-2", "root": "id-1"}


@pytest.mark.parametrize("name", ["raspi3b-4-cpus", "virt-gicv3-its", "virt-efi-acpi", "virt-el2-psci-smc"])
def test_the_facts_and_the_log_of_a_machine_stay_useful(name: str) -> None:
    machine = MachineFacts.from_json(json.loads((MACHINES / f"{name}.json").read_text()))
    redactor = bundle.redactor_for(machine)
    facts = machine.to_json()
    assert redactor.cleaned(facts) == facts, "nothing of a recorded machine is anybody's secret"


def test_what_a_check_says_and_compares_is_known_without_a_list() -> None:
    redactor = bundle.redactor_for(recorded_machine())
    plain = Redactor()
    removed = [text for text in words_of_checks() if REMOVED in plain.text(text)]
    assert removed, "or the vocabulary has them all, and this test sees nothing"
    texts = [example.findings()[0].message for example in examples() if example.severity is not None]
    assert sum(REMOVED in redactor.text(text) for text in texts) < sum(REMOVED in plain.text(text) for text in texts)


def test_programs_that_write_into_the_kernels_log_are_left_out() -> None:
    assert bundle._PROGRAM.match("systemd[1]: failed to mount")
    assert bundle._PROGRAM.match("(udev-worker)[80]: error")
    assert not bundle._PROGRAM.match("Booting Linux on physical CPU 0x0000000000 [0x411fd070]")


@pytest.mark.parametrize(
    "unit", ["aa:", "a=", "'", "a='", "-a ", "aa-", "1.", "@", "://", "x@:", "password ", "a" * 7, "\\", "_"]
)
@pytest.mark.parametrize("end", ["", "\n"])
def test_the_time_grows_with_the_length(unit: str, end: str) -> None:
    def steps(count: int) -> float:
        line = (unit * (3000 // len(unit)) + end) if end else unit * (count * 3000 // len(unit))
        text = line * count if end else line
        began = time.process_time()
        Redactor().text(text)
        return time.process_time() - began

    steps(10)
    once, twice = (min(steps(count) for _ in range(3)) for count in (20, 40))
    assert twice < 3.5 * once + 0.05


def test_a_line_of_a_megabyte_is_cut_before_it_is_looked_at() -> None:
    said = Redactor().text("aa:" * 350_000 + f"{SECRET}\n")
    assert len(said) < 10_000
    assert "characters)" in said


def test_whether_a_setting_is_set_is_seen() -> None:
    settings = {"kiosk.pin": {"value": "set", "origin": "file"}, "kiosk.contact": {"value": None, "origin": ""}}
    assert Redactor().cleaned(settings) == {
        "kiosk.pin": {"value": bundle.REMOVED, "origin": bundle.REMOVED},
        "kiosk.contact": {"value": None, "origin": ""},
    }


def test_where_there_is_no_lsblk_the_disks_are_sysfs(tmp_path: Path) -> None:
    files = {
        "/sys/class/block/vda/dev": "254:0",
        "/sys/class/block/vda/size": "8",
        "/sys/class/block/vda/vda1/start": "1",
        "/sys/class/block/vda1/dev": "254:1",
        "/sys/class/block/vda1/size": "4",
        "/sys/class/block/vda1/partition": "1",
        "/sys/class/block/vda1/uevent": "PARTNAME=boot\n",
    }
    text = bundle._disks(fake_host(tmp_path, files))
    assert text == "vda 254:0 disk 4,096 bytes\n  vda1 254:1 part 2,048 bytes partlabel=boot\n"
