# SPDX-License-Identifier: MIT
"""Parse yaboot.conf (yaboot.conf(5), second/cfg.c): `key = value` tokens, in which each `image` begins an entry."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, field
from bootmenu.sources import SOURCES
from bootmenu.sources.line_formats import LINE_LIMIT, MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.references import canonical
from bootmenu.sources.tree import Tree, normal

_PATHS = ("/yaboot.conf", "/yaboot.cnf", "/etc/yaboot.conf", "/etc/yaboot.cnf", "/suseboot/yaboot.cnf")
_IMAGE = regex(r"image(?:\[(?P<bits>32|64)bit\])?")
_FLAGS = ("read-only", "read-write", "novideo")
_KEYS = ("label", "alias", "initrd", "root", "append", "literal", "ramdisk", "initrd-size", "device", "partition")
_GLOBALS = (*_KEYS, "default")

# yaboot.conf(5): comments begin with # and go "to the end of the line"; blanks and equal signs are part of a name
# or a value "if they are escaped by a backslash or if the value is embedded in double quotes"
_TOKEN = regex(
    r'#.*|\s++|(?P<equals>=)|"(?P<quoted>(?:[^"\\]++|\\.)*+)"|(?P<word>(?:[^\s#="\\]++|\\.)++)|.', re.DOTALL
)
_ESCAPED = regex(r"\\(.)", re.DOTALL)

# "[<devicename>][<part>]<absolute_pathname>", and in file.c a comma before the path if there is a device
_FILE = regex(r"(?:(?P<device>[^:]*):(?P<part>[0-9]{0,3}),)?(?P<path>.*)", re.DOTALL)
_BLOCKS = regex(r"\[[0-9]*-[0-9]*\]$")
_NUMBERED = regex(r"(?P<disk>[hsv]d[a-z]+|.*[0-9]p)[0-9]+")


class _YabootImage(Record):
    path: str
    suse: bool
    """Whether it is `image[64bit]` or the like, whose relative paths are relative to /suseboot."""
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        # cfg.c:cfg_get_strg: without a label the name is the last part of the image's path
        return self.fields.get("label") or self.path.rpartition("/")[2] or self.path


@SOURCES.register("yaboot", after="petitboot")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the images in file order."""
    return read_each(configurations(tree, _PATHS), _entries)


def _entries(config: LineConfiguration) -> Iterator[BootEntry]:
    common: dict[str, str] = {}
    images: list[_YabootImage] = []
    for number, key, value in _items(config):
        if match := _IMAGE.fullmatch(key):
            if len(images) >= MAX_ENTRIES:
                config.too_many("images", number)
                break
            if value:
                if _BLOCKS.search(value):
                    config.problem(f"{short(value)} is a range of blocks, not a file", number)
                images.append(_YabootImage(value, bool(match["bits"])))
            else:
                config.problem("image names no file", number)
        elif key in _FLAGS or (value and key in (_KEYS if images else _GLOBALS)):
            (images[-1].fields if images else common)[key] = value
        # other keys are for ybin, for Open Firmware, or for appearance
    # yaboot.conf(5): "If `default' is omitted, the image appearing first in the configuration file is used."
    wanted = common.get("default") or (images[0].name if images else "")
    default = next((image for image in images if wanted in (image.name, image.fields.get("alias"))), None)
    for image in images:
        yield _entry(config, image, common, default=image is default)


def _items(config: LineConfiguration) -> Iterator[tuple[int, str, str]]:
    """Yield (line, key, value); the value of a flag is empty."""
    tokens = list(_tokens(config))
    place = 0
    while place < len(tokens):
        number, text = tokens[place]
        if text is None:
            config.problem("“=” without a name before it", number)
        elif tokens[place + 1 : place + 2] and tokens[place + 1][1] is None:
            value = tokens[place + 2][1] if place + 2 < len(tokens) else None
            if value is None:
                config.problem(f"{short(text)} has no value", number)
            else:
                yield number, text.lower(), value.strip()
            place += 1 if value is None else 2
        else:
            yield number, text.lower(), ""
        place += 1


def _tokens(config: LineConfiguration) -> Iterator[tuple[int, str | None]]:
    """Yield (line, text), with None for an equal sign."""
    joined = ""
    for number, line in config.lines(comments=""):
        if line.endswith("\\") and not line.endswith("\\\\"):
            joined += line[:-1]  # "An escaped newline is removed from the input stream."
            if len(joined) > LINE_LIMIT:
                config.problem(f"continues for more than {LINE_LIMIT:,} characters, left out", number)
                joined = ""
            continue
        for match in _TOKEN.finditer(joined + line):
            if match["equals"]:
                yield number, None
            elif match["quoted"] is not None or match["word"] is not None:
                yield number, _ESCAPED.sub(r"\1", match["quoted"] or match["word"] or "")
            elif not match[0].isspace() and not match[0].startswith("#"):
                config.problem(f"{short(match[0])} is not closed", number)
        joined = ""


def _entry(config: LineConfiguration, image: _YabootImage, common: dict[str, str], *, default: bool) -> BootEntry:
    # cfg.c:cfg_get_strg: the global section has the defaults for all images
    fields = {**common, **image.fields}
    initrd = fields.get("initrd", "")
    return BootEntry(
        id=image.name,
        title=image.name,
        source="yaboot",
        config=config.ref,
        device=config.tree.device,
        kernel=_file(config.tree, image.path, fields, image.suse),
        initrds=(_file(config.tree, initrd, fields, image.suse),) if initrd else (),
        cmdline=CommandLine(_cmdline(fields)),
        default=default,
    )


def _cmdline(fields: dict[str, str]) -> str:
    # yaboot.c:make_params: `literal` is the whole command line; otherwise it is composed in this order
    if "literal" in fields:
        return fields["literal"]
    parts = [
        f"root={fields['root']}" if "root" in fields else "",
        "ro" if "read-only" in fields else "",
        "rw" if "read-write" in fields else "",
        f"ramdisk={fields['ramdisk']}" if "ramdisk" in fields else "",
        f"ramdisk_size={fields['initrd-size']}" if "initrd-size" in fields else "",
        "video=ofonly" if "novideo" in fields else "",
        fields.get("append", ""),
    ]
    return " ".join(part for part in parts if part)


def _file(tree: Tree, text: str, fields: dict[str, str], suse: bool) -> FileRef:
    match = _FILE.fullmatch(text)
    assert match is not None
    own = fields.get("device", "").removesuffix(":")
    device, part = match["device"] or own, match["part"] or fields.get("partition", "")
    name = _partition(tree, device, part, known=device == own)
    folder = "/suseboot" if suse else "/"
    return FileRef(device=tree.device if name in tree.names else name, path=normal(match["path"], folder))


def _partition(tree: Tree, device: str, part: str, *, known: bool) -> str:
    """Return the partition for an Open Firmware device and a number, as far as Linux can tell."""
    if device.startswith("/dev/"):
        disk = canonical(device)
        return f"{disk}{'p' if part and disk[-1:].isdigit() else ''}{part}"
    if not known:
        return f"{device}:{part}"  # another disk of this firmware, whose name in Linux is unknown
    # "The default is the boot device yaboot was booted from", which is the disk with its configuration
    numbered = _NUMBERED.fullmatch(tree.device)
    return f"{numbered['disk']}{part}" if numbered and part.isdigit() else tree.device
