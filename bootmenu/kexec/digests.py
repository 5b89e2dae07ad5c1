# SPDX-License-Identifier: MIT
"""Make sure that what is loaded is what was read: hash every file while reading it, and check afterwards that nobody
has written to it.

What is unpacked or joined is made from the bytes that were hashed, and sealed. What is mapped stays in the page
cache, and the kernel copies it from there, so it has to be checked afterwards. If its time stamps show every write,
it is hashed while the kernel copies it; otherwise before, and once more afterwards.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, partial

from bootmenu.errors import BootmenuError
from bootmenu.formats.reader import Window
from bootmenu.i18n import N_
from bootmenu.kexec.demands import DemandError, Demands, no_digest, reject_invalid
from bootmenu.kexec.plan import LoadPlan, PlanError, PlannedFile
from bootmenu.kexec.planned_files import passing_pieces, raw_pieces
from bootmenu.kexec.worker import Task, Worker
from bootmenu.model.progress import Algorithm, Digest
from bootmenu.model.value import replace
from bootmenu.sources.tree import TreeError
from bootmenu.system.directory_tree import DirectoryTree, OpenFile, stamp_of

_STAMP_SETTLED_SECONDS = 60.0
"""Age of a time stamp from which on every further write changes it. FAT counts in steps of two seconds; a page that a
program has mapped and written to keeps its first stamp until it is written back, which is after 35 s at most
(Documentation/admin-guide/sysctl/vm.rst: dirty_expire_centisecs, dirty_writeback_centisecs)."""

_POLL_SECONDS = 0.1
_MAX_NOTES = 5  # notes in a plan about demands that match nothing


class MismatchError(BootmenuError):
    """A file does not have the SHA-256 that the settings demand."""


class HashingReader:
    """A ByteSource over an open file that hashes what is read. It is read from front to back, with steps back only
    within the last piece. Every byte is read once, and hashed once in another thread while the next ones are read. Or
    `prefetch` reads the file into the page cache, and it is hashed from there in the background.

    start, end: the range of the file that is hashed.
    """

    def __init__(self, file: PlannedFile, source: OpenFile, worker: Worker) -> None:
        self.file = file
        self.source = source
        whole = file.sha256 is not None  # a demanded digest is what sha256sum prints
        self.start = 0 if whole else min(file.offset, source.size)
        self.end = source.size if whole or file.length is None else min(file.offset + file.length, source.size)
        self._worker = worker
        self._pending: Task | None = None
        self._algorithm = quickest() if file.sha256 is None else Algorithm.SHA256
        self._sum = _new_hash(self._algorithm)
        self._position = self.start
        self._last_piece = b""
        before = os.fstat(source.descriptor)
        self._before = stamp_of(before)
        now = time.time()
        self._recently_written = any(
            abs(now - at) < _STAMP_SETTLED_SECONDS for at in (before.st_mtime, before.st_ctime)
        )
        self.in_background = False
        """Whether another thread hashes it, from the page cache."""
        self._closed = False

    @property
    def size(self) -> int:
        """Return the size of the file in bytes."""
        return self.source.size

    @property
    def done(self) -> int:
        """Return how many bytes of `total` have been read and hashed so far."""
        return self._position - self.start

    @property
    def total(self) -> int:
        """Return how many bytes will be hashed."""
        return self.end - self.start

    def read(self, offset: int, length: int) -> bytes:
        """Read bytes of the hashed range. Raise OSError; BootmenuError for a step back too far."""
        length = min(length, self.end - offset)
        if length <= 0:
            return b""
        if offset > self._position:
            for _ in self.read_to(offset):
                pass
        at = self._position - len(self._last_piece)
        if offset < at:
            raise BootmenuError(f"{self.file.ref.path} would have to be read twice")
        data = self._last_piece[offset - at : offset - at + length]
        if len(data) == length:
            return data
        data += self._read_piece(length - len(data))
        self._last_piece = data
        return data

    def _read_piece(self, length: int) -> bytes:
        piece = self.source.read(self._position, length)
        if self._pending is not None:
            self._pending.result()  # two pieces in memory at most
        self._pending = self._worker.submit(partial(self._sum.update, piece))
        self._position += len(piece)
        self._last_piece = piece
        return piece

    def read_to(self, end: int) -> Iterator[int]:
        """Read on to this offset, or to the end of the hashed range; yield the bytes done so far. Raise OSError, and
        BootmenuError if the file ended early."""
        start = self._position
        for _ in raw_pieces(Window(self, start, min(end, self.end) - start)):
            yield self.done

    def finish(self) -> Iterator[int]:
        """Read the rest and compare the digest with the demanded one. Raise MismatchError and as `read_to`."""
        yield from self.read_to(self.end)
        self._last_piece = b""
        if self.file.sha256 in (None, self.digest.digits):
            return
        if self.file.sha256 == self.file.ref.sha256:
            raise MismatchError(
                N_(
                    "its SHA-256 is {digest}, and the entry demands {demanded}",
                    digest=self.digest.digits,
                    demanded=self.file.sha256,
                ),
                N_("Install the boot entries of the system again; nothing was loaded."),
            )
        raise MismatchError(
            N_(
                "its SHA-256 is {digest}, and the settings demand {demanded}",
                digest=self.digest.digits,
                demanded=self.file.sha256,
            ),
            N_("Restore the right file, or correct its digest in the settings; nothing was loaded."),
        )

    @property
    def can_hash_in_background(self) -> bool:
        """Return whether no digest is demanded, and the time stamps will show a change."""
        return not self._recently_written and self.file.sha256 is None

    def prefetch(self) -> Iterator[int]:
        """Read the file into the page cache; yield the bytes done so far. Then let another thread hash it from there.
        Raise what `read_to` raises."""
        self.in_background = True
        for _, done in self._pieces():
            yield done
        self._pending = self._worker.submit(self._hash)

    def _pieces(self) -> Iterator[tuple[memoryview, int]]:
        return passing_pieces(self.source, self.start, self.total)

    def _hash(self) -> None:
        for piece, _ in self._pieces():
            if self._closed:
                return
            self._sum.update(piece)
            self._position += len(piece)

    def wait_hashed(self) -> Iterator[int]:
        """Wait until the other thread has hashed it; yield the bytes done so far. If its disk fails, hash it once
        more. Raise OSError, and BootmenuError if the file shrank."""
        assert self._pending is not None, "prefetch was called"
        yield from self._wait()
        if isinstance(self._pending.error, OSError):
            self._sum, self._position = _new_hash(self._algorithm), self.start
            self._pending = self._worker.submit(self._hash)
            yield from self._wait()
        self._pending.result()

    def _wait(self) -> Iterator[int]:
        assert self._pending is not None
        while not self._pending.wait(_POLL_SECONDS):
            yield self.done

    def close(self) -> None:
        """Stop hashing, and close the file."""
        self._closed = True
        if self._pending is not None and not self._pending.cancel():  # a started job cannot be cancelled
            self._pending.wait()
        os.close(self.source.descriptor)

    @property
    def digest(self) -> Digest:
        """Return the digest of what was read so far."""
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
        """Return whether the file was written to since it was opened, as far as its stamp shows."""
        # if the kernel copied it meanwhile, reading it again would not show what was copied
        before = self._before if self.in_background else replace(self._before, changed=None)
        return bool(before.differs(stamp_of(os.fstat(self.source.descriptor))))

    @property
    def uncertain(self) -> bool:
        """Return whether time stamps and size may miss a change: the file was written to recently, or something else
        about it changed. They are not trusted for a demanded digest, as they do not show writes to the disk below
        the file system."""
        now = stamp_of(os.fstat(self.source.descriptor))
        return self._recently_written or self._before.changed != now.changed or self.file.sha256 is not None

    def rehash(self) -> Iterator[int]:
        """Hash the same range once more, mostly from the page cache; yield the bytes done so far. Raise OSError, and
        BootmenuError if the content has changed."""
        other = _new_hash(self._algorithm)
        for piece, done in self._pieces():
            other.update(piece)
            yield done
        if other.hexdigest() != self.digest.digits:
            raise BootmenuError(N_("its content has changed"))


@lru_cache(maxsize=1)
def quickest() -> Algorithm:
    """Return the algorithm that takes this processor less time.

    SHA-256 takes a fraction of BLAKE2b's time where OpenSSL has processor instructions for it, and twice as much
    elsewhere. It is measured, as only OpenSSL knows what it uses; with a margin, so that a machine always gives the
    same answer.
    """
    sha256, blake2b = (
        min(_seconds(algorithm) for _ in range(3)) for algorithm in (Algorithm.SHA256, Algorithm.BLAKE2B)
    )
    return Algorithm.SHA256 if sha256 < 2 / 3 * blake2b else Algorithm.BLAKE2B


_SAMPLE = bytes(16 * 1024)


def _seconds(algorithm: Algorithm) -> float:
    began = time.perf_counter()
    _new_hash(algorithm).update(_SAMPLE)
    return time.perf_counter() - began


def _new_hash(algorithm: Algorithm) -> hashlib._Hash | hashlib.blake2b:
    if algorithm is Algorithm.SHA256:
        return hashlib.sha256()
    try:
        return hashlib.new("blake2b512")  # OpenSSL's: twice as fast as Python's own
    except ValueError:  # OpenSSL lacks it, or FIPS forbids it
        return hashlib.blake2b()


def with_demanded_digest(
    file: PlannedFile, opened: OpenFile, demands: Demands, trees: Mapping[str, DirectoryTree]
) -> PlannedFile:
    """Return a file that has just been opened, with the digest that is demanded of it. Raise DemandError if it must
    not be loaded."""
    if not demands:
        return file
    info = os.fstat(opened.descriptor)
    digest = demands.demanded_digest(file.ref, (info.st_dev, info.st_ino), trees)
    return _with_sha256(file, digest)


def _with_sha256(file: PlannedFile, digest: str | None) -> PlannedFile:
    """Return a file with the digest that the settings demand, besides the entry's own. Raise DemandError if they are
    not the same: it would have to have both."""
    own = file.ref.sha256
    if digest and own and digest != own:
        raise DemandError(
            N_("the settings and the entry demand two different SHA-256 of it"),
            N_("Correct its digest in the settings, or take it out."),
        )
    return replace(file, sha256=digest or file.sha256)


def demanded_images(plan: LoadPlan, trees: Mapping[str, DirectoryTree]) -> Iterator[PlannedFile]:
    """Yield the image files that contain files of the plan and have a demanded digest. Raise DemandError."""
    found = {}
    for file in (plan.kernel, *plan.initrds, *([plan.dtb] if plan.dtb else []), *plan.overlays):
        image = plan.demands.demanded_image(file.ref, trees)
        if image is not None:
            found[image[0]] = image[1]
    for ref, size in found.items():
        yield PlannedFile(ref=ref, size=size)


def reject_edits(files: Iterable[PlannedFile], demands: Demands, trees: Mapping[str, DirectoryTree]) -> None:
    """Raise DemandError if the settings demand a digest of the device tree, which a typed edit would change.

    files: the files that the tree is made from.
    """
    if demands.every_file or any(
        file.sha256 is not None or demands.demanded_image(file.ref, trees) for file in files
    ):
        raise DemandError(
            N_("the settings demand a SHA-256 of the device tree, which an edit would change"),
            "Remove the edits of the device tree.",
        )


def with_demands(plan: LoadPlan, demands: Demands, trees: Mapping[str, DirectoryTree]) -> LoadPlan:
    """Return the plan with the digests that are demanded of its files, as far as known without opening them.

    trees: by device name. Raise PlanError for a file that must not be loaded.
    """
    if not demands:
        return plan

    def with_digest(file: PlannedFile) -> PlannedFile:
        tree, identity = trees.get(file.ref.device), None
        if tree is not None:
            with contextlib.suppress(TreeError):  # the load will report it
                identity = tree.stat(file.ref.path).identity
        try:
            found = demands.find(file.ref, identity, trees)
            reject_invalid(found)
            is_sure = identity is not None and not found.unknown
            if (
                found.digest is None
                and is_sure
                and demands.every_file
                and not demands.demanded_image(file.ref, trees)
            ):
                raise no_digest()
            return _with_sha256(file, found.digest)
        except DemandError as error:
            message = N_("{path}: {reason}.", path=file.ref.path, reason=error.message)
            raise PlanError(message, error.hint) from None

    dtb = None if plan.dtb is None else with_digest(plan.dtb)
    overlays = tuple(map(with_digest, plan.overlays))
    if plan.entry.dtb_edits:
        try:
            reject_edits([*([dtb] if dtb else []), *overlays], demands, trees)
        except DemandError as error:
            raise PlanError(N_("{reason}.", reason=error), error.hint) from None
    gone = list(demands.unmatched(trees))
    notes = [
        N_("The settings demand a SHA-256 of {name}, and there is no such file.", name=name)
        for name in gone[:_MAX_NOTES]
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
