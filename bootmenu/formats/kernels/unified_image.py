# SPDX-License-Identifier: MIT
"""The unified kernel image (UKI, UAPI.5): an EFI program with a kernel, initramfs and so on, each in a section.

One file may hold several profiles, which share its base sections and may override them. An addon is a similar file
without a kernel, whose sections are added to those of a UKI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bootmenu.errors import FormatError
from bootmenu.formats.identify import kernel_in
from bootmenu.formats.kernels import FORMATS, PARTS, BrokenContainer, Container, Wanted
from bootmenu.formats.part_cache import PartCache
from bootmenu.formats.pe import MACHINES, PortableExecutable, Section
from bootmenu.formats.reader import HEAD_SIZE, ByteSource
from bootmenu.model.kernel import Architecture, Embedded, KernelImage, Role
from bootmenu.model.value import Record, Value, field, replace

NAME = "uki"
_LOOKS_LIKE = "a unified kernel image (UKI)"
_ROLES = {
    ".linux": Role.KERNEL,
    ".ucode": Role.INITRAMFS,
    ".initrd": Role.INITRAMFS,
    ".dtbauto": Role.DEVICE_TREE,
    ".dtb": Role.DEVICE_TREE,
    ".cmdline": Role.COMMAND_LINE,
    ".pcrsig": Role.COMPANION,
    ".pcrpkey": Role.COMPANION,
    ".osrel": Role.COMPANION,
    ".profile": Role.COMPANION,
}
"""In loading order: systemd's stub loads microcode before the initramfs (src/boot/stub.c:run), and prefers a tree
that names its board (install_embedded_devicetree)."""
_ARCHIVED = {
    ".pcrsig": ".extra/tpm2-pcr-signature.json",
    ".pcrpkey": ".extra/tpm2-pcr-public-key.pem",
    ".osrel": ".extra/os-release",
    ".profile": ".extra/profile",
}
"""Where the next system finds a section in its initramfs (src/boot/stub.c:generate_embedded_initrds)."""
_LINKS = (
    (Role.KERNEL, ".linux", ".linuxh"),
    (Role.INITRAMFS, ".initrd", ".initrdh"),
    # before version 0.4
    (Role.KERNEL, ".kernelp", ".kernelh"),
    (Role.INITRAMFS, ".initrdp", ".initrdh"),
)
"""Sections of Lanzaboote's stub with the path of another file, and with its SHA-256 (rust/uefi/stub/src/thin.rs)."""
_LANZABOOTE = "a stub of Lanzaboote, which loads a kernel from another file"
_ITS_OWN = frozenset({*_ROLES, ".uname", ".hwids", ".splash", *(name for _, *pair in _LINKS for name in pair)})
"""Sections that other EFI programs do not have."""
_MAX_TEXT = 64 * 1024
_MAX_VALUE = 1024  # characters of a name or a version, which is copied for every profile
_MAX_TREES = 512
_SHA256 = 32  # bytes
_MAX_PROFILES = 256  # systemd, src/fundamental/uki.h: UNIFIED_PROFILES_MAX


class LinkedFile(Value, kw_only=True):
    """A file on the same partition that an image names instead of containing it."""

    role: Role
    path: str
    """As in the image, usually with backslashes."""
    sha256: str
    """64 hexadecimal digits."""


class UkiProfile(Value, kw_only=True):
    """One way to boot a unified kernel image. Texts that the file does not have are empty."""

    index: int
    """Number of the profile, from 0; a file without `.profile` has profile 0 only."""
    id: str
    """ID in its `.profile`."""
    title: str
    """Title for a menu: the system's name and the profile's."""
    sort_key: str
    """IMAGE_ID or ID in `.osrel`."""
    os_version: str
    """Version in `.osrel`, for sorting."""
    version: str
    """Release of the kernel, as in `uname -r`."""
    command_line: str | None
    """None if the file has none."""
    architecture: Architecture | None
    parts: tuple[Embedded, ...]
    """The kernel first, then all others in loading order, including every device tree to choose from."""
    linked: tuple[LinkedFile, ...] = ()
    """The kernel and its initramfs, if the image only names them; it then has neither as a part."""

    @property
    def part(self) -> str:
        """Return the value of FileRef.part that selects this profile."""
        return f"@{self.index}" if self.index else ""

    def all(self, role: Role) -> tuple[Embedded, ...]:
        """Return the parts with that role, in loading order."""
        return tuple(part for part in self.parts if part.role is role)


class Addon(Value, kw_only=True):
    """The content of an addon."""

    command_line: str | None
    """Text to append to the command line of the UKI, or None."""
    architecture: Architecture | None
    """UAPI.5: addons of another architecture than the machine's are to be skipped."""
    version: str
    """Release of the kernel that it is for, as in `uname -r`; empty for any."""
    parts: tuple[Embedded, ...]
    """Initramfs from `.ucode` go before all others, those from `.initrd` after them."""


def profiles(source: ByteSource) -> tuple[UkiProfile, ...]:
    """Return the profiles of a unified kernel image, in order. Raise FormatError if it is none; raise OSError."""
    return _File.read(source, PartCache()).profiles()


def addon(source: ByteSource) -> Addon:
    """Return the content of an addon. Raise FormatError if the file is none; raise OSError."""
    file = _File.read(source, PartCache())
    # UAPI.5: "PE Addons may not contain .linux PE sections (this may be used to distinguish them from UKIs)"
    if any(row.section.name == ".linux" for row in file.rows):
        raise FormatError("it is a unified kernel image, not an addon")
    base = {row.section.name: row for row in reversed(file.rows)}
    if not {".cmdline", ".dtb", ".ucode", ".initrd"} & set(base):
        raise FormatError("it is not an addon of a unified kernel image: it adds nothing")
    return Addon(
        command_line=file.command_line(base),
        architecture=file.architecture,
        version=file.text(base, ".uname").strip(),
        parts=tuple(
            file.embedded(row)
            for name, role in _ROLES.items()
            for row in file.rows
            if row.section.name == name and role is not Role.COMPANION
        ),
    )


@PARTS.register(NAME)
def parts(head: bytes, source: ByteSource) -> tuple[Embedded, ...] | None:
    """Return the parts of all profiles of a UKI, or those of an addon."""
    if PortableExecutable.from_head(head) is None:
        return None
    file = _File.read(source, PartCache(), head)
    if not file.rows:
        return None
    return tuple(file.embedded(row) for row in file.rows if row.section.name in _ROLES and row.section.content_size)


def archive_path(part: str) -> str:
    """Return the path in the initramfs of a part whose role is Role.COMPANION."""
    return _ARCHIVED[part.partition("#")[0]]


@FORMATS.register(NAME, after="zboot")
@Container
def probe(head: bytes, source: ByteSource, wanted: Wanted) -> KernelImage | None:
    """Identify the kernel in a UKI, which is recognised by its sections; the kernel may itself be packed or zboot."""
    cache = wanted.cache
    known = cache.parsed(_Executable, lambda: _Executable.read(head))
    if known.headers is None or not _ITS_OWN.intersection(known.names):
        return None
    architecture = MACHINES.get(known.headers.machine)
    try:
        if known.file is None:
            known.file = _File.of(known.headers, source, cache)
        profile = replace(known.file, source=source).profile(wanted.part)
    except FormatError as error:
        raise BrokenContainer(NAME, _LOOKS_LIKE, error.message, architecture) from None
    if profile.linked:
        problem = f"its kernel is {profile.linked[0].path}, which the entry has to name"
        raise BrokenContainer(NAME, _LANZABOOTE, problem, architecture)
    kernel, *others = profile.parts
    try:
        image = cache.kernel(source, kernel, lambda: kernel_in(source, kernel, NAME))
    except FormatError as error:
        problem = f"its kernel cannot be read: {error.message}"
        raise BrokenContainer(NAME, _LOOKS_LIKE, problem, architecture) from None
    return replace(
        image,
        parts=known.names,
        embedded=tuple(others),
        version=image.version or profile.version or None,
    )


class _Row(Value):
    section: Section
    name: str
    """Name of the section, with a number if it occurs repeatedly: unique in the file."""

    @property
    def place(self) -> tuple[int, int]:
        """Return (offset, size) of the content."""
        return self.section.offset, self.section.content_size


class _Executable(Record):
    """The headers of a file, parsed once for all profiles."""

    headers: PortableExecutable | None
    """None if it is no PE file."""
    names: tuple[str, ...]
    """Names of the sections that have content."""
    file: _File | None = None

    @classmethod
    def read(cls, head: bytes) -> _Executable:
        headers = PortableExecutable.from_head(head)
        return cls(headers, tuple(row.name for row in headers.sections if row.content_size) if headers else ())


class _File(Value):
    source: ByteSource
    cache: PartCache
    architecture: Architecture | None
    rows: tuple[_Row, ...]
    known: dict[str, Embedded] = field(default_factory=dict)
    texts: dict[tuple[int, int], str] = field(default_factory=dict)
    """By (offset, size), like the two below, because profiles may share sections."""
    command_lines: dict[tuple[int, int], str] = field(default_factory=dict)
    assignments: dict[tuple[int, int], dict[str, str]] = field(default_factory=dict)

    @classmethod
    def read(cls, source: ByteSource, cache: PartCache, head: bytes | None = None) -> _File:
        executable = PortableExecutable.from_head(source.read(0, HEAD_SIZE) if head is None else head)
        if executable is None:
            raise FormatError("it is not an EFI program")
        return cls.of(executable, source, cache)

    @classmethod
    def of(cls, executable: PortableExecutable, source: ByteSource, cache: PartCache) -> _File:
        seen: dict[str, int] = {}
        rows = []
        for section in executable.sections:
            if section.name not in _ITS_OWN or not (section.content_size or section.name == ".profile"):
                continue
            if section.offset + section.content_size > source.size:
                raise FormatError(
                    f"its {section.name} of {section.content_size:,} bytes at {section.offset:#x} is outside the "
                    f"file of {source.size:,} bytes"
                )
            count = seen[section.name] = seen.get(section.name, 0) + 1
            rows.append(_Row(section, section.name if count == 1 else f"{section.name}#{count}"))
        return cls(source, cache, MACHINES.get(executable.machine), tuple(rows))

    def profiles(self) -> tuple[UkiProfile, ...]:
        base, own = self.groups()
        return tuple(self._profile(index, base, rows) for index, rows in enumerate(own))

    def profile(self, part: str) -> UkiProfile:
        """Return the profile with that UkiProfile.part, or profile 0 for `@0`; read no other. Raise FormatError."""
        base, own = self.groups()
        wanted = (number for number in range(1, len(own)) if part == f"@{number}")
        index = 0 if part in ("", "@0") else next(wanted, None)
        if index is None:
            raise FormatError(f"it has no profile {part}")
        return self._profile(index, base, own[index])

    def groups(self) -> tuple[list[_Row], list[list[_Row]]]:
        """Return (base profile, all others). Raise FormatError if there are too many."""
        # UAPI.5: "Each .profile section introduces and defines a profile ... The sections listed in the PE binary
        # before the first .profile section make up a special profile called the base profile."
        groups: list[list[_Row]] = [[]]
        for row in self.rows:
            if row.section.name == ".profile":
                groups.append([])
            groups[-1].append(row)
        base, own = groups[0], groups[1:] or [[]]
        if len(own) > _MAX_PROFILES:
            raise FormatError(f"it has {len(own):,} profiles, more than the {_MAX_PROFILES} allowed")
        return base, own

    def _profile(self, index: int, base: list[_Row], own: list[_Row]) -> UkiProfile:
        # "sections associated with specific profiles comprehensively override those of the same name in the base
        # profile"; of several with one name the first is used (src/boot/pe.c:pe_locate_sections)
        first = {row.section.name: row for row in [*reversed(base), *reversed(own)]}
        linked = tuple(self._links(first))
        linked = linked if any(link.role is Role.KERNEL for link in linked) else ()
        if ".linux" not in first and not linked:
            raise FormatError("it has no section .linux")
        # the stub searches the base for a tree for this board, and then the profile, which has precedence
        trees = [row for rows in (own, base) for row in rows if row.section.name == ".dtbauto"][:_MAX_TREES]
        system, itself = self._pairs(first, ".osrel"), self._pairs(first, ".profile")
        name = _one_of(system, "PRETTY_NAME", "IMAGE_ID", "NAME", "ID")
        addition = itself.get("TITLE") or (itself.get("ID") or f"Profile #{index + 1}" if index else "")
        chosen = [
            row
            for section, role in _ROLES.items()
            for row in (trees if section == ".dtbauto" else [first.get(section)])
            if row and row.section.content_size and role not in [link.role for link in linked]
        ]
        return UkiProfile(
            index=index,
            id=itself.get("ID", ""),
            # src/boot/boot.c:boot_entry_add_type2
            title=f"{name} ({addition})" if name and addition else name or addition,
            sort_key=_one_of(system, "IMAGE_ID", "ID"),
            os_version=_one_of(system, "IMAGE_VERSION", "VERSION", "VERSION_ID", "BUILD_ID"),
            version=self.text(first, ".uname").strip(),
            command_line=self.command_line(first),
            architecture=self.architecture,
            parts=tuple(self.embedded(row) for row in chosen),
            linked=linked,
        )

    def _links(self, rows: Mapping[str, _Row]) -> Iterator[LinkedFile]:
        """Yield the files that the image names: the kernel, and then the initramfs if there is one."""
        for role, name, digest in _LINKS:
            if name not in rows or digest not in rows:
                continue
            offset, size = rows[digest].place
            if size != _SHA256:
                raise FormatError(f"its {digest} has {size:,} bytes, and a SHA-256 has {_SHA256}")
            path = self.text(rows, name).strip()
            if not path or len(path) > _MAX_VALUE:
                raise FormatError(f"its {name} is not the path of a file")
            yield LinkedFile(role=role, path=path, sha256=self.source.read(offset, size).hex())

    def embedded(self, row: _Row) -> Embedded:
        """Return a section as a part of the file: the same object for every profile that uses it."""
        if row.name not in self.known:
            self.known[row.name] = self._embedded(row)
        return self.known[row.name]

    def _embedded(self, row: _Row) -> Embedded:
        section = row.section
        role = _ROLES[section.name]
        board = None
        if section.name == ".dtbauto":
            # systemd compares the first name with the machine's (src/boot/devicetree.c:devicetree_match); a tree
            # that cannot be read matches no board
            place = Embedded(role=role, name=row.name, offset=section.offset, size=section.content_size)
            board = self.cache.board(self.source, place)[:1]
        return Embedded(
            role=role,
            name=row.name,
            offset=section.offset,
            size=section.content_size,
            text=self.command_line({".cmdline": row}) if role is Role.COMMAND_LINE else None,
            board=board,
        )

    def command_line(self, rows: Mapping[str, _Row]) -> str | None:
        row = rows.get(".cmdline")
        if row is None:
            return None
        # src/boot/util.c:mangle_stub_cmdline: control characters become spaces; surrounding ones are removed
        text, place = self.text(rows, ".cmdline"), row.place
        if place not in self.command_lines:
            self.command_lines[place] = "".join(" " if char < " " else char for char in text).strip()
        return self.command_lines[place]

    def text(self, rows: Mapping[str, _Row], name: str) -> str:
        """Return the text of a section up to a NUL, or an empty text without such a section. Raise FormatError."""
        row = rows.get(name)
        if row is None:
            return ""
        place = offset, size = row.place
        if place not in self.texts:
            if size > _MAX_TEXT:
                raise FormatError(f"its {name} has {size:,} bytes, more than the {_MAX_TEXT:,} allowed")
            self.cache.spend_text(size)
            data = self.source.read(offset, size)
            self.texts[place] = data.partition(b"\0")[0].decode("utf-8", "replace")
        return self.texts[place]

    def _pairs(self, rows: Mapping[str, _Row], name: str) -> Mapping[str, str]:
        text, row = self.text(rows, name), rows.get(name)
        if row is None:
            return {}
        place = row.place
        if place not in self.assignments:
            self.assignments[place] = dict(_assignments(text))
        return self.assignments[place]


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the (name, value) pairs of a text in the format of os-release(5)."""
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if not equals or name.startswith("#"):
            continue
        value = value.strip()
        if value[:1] in ('"', "'"):
            value = value.strip(value[0])
        yield name.strip(), value[:_MAX_VALUE]


def _one_of(values: Mapping[str, str], *names: str) -> str:
    return next((values[name] for name in names if values.get(name)), "")
