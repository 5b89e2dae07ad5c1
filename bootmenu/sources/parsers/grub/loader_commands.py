# SPDX-License-Identifier: MIT
"""GRUB's commands that load a kernel and what belongs to it. Importing this module registers them."""

from __future__ import annotations

from bootmenu.model.entry import FileRef
from bootmenu.model.value import replace
from bootmenu.sources.kernel_files import holds_kernel
from bootmenu.sources.parsers.grub.grub_target import target
from bootmenu.sources.parsers.grub.interpreter import Interpreter, command
from bootmenu.sources.tree import exists

LINUX = frozenset(("linux", "linux16", "linuxefi", "kernel"))


def _status(shell: Interpreter, *files: FileRef) -> int:
    """Return the exit status: 1 if a file does not exist on a partition that can be read here, else 0."""
    shell.budget.spend(5 * len(files))
    trees = ((shell.tree_of(file.device), file.path) for file in files)
    return int(any(tree is not None and not exists(tree, path) for tree, path in trees))


@command(*LINUX)
def _linux(shell: Interpreter, arguments: list[str]) -> int:
    number = 1
    while arguments and arguments[0].startswith("--"):
        arguments, number = arguments[1:], number + 1
    if not arguments:
        shell.problem("a linux command names no kernel")
        return 1
    loaded = shell.loaded
    loaded.kernel = shell.resolve(arguments[0])
    loaded.arguments = arguments[1:]
    loaded.unset = [(parameter, name) for word, parameter, name in shell.unset if word > number]
    loaded.initrds = []  # loader/efi/linux.c:grub_linux_unload: a new kernel drops the previous initrd
    return _status(shell, loaded.kernel)


@command("chainloader")
def _chainloader(shell: Interpreter, arguments: list[str]) -> int:
    # loader/efi/chainloader.c: the words after the file are the program's. Only kernels and unified images are
    # listed, such as those of snapd (bootloader/assets/data/grub.cfg) and of Arch's wiki.
    names = [argument for argument in arguments if not argument.startswith("--")]
    if names and target(shell.platform)[1] == "efi":
        file = shell.resolve(names[0])
        tree = shell.tree_of(file.device)
        shell.budget.spend(20)
        if tree is not None and holds_kernel(tree, replace(file, device=tree.device)):
            loaded = shell.loaded
            loaded.kernel, loaded.arguments, loaded.unset, loaded.initrds = file, names[1:], [], []
    return 0


@command("initrd", "initrd16", "initrdefi")
def _initrd(shell: Interpreter, arguments: list[str]) -> int:
    # loader/linux.c:grub_initrd_init: all words are files, which are concatenated; newc:NAME:FILE adds FILE to an
    # archive as NAME. A second initrd command replaces the first one (loader/efi/linux.c:grub_cmd_initrd).
    names = [argument for argument in arguments if not argument.startswith("--")]
    files = [shell.resolve(name.split(":", 2)[-1] if name.startswith("newc:") else name) for name in names]
    shell.loaded.initrds = files
    return _status(shell, *files) if files else 1


@command("devicetree", "fdt")
def _devicetree(shell: Interpreter, arguments: list[str]) -> int:
    # loader/efi/fdt.c:grub_cmd_devicetree: without a file it restores the firmware's tree
    shell.loaded.dtb = shell.resolve(arguments[0]) if arguments else None
    return _status(shell, shell.loaded.dtb) if shell.loaded.dtb else 0
