# SPDX-License-Identifier: MIT
"""Read the settings of boards without a script that can be followed: armbianEnv.txt, dietpiEnv.txt and uEnv.txt.

They are U-Boot variables; which ones mean what is decided by the script that reads them, or by what is compiled into
U-Boot: Armbian's config/bootscripts, BeagleBoard's and TI's environments (include/env/ti/mmc.env).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress

from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import replace
from bootmenu.sources import Platform
from bootmenu.sources.line_formats import LineConfiguration, configurations
from bootmenu.sources.parsers.uboot import beaglebone, disk_files, loader_variables
from bootmenu.sources.parsers.uboot.environment_text import as_dict
from bootmenu.sources.parsers.uboot.file_names import ARMBIAN_SETTINGS, OTHER_SETTINGS
from bootmenu.sources.parsers.uboot.hush_interpreter import HushInterpreter, ScriptEndedError
from bootmenu.sources.parsers.uboot.hush_state import CannotFollowError, HushState, KernelStart, LoadedFile
from bootmenu.sources.tree import Tree, TreeError, exists, normal
from bootmenu.sources.version import version_key

_KERNELS = ("Image", "zImage", "vmlinuz", "uImage", "Image.gz")
_INITRAMFS = ("uInitrd", "initrd.img", "initrd.gz", "initramfs.img")
_VERSIONED = regex(r"vmlinu[xz]-\d.*|[zu]?Image-\d.*")
_TREE_FOLDERS = ("dtb", "dtbs")
_MAX_OVERLAYS = 64
_VARIABLE = regex(r"\$\{([^}\s$]{1,64})\}|\$([A-Za-z]\w{0,63})")

# the names that scripts and loaders give to the parts of an entry in uEnv.txt
_KERNEL_KEYS = ("LINUX", "kernel_file", "kernel", "kernel_image", "kernelimage", "bootfile", "image")
_INITRD_KEYS = ("INITRD", "initrd_file", "initrd", "initrdfile", "ramdisk", "rdfile")
_DTB_KEYS = ("FDT", "fdtfile", "fdt_file", "dtb", "fdt")
_OPTION_KEYS = ("APPEND", "bootargs", "cmdline")

_STARTS = regex(r"\bboot[imz] (?:0x|\$)")

EntryOf = Callable[..., BootEntry]


def _command_in(values: dict[str, str]) -> str:
    """Return the name of the command that starts a kernel, or empty: `uenvcmd` of TI's and many others' environments,
    or the only one of another name (Avnet's `boot_os`)."""
    if "uenvcmd" in values:
        return "uenvcmd"
    found = [name for name, value in values.items() if _STARTS.search(value)]
    return found[0] if len(found) == 1 else ""


class BoardSettings:
    """The entries that the settings of one partition describe."""

    def __init__(self, tree: Tree, platform: Platform, entry_of: EntryOf) -> None:
        self._tree = tree
        self._platform = platform
        self._entry_of = entry_of

    def entries(self, *, has_default: bool) -> Iterator[BootEntry | Problem]:
        """Yield the problems and entries of each file; the first entry is the default if there is none yet."""
        found = has_default
        for paths, read in ((ARMBIAN_SETTINGS, self._armbian), (OTHER_SETTINGS, self._others)):
            for config in configurations(self._tree, paths):
                start = read(config, as_dict(config.text()))
                yield from config.problems
                if start is not None:
                    yield self._entry_of(config, start, 0, default=not found)
                    found = True

    # ---- Armbian and DietPi

    def _armbian(self, config: LineConfiguration, values: dict[str, str]) -> KernelStart | None:
        kernel = self._kernel(config.folder)
        if kernel is None or "rootdev" not in values:
            return None
        # config/bootscripts/boot-*.cmd; which serial line `console` means is known to the script only
        console = {"display": "console=tty1", "both": "console=tty1"}.get(values.get("console", "both"), "")
        words = [
            f"root={values['rootdev']} rootwait",
            f"rootfstype={values['rootfstype']}" if "rootfstype" in values else "",
            console,
            f"loglevel={values['verbosity']}" if "verbosity" in values else "",
            f"usb-storage.quirks={values['usbstoragequirks']}" if "usbstoragequirks" in values else "",
            values.get("extraargs", ""),
            values.get("extraboardargs", ""),
        ]
        return self._start(config, kernel, words, self._dtb(config.folder, values.get("fdtfile", ""), values))

    # ---- uEnv.txt

    def _others(self, config: LineConfiguration, values: dict[str, str]) -> KernelStart | None:
        if command := _command_in(values):
            if (start := self._run(config, values, command)) is not None:
                return start
        elif "uname_r" in values:
            return self._beaglebone(config, values)
        options = next((values[key] for key in _OPTION_KEYS if key in values), "")
        named = next((values[key] for key in _KERNEL_KEYS if key in values), "")
        kernel = self._file(named, config.folder) if named else self._kernel(config.folder)
        if kernel is None or not (named or options):
            return None
        initrd = next((values[key] for key in _INITRD_KEYS if key in values), "")
        tree = next((values[key] for key in _DTB_KEYS if key in values), "")
        dtb = self._file(tree, config.folder) if tree else None
        if dtb is None:
            dtb = self._dtb(config.folder, tree, values)
        found = self._start(config, kernel, [self._expanded(options, values)], dtb)
        return replace(found, initrd=self._file(initrd, config.folder)) if initrd else found

    def _run(self, config: LineConfiguration, values: dict[str, str], command: str) -> KernelStart | None:
        """Run a command of the file, as the environment does after reading it."""
        run = self._interpreter(values)
        try:
            run.run_script(values[command], config.path)
        except ScriptEndedError:
            pass
        except CannotFollowError as error:
            config.problem(f"{command[:40]}: {error.message}")
        if not run.starts and not config.problems:
            only_there = f": “{run.not_run}” is known to U-Boot only" if run.not_run else ""
            for reason in run.failed or [f"{command[:40]} starts no kernel{only_there}"]:
                config.problem(reason)
        return run.starts[0] if run.starts else None

    def _beaglebone(self, config: LineConfiguration, values: dict[str, str]) -> KernelStart | None:
        """Return what BeagleBoard's `uname_boot` starts: the kernel of a version, in the directory of uEnv.txt."""
        version, folder = values["uname_r"].strip(), config.folder
        kernel = self._file(f"vmlinuz-{version}", folder)
        if kernel is None:
            config.problem(f"vmlinuz-{version[:60]}, the kernel of uname_r, is missing")
            return None
        if "uenv_root" in values:
            root = f"root={values['uenv_root']} ro"
        elif "uuid" in values:
            root = f"root=UUID={values['uuid']} ro"
        elif "mmcroot" in values:
            root = f"root={values['mmcroot']}"
        else:
            uuid = next((name for name in sorted(self._tree.names) if name.startswith("partuuid=")), "")
            root = f"root=PARTUUID={uuid.partition('=')[2]} ro" if uuid else f"root=/dev/{self._tree.device} ro"
        dtb = self._beaglebone_dtb(version, values)
        is_universal = dtb is not None and dtb.path.endswith("-uboot-univ.dtb")
        words = [
            f"console={values.get('console', beaglebone.CONSOLE)}",
            values.get("optargs", ""),
            "bone_capemgr.uboot_capemgr_enabled=1" if is_universal else "",
            root,
            f"rootfstype={values.get('mmcrootfstype', 'ext4 rootwait')}",
            values.get("cmdline", ""),
        ]
        if dtb is not None and beaglebone.with_overlays(values):
            folder_of_tree = dtb.path if dtb.any_tree else dtb.path.rpartition("/")[0]
            board = self._platform.board
            paths = [*beaglebone.overlays(self._tree, board, values, folder_of_tree)][:_MAX_OVERLAYS]
            dtb = replace(dtb, overlays=tuple(self._existing(config, paths)))
        found = self._start(config, kernel, words, dtb)
        return replace(found, initrd=self._file(f"initrd.img-{version}", folder))

    def _beaglebone_dtb(self, version: str, values: dict[str, str]) -> LoadedFile | None:
        names = beaglebone.tree_names(self._platform.board, values)
        folders = beaglebone.tree_folders(version)
        for folder in folders:
            for name in names:
                found = self._dtb_of(name, folder)
                if found is not None and not found.any_tree:
                    return found
        return next(filter(None, map(self._any_dtb, folders)), None)

    def _existing(self, config: LineConfiguration, paths: list[str]) -> Iterator[LoadedFile]:
        """Yield the overlays that exist; the loaders leave out the others."""
        for path in paths:
            if exists(self._tree, path):
                yield LoadedFile(self._tree.device, path, self._tree)
            else:
                config.problem(f"overlay {path[:100]} is left out, as by U-Boot: it does not exist")

    def _interpreter(self, values: dict[str, str]) -> HushInterpreter:
        env = loader_variables.initial(self._tree, self._platform, "/") | values
        return HushInterpreter(self._tree, self._platform, HushState(env, deleted={"bootargs"}))

    def _expanded(self, text: str, values: dict[str, str]) -> str:
        """Replace the variables in a value, each once."""
        run = self._interpreter(values)
        return _VARIABLE.sub(lambda match: run.value(match[1] or match[2]), text)

    # ---- files

    def _start(
        self, config: LineConfiguration, kernel: LoadedFile, words: list[str], dtb: LoadedFile | None
    ) -> KernelStart:
        return KernelStart(
            line=0,
            script=config.path,
            kernel=kernel,
            initrd=self._initramfs(kernel),
            dtb=dtb,
            bootargs=" ".join(word for word in words if word.strip()),
        )

    def _file(self, name: str, folder: str) -> LoadedFile | None:
        """Return a file by a path, or by one below the directory of the settings; None if there is none."""
        for base in (folder, "/"):
            path = normal(name.lstrip("/"), base)
            if exists(self._tree, path):
                return LoadedFile(self._tree.device, path, self._tree)
        return None

    def _kernel(self, folder: str) -> LoadedFile | None:
        for name in _KERNELS:
            if found := self._file(name, folder):
                return found
        with suppress(TreeError):
            names = [name for name in self._tree.list(folder) if _VERSIONED.fullmatch(name)]
            if names:
                return self._file(max(names, key=version_key), folder)
        return None

    def _initramfs(self, kernel: LoadedFile) -> LoadedFile | None:
        folder, _, name = kernel.path.rpartition("/")
        version = name.partition("-")[2]
        versioned = (f"initrd.img-{version}", f"uInitrd-{version}") if version else ()
        return next(filter(None, (self._file(each, folder or "/") for each in (*versioned, *_INITRAMFS))), None)

    def _any_dtb(self, folder: str) -> LoadedFile | None:
        with suppress(TreeError):
            if self._tree.stat(folder).is_folder:
                return LoadedFile(self._tree.device, folder, self._tree, any_tree=True)
        return None

    def _dtb_of(self, name: str, folder: str) -> LoadedFile | None:
        """Return a tree by its name in a directory or in one of a vendor in it."""
        if found := self._within(name, folder):
            return found
        with suppress(TreeError):
            for vendor in self._tree.list(folder):
                if found := self._within(name, f"{folder}/{vendor}"):
                    return found
        return self._any_dtb(folder)

    def _within(self, name: str, folder: str) -> LoadedFile | None:
        sought = disk_files.find(self._tree, "", f"{folder}/{name}").file
        return sought if sought is not None and not sought.is_missing else None

    def _dtb(self, folder: str, name: str, values: dict[str, str]) -> LoadedFile | None:
        """Return the tree that Armbian's scripts load, with its overlays."""
        base = folder.rstrip("/")
        for trees in (f"{base}/{each}" for each in _TREE_FOLDERS):
            if (found := self._dtb_of(name, trees) if name else self._any_dtb(trees)) is not None:
                break
        else:
            return None
        where = found.path if found.any_tree else found.path.rpartition("/")[0]
        overlays = self._overlays(where, values.get("overlays", "").split(), values.get("overlay_prefix", ""))
        user = [f"{base}/overlay-user/{each}.dtbo" for each in values.get("user_overlays", "").split()]
        paths = [*overlays, *(path for path in user if exists(self._tree, path))][:_MAX_OVERLAYS]
        return replace(found, overlays=tuple(LoadedFile(self._tree.device, path, self._tree) for path in paths))

    def _overlays(self, folder: str, wanted: list[str], prefix: str) -> list[str]:
        """Return the paths of overlays below a directory of trees or of a vendor in it, without those missing."""
        folders = [folder]
        with suppress(TreeError):
            folders += [f"{folder}/{name}" for name in self._tree.list(folder)[:_MAX_OVERLAYS]]
        names = [f"{prefix}-{each}.dtbo" if prefix else f"{each}.dtbo" for each in wanted[:_MAX_OVERLAYS]]
        found = ([f"{each}/overlay/{name}" for each in folders if exists(self._tree, f"{each}/overlay/{name}")]
                 for name in names)  # fmt: skip
        return [paths[0] for paths in found if paths]
