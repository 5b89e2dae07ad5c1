# SPDX-License-Identifier: MIT
"""What is loaded is what was read: a digest of every file, made in the pass that reads it, and a look afterwards
whether the file has been written to meanwhile.

What is unpacked or joined is made of the bytes that were hashed, and sealed. What is mapped stays in the page cache,
from where the kernel copies it: that is what the look afterwards is for. Where its time stamps tell every write it is
hashed while the kernel copies it; else before, and once more afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait

from bootmenu.errors import BootmenuError
from bootmenu.formats.reader import Window
from bootmenu.i18n import N_
from bootmenu.kexec.demands import DemandError, Demands, missing, refuse
from bootmenu.kexec.plan import LoadPlan, PlanError, PlannedFile
from bootmenu.kexec.planned_files import plain
from bootmenu.model.progress import Algorithm, Digest
from bootmenu.model.value import replace
from bootmenu.sources.tree import TreeError
from bootmenu.system.directory_tree import DirectoryTree, OpenFile, stamp_of

_SETTLED = 60.0
"""Seconds after which a time stamp tells every further write. FAT counts in steps of two seconds; a page that a
program has mapped and written to keeps its first stamp until it is written back, which is after 35 s at most
(Documentation/admin-guide/sysctl/vm.rst: dirty_expire_centisecs, dirty_writeback_centisecs)."""

_MOMENT = 0.1  # seconds
_NOTED = 5  # demands that match nothing, in a plan


class MismatchError(BootmenuError):
    """A file is not the one that the settings demand."""


class Hashed:
    """A ByteSource over an open file, for one reader that goes from front to back; it may step back within what it
    read last. Every byte is read once, and hashed once, in another thread, while the next ones are read. Or it is
    `brought` into the page cache, and hashed from there while others read it.

    start, end: what of the file is hashed.
    """

    def __init__(self, file: PlannedFile, source: OpenFile, worker: ThreadPoolExecutor) -> None:
        self.file = file
        self.source = source
        whole = file.sha256 is not None  # what somebody demands is what sha256sum prints
        self.start = 0 if whole else min(file.offset, source.size)
        self.end = source.size if whole or file.length is None else min(file.offset + file.length, source.size)
        self._worker = worker
        self._pending: Future[None] | None = None
        self._algorithm = Algorithm.BLAKE2B if file.sha256 is None else Algorithm.SHA256
        self._sum = _new(self._algorithm)
        self._position = self.start
        self._last = b""
        before = os.fstat(source.descriptor)
        self._before = stamp_of(before)
        now = time.time()
        self._lately = any(abs(now - at) < _SETTLED for at in (before.st_mtime, before.st_ctime))
        self.beside = False
        """It is hashed by another thread, from the page cache."""
        self._closed = False

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.source.size

    @property
    def done(self) -> int:
        """Bytes read and handed to the hash so far, of `total`."""
        return self._position - self.start

    @property
    def total(self) -> int:
        """Bytes that will be hashed."""
        return self.end - self.start

    def read(self, offset: int, length: int) -> bytes:
        """Never beyond what is hashed. Raises OSError; BootmenuError for a step back too far."""
        length = min(length, self.end - offset)
        if length <= 0:
            return b""
        if offset > self._position:
            for _ in self.through(offset):
                pass
        at = self._position - len(self._last)
        if offset < at:
            raise BootmenuError(f"{self.file.ref.path} would have to be read twice")
        known = self._last[offset - at : offset - at + length]
        if len(known) == length:
            return known
        known += self._more(length - len(known))
        self._last = known
        return known

    def _more(self, length: int) -> bytes:
        piece = self.source.read(self._position, length)
        if self._pending is not None:
            self._pending.result()  # two pieces in memory at most
        self._pending = self._worker.submit(self._sum.update, piece)
        self._position += len(piece)
        self._last = piece
        return piece

    def through(self, end: int) -> Iterator[int]:
        """Read on to this offset of the file, if it is hashed at all; gives the bytes done so far. Raises OSError,
        BootmenuError when the file ended early."""
        start = self._position
        for _ in plain(Window(self, start, min(end, self.end) - start)):
            yield self.done

    def finish(self) -> Iterator[int]:
        """Read what nobody asked for, and compare. Raises as `through`, and MismatchError."""
        yield from self.through(self.end)
        self._last = b""
        if self.file.sha256 not in (None, self.digest.digits):
            raise MismatchError(
                N_(
                    "its SHA-256 is {digest}, and the settings demand {demanded}",
                    digest=self.digest.digits,
                    demanded=self.file.sha256,
                ),
                N_("Put the right file there, or its digest into the settings; nothing was loaded."),
            )

    @property
    def may_be_hashed_beside(self) -> bool:
        """Nothing is demanded of it, and its times tell whether it changes meanwhile."""
        return not self._lately and self.file.sha256 is None

    def brought(self) -> Iterator[int]:
        """Bring it into the page cache; gives bytes done so far. Then another thread hashes it from there, as long as
        that takes. Raises as `through`."""
        self.beside = True
        for _, done in self._whole():
            yield done
        self._pending = self._worker.submit(self._hash)

    def _whole(self) -> Iterator[tuple[bytes, int]]:
        return plain(Window(self.source, self.start, self.total))

    def _hash(self) -> None:
        for piece, _ in self._whole():
            if self._closed:
                return
            self._sum.update(piece)
            self._position += len(piece)

    def hashed(self) -> Iterator[int]:
        """Wait for the other thread; gives bytes done so far. Raises OSError; BootmenuError when the file shrank."""
        assert self._pending is not None, "it was brought"
        while wait([self._pending], _MOMENT).not_done:
            yield self.done
        self._pending.result()  # asked without a limit: a disk's ETIMEDOUT is a TimeoutError, too

    def close(self) -> None:
        """Nobody reads it any more."""
        self._closed = True
        if self._pending is not None and not self._pending.cancel():  # what has begun has to end
            wait([self._pending])
        os.close(self.source.descriptor)

    @property
    def digest(self) -> Digest:
        """Of what was read so far."""
        if self._pending is not None:
            self._pending.result()
        ref = self.file.ref
        return Digest(
            device=ref.device,
            path=ref.path,
            offset=self.start,
            size=self.done,
            algorithm=self._algorithm,
            digits=self._sum.hexdigest(),
        )

    @property
    def written_to(self) -> bool:
        """Return whether the file was written to since it was opened, as far as its stamp tells."""
        # where the kernel copied it meanwhile, reading it once more would not tell what was copied
        before = self._before if self.beside else replace(self._before, changed=None)
        return bool(before.differs(stamp_of(os.fstat(self.source.descriptor))))

    @property
    def doubtful(self) -> bool:
        """Whether its times and size may not tell: it was written to lately, or something else about it changed.
        Where a digest is demanded they are not trusted: they say nothing of who writes to the disk below the file
        system."""
        now = stamp_of(os.fstat(self.source.descriptor))
        return self._lately or self._before.changed != now.changed or self.file.sha256 is not None

    def again(self) -> Iterator[int]:
        """Read what was hashed once more, from the page cache mostly; gives bytes done so far. Raises BootmenuError
        when it is something else now, OSError."""
        other = _new(self._algorithm)
        for piece, done in self._whole():
            other.update(piece)
            yield done
        if other.hexdigest() != self.digest.digits:
            raise BootmenuError(N_("its content is another one now"))


def _new(algorithm: Algorithm) -> hashlib._Hash | hashlib.blake2b:
    if algorithm is Algorithm.SHA256:
        return hashlib.sha256()
    try:
        return hashlib.new("blake2b512")  # OpenSSL's: twice as fast as Python's own
    except ValueError:  # there is none, or it must not be used (FIPS)
        return hashlib.blake2b()


def demanded(
    file: PlannedFile, opened: OpenFile, demands: Demands, trees: Mapping[str, DirectoryTree]
) -> PlannedFile:
    """Return a file that has just been opened with the digest that is demanded of it. Raise DemandError when it must
    not be loaded."""
    if not demands:
        return file
    info = os.fstat(opened.descriptor)
    digest = demands.allowed(file.ref, (info.st_dev, info.st_ino), trees)
    return replace(file, sha256=digest or file.sha256)


def images(plan: LoadPlan, trees: Mapping[str, DirectoryTree]) -> Iterator[PlannedFile]:
    """Yield the image files that a plan's files lie in and a digest is demanded of. Raise DemandError."""
    found = {}
    for file in (plan.kernel, *plan.initrds, *([plan.dtb] if plan.dtb else []), *plan.overlays):
        image = plan.demands.of_image(file.ref, trees)
        if image is not None:
            found[image[0]] = image[1]
    for ref, size in found.items():
        yield PlannedFile(ref=ref, size=size)


def refuse_edits(files: Iterable[PlannedFile], demands: Demands, trees: Mapping[str, DirectoryTree]) -> None:
    """Raise DemandError where the settings demand what a device tree has to be: an edit that somebody typed would
    make it another one. files: of which the tree is made."""
    if demands.every_file or any(file.sha256 is not None or demands.of_image(file.ref, trees) for file in files):
        raise DemandError(
            N_("the settings demand a SHA-256 of the device tree, which an edit would change"),
            "Remove the edits of the device tree.",
        )


def demanding(plan: LoadPlan, demands: Demands, trees: Mapping[str, DirectoryTree]) -> LoadPlan:
    """Return the plan with what is demanded of its files, as far as that is known without opening them.

    trees: by device name. Raise PlanError for a file that must not be loaded.
    """
    if not demands:
        return plan

    def with_digest(file: PlannedFile) -> PlannedFile:
        tree, identity = trees.get(file.ref.device), None
        if tree is not None:
            with contextlib.suppress(TreeError):  # then the load says so
                identity = tree.stat(file.ref.path).identity
        try:
            found = demands.find(file.ref, identity, trees)
            refuse(found)
            is_sure = identity is not None and not found.unknown
            if found.digest is None and is_sure and demands.every_file and not demands.of_image(file.ref, trees):
                raise missing()
        except DemandError as error:
            message = N_("{path}: {reason}.", path=file.ref.path, reason=error.message)
            raise PlanError(message, error.hint) from None
        return replace(file, sha256=found.digest)

    dtb = None if plan.dtb is None else with_digest(plan.dtb)
    overlays = tuple(map(with_digest, plan.overlays))
    if plan.entry.dtb_edits:
        try:
            refuse_edits([*([dtb] if dtb else []), *overlays], demands, trees)
        except DemandError as error:
            raise PlanError(N_("{reason}.", reason=error), error.hint) from None
    gone = list(demands.unmatched(trees))
    notes = [
        N_("The settings demand a SHA-256 of {name}, and there is no such file.", name=name) for name in gone[:_NOTED]
    ]
    return replace(
        plan,
        kernel=with_digest(plan.kernel),
        initrds=tuple(map(with_digest, plan.initrds)),
        dtb=dtb,
        overlays=overlays,
        demands=demands,
        notes=(*plan.notes, *notes),
    )
