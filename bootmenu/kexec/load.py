# SPDX-License-Identifier: MIT
"""Runs a plan as a stream of Progress. When it fails, or is closed early, nothing stays loaded."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from bootmenu.errors import BootmenuError
from bootmenu.kexec import devicetree
from bootmenu.kexec.errors import LoadError, explain
from bootmenu.kexec.files import content, open_planned, plain, window_of
from bootmenu.kexec.handover import Handover
from bootmenu.kexec.methods import METHODS, Method, MethodError, Part, Staged
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.model.kernel import Compression
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.sources.tree import TreeError
from bootmenu.system.host import Host
from bootmenu.system.tree import DirectoryTree, OpenFile

_INTERVAL = 0.1  # seconds between two events of a stage: ten a second at most


@dataclass(slots=True)
class _Meter:
    """Turns bytes into events, ten a second at most. pace: bytes per second that a simulated medium gives."""

    stage: Stage
    total: int
    pace: int | None
    began: float = field(default_factory=time.monotonic)
    last: float = 0.0
    done: int = 0

    def advance(self, done: int) -> Iterator[Progress]:
        self.done = done
        if self.pace:
            time.sleep(max(0.0, self.began + done / self.pace - time.monotonic()))
        now = time.monotonic()
        if now - self.last >= _INTERVAL:
            self.last = now
            yield self._event(StageState.RUNNING, "")

    def start(self) -> Progress:
        self.last = time.monotonic()
        return self._event(StageState.RUNNING, "")

    def finish(self, detail: str = "") -> Progress:
        self.done = self.total or self.done
        return self._event(StageState.DONE, detail)

    def _event(self, state: StageState, detail: str) -> Progress:
        return Progress(
            stage=self.stage,
            state=state,
            done=self.done,
            total=self.total,
            seconds=time.monotonic() - self.began,
            detail=detail,
        )


def load(
    plan: LoadPlan,
    trees: Mapping[str, DirectoryTree],
    host: Host,
    *,
    pace: int | None = None,
) -> Iterator[Progress]:
    """Read, prepare, load, and confirm that the kernel has it. Raises LoadError.

    trees: by device name. pace: bytes per second of a simulated slow medium; None = as fast as it goes.
    """
    method = METHODS.get(plan.method)
    assert method is not None, "a plan names a method that exists"
    with contextlib.ExitStack() as open_files:
        staging = _Staging(plan, method, trees, Handover(host, plan.machine, lambda: trees), open_files, pace)
        try:
            yield from staging.run()
        except TreeError as error:
            raise LoadError(f"{error.path} {error.detail}.", "Look at its disk.", stage=staging.stage) from None
        except BootmenuError as error:
            message = f"{staging.path}: {error.message.rstrip('.')}."
            hint = error.hint or "Copy the file again, or scan again."
            raise LoadError(message, hint, stage=staging.stage) from None
        except OSError as error:
            raise LoadError(
                f"{staging.path}: reading failed: {error.strerror or error}.",
                "The disk gives errors, or was pulled out.",
                stage=staging.stage,
                errno=error.errno,
            ) from None
        meter = _Meter(Stage.LOAD, 0, None)
        yield meter.start()
        confirmed = False
        try:
            _call(method, staging.staged(), host)
            yield meter.finish(plan.method)
            confirmed = True
        finally:
            if not confirmed:
                unload(plan, host)


def unload(plan: LoadPlan, host: Host) -> None:
    """Take a loaded kernel out again. Never raises: there is nothing more one could do."""
    method = METHODS.get(plan.method)
    if method is not None and host.kexec_loaded() is not False:
        with contextlib.suppress(MethodError):
            method.unload(host)


def _call(method: Method, staged: Staged, host: Host) -> None:
    mark = host.log.mark()
    try:
        method.load(staged, host)
    except MethodError as error:
        said = tuple(host.log.since(mark))
        why, hint = explain(error.errno, said)
        if error.errno is None and error.output:
            why = f"{why} {error.call} said: {error.output.splitlines()[0][:300].rstrip('.')}."
        raise LoadError(why, hint, stage=Stage.LOAD, call=error.call, errno=error.errno, kernel_log=said) from None
    except BootmenuError as error:
        raise LoadError(error.message, error.hint, stage=Stage.LOAD) from None
    # kexec.md, order of safety: believe it only when the kernel says so
    if host.kexec_loaded() is False:
        raise LoadError(
            "The call succeeded, and yet the kernel says that nothing is loaded.",
            "Another program may have unloaded it; try again.",
            stage=Stage.LOAD,
            kernel_log=tuple(host.log.since(mark)),
        )


class _Staging:
    """Opens and prepares every file of a plan; what it opened is closed by the stack it was given."""

    def __init__(
        self,
        plan: LoadPlan,
        method: Method,
        trees: Mapping[str, DirectoryTree],
        hand_over: Handover,
        open_files: contextlib.ExitStack,
        pace: int | None,
    ) -> None:
        self._plan, self._method, self._trees, self._hand_over = plan, method, trees, hand_over
        self._open_files, self._pace = open_files, pace
        self._parts: dict[Stage, tuple[Part, ...]] = {}
        self._dtb: int | None = None
        self.stage = Stage.KERNEL
        self.path = ""
        """What is being read."""

    def run(self) -> Iterator[Progress]:
        yield from self._read(Stage.KERNEL, (self._plan.kernel,))
        if self._plan.initrds:
            yield from self._read(Stage.INITRAMFS, self._plan.initrds)
        if self._plan.own_tree or self._plan.writes_tree:
            yield from self._prepare_tree()

    def staged(self) -> Staged:
        return Staged(
            kernel=self._parts[Stage.KERNEL][0],
            initramfs=self._parts.get(Stage.INITRAMFS, ()),
            dtb=self._dtb,
            command_line=self._plan.command_line,
            machine=self._plan.machine,
        )

    def _open(self, file: PlannedFile) -> OpenFile:
        self.path = file.ref.path
        source = open_planned(file, self._trees)
        self._open_files.callback(os.close, source.descriptor)
        return source

    def _memory_file(self, name: str) -> int:
        descriptor = os.memfd_create(f"bootmenu-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._open_files.callback(os.close, descriptor)
        return descriptor

    def _read(self, stage: Stage, files: tuple[PlannedFile, ...]) -> Iterator[Progress]:
        self.stage = stage
        opened = [self._open(file) for file in files]
        windows = [window_of(source, file) for file, source in zip(files, opened, strict=True)]
        meter = _Meter(stage, sum(window.size for window in windows), self._pace)
        yield meter.start()
        if self._as_they_are(files):
            # reading once brings them into the page cache, where the loader finds them
            self._parts[stage] = tuple(
                Part(descriptor=source.descriptor, offset=window.offset, size=window.size)
                for source, window in zip(opened, windows, strict=True)
            )
            before = 0
            for file, window in zip(files, windows, strict=True):
                self.path = file.ref.path
                for _, offset in plain(window):
                    yield from meter.advance(before + offset)
                before += window.size
            yield meter.finish(f"{len(files)} files" if len(files) > 1 else "")
            return
        target = self._memory_file(stage.name.lower())
        before = 0
        for file, window in zip(files, windows, strict=True):
            self.path = file.ref.path
            written = 0
            for piece, consumed in content(window, file.compression):
                _write_all(target, piece)
                written += len(piece)
                yield from meter.advance(before + consumed)
            # Documentation/driver-api/early-userspace/buffer-format.rst: archives follow each other at
            # multiples of four bytes, with zeros between them
            if stage is Stage.INITRAMFS:
                _write_all(target, bytes(-written % 4))
            before += window.size
        _seal(target)
        unpacked = any(file.compression is not Compression.NONE for file in files)
        size = os.fstat(target).st_size
        self._parts[stage] = (Part(descriptor=target, offset=0, size=size),)
        what = f"{len(files)} files joined" if len(files) > 1 else f"{size / 1e6:.1f} MB taken out"
        yield meter.finish(f"unpacked to {size / 1e6:.1f} MB" if unpacked else what)

    def _as_they_are(self, files: tuple[PlannedFile, ...]) -> bool:
        """Whether the method can take these files without a copy in memory."""
        if self._method.parts:
            packed = any(file.compression is not Compression.NONE for file in files)
            return not packed and len(files) <= self._method.parts
        return len(files) == 1 and files[0] == PlannedFile(ref=files[0].ref, size=files[0].size)

    def _prepare_tree(self) -> Iterator[Progress]:
        self.stage = Stage.DEVICE_TREE
        plan = self._plan
        files = [*([plan.dtb] if plan.dtb else []), *plan.overlays]
        self.path = files[0].ref.path if files else "/sys/firmware/fdt"
        meter = _Meter(Stage.DEVICE_TREE, sum(file.size for file in files), self._pace)
        yield meter.start()
        tree = self._hand_over.read(plan.dtb, plan.overlays)
        target = self._memory_file("device-tree")
        _write_all(target, devicetree.packed(devicetree.apply(tree, plan.edits)))
        _seal(target)
        self._dtb = target
        told = [(len(plan.overlays), "overlay"), (len(plan.edits), "edit")]
        detail = ", ".join(f"{count} {word}{'s' if count != 1 else ''}" for count, word in told if count)
        yield meter.finish(detail or "unchanged")


def _seal(descriptor: int) -> None:
    """Nobody can change it any more: what was prepared is what is loaded."""
    fcntl.fcntl(
        descriptor,
        fcntl.F_ADD_SEALS,
        fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL,
    )


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
