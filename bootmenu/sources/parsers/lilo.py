# SPDX-License-Identifier: MIT
"""Parse elilo.conf (ELILO's config.c) and lilo.conf (lilo.conf(5)): `key = value`, in which each `image` begins an
entry.

LILO itself reads the blocks of the kernels that it found when it was installed; its configuration is what it was
installed from.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial

from bootmenu.model.entry import BootEntry, CommandLine, FileRef, Problem
from bootmenu.model.regex import regex
from bootmenu.model.value import Record, field
from bootmenu.sources import SOURCES, neighbours
from bootmenu.sources.line_formats import LINE_LIMIT, MAX_ENTRIES, LineConfiguration, configurations, read_each, short
from bootmenu.sources.tree import Tree, exists, firmware_files, normal

_GAP = regex(r"(?:\s++|#[^\n]*+)*+")
# after the equal sign a word may have another one, as in root=LABEL=/
_ITEM = regex(
    rf'(?P<key>[^\s#="]++)(?:{_GAP.pattern}=\s*+(?:"(?P<quoted>(?:[^"\\]++|\\.)*+)"|(?P<word>(?:[^\s#"\\]++|\\.)++)))?',
    re.DOTALL,
)
_ESCAPED = regex(r"\\(.)", re.DOTALL)


class _LiloImage(Record):
    path: str
    line: int
    is_linux: bool = True
    """Whether it is no `other`, which is a boot sector."""
    fields: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        # lilo.conf(5), label: "the main file name (without its path) of the image specification is used"
        return self.fields.get("label") or self.path.rpartition("/")[2] or self.path


_File = Callable[[str], FileRef]


@SOURCES.register("elilo", after="grub-legacy")
def parse(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the images of the elilo.conf beside ELILO in file order."""
    return read_each(configurations(tree, (*firmware_files(tree, "elilo.conf"), "/elilo.conf")), _elilo)


@SOURCES.register("lilo")
def parse_lilo(tree: Tree) -> Iterator[BootEntry | Problem]:
    """Yield the images of lilo.conf in file order."""
    return read_each(configurations(tree, ("/etc/lilo.conf",)), _lilo)


def _elilo(config: LineConfiguration) -> Iterator[BootEntry]:
    # fileops.c: names without a slash are those of the directory that ELILO was started from
    return _entries(config, "elilo", partial(_beside, config), _elilo_options)


def _beside(config: LineConfiguration, path: str) -> FileRef:
    return FileRef(device=config.tree.device, path=normal(path, config.folder))


def _elilo_options(image: dict[str, str], common: dict[str, str]) -> list[str]:
    # config.c:find_label: what an image says replaces what is said for all of them
    if "literal" in image:
        return [image["literal"]]
    fields = {**common, **image}
    root = f"root={fields['root']}" if "root" in fields else ""
    return [root, fields.get("append", ""), "ro" if "read-only" in fields else ""]


def _lilo(config: LineConfiguration) -> Iterator[BootEntry]:
    return _entries(config, "lilo", partial(_in_system, config.tree), _lilo_options)


def _in_system(tree: Tree, path: str) -> FileRef:
    """Return the file of that path in the system whose root file system has lilo.conf."""
    here = normal(path)
    if not exists(tree, here) and here.startswith("/boot/"):
        inside = here.removeprefix("/boot")
        other = next((other for other in neighbours.beside(tree) if exists(other, inside)), None)
        if other is not None:
            return FileRef(device=other.device, path=inside)
    return FileRef(device=tree.device, path=here)


def _lilo_options(image: dict[str, str], common: dict[str, str]) -> list[str]:
    # src/bsect.c:bsect_common and its callers: ro, root, append, addappend; `literal` replaces them all
    if "literal" in image:
        return [image["literal"]]
    fields = {**common, **image}
    mode = next((key for key in ("read-only", "read-write") if key in image), "")
    mode = mode or next((key for key in ("read-only", "read-write") if key in common), "")
    # "current" is the root file system of when LILO was installed, which the kernel then has in itself
    root = fields.get("root", "current")
    return [
        "" if root == "current" else f"root={root}",
        {"read-only": "ro", "read-write": "rw"}.get(mode, ""),
        fields.get("append", ""),
        image.get("addappend", ""),
    ]


def _entries(
    config: LineConfiguration,
    source: str,
    file: _File,
    options: Callable[[dict[str, str], dict[str, str]], list[str]],
) -> Iterator[BootEntry]:
    common: dict[str, str] = {}
    images: list[_LiloImage] = []
    for number, key, value in _items(config):
        if key in ("image", "other") and value:
            if len(images) >= MAX_ENTRIES:
                config.too_many("images", number)
                break
            images.append(_LiloImage(value, number, is_linux=key == "image"))
        else:
            (images[-1].fields if images else common)[key] = value
    wanted = common.get("default") or (images[0].name if images else "")
    default = next((image for image in images if wanted in (image.name, image.fields.get("alias"))), None)
    for image in images:
        if not image.is_linux:
            continue
        if "range" in image.fields or image.path.startswith("/dev/"):
            config.problem(f"{short(image.name)} is not in a file", image.line)
            continue
        initrd = image.fields.get("initrd", common.get("initrd", ""))
        yield BootEntry(
            id=image.name,
            title=image.fields.get("description") or image.name,
            source=source,
            config=config.ref,
            device=config.tree.device,
            kernel=file(image.path),
            initrds=(file(initrd),) if initrd else (),
            cmdline=CommandLine(" ".join(filter(None, map(str.strip, options(image.fields, common))))),
            default=image is default,
        )


def _items(config: LineConfiguration) -> Iterator[tuple[int, str, str]]:
    """Yield (line, key, value); the value of a flag is empty."""
    text = config.text().replace("\r\n", "\n").replace("\r", "\n")
    position, line = 0, 1
    while gap := _GAP.match(text, position):
        line += gap[0].count("\n")
        position = gap.end()
        if position == len(text):
            break
        item = _ITEM.match(text, position)
        end = item.end() if item else text.find("\n", position) % (len(text) + 1)
        skipped = text[position:end]
        value = "" if item is None else item["quoted"] if item["quoted"] is not None else item["word"] or ""
        if len(skipped) > LINE_LIMIT:
            config.problem(f"longer than {LINE_LIMIT:,} characters, left out", line)
        elif item is None:
            config.problem(f"{short(skipped.strip())} is not “name = value”", line)
        else:
            # a backslash before the end of a line continues the text on the next one
            yield line, item["key"], _ESCAPED.sub(_escape, value)
        line += skipped.count("\n")
        position = end


def _escape(match: re.Match[str]) -> str:
    return "" if match[1] == "\n" else match[1]
