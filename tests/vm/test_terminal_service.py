# SPDX-License-Identifier: MIT
"""bootmenu@.service on a running Debian: the commands of docs/integration.md, at the root shell of another line."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from tests.debian_packages import installed_tree, run_inside
from tests.vm.conftest import ARTIFACTS
from tests.vm.harness import PC, Machine, run_tool

pytestmark = [
    pytest.mark.vm,
    pytest.mark.slow,
    pytest.mark.xdist_group("debian-packages"),
    pytest.mark.full,
]

FOOTER = "F1 help"
PAPER = Path(__file__).parents[2] / "docs" / "integration.md"


def documented(word: str) -> str:
    """Return the shell lines of the paper in which a word is, for the terminal of this machine."""
    blocks = re.findall(r"```sh\n(.*?)```", PAPER.read_text("utf-8"), re.DOTALL)
    (block,) = (block for block in blocks if word in block and "bootmenu@tty" in block)
    return "; ".join(str(block).replace("getty@tty1", "serial-getty@ttyS0").replace("tty1", "ttyS0").splitlines())


class Shell:
    """The root shell that systemd.debug_shell= opens on the second serial line."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(self._path))
        self._socket.settimeout(0.2)
        self._number = 0
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def run(self, vm: Machine, script: str, timeout: float = 120.0) -> str:
        """Return what a script prints; the machine's first line goes on meanwhile."""
        self._number += 1
        end = f"end-{self._number}"
        self._socket.sendall(f"stty -echo; {script}; echo 'e''nd-{self._number}'\n".encode())
        said = ""

        def answered(_: Machine) -> bool:
            nonlocal said
            try:
                said += self._socket.recv(65536).decode("utf-8", "replace")
            except TimeoutError:
                return False
            return f"{end}\r\n" in said

        answered.__name__ = script
        vm.wait_for(answered, timeout)
        return said.replace("\r", "")


def image(tree: Path, target: Path) -> None:
    """Write the tree as an ext4 image."""
    run_inside(
        tree,
        "sed -i 's/^INITRAMFS=.*/INITRAMFS=no/' /etc/default/bootmenu-image\n"
        "mkinitramfs -o /plain.img $(ls /lib/modules)\n"
        "mkdir -p /etc/systemd/system.conf.d\n"
        # an emulated machine that shares its host needs longer for a serial line than systemd waits
        "printf '[Manager]\\nDefaultDeviceTimeoutSec=15min\\nDefaultTimeoutStartSec=15min\\n' "
        ">/etc/systemd/system.conf.d/slow.conf\n"
        "echo terminal-test >/etc/hostname; touch /etc/.updated /var/.updated",
    )
    with target.open("wb") as file:
        file.truncate(900 << 20)
    run_tool(["mkfs.ext4", "-q", "-d", tree, target])


def test_the_menu_takes_the_place_of_a_login_and_gives_it_back(vm_cache: Path, tmp_path: Path) -> None:
    tree = installed_tree("trixie", vm_cache)
    disk = tmp_path / "disk.img"
    image(tree, disk)
    (kernel,) = (tree / "boot").glob("vmlinuz-*")
    second = tmp_path / "ttyS1"

    def power_on(name: str) -> Machine:
        return Machine(
            replace(
                PC,
                disks=(disk,),
                extra=("-chardev", f"socket,id=second,path={second},server=on,wait=off", "-serial", "chardev:second"),
            ),
            kernel=kernel,
            initrd=tree / "plain.img",
            cmdline="root=/dev/vda rw init=/lib/systemd/systemd systemd.debug_shell=ttyS1",
            name=f"terminal-service-{name}",
            artifacts=ARTIFACTS,
            limit=1200,
        )

    with power_on("first") as vm:
        vm.wait_for("terminal-test login:", 600)
        with Shell(second) as shell:
            shell.run(vm, documented("enable --now"))
            vm.wait_for_screen(FOOTER, 300)
            assert "\ninactive\n" in shell.run(vm, "systemctl is-active serial-getty@ttyS0.service")
            shell.run(vm, "first=$(systemctl show -P MainPID bootmenu@ttyS0.service)")
            vm.send("q")
            shell.run(vm, 'while kill -0 "$first"; do sleep 1; done')
            vm.wait_for_screen(FOOTER, 300)
            assert "\nactive\n" in shell.run(vm, "systemctl is-active bootmenu@ttyS0.service")
            shell.run(vm, "systemctl poweroff")
            vm.wait_for_end(200)
    with power_on("second") as vm:
        vm.wait_for_screen(FOOTER, 600)
        assert "terminal-test login:" not in vm.text
        with Shell(second) as shell:
            place = vm.mark()
            shell.run(vm, documented("disable --now"))
            vm.wait_for("terminal-test login:", 120, after=place)
            assert "\ninactive\n" in shell.run(vm, "systemctl is-active bootmenu@ttyS0.service")
