# SPDX-License-Identifier: MIT
"""The configurations that Debian's own tools write, read by a scan, beside what a few lines here read of them.

The tools run in Debian trees of ours (debian_trees.py), where /boot holds two kernels whose order by version is not
that of their characters.
"""

from __future__ import annotations

import fnmatch
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bootmenu.model.machine import MachineFacts
from bootmenu.model.value import replace
from tests.builders.machines import tree_of, unprivileged_x86, virt
from tests.vm import debian_trees
from tests.vm.debian_trees import BOARD, BOOKWORM, TRIXIE, Suite
from tests.vm.stages import ROOT_UUID

# both suites' trees are made once; these tests wait for one another
pytestmark = [pytest.mark.vm, pytest.mark.slow, pytest.mark.xdist_group("real-packages")]

BOOT_UUID = "8d1f6c0e-52b1-4a79-8f0c-6f0d8b7a2c11"
UUIDS = {"vda1": ROOT_UUID, "vda2": BOOT_UUID}
SUITES = [pytest.param(suite, id=suite.name) for suite in (BOOKWORM, TRIXIE)]


class Written(NamedTuple):
    """An entry, as its tool wrote it."""

    title: str
    kernel: str
    initrds: tuple[str, ...]
    cmdline: str
    dtb: str | None = None
    default: bool = False


Trees = Callable[[Suite], Path]


@pytest.fixture
def trees(vm_cache: Path) -> Trees:
    """The folder of a suite's trees."""
    return lambda suite: debian_trees.installed(suite, vm_cache) / "trees"


def board() -> MachineFacts:
    """The board that the device trees are for."""
    return replace(virt(), tree=replace(tree_of(virt()), compatible=BOARD))


def scan(folder: Path, work: Path, machine: MachineFacts | None = None) -> dict[str, Any]:
    """`bootmenu scan --json` of a machine's partitions, as the machine sees them, or else the board."""
    facts = work / "machine.json"
    facts.write_text(json.dumps((machine or board()).to_json()))
    argv = [sys.executable, "-m", "bootmenu", "scan", "--json", "--machine", str(facts)]
    for partition in sorted(folder.iterdir()):
        argv += ["--tree", f"{partition},name={partition.name},uuid={UUIDS.get(partition.name, 'B007-0001')}"]
    answer: dict[str, Any] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return answer


def entries(answer: dict[str, Any], source: str) -> list[Written]:
    """What the scan found, in its order."""
    assert {entry["source"] for entry in answer["entries"]} == {source}
    assert answer["problems"] == []
    return [
        Written(
            title=entry["title"],
            kernel=entry["kernel"]["path"],
            initrds=tuple(initrd["path"] for initrd in entry["initrds"]),
            cmdline=entry["cmdline"],
            dtb=entry["dtb"] and entry["dtb"]["path"],
            default=entry["default"],
        )
        for entry in answer["entries"]
    ]


def grub_entries(folder: Path) -> list[Written]:
    """What update-grub wrote: no language is needed to read that, its own lines always look the same."""
    text = (folder / "grub.cfg").read_text()
    found: list[Written] = []
    places: list[tuple[str, ...]] = []  # all that can be named: ids and numbers, through the submenus
    opened: list[tuple[str, str]] = []  # title and id of each brace
    tops = -1
    for line in text.splitlines():
        words = shlex.split(line) if re.match(r"\s*(submenu|menuentry|linux|initrd)\s", line) else []
        if words and words[0] in ("submenu", "menuentry"):
            name = words[words.index("$menuentry_id_option") + 1]
            tops += not opened
            opened.append((words[1], name))
            title = " › ".join(title for title, _ in opened)
        elif line.rstrip().endswith("{"):
            opened.append(("", ""))
        elif line.strip() == "}":
            opened.pop()
        elif words and words[0] == "linux":
            # loader/i386/linux.c of GRUB, by lib/cmdline.c: an argument with a blank is quoted as a whole
            cmdline = " ".join(f'"{word}"' if " " in word else word for word in words[2:])
            found.append(Written(title, words[1], (), cmdline))
            names = ">".join(name for _, name in opened)
            places.append((names, str(tops)) if len(opened) == 1 else (names,))
        elif words and words[0] == "initrd":
            found[-1] = found[-1]._replace(initrds=tuple(words[1:]))
    chosen = re.findall(r'set default="(.*)"', text)[-1]
    if chosen == "${saved_entry}":
        (chosen,) = re.findall(r"^saved_entry=(.*)$", (folder / "grubenv").read_text(), re.MULTILINE)
    return [entry._replace(default=chosen in place) for entry, place in zip(found, places, strict=True)]


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(
    ("name", "place", "default"),
    [("grub", "vda1/boot", "first"), ("grub-saved", "vda2", "older"), ("grub-submenu", "vda1/boot", "older")],
)
def test_update_grub(suite: Suite, name: str, place: str, default: str, trees: Trees, tmp_path: Path) -> None:
    folder = trees(suite) / name
    written = grub_entries(folder / place / "grub")
    assert len(written) >= 4
    (chosen,) = (entry for entry in written if entry.default)
    assert chosen is written[0] if default == "first" else "-6.1.9-" in chosen.kernel
    assert entries(scan(folder, tmp_path), "grub") == written


def extlinux_entries(partition: Path, config: str) -> list[Written]:
    """What u-boot-update wrote. Its folder of device trees has one for the board."""
    text = (partition / config).read_text()
    default = re.findall(r"^default (\S+)$", text, re.MULTILINE)[0]
    found = []
    for block in re.split(r"^label ", text, flags=re.MULTILINE)[1:]:
        name, *lines = block.splitlines()
        keys = dict(line.strip().split(maxsplit=1) for line in lines if len(line.split()) > 1)
        dtb = keys.get("fdt")
        if "fdtdir" in keys:
            dtb = keys["fdtdir"] + "broadcom/bcm2711-rpi-4-b.dtb"
        title = keys["menu"].removeprefix("label ")
        found.append(Written(title, keys["linux"], (keys["initrd"],), keys["append"], dtb, name == default))
    return found


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize(
    ("name", "place", "config"),
    [
        ("extlinux", "vda1", "boot/extlinux/extlinux.conf"),
        ("extlinux-apart", "vda2", "extlinux/extlinux.conf"),
    ],
)
def test_u_boot_update(suite: Suite, name: str, place: str, config: str, trees: Trees, tmp_path: Path) -> None:
    folder = trees(suite) / name
    written = extlinux_entries(folder / place, config)
    assert len(written) == 4
    assert [entry.default for entry in written].index(True) == (2 if "apart" in name else 0)
    assert name == "extlinux-apart" or all(entry.dtb for entry in written)
    assert entries(scan(folder, tmp_path), "extlinux") == written


def bootctl_entries(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """What `bootctl list --json` says of an ESP, in its order: the file in the ESP, and all of it."""
    text = folder.with_suffix(".json").read_text()
    # systemd 252 writes an object a line
    listed = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    for entry in listed:
        if not entry["id"].startswith("auto-"):
            yield entry["path"].removeprefix("/efi"), entry


@pytest.mark.parametrize("suite", SUITES)
def test_kernel_install_with_systemd_boot(suite: Suite, trees: Trees, tmp_path: Path) -> None:
    folder = trees(suite) / "bls"
    listed = dict(bootctl_entries(folder))
    assert [entry["version"] for entry in listed.values()] == ["6.1.117-arm64", "6.1.9-arm64"]
    answer = scan(folder, tmp_path)
    found = dict(zip((entry["config"]["path"] for entry in answer["entries"]), entries(answer, "bls"), strict=True))
    assert list(found) == list(listed)
    (pattern,) = re.findall(r"^default (.*)$", (folder / "vda1/loader/loader.conf").read_text(), re.MULTILINE)
    for path, entry in listed.items():
        read = found[path]
        assert read.title == entry["showTitle"]
        assert read.kernel == entry["linux"]
        assert read.initrds == tuple(entry["initrd"])
        assert read.cmdline == entry["options"]
        assert read.default == fnmatch.fnmatch(entry["id"], pattern) == entry.get("isDefault", read.default)
    assert sum(entry.default for entry in found.values()) == 1


def test_kernel_install_with_ukify(trees: Trees, tmp_path: Path) -> None:
    folder = trees(TRIXIE) / "uki"
    listed = dict(bootctl_entries(folder))
    assert ["6.1.117-amd64" in path for path in listed] == [True, False]
    answer = scan(folder, tmp_path, unprivileged_x86())  # what is of another architecture is not offered
    assert {entry["source"] for entry in answer["entries"]} == {"uki"}
    assert answer["problems"] == []
    assert [entry["kernel"]["path"] for entry in answer["entries"]] == list(listed)
    for read, entry in zip(answer["entries"], listed.values(), strict=True):
        # which names the file where systemd-boot only has Debian's version, the same for both
        assert read["title"].startswith(entry["title"])
        assert read["cmdline"] == entry["options"]
        assert read["default"] == entry["isDefault"]


@pytest.mark.parametrize("suite", SUITES)
def test_raspi_firmware(suite: Suite, trees: Trees, tmp_path: Path) -> None:
    folder = trees(suite) / "raspi"
    config = (folder / "vda1/config.txt").read_text()
    (kernel,) = re.findall(r"^kernel=(.*)$", config, re.MULTILINE)
    (initramfs,) = re.findall(r"^initramfs (.*)$", config, re.MULTILINE)
    (entry,) = entries(scan(folder, tmp_path), "raspberrypi")
    assert kernel in entry.title
    assert (entry.kernel, entry.initrds) == (f"/{kernel}", (f"/{initramfs}",))
    assert entry.cmdline == (folder / "vda1/cmdline.txt").read_text().strip()
    assert (entry.dtb, entry.default) == ("/bcm2711-rpi-4-b.dtb", True)


@pytest.mark.parametrize("architecture", ["arm64", "amd64"])
def test_installer_for_the_network(architecture: str, vm_cache: Path, tmp_path: Path) -> None:
    """Its text says what it is: entries with a kernel, one of which is named first."""
    root = debian_trees.netboot(architecture, vm_cache)
    (tmp_path / "server").mkdir()
    (tmp_path / "server/vda1").symlink_to(root)
    answer = scan(tmp_path / "server", tmp_path)
    text = (root / f"debian-installer/{architecture}/grub/grub.cfg").read_text()
    written: list[list[str]] = []
    for command, words in re.findall(r"^\s*(linux|initrd)\s+(.*)$", text, re.MULTILINE):
        written.append([]) if command == "linux" else None
        written[-1] += words.split(maxsplit=1)
    read = [entry for entry in answer["entries"] if entry["source"] == "grub"]
    assert [[entry["kernel"]["path"], entry["cmdline"], entry["initrds"][0]["path"]] for entry in read] == written
    for entry, title in zip(read, re.findall(r"menuentry .*?'(.*)' {", text), strict=True):
        # what tells it apart from a title of pxelinux's menu may come behind it
        assert entry["title"].rpartition("› ")[2] in (title, f"{title} (grub.cfg)")
    if architecture == "amd64":
        screens = (root / "debian-installer/amd64/boot-screens").glob("*.cfg")
        texts = "\n".join(screen.read_text() for screen in screens)
        appended = {" ".join(line.split()) for line in re.findall(r"^\s*append (.*)$", texts, re.MULTILINE)}
        assert len(appended) == 8
        syslinux = [entry for entry in answer["entries"] if entry["source"] == "syslinux"]
        assert appended == {entry["cmdline"] for entry in syslinux}
