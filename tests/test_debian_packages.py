# SPDX-License-Identifier: MIT
"""The Debian packages, in trees of the releases that they are for: installed, and used there."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import time
from pathlib import Path

import pytest

import bootmenu
from bootmenu.config import settings_layers
from tests.debian_packages import installed_tree, run_inside

ROOT = Path(__file__).parents[1]
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("debian-packages")]


@pytest.fixture(
    scope="module", params=["trixie", *(pytest.param(suite, marks=pytest.mark.full) for suite in ("bookworm", "sid"))]
)
def tree(request: pytest.FixtureRequest) -> Path:
    """A release with our packages."""
    top = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return installed_tree(str(request.param), Path(top) / "bootmenu" / "vm")


def test_the_program_works_where_it_is_installed(tree: Path) -> None:
    assert run_inside(tree, "bootmenu --version") == f"bootmenu {bootmenu.__version__}\n"
    assert set(json.loads(run_inside(tree, "bootmenu scan --json"))) >= {"entries", "problems"}
    checked = json.loads(run_inside(tree, "bootmenu check --json /boot/vmlinuz-* || test $? = 1"))
    assert "x86_64" in json.dumps(checked)
    assert run_inside(tree, "cat /usr/share/doc/bootmenu/examples/bootmenu.toml")
    run_inside(tree, "systemd-analyze verify --man=no /usr/lib/systemd/system/bootmenu@.service")
    run_inside(tree, "systemctl --root=/ is-enabled bootmenu-mark-good.service")
    for program in ("bootmenu mark-good", "bootmenu-mark-good"):
        run_inside(tree, f"mkdir -p /var/lib/bootmenu; {program} | grep '^Nothing to mark'")


def test_the_menu_is_drawn(tree: Path) -> None:
    command = ["chroot", str(tree), "env", "-i", "PATH=/usr/bin:/bin", "HOME=/root", "TERM=linux", "LANG=C.UTF-8"]
    controller, terminal = pty.openpty()
    inside = ["unshare", "-m", "--propagation", "private", "sh", "-c", 'mount --rbind /dev "$2/dev"; exec "$@"', "sh"]
    process = subprocess.Popen(
        [*inside, *command, "bootmenu", "--demo"],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    try:
        os.close(terminal)
        shown = b""
        until = time.monotonic() + 120
        while b"SIMULATION" not in shown:
            assert select.select([controller], [], [], max(0.0, until - time.monotonic()))[0], shown[-2000:]
            shown += os.read(controller, 65536)
    finally:
        process.kill()
        process.wait()
        os.close(controller)


def test_a_first_stage_is_built_when_a_kernel_is_installed(tree: Path) -> None:
    settings = tree / "etc/default/bootmenu-image"
    settings.write_text("FIRST_STAGE=/boot/bootmenu.img\nOPTIONS='--compress none'\nINITRAMFS=no\n")
    (kernel,) = (tree / "lib/modules").iterdir()
    run_inside(tree, f"rm -f /boot/bootmenu.img*; dpkg-reconfigure linux-image-{kernel.name} 2>&1 | tail -n 20")
    names = run_inside(tree, "lsinitramfs /boot/bootmenu.img").splitlines()
    for module in (
        "textual/app.pyc",
        "elftools/elf/elffile.pyc",
        "fdt/items.pyc",
        "rich/console.pyc",
        "lz4/__init__.pyc",
    ):
        assert [name for name in names if name.endswith(f"dist-packages/{module}")], module
    assert (tree / "boot/bootmenu.img.vmlinuz").stat().st_size > 1 << 20


def test_removed_packages_leave_nothing_of_the_program(tree: Path) -> None:
    run_inside(tree, "dpkg --purge bootmenu-image bootmenu-mark-good bootmenu")
    assert not (tree / "usr/lib/bootmenu").exists()
    assert not (tree / "etc/default/bootmenu-image").exists()
    installed_tree.cache_clear()


def test_the_example_of_the_settings_is_right() -> None:
    text = (ROOT / "data/debian/bootmenu.toml").read_text("utf-8")
    everything = text.replace("\n# ", "\n")
    head, _, lines = everything.partition("\n\n")
    assert head
    found = settings_layers.parse(lines.encode(), "bootmenu.toml")
    assert not found.problems
    assert len(found.origins) > 4
