# SPDX-License-Identifier: MIT
"""Run a plan as a stream of Progress. If it fails or is closed early, nothing stays loaded."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import time
from collections.abc import Iterator, Mapping

from bootmenu.discovery.machine_facts import load_limit, with_permissions
from bootmenu.errors import BootmenuError
from bootmenu.formats.dtb import MAX_SIZE, DeviceTree
from bootmenu.formats.extra_archive import after as after_content
from bootmenu.formats.extra_archive import before as before_content
from bootmenu.i18n import N_, English, joined, ngettext_lazy
from bootmenu.kexec.digests import HashingReader, demanded_images, reject_edits, with_demanded_digest
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.kexec.kernel_errors import LoadError, explain, leave_note
from bootmenu.kexec.methods import METHODS, FileRange, Method, MethodError, Staged
from bootmenu.kexec.plan import LoadPlan, PlannedFile
from bootmenu.kexec.planned_files import content, open_planned, raw_pieces, read_opened, window_of
from bootmenu.kexec.worker import Worker
from bootmenu.kexec.write_dtb import apply, to_blob
from bootmenu.model.kernel import Compression
from bootmenu.model.progress import Digest, Progress, Stage, StageState
from bootmenu.model.text import printable, quoted
from bootmenu.model.value import Record, field
from bootmenu.sources.tree import TreeError
from bootmenu.system.directory_tree import DirectoryTree
from bootmenu.system.host import Host

_INTERVAL = 0.1  # seconds between two events of a stage: ten a second at most


class _Meter(Record):
    """Turn bytes into events, ten a second at most. pace: bytes per second of a simulated medium."""

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

    def finish(self, detail: str = "", digests: tuple[Digest, ...] = ()) -> Progress:
        self.done = self.total or self.done
        return self._event(StageState.DONE, detail, digests)

    def _event(self, state: StageState, detail: str, digests: tuple[Digest, ...] = ()) -> Progress:
        return Progress(
            stage=self.stage,
            state=state,
            done=self.done,
            total=self.total,
            seconds=time.monotonic() - self.began,
            detail=detail,
            digests=digests,
        )


def load(
    plan: LoadPlan,
    trees: Mapping[str, DirectoryTree],
    host: Host,
    *,
    pace: int | None = None,
    dtb_builder: DtbBuilder | None = None,
) -> Iterator[Progress]:
    """Read, prepare, load, and confirm that the kernel has it. Raise LoadError.

    trees: by device name. pace: bytes per second of a simulated slow medium; None for full speed. dtb_builder: has
    read the running device tree, which never changes; None to read it.
    """
    method = METHODS.get(plan.method)
    assert method is not None, "a plan names a method that exists"
    with contextlib.ExitStack() as open_files:
        dtb_builder = dtb_builder or DtbBuilder(host, plan.machine, lambda: trees)
        staging = _Staging(plan, method, trees, dtb_builder, open_files, pace)
        with _as_load_error(staging):
            yield from staging.run()
        meter = _Meter(Stage.LOAD, 0, None)
        yield meter.start()
        try:
            staging.stage = Stage.LOAD
            with _as_load_error(staging):
                try:
                    _call(method, staging.staged(), host)
                except LoadError:
                    with contextlib.suppress(OSError):
                        staging.check_unchanged()  # replaces the error: the change is its cause
                    raise
                yield from staging.finish_hashing(meter)
                staging.check_unchanged()
                yield from staging.rehash_uncertain(meter)
                for digest in staging.digests:
                    host.log.say(f"bootmenu: loaded {printable(str(digest))}")
                done = staging.loaded(meter)
            yield done
        except BaseException as error:
            leave_note(error, unload(plan, host))
            raise


@contextlib.contextmanager
def _as_load_error(staging: _Staging) -> Iterator[None]:
    """Turn errors of files into LoadError."""
    try:
        yield
    except LoadError:
        raise
    except TreeError as error:
        raise LoadError(f"{error.path} {error.detail}.", "Check the disk.", stage=staging.stage) from None
    except BootmenuError as error:
        hint = error.hint or N_("Copy the file again, or scan again.")
        message = joined(": ", [staging.path, error.message])
        if not message.endswith("."):
            message = N_("{path}: {reason}.", path=staging.path, reason=error.message)
        raise LoadError(message, hint, stage=staging.stage) from None
    except OSError as error:
        raise _reading_failed(staging.path, error, staging.stage) from None


def _reading_failed(path: str, error: OSError, stage: Stage) -> LoadError:
    """Return the error for a file that cannot be read. path: empty for one in memory."""
    reason = error.strerror or error
    message = f"{path}: reading failed: {reason}." if path else f"The kernel could not be handed over: {reason}."
    return LoadError(message, _hint(error), stage=stage, errno=error.errno)


def _hint(error: OSError) -> str:
    match error.errno:
        case errno.ENOMEM | errno.ENOSPC:  # ENOMEM from a mapping, ENOSPC from a file in memory
            return N_("There is not enough free memory.")
        case errno.EMFILE | errno.ENFILE:
            return N_("Too many files are open.")
        case _:
            return N_("The disk gives errors, or was pulled out.")


def unload(plan: LoadPlan, host: Host) -> str:
    """Unload a loaded kernel; never raise. If it stays loaded, return a sentence that says why, and write it to the
    kernel's log; return an empty text if nothing is loaded."""
    method = METHODS.get(plan.method)
    if method is None or host.kexec_loaded() is False:
        return ""
    why = ""
    try:
        method.unload(host)
    except MethodError as error:
        said = error.output.partition("\n")[0][:200]
        why = os.strerror(error.errno) if error.errno else quoted(said) if said else error.message
        why = f"{error.call}: {why}"
    except (BootmenuError, OSError) as error:
        why = str(error)
    loaded = host.kexec_loaded()
    if loaded is False or (loaded is None and not why):
        return ""
    why = English(printable(why[:300])) or N_("the call succeeded, but the kernel still has one")
    left = N_(
        "A kernel stays loaded, as unloading it failed: {reason}. Only a reboot is sure to unload it.",
        reason=why,
    )
    host.log.say(f"bootmenu: {left}")
    return left


def _call(method: Method, staged: Staged, host: Host) -> None:
    limit = load_limit(host)
    with host.log.watched() as added:
        try:
            method.load(staged, host)
        except MethodError as error:
            said = tuple(added())
            why, hint = explain(error.errno, said, error.call, with_permissions(staged.machine, host, limit))
            if error.errno is None and error.output:
                why = f"{why} {error.call} said: {quoted(error.output.splitlines()[0][:300])}."
            raise LoadError(
                why, hint, stage=Stage.LOAD, call=error.call, errno=error.errno, kernel_log=said
            ) from None
        except BootmenuError as error:
            raise LoadError(error.message, error.hint, stage=Stage.LOAD) from None
        except OSError as error:  # from before the call: the layout reads the kernel once more, and files are mapped
            raise _reading_failed(error.filename or staged.kernel.path, error, Stage.LOAD) from None
        # trust only what the kernel reports, not the call's result
        if host.kexec_loaded() is False:
            raise LoadError(
                N_("The call succeeded, and yet the kernel says that nothing is loaded."),
                N_("Another program may have unloaded it; try again."),
                stage=Stage.LOAD,
                kernel_log=tuple(added()),
            )


class _Staging:
    """Open and prepare every file of a plan. The stack that it is given closes them."""

    def __init__(
        self,
        plan: LoadPlan,
        method: Method,
        trees: Mapping[str, DirectoryTree],
        dtb_builder: DtbBuilder,
        open_files: contextlib.ExitStack,
        pace: int | None,
    ) -> None:
        self._plan, self._method, self._trees, self._dtb_builder = plan, method, trees, dtb_builder
        self._open_files, self._pace = open_files, pace
        self._parts: dict[Stage, tuple[FileRange, ...]] = {}
        self._dtb: int | None = None
        self._tree: DeviceTree | None = None
        self._worker = open_files.enter_context(Worker("digest"))
        self._read: list[HashingReader] = []
        self.stage = Stage.KERNEL
        self.path = ""
        """Path of the file that is being read."""

    def run(self) -> Iterator[Progress]:
        yield from self._verify_images()
        yield from self._stage_files(Stage.KERNEL, (self._plan.kernel,))
        if self._plan.initrds:
            yield from self._stage_files(Stage.INITRAMFS, self._plan.initrds)
        if self._plan.own_tree or self._plan.writes_dtb:
            yield from self._prepare_dtb()

    def _verify_images(self) -> Iterator[Progress]:
        """Read the image files that have a demanded digest, and compare it."""
        self.path = self._plan.kernel.ref.path
        for file in demanded_images(self._plan, self._trees):
            source = self._open(file)
            meter = _Meter(Stage.KERNEL, source.total, self._pace)
            yield meter.start()
            for done in source.finish():
                yield from meter.advance(done)

    def staged(self) -> Staged:
        return Staged(
            kernel=self._parts[Stage.KERNEL][0],
            initramfs=self._parts.get(Stage.INITRAMFS, ()),
            dtb=self._dtb,
            tree=self._tree,
            command_line=self._plan.command_line,
            machine=self._plan.machine,
        )

    @property
    def digests(self) -> tuple[Digest, ...]:
        """Return the digests of all files that were read."""
        return tuple(source.digest for source in self._read)

    def check_unchanged(self) -> None:
        """Raise LoadError if a file was written to since it was opened."""
        for source in self._read:
            self.path = source.file.ref.path
            if source.written_to:
                raise self._changed(source) from None

    def finish_hashing(self, meter: _Meter) -> Iterator[Progress]:
        """Wait for the files that are hashed in the background. Raise LoadError, OSError."""
        background = [source for source in self._read if source.in_background]
        meter.total = sum(source.total for source in background)
        for source in background:
            self.path = source.file.ref.path
            try:
                for _ in source.wait_hashed():
                    yield from meter.advance(sum(source.done for source in background))
            except BootmenuError:
                raise self._changed(source) from None

    def rehash_uncertain(self, meter: _Meter) -> Iterator[Progress]:
        """Hash once more the files whose time stamps may miss a change. Raise LoadError, OSError."""
        uncertain = [source for source in self._read if source.uncertain and not source.in_background]
        before = meter.total
        meter.total += sum(source.total for source in uncertain)
        for source in uncertain:
            self.path = source.file.ref.path
            try:
                for done in source.rehash():
                    yield from meter.advance(before + done)
            except BootmenuError:
                raise self._changed(source) from None
            before += source.total

    def _changed(self, source: HashingReader) -> LoadError:
        return LoadError(
            N_("{path} changed while it was loaded.", path=source.file.ref.path),
            N_("Wait until nothing writes to it, then scan again."),
            stage=self.stage,
        )

    def _open(self, file: PlannedFile) -> HashingReader:
        self.path = file.ref.path
        source = open_planned(file, self._trees)
        try:
            file = with_demanded_digest(file, source, self._plan.demands, self._trees)
            reader = HashingReader(file, source, self._worker)
        except BaseException:
            os.close(source.descriptor)
            raise
        self._open_files.callback(reader.close)
        self._read.append(reader)
        return reader

    def _memory_file(self, name: str) -> int:
        descriptor = os.memfd_create(f"bootmenu-{name}", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        self._open_files.callback(os.close, descriptor)
        return descriptor

    def _stage_files(self, stage: Stage, files: tuple[PlannedFile, ...]) -> Iterator[Progress]:
        self.stage = stage
        sources = [self._open(file) for file in files]
        meter = _Meter(stage, sum(source.total for source in sources), self._pace)
        yield meter.start()
        without_copy = self._needs_no_copy(files)
        joined_target = -1 if without_copy else self._memory_file(stage.name.lower())
        ranges: list[FileRange] = []
        before = 0
        for file, source in zip(files, sources, strict=True):
            self.path = file.ref.path
            window, archive = window_of(source, file), file.ref.archive
            if without_copy and not archive:
                descriptor, path = source.source.descriptor, file.ref.path
                ranges.append(FileRange(descriptor=descriptor, offset=window.offset, size=window.size, path=path))
                if source.can_hash_in_background:
                    for done in source.prefetch():
                        yield from meter.advance(before + done)
                    before += source.total
                    continue
            # a companion is small, and nothing can be mapped between the header and the end of its archive
            target = self._memory_file("companion") if without_copy and archive else joined_target
            for done in source.read_to(file.offset):
                yield from meter.advance(before + done)
            written = _write_all(target, before_content(archive, window.size)) if archive else 0
            # reading once puts what is mapped into the page cache, where the loader finds it
            for piece, _ in raw_pieces(window) if without_copy else content(window, file.compression):
                if target >= 0:
                    written += _write_all(target, piece)
                yield from meter.advance(before + source.done)
            if archive:
                written += _write_all(target, after_content(window.size))
            for done in source.finish():
                yield from meter.advance(before + done)
            # Documentation/driver-api/early-userspace/buffer-format.rst: archives follow each other at
            # multiples of four bytes, with zeros between them
            if stage is Stage.INITRAMFS and target >= 0:
                _write_all(target, bytes(-written % 4))
            if without_copy and archive:
                ranges.append(_sealed(target))
            before += source.total
        details: list[str] = [N_("{n} files", n=len(files))] if len(files) > 1 else []
        if without_copy:
            self._parts[stage] = tuple(ranges)
        else:
            whole = _sealed(joined_target)
            self._parts[stage], size = (whole,), whole.size
            unpacked = any(file.compression is not Compression.NONE for file in files)
            if unpacked:
                details = [N_("unpacked to {size:.1f} MB", size=size / 1e6)]
            elif len(files) > 1:
                details = [N_("{n} files joined", n=len(files))]
            else:
                details = [N_("{size:.1f} MB taken out", size=size / 1e6)]
        yield self._finished(meter, details, [source for source in sources if not source.in_background])

    def loaded(self, meter: _Meter) -> Progress:
        """Return the last event of the load, with the digests that were not reported yet."""
        return self._finished(meter, [self._plan.method], [source for source in self._read if source.in_background])

    def _finished(self, meter: _Meter, details: list[str], sources: list[HashingReader]) -> Progress:
        demanded = (source.digest for source in sources if source.file.sha256 is not None)
        shown = (f"{digest.algorithm} {digest.digits[:12]}…" for digest in demanded)
        return meter.finish(joined(", ", [*details, *shown]), tuple(source.digest for source in sources))

    def _needs_no_copy(self, files: tuple[PlannedFile, ...]) -> bool:
        """Return whether the method can take these files without a copy in memory."""
        if self._method.max_parts:
            packed = any(file.compression is not Compression.NONE for file in files)
            return not packed and len(files) <= self._method.max_parts
        return len(files) == 1 and files[0].as_it_is

    def _prepare_dtb(self) -> Iterator[Progress]:
        self.stage = Stage.DEVICE_TREE
        plan = self._plan
        files = [*([plan.dtb] if plan.dtb else []), *plan.overlays]
        sources = [self._open(file) for file in files]
        self.path = files[0].ref.path if files else "/sys/firmware/fdt"
        meter = _Meter(Stage.DEVICE_TREE, sum(source.total for source in sources), self._pace)
        yield meter.start()
        blobs: list[bytes] = []
        before = 0
        for source in sources:
            self.path = source.file.ref.path
            for done in source.read_to(source.file.offset):
                yield from meter.advance(before + done)
            blobs.append(read_opened(source, source.file, MAX_SIZE))
            for done in source.finish():
                yield from meter.advance(before + done)
            before += source.total
        own = blobs.pop(0) if plan.dtb else None
        self.path = files[0].ref.path if files else "/sys/firmware/fdt"
        typed = plan.entry.dtb_edits
        if typed:
            reject_edits([source.file for source in sources], plan.demands, self._trees)
        tree = apply(self._dtb_builder.merged(own, blobs, typed), plan.edits)
        if self._method.writes_dtb:
            self._tree = tree
        else:
            self._dtb = self._memory_file("device-tree")
            _write_all(self._dtb, to_blob(tree))
            _seal(self._dtb)
        overlays, edits = len(plan.overlays), len(plan.edits) + len(typed)
        details: list[str] = [ngettext_lazy("{n} overlay", "{n} overlays", overlays)] if overlays else []
        details += [ngettext_lazy("{n} edit", "{n} edits", edits)] if edits else []
        yield self._finished(meter, details or [N_("unchanged")], sources)


def _seal(descriptor: int) -> None:
    """Make a file in memory unchangeable, so that what was prepared is what is loaded."""
    fcntl.fcntl(
        descriptor,
        fcntl.F_ADD_SEALS,
        fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL,
    )


def _sealed(descriptor: int) -> FileRange:
    """Seal a file in memory, and return all of it."""
    _seal(descriptor)
    return FileRange(descriptor=descriptor, offset=0, size=os.fstat(descriptor).st_size)


def _write_all(descriptor: int, data: bytes) -> int:
    """Write to a file in memory; return the number of bytes."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
    return len(data)
