# SPDX-License-Identifier: MIT
"""Parse Boot Loader Specification (UAPI.1) entries: the files in /loader/entries, and the UKIs of uki_folder.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bootmenu.model.entry import BootEntry, FileRef, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.model.value import Value, replace
from bootmenu.sources import SOURCES, Board, ForPlatform, Platform, addons, companions, neighbours, unified_kernels
from bootmenu.sources.kernel_files import holds_kernel
from bootmenu.sources.line_formats import short
from bootmenu.sources.order import PREFIXES, LoaderSettings, Name, in_order
from bootmenu.sources.parsers.grub import fedora
from bootmenu.sources.parsers.uki_folder import Image, entries, images
from bootmenu.sources.tree import LIST_LIMIT, Tree, TreeError, listed, normal, read_text

_MAX_ENTRIES = 5000
_MAX_PROBLEMS = 20  # of one entry
_MAX_FILES = 64
"""Initramfs, overlays or extras of one entry."""
_MACHINE_ID = 32  # digits
_MAX_TEXT = 16 * 1024 * 1024
"""Characters of all entries in a directory; an entry has a few hundred."""

_KERNELS = ("linux", "uki", "efi")
_REPEATED = ("initrd", "options", "devicetree-overlay", "extra")
_SINGLE = (
    "title",
    "version",
    "machine-id",
    "sort-key",
    *_KERNELS,
    "profile",
    "devicetree",
    "fdtdir",  # libostree's, for a whole directory of device trees (src/libostree/ostree-sysroot-deploy.c)
    "architecture",
)
_FOR_OTHERS = (  # valid for other boot loaders, without effect here
    "id",
    "grub_users",
    "grub_hotkey",
    "grub_class",
    "grub_arg",
    "uki-url",
    # libostree's, for Android's boot loader (src/libostree/ostree-bootloader-aboot.c)
    "aboot",
    "abootcfg",
)
_EXTENSION = "x-"
"""Prefix of keys of no loader: libostree keeps them from one entry to the next (ostree-bootconfig-parser.c)."""
_ARCHITECTURES = {
    # UAPI.1: "architecture refers to the architecture this entry is for", as EFI names them
    "aa64": Architecture.ARM64,
    "arm": Architecture.ARM,
    "x64": Architecture.X86_64,
    "ia32": Architecture.X86,
    "riscv64": Architecture.RISCV64,
    "loongarch64": Architecture.LOONGARCH64,
}


class Text(Value):
    """One entry file of type 1, with the properties for sorting."""

    name: Name
    fields: dict[str, list[str]]
    config: str

    def one(self, key: str) -> str:
        """Return the last value of a key, or empty."""
        return self.fields.get(key, [""])[-1]

    @property
    def suffix(self) -> str:
        """See Sortable."""
        return ".conf"

    @property
    def profile(self) -> tuple[int, str]:
        """See Sortable."""
        return 0, ""

    @property
    def architecture(self) -> Architecture | None:
        """Return the architecture that it is for; None if it does not say."""
        return _ARCHITECTURES.get(self.one("architecture").lower())

    @property
    def sort_key(self) -> str:
        """See Sortable."""
        return self.one("sort-key")

    @property
    def machine_id(self) -> str:
        """See Sortable."""
        return self.one("machine-id")

    @property
    def version(self) -> str:
        """See Sortable."""
        return self.one("version")


@SOURCES.register("bls")
@ForPlatform
def parse(tree: Tree, platform: Platform) -> Iterator[BootEntry | Problem]:
    """Yield both types of entries in the common order of systemd-boot, with loader.conf's default."""
    homes: dict[str, tuple[list[Text], list[Image]]] = {prefix: ([], []) for prefix in PREFIXES}
    for read in _texts(tree):
        if isinstance(read, Problem):
            yield read
        else:
            homes[read[0]][0].extend(read[1])
    for found in images(tree):
        if isinstance(found, Problem):
            yield found
        else:
            homes[found[0]][1].extend(found[1])
    named: dict[object, Text] = {}
    for prefix, (texts, _) in homes.items():
        for entry in texts:
            named.setdefault(_identity(tree, _kernel(tree, prefix, entry)), entry)
    for prefix, (texts, unified) in homes.items():
        yield from _finish(tree, prefix, in_order([*texts, *unified]), named, platform)


def _texts(tree: Tree) -> Iterator[tuple[str, list[Text]] | Problem]:
    """Yield (prefix, entry files of type 1) for each prefix in order.PREFIXES, and all problems."""
    for found in listed(tree, (f"{prefix}/loader/entries" for prefix in PREFIXES)):
        if isinstance(found, Problem):
            yield found
            continue
        folder, names = found
        if other := _other_semantics(tree, f"{folder}.srel"):
            yield Problem(device=tree.device, path=folder, message=f"has entries of another type: {short(other)}")
            continue
        entries: list[Text] = []
        configs = [name for name in names if name.lower().endswith(".conf") and not name.startswith(".")]
        if len(configs) > _MAX_ENTRIES or len(names) >= LIST_LIMIT:
            message = f"has too many files: only the first {len(configs[:_MAX_ENTRIES]):,} entries are read"
            yield Problem(device=tree.device, path=folder, message=message)
        left = _MAX_TEXT
        for number, name in enumerate(configs[:_MAX_ENTRIES]):
            path = f"{folder}/{name}"
            try:
                text = read_text(tree, path)
            except TreeError as error:
                yield Problem(device=tree.device, path=path, message=error.detail)
                continue
            left -= len(text)
            if left < 0:
                message = f"has too many files: only the first {number:,} entries are read"
                yield Problem(device=tree.device, path=folder, message=message)
                break
            fields, problems = _fields(text)
            for message in problems:
                yield Problem(device=tree.device, path=path, message=message)
            if _starts_no_kernel(tree, folder.removesuffix("/loader/entries"), fields):
                continue
            if any(fields.get(key) for key in _KERNELS):
                entries.append(Text(Name.of(name[:-5]), fields, path))
            elif "uki-url" in fields:
                yield Problem(
                    device=tree.device,
                    path=path,
                    message="is loaded from the network (uki-url), which is not supported",
                )
            else:
                yield Problem(device=tree.device, path=path, message="names no kernel (linux)")
        yield folder.removesuffix("/loader/entries"), entries


def _starts_no_kernel(tree: Tree, prefix: str, fields: Mapping[str, list[str]]) -> bool:
    """Return whether an entry starts an EFI program that is no kernel (an EFI shell, Windows) or that is missing,
    which systemd-boot does not list either."""
    if next((key for key in _KERNELS if fields.get(key)), "") != "efi":
        return False
    return not holds_kernel(tree, FileRef(device=tree.device, path=_path(tree, prefix, fields["efi"][-1])))


def _other_semantics(tree: Tree, path: str) -> str:
    """Return the content of the marker file if it names another specification than this; else empty.

    UAPI.1: "if it exists and contains the mentioned string, it shall assume a standards-compliant implementation is
    in place. If it exists but contains a different string it shall assume other semantics are implemented."
    """
    try:
        text = read_text(tree, path).strip()
    except TreeError:
        return ""
    return "" if text == "type1" else text or "unknown"


def _fields(text: str) -> tuple[dict[str, list[str]], list[str]]:
    fields: dict[str, list[str]] = {}
    problems: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        key, *rest = line.split(None, 1)
        value = rest[0] if rest else ""
        del problems[_MAX_PROBLEMS:]
        if key in _FOR_OTHERS or key.startswith(_EXTENSION):
            fields.setdefault(key, [])
            continue
        if key not in _SINGLE and key not in _REPEATED:
            problems.append(f"line {number}: unknown keyword {short(key)}, ignored")
        elif not value:
            problems.append(f"line {number}: {key} has no value")
        elif key == "architecture" and value.lower() not in _ARCHITECTURES:
            problems.append(f"line {number}: unknown architecture {short(value)}")
        else:
            fields.setdefault(key, []).append(value)
    return fields, problems[:_MAX_PROBLEMS]


def _finish(
    tree: Tree, prefix: str, ordered: list[Text | Image], named: Mapping[object, Text], platform: Platform
) -> Iterator[BootEntry | Problem]:
    """Yield the entries and problems of the sorted files.

    named: the text entry that starts an image, by the image's identity; such images get no entry of their own.
    """
    default = _default(tree, prefix, ordered, platform)
    # only entries of type 1 have variables, and GRUB's whole configuration is run for them
    has_texts = any(isinstance(entry, Text) for entry in ordered)
    variables = fedora.variables(tree, prefix, platform) if has_texts else fedora.Variables({})
    if isinstance(default, Image):
        default = named.get(_identity(tree, (default.path, default.content.part)), default)
    if default is None:  # GRUB does not read loader.conf, but stores its own default among entries of type 1
        texts = [entry for entry in ordered if isinstance(entry, Text) and not platform.excludes(entry.architecture)]
        number = variables.default([(entry.name.plain, entry.one("title")) for entry in texts])
        default = None if number is None else texts[number]
    for entry in ordered:
        if isinstance(entry, Image):
            if _identity(tree, (entry.path, entry.content.part)) not in named:
                yield from entries(tree, prefix, entry, platform.board, default=default is entry)
            continue
        if name := variables.missing(entry.fields.get("options", [])):
            message = f"no grubenv that can be read here sets ${name}"
            yield Problem(device=tree.device, path=entry.config, message=message)
        yield from _boot_entry(tree, prefix, entry, variables, default is entry, platform.board)


def _default(tree: Tree, prefix: str, ordered: list[Text | Image], platform: Platform) -> Text | Image | None:
    """Return the default of systemd-boot if it is among these entries.

    Its home is the EFI system partition, which has loader.conf; it lists the entries of that one and of the XBOOTLDR
    partition together (src/boot/boot.c:config_load_xbootldr)."""
    if not ordered:
        return None
    home, settings = tree, LoaderSettings.read(tree, prefix)
    if settings is None:
        homes = ((other, LoaderSettings.read(other, "")) for other in neighbours.homes(tree))
        home, settings = next(((other, found) for other, found in homes if found is not None), (tree, None))
    if settings is None or not (settings.default or settings.preferred):
        return None
    listed = [*ordered]
    if prefix:
        others = []
    elif home is tree:
        others = [other for other in neighbours.beside(tree) if LoaderSettings.read(other, "") is None]
    else:
        others = [home]
    for other in others:
        for found in (*_texts(other), *images(other)):
            if not isinstance(found, Problem) and not found[0]:
                listed += found[1]
    chosen = settings.choose(in_order(entry for entry in listed if not platform.excludes(entry.architecture)))
    return next((entry for entry in ordered if entry is chosen), None)


def _path(tree: Tree, prefix: str, name: str) -> str:
    """Return the path that a file has on this partition: as the entry has it, unless it is only at another place."""
    # UAPI.1: paths are relative to the root of the partition. If /boot is a directory of the root partition, Fedora's
    # tools write them relative to /boot; and people who see the boot partition at /boot write that before them.
    absolute = normal(name)
    other = prefix + absolute if prefix else absolute.removeprefix("/boot")
    return other if other.startswith("/") and not _is_there(tree, absolute) and _is_there(tree, other) else absolute


def _is_there(tree: Tree, path: str) -> bool:
    try:
        tree.stat(path)
    except TreeError:
        return False
    return True


def _kernel(tree: Tree, prefix: str, entry: Text) -> tuple[str, str]:
    """Return path and part (FileRef.part) of the kernel."""
    kind = next(key for key in _KERNELS if entry.one(key))
    profile = entry.one("profile") if kind == "uki" else ""
    part = f"@{int(profile)}" if _is_number(profile) and int(profile) else ""
    return _path(tree, prefix, entry.one(kind)), part


def _is_number(profile: str) -> bool:
    return profile.isascii() and profile.isdigit() and len(profile) <= 4


def _identity(tree: Tree, kernel: tuple[str, str]) -> object:
    path, part = kernel
    try:
        return tree.stat(path).identity, part
    except TreeError:
        return kernel


def _boot_entry(
    tree: Tree, prefix: str, entry: Text, variables: fedora.Variables, default: bool, board: Board
) -> Iterator[BootEntry | Problem]:
    moved: set[str] = set()

    def path(name: str) -> str:
        found = _path(tree, prefix, name)
        if not prefix and found != normal(name):
            moved.add(found)
        return found

    def file(name: str, part: str = "") -> FileRef:
        return FileRef(device=tree.device, path=path(name), part=part)

    def problem(message: str) -> Problem:
        return Problem(device=tree.device, path=entry.config, message=message)

    kind = next(key for key in _KERNELS if entry.one(key))
    _, part = _kernel(tree, prefix, entry)
    profile = entry.one("profile") if kind == "uki" else ""
    if profile and not _is_number(profile):
        yield problem(f"{short(profile)} is not the number of a profile")
    fdtdir = "" if entry.one("devicetree") else entry.one("fdtdir")
    devicetree = entry.one("devicetree") or ("" if fdtdir else variables.devicetree)
    overlays = [name for value in entry.fields.get("devicetree-overlay", []) for name in value.split()]
    if overlays and not devicetree and not fdtdir:
        # "This key is optional but depends on the devicetree key"
        yield problem("devicetree-overlay is ignored: it needs a devicetree")
        overlays = []
    initrds = variables.initrds(entry.fields.get("initrd", []), entry.one(kind), _MAX_FILES + 1)
    extras = entry.fields.get("extra", [])
    if max(len(overlays), len(initrds), len(extras)) > _MAX_FILES:
        yield problem(f"names more than {_MAX_FILES} files: the rest is left out")
    found = BootEntry(
        id=entry.name.plain,
        title=entry.one("title") or entry.name.plain,
        version=entry.version,
        machine_id=entry.machine_id[:_MACHINE_ID],
        source="bls",
        config=FileRef(device=tree.device, path=entry.config, exists=True),
        device=tree.device,
        kernel=file(entry.one(kind), part),
        initrds=tuple(file(name) for name in initrds[:_MAX_FILES]),
        dtb=file(devicetree) if devicetree else None,
        dtb_folder=file(fdtdir) if fdtdir else None,
        overlays=tuple(file(name) for name in overlays[:_MAX_FILES]),
        cmdline=variables.options(entry.fields.get("options", [])),
        architecture=entry.architecture,
        default=default,
        tries_left=entry.name.left,
    )
    extras = [path(name) for name in extras[:_MAX_FILES]]
    if moved:
        of_its = f"{len(moved)} of its paths below /boot {'is' if len(moved) == 1 else 'are'}"
        yield problem(f"{of_its} only at the root of this partition, and taken from there")
    chosen = [extra for extra in extras if extra.lower().endswith(addons.SUFFIX)]
    own: list[FileRef] = []
    for extra in extras:
        if kind == "linux":
            yield problem(f"extra {short(extra)} is ignored: only a UKI takes it")
        elif companion := companions.named(tree, extra):
            own.append(companion)
        elif extra not in chosen:
            yield problem(f"extra {short(extra)} is ignored: it is neither an addon, a credential nor an extension")
    if kind == "linux":
        yield found
        return
    yield from unified_kernels.with_files_beside(tree, replace(found, companions=tuple(own)), board, prefix, chosen)
