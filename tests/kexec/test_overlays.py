# SPDX-License-Identifier: MIT
"""Device-tree overlays: applied in order, or an error that says why not."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bootmenu.errors import FormatError
from bootmenu.formats.dtb import DeviceTree
from bootmenu.kexec.overlays import OverlayError, apply_overlays
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders.hosts import fake_host
from tests.kexec.test_firmware_fixups import VIRT

BASE = """/dts-v1/;
/ { compatible = "acme,board"; #address-cells = <2>; #size-cells = <2>;
  soc { uart: serial@1000 { status = "disabled"; }; }; };
"""
ENABLE = """/dts-v1/; /plugin/; &uart { status = "okay"; };"""
SPEED = """/dts-v1/; /plugin/; &uart { status = "reserved"; current-speed = <9600>; };"""
LOST = """/dts-v1/; /plugin/; &nobody { status = "okay"; };"""


def compiled(source: str, symbols: bool = True) -> bytes:
    command = ["dtc", "-q", "-I", "dts", "-O", "dtb", *(["-@"] if symbols else [])]
    return subprocess.run(command, input=source.encode(), capture_output=True, check=True).stdout


def test_overlays_are_applied_in_their_order() -> None:
    host = SimulatedHost.from_facts(VIRT)
    base = DeviceTree.from_bytes(compiled(BASE))
    for order, status in (((ENABLE, SPEED), "reserved"), ((SPEED, ENABLE), "okay")):
        found = apply_overlays(host, base, [compiled(source) for source in order])
        node = found.node("/soc/serial@1000")
        assert node is not None
        assert (node.string("status"), node.u32("current-speed")) == (status, 9600)
    assert apply_overlays(host, base, []) is base


@pytest.mark.parametrize(("source", "symbols"), [(LOST, True), (ENABLE, False)])
def test_an_overlay_that_does_not_fit_is_an_error_with_the_tool_s_words(source: str, symbols: bool) -> None:
    base = DeviceTree.from_bytes(compiled(BASE, symbols))
    words = r"FDT_ERR|does not have a '/__symbols__' node"  # the tool's own since dtc 1.7.1
    with pytest.raises(OverlayError, match=rf"does not apply to this device tree: .*({words})") as caught:
        apply_overlays(SimulatedHost.from_facts(VIRT), base, [compiled(source)])
    assert "dtc -@" in caught.value.hint


def test_without_the_tool_nothing_is_applied_in_silence(tmp_path: Path) -> None:
    with pytest.raises(OverlayError, match="fdtoverlay is not installed"):
        apply_overlays(fake_host(tmp_path), DeviceTree.from_bytes(compiled(BASE)), [compiled(ENABLE)])


def test_an_overlay_that_is_none_never_reaches_the_tool() -> None:
    with pytest.raises(FormatError):
        apply_overlays(SimulatedHost.from_facts(VIRT), DeviceTree.from_bytes(compiled(BASE)), [b"junk"])
