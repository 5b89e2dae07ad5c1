# SPDX-License-Identifier: MIT
"""The editor of an entry: lines of text, and the entry that they describe.

These are immutable values: each edit returns a new editor, and the entry that is edited stays as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from posixpath import commonprefix

from bootmenu.i18n import N_
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.value import Value, replace
from bootmenu.sources import version_of
from bootmenu.sources.references import FileNameError, file_name, joined
from bootmenu.view.line_editor import LineEditor


class EntryPart(StrEnum):
    """The part of the entry that a line sets."""

    COMMAND_LINE = N_("command line")
    KERNEL = N_("kernel")
    INITRAMFS = N_("initramfs")
    TREE = N_("device tree")
    OVERLAY = N_("overlay")
    EDIT = N_("tree edit")

    @property
    def repeatable(self) -> bool:
        """Return whether an entry may have several; the editor then offers an empty line after the last."""
        return self in (EntryPart.INITRAMFS, EntryPart.OVERLAY, EntryPart.EDIT)

    @property
    def is_file(self) -> bool:
        """Return whether the line names a file."""
        return self not in (EntryPart.COMMAND_LINE, EntryPart.EDIT)


class Slot(Value):
    """One line. file: the entry's file that the line began with, or None."""

    part: EntryPart
    line: LineEditor
    file: FileRef | None = None
    original: str = ""
    """The text that the line began with."""

    @property
    def changed(self) -> bool:
        """Return whether the line has another text than at the beginning."""
        return self.line.text != self.original


class EntryEditor(Value):
    """The lines, and the index of the one that is edited."""

    entry: BootEntry
    slots: tuple[Slot, ...]
    index: int = 0
    completions: tuple[str, ...] = ()
    """How the path in the current line can go on, once that was asked; empty after the line is changed otherwise."""

    @classmethod
    def of(cls, entry: BootEntry) -> EntryEditor:
        """Return an editor whose lines describe the entry as it is."""

        def written(part: EntryPart, text: str, file: FileRef | None = None) -> Slot:
            return Slot(part, LineEditor.of(text), file, text)

        def slot(part: EntryPart, file: FileRef) -> Slot:
            return written(part, file_text(file, entry.device), file)

        slots = [written(EntryPart.COMMAND_LINE, entry.cmdline.text), slot(EntryPart.KERNEL, entry.kernel)]
        slots += [slot(EntryPart.INITRAMFS, file) for file in entry.initrds]
        slots += [Slot(EntryPart.INITRAMFS, LineEditor())]
        slots += [slot(EntryPart.TREE, entry.dtb) if entry.dtb else Slot(EntryPart.TREE, LineEditor())]
        slots += [slot(EntryPart.OVERLAY, file) for file in entry.overlays]
        slots += [Slot(EntryPart.OVERLAY, LineEditor())]
        slots += [written(EntryPart.EDIT, text) for text in entry.dtb_edits]
        return cls(entry, (*slots, Slot(EntryPart.EDIT, LineEditor())))

    @property
    def current(self) -> Slot:
        """Return the line that is edited."""
        return self.slots[self.index]

    def with_line(self, line: LineEditor) -> EntryEditor:
        """Replace the current line. A list of several always ends with one empty line."""
        slots, index, part = list(self.slots), self.index, self.current.part
        slots[index] = replace(self.current, line=line)
        if part.repeatable:
            own = [number for number, slot in enumerate(slots) if slot.part is part]
            filled = max((number for number in own if slots[number].line.text), default=own[0] - 1)
            empty = [number for number in own if number > filled]
            kept = slots[index if index in empty else empty[-1]] if empty else Slot(part, LineEditor())
            slots[filled + 1 : own[-1] + 1] = [kept]
            index = min(index, filled + 1)
        return replace(self, slots=tuple(slots), index=index, completions=())

    @property
    def texts(self) -> tuple[str, ...]:
        """Return the text of every line."""
        return tuple(slot.line.text for slot in self.slots)

    def move(self, steps: int) -> EntryEditor:
        """Go that many lines down, or up if negative."""
        return replace(self, index=max(0, min(self.index + steps, len(self.slots) - 1)), completions=())

    def choices(self, files: Sequence[FileRef]) -> tuple[str, ...]:
        """Return the texts that the current line is chosen from: completions of its path, or else these files, with
        an empty line if it may be empty."""
        if self.completions:
            return self.completions
        texts = dict.fromkeys(file_text(file, self.entry.device) for file in files)
        return ("", *texts) if texts and self.current.part is not EntryPart.KERNEL else tuple(texts)

    def can_choose(self, files: Sequence[FileRef]) -> bool:
        """Return whether the current line is one of its choices, so that the next one can take its place."""
        return self.current.line.text in self.choices(files)

    def choose(self, files: Sequence[FileRef], steps: int) -> EntryEditor:
        """Replace the current line by the one that many steps after it in the list of choices."""
        texts = self.choices(files)
        chosen = texts[(texts.index(self.current.line.text) + steps) % len(texts)]
        return replace(self.with_line(LineEditor.of(chosen)), completions=self.completions)

    def complete(self, found: Sequence[str]) -> EntryEditor:
        """Complete the path in the current line, as a shell does. found: how it can go on.

        One way is taken. Of several, what they have in common is taken; if that is nothing, the first of them.
        """
        if not found:
            return self
        text = commonprefix(list(found))
        if len(found) > 1 and text == self.current.line.text:
            text = found[0]
        ways = tuple(found) if len(found) > 1 else ()
        return replace(self.with_line(LineEditor.of(text)), completions=ways)

    @property
    def changed(self) -> bool:
        """Return whether the lines describe another entry than the original."""
        return self.edited() != self.entry

    def edited(self) -> BootEntry:
        """Return the entry that the lines describe. A file whose line was not changed keeps all its attributes."""

        def files(part: EntryPart) -> tuple[FileRef, ...]:
            found = (self._file(slot) for slot in self.slots if slot.part is part)
            return tuple(file for file in found if file is not None)

        edits = (slot.line.text.strip() for slot in self.slots if slot.part is EntryPart.EDIT)
        (text,) = (slot.line.text for slot in self.slots if slot.part is EntryPart.COMMAND_LINE)
        kernel = next(iter(files(EntryPart.KERNEL)), FileRef(device=self.entry.device, path="/"))
        tree = next(iter(files(EntryPart.TREE)), None)
        same = kernel == self.entry.kernel
        return replace(
            self.entry,
            cmdline=CommandLine(text),
            kernel=kernel,
            # what the configuration says of its own kernel does not hold for another one
            version=self.entry.version if same else version_of(kernel.path),
            architecture=self.entry.architecture if same else None,
            initrds=files(EntryPart.INITRAMFS),
            dtb=tree,
            dtb_folder=self.entry.dtb_folder if tree == self.entry.dtb else None,
            overlays=files(EntryPart.OVERLAY),
            dtb_edits=tuple(filter(None, edits)),
        )

    def _file(self, slot: Slot) -> FileRef | None:
        """Return the file that a line names; None if the line is empty."""
        text = slot.line.text.strip()
        if not text:
            return None
        if slot.file is not None and text == file_text(slot.file, self.entry.device).strip():
            return slot.file
        try:
            device, path = file_name(text)
        except FileNameError:  # take it literally, as a path on the entry's own partition
            device, path = "", "/" + text.lstrip("/")
        return FileRef(device=device or self.entry.device, path=path)


def file_text(file: FileRef, home: str) -> str:
    """Return `/path`, or `PARTITION:/path` if the file is on another partition than `home`, the entry's."""
    return joined("" if file.device == home else file.device, file.path)
