# SPDX-License-Identifier: MIT
"""What the firmware of a Raspberry Pi makes of its settings: kernel, initramfs, device tree, overlays and
parameters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import DeviceTree, Node, by_name
from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.sources import neighbours
from bootmenu.sources.parsers.raspberrypi.boards import PiBoard, with_console
from bootmenu.sources.parsers.raspberrypi.config_txt import Config
from bootmenu.sources.tree import CONFIG_LIMIT, Tree, TreeError, TreeErrorReason, exists, normal, read_text

_ALL_KERNELS = ("kernel8.img", "kernel_2712.img", "kernel7l.img", "kernel7.img", "kernel.img")
_OF_UBOOT = (
    *("/extlinux/extlinux.conf", "/boot/extlinux/extlinux.conf", "/boot.scr.uimg", "/boot.scr"),
    *("/boot/boot.scr.uimg", "/boot/boot.scr", "/EFI/BOOT/BOOTAA64.EFI", "/EFI/BOOT/bootaa64.efi"),
)
_MOST_OF_UBOOT = 1024 * 1024
"""Bytes; it has about 600 KiB on these boards, and kernels have several megabytes."""
# these enable a bus, an LED or sound: systems start without them
_OPTIONAL = regex(r"^(audio|i2c|i2s|spi|act_led|pwr_led|eth_led|watchdog|random|fan_temp|cooling|krnbt)")


class PiFirmware:
    """Follow the firmware's rules for one configuration.

    tryboot: whether it is the one for a single try. default: whether the machine starts it automatically.
    """

    def __init__(
        self,
        tree: Tree,
        folder: str,
        name: str,
        board: PiBoard | None,
        config: Config,
        *,
        tryboot: bool,
        default: bool,
    ) -> None:
        self._tree = tree
        self._folder = folder
        self._name = name
        self._board = board
        self._config = config
        self._problems = config.problems
        self._prefix = ""
        self._tryboot = tryboot
        self._default = default

    def started(self) -> Iterator[BootEntry | Problem]:
        entry = self._entry()
        yield from self._problems
        if entry is not None:
            yield entry

    def _problem(self, message: str, path: str = "") -> None:
        path = path or normal(self._name, self._folder)
        self._problems.append(Problem(device=self._tree.device, path=path, message=message))

    def _path(self, name: str, prefix: str | None = None) -> str:
        # boot.adoc, os_prefix: "Any user-specified OS file can bypass all prefixes by using an absolute path (with
        # respect to the boot partition)"
        prefix = self._prefix if prefix is None else prefix
        return normal(name.lstrip("/") if name.startswith("/") else f"{prefix}{name}", self._folder)

    def _file(self, path: str) -> FileRef:
        return FileRef(device=self._tree.device, path=path)

    def _entry(self) -> BootEntry | None:
        if self._config.on("boot_ramdisk"):
            self._problem("boots from inside boot.img, which is not supported")
            return None
        kernels = self._kernels()
        self._choose_prefix(kernels)
        kernel = next((name for name in kernels if exists(self._tree, self._path(name))), None)
        if self._is_uboot(kernel or kernels[0]):
            if not self._has_configuration_of_uboot():
                self._problem(f"starts {(kernel or kernels[0])[:60]}, not a kernel: U-Boot has its own configuration")
            return None
        if kernel is None:
            if "kernel" not in self._config.values:
                self._problem(f"names no kernel, and {' and '.join(kernels)} do not exist")
                return None
            kernel = kernels[0]
        dtb, dtb_folder = self._tree_of_board()
        return BootEntry(
            id=f"{self._name} (tryboot)" if self._tryboot and self._name == "config.txt" else self._name,
            title=f"Raspberry Pi: {kernel.rpartition('/')[2]}{' (tryboot)' if self._tryboot else ''}",
            source="raspberrypi",
            config=FileRef(device=self._tree.device, path=normal(self._name, self._folder), exists=True),
            device=self._tree.device,
            kernel=self._file(self._path(kernel)),
            initrds=tuple(self._file(self._path(name)) for name in self._initramfs(kernel)),
            dtb=dtb,
            dtb_folder=dtb_folder,
            overlays=tuple(self._overlays()),
            cmdline=CommandLine(self._command_line(), unset=self._config.undecided),
            default=self._default,
        )

    def _is_uboot(self, kernel: str) -> bool:
        """Return whether it is U-Boot by its name or, as Arch Linux ARM's kernel8.img, by its content."""
        if re.match(r"u-?boot", kernel.rpartition("/")[2], re.I):
            return True
        try:
            return b"U-Boot 20" in self._tree.read(self._path(kernel), _MOST_OF_UBOOT)
        except TreeError:
            return False  # missing, or as large as kernels are

    def _has_configuration_of_uboot(self) -> bool:
        """Return whether a partition of this disk has what U-Boot looks for first (boot/bootmeth_*.c)."""
        trees = (self._tree, *neighbours.beside(self._tree))
        return any(exists(tree, path) for tree in trees for path in _OF_UBOOT)

    def _kernels(self) -> tuple[str, ...]:
        """Return the names of kernels in the order in which the firmware tries them; at least one."""
        if name := self._config.values.get("kernel"):
            return (name,)
        board = self._board
        wide = self._config.on("arm_64bit")
        control = self._config.values.get("arm_control", "")
        if wide is None and re.fullmatch(r"0x[0-9a-fA-F]{1,8}", control) and int(control, 16) & 0x200:
            wide = True  # legacy_config_txt: the predecessor of arm_64bit
        narrow: tuple[str, ...] = _ALL_KERNELS[2:]
        wider: tuple[str, ...] = _ALL_KERNELS[:2]
        if board is not None:
            narrow, wider = (board.kernel32,) if board.kernel32 else (), board.kernels64
        if not narrow or not wider:
            return narrow or wider  # arm_64bit has no effect on a Raspberry Pi 5 or a first one
        if wide is not None:
            return wider if wide else narrow
        return (*wider, *narrow) if board is None or board.prefers64 else (*narrow, *wider)

    def _choose_prefix(self, kernels: tuple[str, ...]) -> None:
        values = self._config.values
        written = values.get("os_prefix")
        # boot.adoc, upstream_kernel: it implies os_prefix=upstream/, which need not exist
        prefix = written or ("upstream/" if self._config.on("upstream_kernel") else "")
        if not prefix:
            return
        # boot.adoc, os_prefix: "unless the expected kernel and .dtb can be found at the new location/name, the prefix
        # is ignored"
        explicit = values.get("device_tree")
        kernel = any(exists(self._tree, self._path(name, prefix)) for name in kernels)
        if explicit is None:
            tree = self._named_tree(prefix) is not None or self._has_trees(prefix)
        else:
            tree = not explicit or exists(self._tree, self._path(explicit, prefix))
        if kernel and tree:
            self._prefix = prefix
        elif written:
            missing = "device tree" if kernel else "kernel"
            self._problem(f"os_prefix={prefix[:60]} is ignored, as by the firmware: it has no {missing}")

    def _named_tree(self, prefix: str) -> str | None:
        """Return the path of the device tree with the name of this board, if it exists."""
        if self._board is None:
            return None
        groups = (self._board.trees, self._board.upstream)
        if self._config.on("upstream_kernel"):  # "The firmware will also prefer upstream Linux names for DTBs"
            groups = groups[::-1]
        paths = (self._path(name, prefix) for group in groups for name in group)
        return next((path for path in paths if exists(self._tree, path)), None)

    def _has_trees(self, prefix: str) -> bool:
        folder, _, begin = self._path(f"{prefix}*", "").rpartition("/")
        try:
            names = self._tree.list(folder or "/")
        except TreeError:
            return False
        return any(name.startswith(f"{begin[:-1]}bcm2") and name.endswith(".dtb") for name in names)

    def _tree_of_board(self) -> tuple[FileRef | None, FileRef | None]:
        """Return (dtb, dtb_folder) of the entry."""
        explicit = self._config.values.get("device_tree")
        if explicit is not None:
            # device-tree.adoc: an empty device_tree= means none; the running kernel's tree is then used
            return (self._file(self._path(explicit)), None) if explicit else (None, None)
        if named := self._named_tree(self._prefix):
            return self._file(named), None
        if self._has_trees(self._prefix):
            return None, self._file(self._path(f"{self._prefix}*", "").rpartition("/")[0] or "/")
        return None, None

    def _initramfs(self, kernel: str) -> tuple[str, ...]:
        if self._config.initramfs or not self._config.on("auto_initramfs"):
            return self._config.initramfs
        # boot.adoc: "look for an initramfs file using the same rules as the kernel selection"
        folder, slash, name = kernel.rpartition("/")
        match = re.fullmatch(r"kernel(\w*)\.img", name)
        found = f"{folder}{slash}initramfs{match[1]}" if match else ""
        return (found,) if found and exists(self._tree, self._path(found)) else ()

    def _command_line(self) -> str:
        path = self._path(self._config.values.get("cmdline") or "cmdline.txt")
        try:
            first, *more = read_text(self._tree, path).splitlines() or [""]
        except TreeError as error:
            if error.reason is not TreeErrorReason.MISSING or self._config.values.get("cmdline"):
                self._problem(f"no command line: {error.detail}", path)
            return ""
        if any(line.strip() for line in more):
            self._problem("only the first line is used as the command line", path)
        if self._board is None:
            return first.strip()
        serial0 = self._board.serial0
        names = {overlay.name.removeprefix("pi3-") for overlay in self._config.overlays}
        if (
            serial0 == "ttyS0" and names & {"disable-bt", "miniuart-bt"}
        ) or "uart0_console" in self._config.parameters:
            serial0 = "ttyAMA0"
        return with_console(first.strip(), self._board, serial0)

    def _overlays(self) -> Iterator[FileRef]:
        folder = self._config.values.get("overlay_prefix") or "overlays/"
        # boot.adoc, overlay_prefix: "Unless ${os_prefix}${overlay_prefix}README exists, overlays are shared with the
        # main OS (i.e. os_prefix is ignored)"
        readme = self._prefix and exists(self._tree, self._path(f"{folder}README"))
        prefix = self._prefix if readme else ""
        if not self._config.overlays and not self._config.parameters:
            return
        names = self._overlay_map(self._path(f"{folder}overlay_map.dtb", prefix))
        for overlay in self._config.overlays:
            name = self._mapped(names, overlay.name)
            if name is None:
                self._problem(f"dtoverlay={overlay.name[:60]} is left out: it is not for this board")
                continue
            path = self._path(f"{folder}{name}.dtbo", prefix)
            if not exists(self._tree, path):
                self._problem(
                    f"dtoverlay={overlay.name[:60]} is left out, as by the firmware: {path[:100]} does not exist"
                )
                continue
            if overlay.parameters:
                self._problem(f"dtoverlay={overlay.name[:60]}: not applied: {_short(overlay.parameters)}")
            yield self._file(path)
        needed = [name for name in self._config.parameters if not _OPTIONAL.match(name)]
        if needed:
            self._problem(f"parameters of the device tree are not applied: {_short(needed)}")

    def _overlay_map(self, path: str) -> Mapping[str, Node]:
        """Return the nodes of overlay_map.dtb by name, or nothing if it cannot be read."""
        if self._board is None:
            return {}
        try:
            return by_name(DeviceTree.from_bytes(self._tree.read(path, CONFIG_LIMIT), 50_000).root.children)
        except TreeError as error:
            if error.reason is not TreeErrorReason.MISSING:
                self._problem(error.detail, path)
        except BootmenuError as error:
            self._problem(error.message, path)
        return {}

    def _mapped(self, names: Mapping[str, Node], name: str) -> str | None:
        """Return the name of the overlay to use for `name` on this board, or None if it is not for this board.

        device-tree.adoc, overlay map: there is a node for each overlay that differs between boards. Its property with
        the platform's name is empty or the name to use; without the property the overlay does not support the board.
        """
        node = names.get(name)
        if node is not None and (renamed := node.string("renamed")) is not None:
            name = renamed
            node = names.get(name)
        if node is None or self._board is None or node.get("renamed") is not None:
            return name
        if node.get(self._board.platform) is None:
            return None
        return node.string(self._board.platform) or name


def _short(words: list[str]) -> str:
    text = ", ".join(words)
    return text if len(text) <= 200 else f"{text[:197]}..."
