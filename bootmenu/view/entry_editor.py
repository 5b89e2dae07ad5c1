# SPDX-License-Identifier: MIT
"""An entry while somebody changes it: lines of text, and the entry that they describe. Values; the entry itself never
changes."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from bootmenu.i18n import N_
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.value import Value, replace
from bootmenu.sources.references import FileNameError, file_name, joined
from bootmenu.view.line_editor import LineEditor


class EntryPart(StrEnum):
    """What a line says of the entry."""

    COMMAND_LINE = N_("command line")
    KERNEL = N_("kernel")
    INITRAMFS = N_("initramfs")
    TREE = N_("device tree")
    OVERLAY = N_("overlay")
    EDIT = N_("tree edit")

    @property
    def many(self) -> bool:
        """There may be several, and one more is offered behind the last."""
        return self in (EntryPart.INITRAMFS, EntryPart.OVERLAY, EntryPart.EDIT)


class Slot(Value):
    """One line. file: what its text stood for; None = no file yet."""

    part: EntryPart
    line: LineEditor
    file: FileRef | None = None


class EntryEditor(Value):
    """The lines, and which of them is typed in."""

    entry: BootEntry
    slots: tuple[Slot, ...]
    at: int = 0

    @classmethod
    def of(cls, entry: BootEntry) -> EntryEditor:
        """As the entry is."""

        def slot(part: EntryPart, file: FileRef) -> Slot:
            return Slot(part, LineEditor.of(written(file, entry.device)), file)

        slots = [
            Slot(EntryPart.COMMAND_LINE, LineEditor.of(entry.cmdline.text)),
            slot(EntryPart.KERNEL, entry.kernel),
        ]
        slots += [slot(EntryPart.INITRAMFS, file) for file in entry.initrds]
        slots += [Slot(EntryPart.INITRAMFS, LineEditor())]
        slots += [slot(EntryPart.TREE, entry.dtb) if entry.dtb else Slot(EntryPart.TREE, LineEditor())]
        slots += [slot(EntryPart.OVERLAY, file) for file in entry.overlays]
        slots += [Slot(EntryPart.OVERLAY, LineEditor())]
        slots += [Slot(EntryPart.EDIT, LineEditor.of(text)) for text in entry.dtb_edits]
        return cls(entry, (*slots, Slot(EntryPart.EDIT, LineEditor())))

    @property
    def current(self) -> Slot:
        """The line that is typed in."""
        return self.slots[self.at]

    def typed(self, line: LineEditor) -> EntryEditor:
        """The current line has become this; a list gets an empty line at its end where it has none."""
        slots = list(self.slots)
        slots[self.at] = replace(self.current, line=line)
        part = self.current.part
        last = max(index for index, slot in enumerate(slots) if slot.part is part)
        if part.many and slots[last].line.text:
            slots.insert(last + 1, Slot(part, LineEditor()))
        return replace(self, slots=tuple(slots))

    def move(self, steps: int) -> EntryEditor:
        """Another line."""
        return replace(self, at=max(0, min(self.at + steps, len(self.slots) - 1)))

    def choose(self, choices: Sequence[FileRef], steps: int) -> EntryEditor:
        """In the line of the device tree: the next of these, among which is always the running one. Elsewhere nothing
        changes."""
        if self.current.part is not EntryPart.TREE:
            return self
        texts = ["", *dict.fromkeys(written(file, self.entry.device) for file in choices)]
        text = self.current.line.text
        # what was typed stands between the choices
        at = texts.index(text) + steps if text in texts else 0
        return self.typed(LineEditor.of(texts[at % len(texts)]))

    @property
    def changed(self) -> bool:
        """It describes another entry than the one it began with."""
        return self.edited() != self.entry

    def edited(self) -> BootEntry:
        """The entry that the lines describe. A file whose line was not changed is what it was."""

        def files(part: EntryPart) -> tuple[FileRef, ...]:
            found = (self._file(slot) for slot in self.slots if slot.part is part)
            return tuple(file for file in found if file is not None)

        edits = (slot.line.text.strip() for slot in self.slots if slot.part is EntryPart.EDIT)
        (text,) = (slot.line.text for slot in self.slots if slot.part is EntryPart.COMMAND_LINE)
        kernel = files(EntryPart.KERNEL)
        tree = next(iter(files(EntryPart.TREE)), None)
        return replace(
            self.entry,
            cmdline=CommandLine(text),
            kernel=kernel[0] if kernel else FileRef(device=self.entry.device, path="/"),
            initrds=files(EntryPart.INITRAMFS),
            dtb=tree,
            dtb_folder=self.entry.dtb_folder if tree == self.entry.dtb else None,
            overlays=files(EntryPart.OVERLAY),
            dtb_edits=tuple(filter(None, edits)),
        )

    def _file(self, slot: Slot) -> FileRef | None:
        text = slot.line.text.strip()
        if not text:
            return None
        if slot.file is not None and text == written(slot.file, self.entry.device).strip():
            return slot.file
        try:
            device, path = file_name(text)
        except FileNameError:  # a path below the root of the entry's own partition, as it is typed
            device, path = "", "/" + text.lstrip("/")
        return FileRef(device=device or self.entry.device, path=path)


def written(file: FileRef, home: str) -> str:
    """`/path`, or `PARTITION:/path` where that is another one than the entry's."""
    return joined("" if file.device == home else file.device, file.path)
