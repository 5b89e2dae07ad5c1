# SPDX-License-Identifier: MIT
"""What BeagleBoard's U-Boot starts for `uname_r` in /boot/uEnv.txt: its variable `uname_boot`.

Source: include/configs/ti_armv7_common.h and am335x_evm.h with the patches of RobertCNelson and beagleboard (EEWIKI_
UNAME_BOOT, virtualloadoverlay), and board/ti/am335x/board.c there, which names the overlays of each board.
"""

from __future__ import annotations

from collections.abc import Iterator

from bootmenu.sources import Board
from bootmenu.sources.tree import Tree, exists, normal

_EMMC, _VIDEO, _VIDEO_ALONE = (
    f"{name}-00A0.dtbo" for name in ("BB-BONE-eMMC1-01", "BB-HDMI-TDA998x", "BB-NHDMI-TDA998x")
)
# board/ti/am335x/board.c: uboot_emmc, uboot_video and uboot_wireless
_OWN = {
    "boneblack": (_EMMC, _VIDEO, ""),
    "boneblack-wireless": (_EMMC, _VIDEO, "BB-BBBW-WL1835-00A0.dtbo"),
    "boneblue": (_EMMC, "", "BB-BBBL-WL1835-00A0.dtbo"),
    "bonegreen": (_EMMC, "", ""),
    "bonegreen-wireless": (_EMMC, "", "BB-BBGW-WL1835-00A0.dtbo"),
    "bonegreen-gateway": (_EMMC, "", "BB-BBGG-WL1835-00A0.dtbo"),
}
_FAMILY = "ti,am335x-"
CONSOLE = "ttyS0,115200n8"
"""The console if uEnv.txt names none; a kernel that calls it ttyO0 takes this name, too."""


def _model(board: Board) -> str:
    """Return the board's name in file names, or empty if it is none of these."""
    found = next((name for name in board if name.startswith(_FAMILY)), "")
    return found.removeprefix(_FAMILY).replace("bone-", "bone", 1)


def tree_folders(version: str) -> tuple[str, ...]:
    """Return the directories in which uname_boot looks for the board's tree, in order."""
    return (
        f"/boot/dtbs/{version}",
        f"/usr/lib/linux-image-{version}",
        f"/lib/firmware/{version}/device-tree",
        f"/boot/dtb-{version}",
        "/boot/dtbs",
        "/boot/dtb",
    )


def tree_names(board: Board, values: dict[str, str]) -> tuple[str, ...]:
    """Return the file names of the board's tree, the best first; nothing if the board is not known."""
    if "dtb" in values:
        return (values["dtb"],)
    model = _model(board)
    if not model:
        return ()
    kinds = ["-uboot-univ", "-uboot"] if "enable_uboot_cape_universal" in values else ["-uboot"]
    return tuple(f"am335x-{model}{kind}.dtb" for kind in [*(kinds if with_overlays(values) else []), ""])


def with_overlays(values: dict[str, str]) -> bool:
    """Return whether overlays are applied at all."""
    return "enable_uboot_overlays" in values


def overlays(tree: Tree, board: Board, values: dict[str, str], folder: str) -> Iterator[str]:
    """Yield the paths of overlays in the order of uname_boot; one that is missing as it is written.

    folder: the directory of the tree."""
    for name, is_own in _overlay_names(board, values):
        # virtualloadoverlay
        places = (f"{folder}/overlays/{name}", f"/lib/firmware/{name}", normal(name))
        found = next((path for path in places if exists(tree, path)), None)
        if found is not None:
            yield found
        elif not is_own:
            yield name


def _overlay_names(board: Board, values: dict[str, str]) -> Iterator[tuple[str, bool]]:
    """Yield (name, whether it is one of the board instead of one in uEnv.txt)."""
    emmc, video, wireless = _OWN.get(_model(board), ("", "", ""))
    if "disable_uboot_overlay_audio" in values and video:
        video = _VIDEO_ALONE
    own = (("emmc", emmc), ("video", video), ("wireless", wireless))

    def disabled(what: str) -> bool:
        return f"disable_uboot_overlay_{what}" in values

    if _model(board) and not disabled("adc"):
        yield "BB-ADC-00A0.dtbo", True
    for number in range(8):
        name = values.get(f"uboot_overlay_addr{number}", "")
        if name and not (number < 4 and disabled(f"addr{number}")):
            yield name, False
    yield from ((name, True) for what, name in own if name and not disabled(what))
    for key in ("uboot_overlay_pru", "uboot_overlay_pru_add", "dtb_overlay"):
        if key in values:
            yield values[key], False
