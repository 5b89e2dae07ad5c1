# SPDX-License-Identifier: MIT
"""Facts of a machine, gathered from files that say anything at all."""

from __future__ import annotations

import gzip
import json
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.demo.builders import board_tree, cells, strings
from bootmenu.discovery.machine_facts import _cpu_list, _memory, _ram, gather
from bootmenu.model.devicetree import MemoryRange
from bootmenu.model.kernel import Architecture
from bootmenu.model.machine import MachineFacts
from tests.builders.hosts import fake_host
from tests.formats.test_spcr import table
from tests.properties import examples

PROPERTY = examples(150)
CPU = "/sys/devices/system/cpu"
NUMBERS = st.text("0123456789-, \n²٣x", max_size=12) | st.text(max_size=12) | st.just("9" * 5000)


def facts(tmp_path: Path, files: Mapping[str, bytes | str], log: list[str] | None = None) -> MachineFacts:
    found = gather(fake_host(tmp_path, files, log=log))
    assert MachineFacts.from_json(json.loads(json.dumps(found.to_json()))) == found
    return found


def test_a_whole_board(tmp_path: Path) -> None:
    tree = board_tree(("acme,rocket",), "Rocket", cpus=range(2))
    (tmp_path / "sys/devices/system/cpu/cpu1").mkdir(parents=True)
    found = facts(
        tmp_path,
        {
            "/sys/firmware/fdt": tree.to_bytes(),
            "/proc/self/status": "Name:\tx\nCapEff:\t000001ffffffffff\n",
            "/proc/sys/kernel/kexec_load_disabled": "0\n",
            "/proc/sys/kernel/kexec_load_limit_reboot": "-1\n",
            "/sys/kernel/kexec_loaded": "0\n",
            "/sys/kernel/kexec_crash_loaded": "1\n",
            "/boot/config-6.1.0-test": "CONFIG_KEXEC=y\n# CONFIG_KEXEC_FILE is not set\n",
            f"{CPU}/present": "0-1\n",
            f"{CPU}/possible": "0-1\n",
            f"{CPU}/online": "0\n",
            f"{CPU}/cpu0/online": "1\n",
            f"{CPU}/cpu0/of_node/reg": cells(0, 0x100),
            f"{CPU}/cpu0/regs/identification/midr_el1": "0x00000000411fd070\n",
            "/proc/iomem": (
                "40000000-7fffffff : System RAM\n  40010000-41ffffff : Kernel code\n80000000-80000fff : reserved\n"
            ),
            "/proc/meminfo": "MemTotal:        1003960 kB\nMemFree: 1 kB\n",
            "/proc/cmdline": "console=ttyAMA0\n",
        },
        ["psci: PSCIv1.1 detected in firmware.", "random: crng init done", "CPU1: is stuck in kernel"],
    )
    assert (found.architecture, found.machine, found.kernel_release) == (Architecture.ARM64, "aarch64", "6.1.0-test")
    assert found.tree is not None
    assert (found.tree.model, found.tree_source) == ("Rocket", "/sys/firmware/fdt")
    assert (found.cap_sys_boot, found.acpi, found.possible_cpus) == (True, False, (0, 1))
    kexec = found.kexec
    assert (kexec.load_disabled, kexec.load_limit, kexec.loaded, kexec.crash_loaded) == (False, -1, False, True)
    assert (kexec.kexec_load, kexec.kexec_file_load, kexec.tools_version) == (True, False, None)
    one, two = found.cpus
    assert (one.hardware_id, one.online, one.offline_control, one.midr) == (0x100, True, True, 0x411FD070)
    assert (two.hardware_id, two.online, two.offline_control, two.midr) == (None, False, False, None)
    assert found.ram == (MemoryRange(base=0x40000000, size=1 << 30), MemoryRange(base=0x80000000, size=4096))
    assert found.memory_total == 1003960 * 1024
    assert found.log == ("psci: PSCIv1.1 detected in firmware.", "CPU1: is stuck in kernel")


def test_a_serial_port_is_one_where_hardware_was_found(tmp_path: Path) -> None:
    ports = {
        "/sys/class/tty/ttyS0/type": "4\n",
        "/sys/class/tty/ttyS1/type": "0\n",
        "/sys/class/tty/tty1/dev": "4:1\n",
    }
    ports["/sys/class/tty/ttyAMA0/dev"] = "204:64\n"
    assert facts(tmp_path, ports).serial_terminals == ("ttyAMA0", "ttyS0")


def test_where_nothing_can_be_read_nothing_is_known(tmp_path: Path) -> None:
    found = facts(tmp_path, {})
    assert (found.cap_sys_boot, found.possible_cpus, found.tree, found.ram, found.log) == (
        None,
        None,
        None,
        None,
        None,
    )
    assert (found.cpus, found.kexec.load_disabled, found.kexec.kexec_load) == ((), None, None)
    assert (found.tree_source, found.tree_problem, found.command_line, found.memory_total) == (None, None, None, None)


@pytest.mark.parametrize(
    ("text", "capable"),
    [("0000000000400000", True), ("0000000000000000", False), ("1ffffbfffff", False), ("junk", None)],
)
def test_the_capability_is_bit_22(tmp_path: Path, text: str, capable: bool | None) -> None:
    assert facts(tmp_path, {"/proc/self/status": f"CapEff:\t{text}\n"}).cap_sys_boot is capable


@pytest.mark.parametrize(
    ("files", "answers"),
    [
        (
            {"/proc/config.gz": gzip.compress(b"CONFIG_KEXEC=y\nCONFIG_KEXEC_FILE=y\n")},
            (True, True, "/proc/config.gz"),
        ),
        (
            {"/proc/config.gz": b"junk", "/boot/config-6.1.0-test": "CONFIG_KEXEC_FILE=y\n"},
            (False, True, "/boot/config-6.1.0-test"),
        ),
        ({"/proc/config.gz": gzip.compress(b"CONFIG_KEXEC=y")[:-9]}, (None, None, None)),
        ({"/lib/modules/6.1.0-test/config": ""}, (False, False, "/lib/modules/6.1.0-test/config")),
        (
            {"/proc/kallsyms": "0 T __arm64_sys_kexec_load\n0 W __arm64_sys_kexec_file_load\n0 T x\nx\n"},
            (True, False, "/proc/kallsyms"),
        ),
        ({"/proc/kallsyms": "0 T __arm64_sys_read\n"}, (None, None, "/proc/kallsyms")),
    ],
)
def test_which_calls_the_kernel_has(
    tmp_path: Path, files: Mapping[str, bytes | str], answers: tuple[bool | None, bool | None, str | None]
) -> None:
    kexec = facts(tmp_path, files).kexec
    assert (kexec.kexec_load, kexec.kexec_file_load, kexec.config_source) == answers


@pytest.mark.parametrize(
    ("version", "found"), [(b"kexec-tools 2.0.25\n", "2.0.25"), (b"kexec-tools\n", "unknown"), (b"", "unknown")]
)
def test_the_version_of_kexec_tools(tmp_path: Path, version: bytes, found: str) -> None:
    host = fake_host(tmp_path, programs={"kexec": lambda argv, descriptors: (0, version, b"")})
    assert gather(host).kexec.tools_version == found


def test_a_damaged_tree_is_said_and_never_replaced(tmp_path: Path) -> None:
    files = {"/sys/firmware/fdt": b"junk", "/proc/device-tree/compatible": strings("acme")}
    found = facts(tmp_path, files)
    assert (found.tree, found.tree_source) == (None, "/sys/firmware/fdt")
    assert found.tree_problem


def test_without_root_the_unflattened_tree_says_the_same(tmp_path: Path) -> None:
    base = "/proc/device-tree"
    found = facts(
        tmp_path,
        {
            f"{base}/compatible": strings("acme,rocket", "acme,soc"),
            f"{base}/#address-cells": cells(2),
            f"{base}/#size-cells": cells(2),
            f"{base}/memory@40000000/device_type": b"memory\0",
            f"{base}/memory@40000000/reg": struct.pack(">QQ", 1 << 30, 1 << 30),
            f"{base}/cpus/#address-cells": cells(1),
            f"{base}/cpus/cpu@0/device_type": b"cpu\0",
            f"{base}/cpus/cpu@0/reg": cells(0),
            f"{base}/cpus/cpu@0/enable-method": strings("psci"),
            f"{base}/psci/method": strings("smc"),
            f"{base}/soc/deep/reg": cells(1),
        },
    )
    assert found.tree is not None
    assert found.tree_source == base
    assert found.tree.compatible == ("acme,rocket", "acme,soc")
    assert [(cpu.hardware_id, cpu.enable_method) for cpu in found.tree.cpus] == [(0, "psci")]
    assert found.tree.memory == (MemoryRange(base=1 << 30, size=1 << 30),)
    assert found.tree.psci_method == "smc"


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("0-3,8", (0, 1, 2, 3, 8)),
        ("0\n", (0,)),
        ("0-1,4-5\n", (0, 1, 4, 5)),
        ("", None),
        (None, None),
        ("x", None),
        ("0-", None),
        ("3-1", ()),
        ("²", None),
        ("1,,2", None),
    ],
)
def test_cpu_lists(text: str | None, numbers: tuple[int, ...] | None) -> None:
    assert _cpu_list(text) == numbers


def test_a_cpu_list_without_end_is_bounded() -> None:
    found = _cpu_list("0-99999999999")
    assert found is not None
    assert len(found) == 65536


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("00000000-0fffffff : System RAM\n", [(0, 1 << 28)]),
        ("00000000-00000000 : System RAM\n00000000-00000000 : reserved\n", None),
        ("  00000000-0fffffff : System RAM\n", None),
        ("00000000-0fffffff : PCI Bus\n", None),
        ("", None),
    ],
)
def test_iomem(text: str, ranges: list[tuple[int, int]] | None) -> None:
    wanted = None if ranges is None else tuple(MemoryRange(base=base, size=size) for base, size in ranges)
    assert _ram(text) == wanted


def test_a_number_of_thousands_of_digits_is_none(tmp_path: Path) -> None:
    # it could not be written as JSON
    digits = "9" * 5000
    midr = f"{CPU}/cpu0/regs/identification/midr_el1"
    files = {f"{CPU}/present": "0\n", midr: digits, "/proc/iomem": f"0-{digits} : System RAM\n"}
    found = facts(tmp_path, files)
    assert (found.cpus[0].midr, found.ram) == (None, None)


@PROPERTY
@given(NUMBERS, st.text(max_size=60))
def test_any_text_is_a_value_or_unknown(numbers: str, text: str) -> None:
    _cpu_list(numbers)
    for line in (text, f"{numbers}-{numbers} : System RAM", f"0-{numbers} : System RAM"):
        _ram(line)
    _memory(f"MemTotal: {numbers} kB\n{text}", "MemTotal")


@PROPERTY
@given(st.data())
def test_any_files_give_facts(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    junk = st.binary(max_size=40) | NUMBERS.map(lambda text: text.encode("utf-8", "replace"))
    paths = [
        "/sys/firmware/fdt",
        "/proc/self/status",
        "/proc/sys/kernel/kexec_load_disabled",
        "/proc/sys/kernel/kexec_load_limit_reboot",
        "/sys/kernel/kexec_loaded",
        "/proc/config.gz",
        "/proc/kallsyms",
        f"{CPU}/present",
        f"{CPU}/possible",
        f"{CPU}/online",
        f"{CPU}/cpu0/of_node/reg",
        f"{CPU}/cpu0/regs/identification/midr_el1",
        "/proc/iomem",
        "/proc/meminfo",
        "/proc/cmdline",
        "/proc/device-tree/cpus/cpu@0/reg",
    ]
    files = data.draw(st.fixed_dictionaries(dict.fromkeys(paths, junk)))
    facts(tmp_path_factory.getbasetemp() / "facts", files, data.draw(st.none() | st.lists(st.text(max_size=9))))


def test_the_console_that_firmware_names(tmp_path: Path) -> None:
    tables = "/sys/firmware/acpi/tables"
    for number, (files, console) in enumerate(
        (
            ({"/sys/firmware/fdt": b""}, None),
            ({f"{tables}/DSDT": b""}, ""),
            ({f"{tables}/SPCR": table(3, 0x9000000)}, "ttyAMA"),
            ({f"{tables}/SPCR": table(0x12, 0x3F8)}, "ttyS"),
            ({f"{tables}/SPCR": table(3, 0)}, ""),
            ({f"{tables}/SPCR": b""}, "unknown"),  # as one that only root may read
        )
    ):
        assert facts(tmp_path / str(number), files).firmware_console == console
