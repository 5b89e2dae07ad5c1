# SPDX-License-Identifier: MIT
"""Loading by the calls themselves, beside kexec-tools: the same next kernel, sooner and in less memory."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.vm import stages
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import PC, Hardware, Machine, run_tool
from tests.vm.scenarios import refused_with

pytestmark = [pytest.mark.vm, pytest.mark.slow]
CMDLINE = "console=ttyAMA0 earlycon panic=1 bootmenu-test.tree"
MIB = 1 << 20
_PER_BOOT = {"/chosen/kaslr-seed", "/chosen/rng-seed", "/chosen/linux,initrd-start", "/chosen/linux,initrd-end"}
"""Properties that differ from load to load."""


class Booted(NamedTuple):
    """The next kernel, which came up."""

    cmdline: str
    tree: dict[str, str]
    """A digest for each property of /proc/device-tree."""
    text: str
    """All that was printed."""
    seconds: float
    """From the jump to its init."""


def start(stage: stages.Stage, files: dict[str, bytes], script: str, hardware: Hardware, folder: Path) -> Machine:
    """A machine that runs a guest script over these files of /vmtest."""
    named = {f"vmtest/{name}": data for name, data in files.items()}
    named[f"vmtest/{script}"] = (stages.GUEST / script).read_bytes()
    stage = stages.with_files(stage, named, folder / "first.cpio", executable={f"vmtest/{script}"})
    return Machine(
        hardware,
        kernel=stage.kernel,
        initrd=stage.initrd,
        cmdline=f"rdinit=/vmtest/{script}",
        name=f"native-{folder.name}",
        artifacts=ARTIFACTS,
        limit=1000,
    )


@pytest.fixture
def second_kernel(first_stage: stages.Stage, vm_cache: Path, token: str, tmp_path: Path) -> Callable[..., Booted]:
    """Loads by a method and jumps."""

    def boot(method: str, disk: Path | None = None, memory: int = 1024) -> Booted:
        folder = tmp_path / method
        folder.mkdir()
        files = {
            "kernel": first_stage.kernel.read_bytes(),
            "second.cpio": stages.build_second_stage(vm_cache, token),
            "cmdline": CMDLINE.encode(),
            "method": method.encode(),
            "measure.py": (stages.GUEST / "measure.py").read_bytes(),
        }
        hardware = Hardware(memory=memory, disks=() if disk is None else (disk,))
        with start(first_stage, files, "compare.sh", hardware, folder) as vm:
            vm.wait_for("Starting kernel", 600)
            place, jumped = vm.mark(), vm.elapsed
            vm.wait_for(f"second stage says {token}", 200, after=place)
            up = vm.elapsed - jumped
            vm.wait_for("second stage is done", 90, after=place)
            text = vm.text
        found = re.search(r"^second stage command line: (.*)$", text, re.MULTILINE)
        assert found
        tree = dict(re.findall(r"^second stage tree (\S+) ([0-9a-f]{32})$", text, re.MULTILINE))
        assert len(tree) > 100
        return Booted(found[1], tree, text, up)

    return boot


def test_both_ways_hand_on_the_same_and_the_native_one_is_sooner_and_smaller(
    second_kernel: Callable[..., Booted],
    first_stage: stages.Stage,
    vm_cache: Path,
    token: str,
    tmp_path: Path,
) -> None:
    contents = tmp_path / "contents"
    contents.mkdir()
    (contents / "small.cpio").write_bytes(stages.build_second_stage(vm_cache, token))
    (contents / "huge.cpio").write_bytes(stages.archive({"huge": bytes(512 * MIB)}, executable=set()))
    (contents / "kernel").write_bytes(first_stage.kernel.read_bytes())
    disk = tmp_path / "disk.img"
    with disk.open("wb") as image:
        image.truncate(700 * MIB)
    run_tool(["mkfs.ext4", "-q", "-d", contents, disk])

    cmdline, tree, text, ours_up = second_kernel("kexec_load", disk, 2560)
    begin, end = text.index("compare measure begin\n"), text.index("compare measure end")
    rows = [json.loads(line) for line in text[begin:end].splitlines()[1:] if line.startswith("{")]
    seen = {(row["initrd"], row["way"]): row for row in rows}
    for initrd in ("small.cpio", "huge.cpio"):
        ours, theirs = seen[initrd, "kexec_load"], seen[initrd, "kexec-tools"]
        print(f"\n{initrd}: ratio {ours['seconds'] / theirs['seconds']:.2f}")
        for row in (ours, theirs):
            print(f"  {row['way']}: {row['seconds']} s, {row['anonymous'] / MIB:.0f} MiB of its own")
        print(f"  {ours['stages']}")
    # a flat load holds no file: the interpreter is all that there is
    assert seen["huge.cpio", "kexec_load"]["anonymous"] < 96 * MIB
    assert seen["huge.cpio", "kexec-tools"]["anonymous"] > 512 * MIB

    # memory differs, so the reference is booted with the same
    other_cmdline, other_tree, _, theirs_up = second_kernel("kexec_tools", None, 2560)
    print(f"\nfrom the jump to the next kernel's init: {ours_up:.1f} s natively, {theirs_up:.1f} s by kexec-tools")
    assert cmdline == other_cmdline == CMDLINE
    differing = {path for path in tree.keys() | other_tree.keys() if tree.get(path) != other_tree.get(path)}
    assert differing <= _PER_BOOT, differing


REFUSALS = {
    # what is loaded → (verdict, a code that says it, what the kernel says to the load)
    "whole": ("pass", "X86-BZIMAGE", ""),
    "half": ("fail", "MEM-HALF", "EINVAL"),
    "low": ("fail", "X86-BZIMAGE", "ENOEXEC"),
    "long": ("fail", "CMD-LENGTH", "EINVAL"),
    "signed": ("fail", "SYS-SIG", "EPERM"),  # by Debian, whose key only Secure Boot brings
    "unsigned": ("fail", "SYS-SIG", "EPERM"),
    "tools": ("fail", "SYS-LOCKDOWN", "EPERM"),
}


def test_what_x86_64_refuses_was_known_before(vm_cache: Path, token: str, tmp_path: Path) -> None:
    stage = stages.build_first_stage(vm_cache, architecture="amd64")
    kernel = bytearray(stage.kernel.read_bytes())
    low, unsigned = bytearray(kernel), bytearray(kernel)
    low[0x236] &= ~2  # XLF_CAN_BE_LOADED_ABOVE_4G
    # the directory of the certificate table, in the optional header of PE32+
    header = int.from_bytes(kernel[0x3C:0x40], "little") + 24
    unsigned[header + 144 : header + 152] = bytes(8)
    files = {
        "kernel": bytes(kernel),
        "low": bytes(low),
        "unsigned": bytes(unsigned),
        "second.cpio": stages.build_second_stage(vm_cache, token, "amd64"),
    }
    with start(stage, files, "refusals.sh", PC, tmp_path) as vm:
        vm.wait_for("refusals are done", 800)
        vm.save()
        text = vm.text
    seen = {}
    for name, (_, code, _) in REFUSALS.items():
        report = json.loads(text.partition(f"refusal {name} check begin")[2].partition(f"refusal {name} check")[0])
        load = text.partition(f"refusal {name} load begin")[2].partition(f"refusal {name} load end")[0]
        found = [finding["severity"] for finding in report["findings"] if finding["code"] == code]
        print(f"\n{name}: {report['verdict']}, {code} {found}: {load.strip()}")
        seen[name] = (report["verdict"], code if report["verdict"] in found else "", refused_with(load))
    assert seen == REFUSALS
    assert "Run bootmenu as root" not in text.partition("refusal signed load begin")[2]
    facts = json.loads(text.partition("refusal facts begin")[2].partition("refusal facts end")[0])
    assert (facts["lockdown"], facts["lockdown_origin"]) == ("integrity", "securityfs")
