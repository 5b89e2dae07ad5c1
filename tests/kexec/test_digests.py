# SPDX-License-Identifier: MIT
"""What is loaded is what was read, and what was demanded: whenever a file is changed under the loader's hands."""

from __future__ import annotations

import bz2
import errno
import gzip
import hashlib
import itertools
import lzma
import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import lz4.block
import lz4.frame
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from bootmenu.discovery.devices import Device
from bootmenu.errors import BootmenuError
from bootmenu.formats.compression import LZ4_LEGACY, unpack
from bootmenu.formats.reader import Buffer, Window
from bootmenu.kexec import digests, planned_files
from bootmenu.kexec.demands import Demands, unmatched
from bootmenu.kexec.digests import HashingReader, quickest, with_demands
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.load import load
from bootmenu.kexec.plan import LoadPlan, PlanError, PlannedFile
from bootmenu.kexec.worker import Worker
from bootmenu.model.entry import FileRef
from bootmenu.model.kernel import Compression
from bootmenu.model.progress import Algorithm, Progress, Stage, StageState
from bootmenu.model.value import replace
from bootmenu.sources.tree import TreeError, TreeErrorReason
from bootmenu.system.directory_tree import DirectoryTree, OpenFile
from bootmenu.system.host import Host
from bootmenu.system.syscalls import Syscalls
from tests.builders.containers import uki
from tests.builders.entries import whole_image
from tests.builders.hosts import FakeLog, fake_host, syscalls_of
from tests.kexec.staging import INITRD, Bench, Kexec, descriptors
from tests.kexec.test_kexec_load import running_tree, with_facts

METHODS = ("kexec_load", "kexec_file_load", "kexec_tools")


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def blake2b(data: bytes) -> str:
    return hashlib.blake2b(data).hexdigest()


def memory_file(content: bytes) -> int:
    descriptor = os.memfd_create("file")
    os.write(descriptor, content)
    return descriptor


@pytest.fixture
def kexec() -> Kexec:
    return Kexec()


@pytest.fixture
def host(tmp_path: Path, kexec: Kexec) -> Host:
    tree = running_tree().to_bytes()
    machine: dict[str, bytes | str] = {"/sys/kernel/kexec_loaded": "1\n", "/sys/firmware/fdt": tree}
    return fake_host(tmp_path / "host", machine, {"kexec": kexec}, ["old line"])


@pytest.fixture
def bench(tmp_path: Path, host: Host) -> Iterator[Bench]:
    made = Bench(tmp_path / "part", host=host)
    with made.tree:
        yield made


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files have lain there for long."""
    now = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: now)


def unloads(host: Host, kexec: Kexec) -> int:
    names = [call[0] for call in syscalls_of(host).calls]
    return names.count("kexec_unload") + names.count("kexec_file_unload") + kexec.unloads


def events(bench: Bench, plan: LoadPlan, host: Host) -> Iterator[Progress]:
    return load(plan, {"sda1": bench.tree}, host)


def follow(stream: Iterator[Progress], stages: list[Stage]) -> None:
    """Notes the stage of every event as it comes."""
    for event in stream:
        stages.append(event.stage)


# ---- digests ----------------------------------------------------------------------------------------------


def test_every_file_is_told_with_its_digest(bench: Bench, host: Host) -> None:
    (bench.root / "Image.gz").write_bytes(packed := gzip.compress(whole_image()))
    plan = bench.plan(bench.entry("/Image.gz", initrds=["/initrd", "/other"], dtb="/board.dtb"), with_facts())
    seen = list(events(bench, plan, host))
    board = (bench.root / "board.dtb").read_bytes()
    other = (bench.root / "other").read_bytes()
    contents = {"/Image.gz": packed, "/initrd": INITRD, "/other": other, "/board.dtb": board}
    told = [digest for event in seen for digest in event.digests]
    assert [(digest.path, digest.size, digest.digits) for digest in told] == [
        (path, len(content), blake2b(content)) for path, content in contents.items()
    ]
    assert [bool(event.digests) for event in seen if event.state is StageState.DONE] == [True, True, True, False]
    assert not any("BLAKE2b" in event.detail for event in seen), "only a demanded digest is for people"


@pytest.mark.parametrize("method", METHODS)
def test_old_files_are_hashed_while_they_are_loaded(bench: Bench, host: Host, method: str, settled: None) -> None:
    seen = list(events(bench, bench.plan(bench.entry(), with_facts(), method), host))
    *before, last = [event for event in seen if event.state is StageState.DONE]
    assert not any(event.digests for event in before)
    assert last.stage is Stage.LOAD
    assert {digest.path: digest.digits for digest in last.digests} == {
        name: blake2b((bench.root / name[1:]).read_bytes()) for name in ("/Image", "/initrd")
    }


def test_a_new_time_of_an_old_file_is_a_change(bench: Bench, host: Host, settled: None) -> None:
    """While it is copied and hashed side by side its times are all that tells."""
    stream = events(bench, bench.plan(bench.entry(), with_facts()), host)
    assert any(event.stage is Stage.LOAD for event in stream)
    (bench.root / "Image").chmod(0o600)
    with pytest.raises(LoadError, match="/Image changed while it was loaded"):
        list(stream)


def test_giving_up_waits_for_no_hash(
    bench: Bench, host: Host, kexec: Kexec, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planned_files, "CHUNK", 16 * 1024)
    reads = []
    stopped = threading.Event()

    class Slow:
        """Stands for a large file: the first piece is hashed when the load is given up."""

        def update(self, piece: bytes) -> None:
            reads.append(len(piece))
            stopped.wait()

    monkeypatch.setattr("bootmenu.kexec.digests._new_hash", lambda algorithm: Slow())
    (bench.root / "Image").write_bytes(whole_image() + bytes(1 << 20))
    stream = events(bench, bench.plan(bench.entry(initrds=[]), with_facts()), host)
    loading = (event for event in stream if event.stage is Stage.LOAD)
    next(loading), next(loading)  # the second one says that it is waited for
    threading.Timer(0.05, stopped.set).start()
    stream.close()  # type: ignore[attr-defined]
    assert len(reads) == 1
    assert unloads(host, kexec) == 1


def test_giving_up_begins_no_hash_that_has_not_begun(
    bench: Bench, host: Host, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The initramfs waits behind the kernel: it must not be waited for in turn."""
    begun: list[str] = []
    release = threading.Event()

    def slow(reader: HashingReader) -> None:
        begun.append(reader.file.ref.path)
        release.wait()

    monkeypatch.setattr(HashingReader, "_hash", slow)
    before = descriptors()
    stream = events(bench, bench.plan(bench.entry(), with_facts()), host)
    loading = (event for event in stream if event.stage is Stage.LOAD)
    next(loading), next(loading)
    threading.Timer(0.05, release.set).start()
    stream.close()  # type: ignore[attr-defined]
    assert begun == ["/Image"]
    assert descriptors() == before


@pytest.mark.parametrize("number", [errno.EIO, errno.ETIMEDOUT])
def test_a_disk_that_fails_while_it_is_hashed_beside_ends_the_load(
    bench: Bench, host: Host, kexec: Kexec, settled: None, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(reader: HashingReader) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(HashingReader, "_hash", fail)
    stream = events(bench, bench.plan(bench.entry(), with_facts()), host)
    with pytest.raises(LoadError) as caught:
        # a load that goes on for ever would give an event in every moment
        list(itertools.islice(stream, 100))
    assert caught.value.errno == number
    assert unloads(host, kexec) == 1


def test_a_disk_that_fails_once_while_it_is_hashed_beside_is_read_again(
    bench: Bench, host: Host, settled: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, failed = HashingReader._hash, set[str]()

    def fail_once(reader: HashingReader) -> None:
        path = reader.file.ref.path
        if path not in failed:
            failed.add(path)
            reader._sum.update(b"half of it")
            reader._position += 10
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        whole(reader)

    monkeypatch.setattr(HashingReader, "_hash", fail_once)
    last = list(events(bench, bench.plan(bench.entry(), with_facts()), host))[-1]
    assert failed == {"/Image", "/initrd"}
    assert [(digest.size, digest.digits) for digest in last.digests] == [
        (len(content), blake2b(content)) for content in (whole_image(), INITRD)
    ]


def test_the_kernels_log_keeps_what_was_loaded(bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(FakeLog, "say", lambda self, text: said.append(text))
    list(events(bench, bench.plan(bench.entry(), with_facts()), host))
    assert said[1] == f"bootmenu: loaded BLAKE2b (sda1:/initrd) = {blake2b(INITRD)}"
    said.clear()
    syscalls_of(host).errors["kexec_load"] = 22
    with pytest.raises(LoadError):
        list(events(bench, bench.plan(bench.entry(), with_facts()), host))
    assert not any("loaded BLAKE2b" in text for text in said)


PACKED: dict[Compression, Callable[[bytes], bytes]] = {
    Compression.NONE: bytes,
    Compression.GZIP: gzip.compress,
    Compression.XZ: lambda data: lzma.compress(data, preset=0),
    Compression.LZMA: lambda data: lzma.compress(data, lzma.FORMAT_ALONE, preset=0),
    Compression.BZIP2: bz2.compress,
    Compression.ZSTD: zstandard.compress,
    Compression.LZ4: lz4.frame.compress,
}
PIECES = st.lists(st.binary(max_size=300) | st.integers(0, 90_000).map(os.urandom), min_size=1, max_size=3)


@settings(deadline=None)
@given(st.sampled_from(list(PACKED)), PIECES, st.binary(max_size=9), st.integers(0, 9), st.booleans())
def test_each_byte_is_read_once_and_hashed_once_whatever_unpacks_it(
    kind: Compression, pieces: list[bytes], behind: bytes, before: int, demanded: bool
) -> None:
    pack = PACKED[kind]
    whole = b"x" * before + b"".join(map(pack, pieces)) + behind
    end = len(whole) - len(behind)
    file = PlannedFile(
        ref=FileRef(device="sda1", path="/f"),
        size=len(whole),
        offset=before,
        length=end - before,
        compression=kind,
        sha256=sha256(whole) if demanded else None,
    )
    asked: list[tuple[int, int]] = []

    class Watched(OpenFile):
        def read(self, offset: int, length: int) -> bytes:
            data = whole[offset : offset + length]
            asked.append((offset, len(data)))
            return data

    descriptor = os.memfd_create("watched")
    try:
        with Worker() as worker:
            source = HashingReader(file, Watched(descriptor, len(whole)), worker)
            list(source.read_to(before))
            got = b"".join(piece for piece, _ in planned_files.content(planned_files.window_of(source, file), kind))
            list(source.finish())
            hashed = whole if demanded else whole[before:end]
            assert source.digest.digits == (sha256 if demanded else blake2b)(hashed)
            assert source.done == source.total == len(hashed)
    finally:
        os.close(descriptor)
    assert got == b"".join(piece for piece, _ in unpack(Window(Buffer(whole), before, end - before), kind))
    at = 0 if demanded else before
    for offset, length in asked:
        assert offset == at
        at += length
    assert at == (len(whole) if demanded else end)


@pytest.mark.parametrize(
    ("sha256", "wanted"),
    [
        ([1.0, 9.0, 9.0], Algorithm.SHA256),  # disturbed twice
        ([1.9, 1.9, 1.9], Algorithm.SHA256),
        ([2.1, 2.1, 2.1], Algorithm.BLAKE2B),  # with luck it would be as quick
        ([6.0, 6.0, 6.0], Algorithm.BLAKE2B),
    ],
)
def test_what_the_processor_hashes_in_less_time_is_taken(
    monkeypatch: pytest.MonkeyPatch, sha256: list[float], wanted: Algorithm
) -> None:
    taken = iter([*sha256, 3.0, 3.0, 3.0])
    monkeypatch.setattr(digests, "_seconds", lambda _: next(taken))
    assert quickest.__wrapped__() is wanted


def test_a_file_is_hashed_by_the_quickest(bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digests, "quickest", lambda: Algorithm.SHA256)
    seen = list(events(bench, bench.plan(bench.entry(), with_facts()), host))
    digest = next(digest for event in seen for digest in event.digests if digest.path == "/initrd")
    assert str(digest) == f"SHA256 (sda1:/initrd) = {sha256(INITRD)}"


def test_the_old_lz4_is_hashed_too(bench: Bench, host: Host) -> None:
    block = lz4.block.compress(whole_image(), store_size=False)
    data = LZ4_LEGACY + len(block).to_bytes(4, "little") + block + len(whole_image()).to_bytes(4, "little")
    (bench.root / "Image.lz4").write_bytes(data)
    plan = bench.plan(bench.entry("/Image.lz4"), with_facts())
    assert plan.kernel.compression is Compression.LZ4
    (digest,) = next(event.digests for event in events(bench, plan, host) if event.digests)
    assert digest.digits == blake2b(data)


def test_what_would_have_to_be_read_twice_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(100))
    descriptor = os.open(tmp_path / "f", os.O_RDONLY)
    try:
        with Worker() as worker:
            planned = PlannedFile(ref=FileRef(device="sda1", path="/f"), size=100)
            source = HashingReader(planned, OpenFile(descriptor, 100), worker)
            assert source.read(0, 10) + source.read(10, 10) == bytes(20)
            assert source.read(15, 200) == bytes(85)
            with pytest.raises(BootmenuError, match="twice"):
                source.read(14, 1)
    finally:
        os.close(descriptor)


# ---- files that change ------------------------------------------------------------------------------------


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(200)
        file.write(b"other")


def overwrite_and_hide_it(path: Path) -> None:
    before = path.stat()
    overwrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def cut_off(path: Path) -> None:
    os.truncate(path, 230)


CHANGES = [overwrite, overwrite_and_hide_it, cut_off]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("demanded", [False, True])
def test_a_file_that_was_exchanged_before_it_was_looked_at_is_told_as_what_it_is(
    bench: Bench, host: Host, kexec: Kexec, method: str, demanded: bool
) -> None:
    overwrite(bench.root / "initrd")
    plan = bench.plan(bench.entry(), with_facts(), method)
    if demanded:
        plan = with_demands(plan, Demands.from_table({"sda1:/initrd": sha256(INITRD)}), {})
    other = (bench.root / "initrd").read_bytes()
    if demanded:
        with pytest.raises(LoadError, match=f"(?s){sha256(other)}.*{sha256(INITRD)}") as caught:
            list(events(bench, plan, host))
        assert (caught.value.stage, unloads(host, kexec)) == (Stage.INITRAMFS, 0)
        assert not syscalls_of(host).loads + syscalls_of(host).file_loads + kexec.loads
    else:
        digests = [digest for event in events(bench, plan, host) for digest in event.digests]
        assert [digest.digits for digest in digests if digest.path == "/initrd"] == [blake2b(other)]


def test_without_openssl_the_digest_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ValueError(f"unsupported hash type {name}")

    monkeypatch.setattr(hashlib, "new", missing)
    source = memory_file(INITRD)
    try:
        with Worker() as worker:
            file = PlannedFile(ref=FileRef(device="sda1", path="/f"), size=len(INITRD))
            hashed = HashingReader(file, OpenFile(source, len(INITRD)), worker)
            list(hashed.finish())
            assert str(hashed.digest) == f"BLAKE2b (sda1:/f) = {blake2b(INITRD)}"
    finally:
        os.close(source)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("change", [overwrite, overwrite_and_hide_it])
@pytest.mark.parametrize(
    ("name", "stage"), [("Image", Stage.KERNEL), ("initrd", Stage.INITRAMFS), ("board.dtb", Stage.DEVICE_TREE)]
)
def test_a_file_that_is_written_to_while_it_is_read_is_not_left_loaded(
    bench: Bench,
    host: Host,
    kexec: Kexec,
    method: str,
    change: Callable[[Path], None],
    name: str,
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    settled: None,
) -> None:
    dtb = None if method == "kexec_file_load" else "/board.dtb"
    if name == "board.dtb" and dtb is None:
        name, stage = "initrd", Stage.INITRAMFS
    plan = bench.plan(bench.entry(dtb=dtb), with_facts(), method)
    real, real_into, pending = OpenFile.read, OpenFile.read_into, [True]

    def at_end(at: int, file: OpenFile) -> None:
        if pending and running and running[-1] is stage and at == file.size:
            pending.clear()
            change(bench.root / name)

    def read(self: OpenFile, offset: int, length: int) -> bytes:
        data = real(self, offset, length)
        at_end(offset + len(data), self)
        return data

    def read_into(self: OpenFile, buffer: memoryview, offset: int) -> memoryview:
        data = real_into(self, buffer, offset)
        at_end(offset + len(data), self)
        return data

    running: list[Stage] = []
    monkeypatch.setattr(OpenFile, "read", read)
    monkeypatch.setattr(OpenFile, "read_into", read_into)
    with pytest.raises(LoadError, match=f"{name} changed while it was loaded") as caught:
        follow(events(bench, plan, host), running)
    assert not pending, "it was changed"
    assert caught.value.hint
    assert unloads(host, kexec) == 1


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", ["Image", "initrd"])
@pytest.mark.parametrize("moment", ["between reading and loading", "while the kernel copies it"])
def test_a_file_that_is_written_to_later_is_not_left_loaded(
    bench: Bench,
    host: Host,
    kexec: Kexec,
    method: str,
    change: Callable[[Path], None],
    name: str,
    moment: str,
    settled: None,
) -> None:
    plan = bench.plan(bench.entry(), with_facts(), method)
    stream = events(bench, plan, host)
    if moment.startswith("between"):
        assert any(event.stage is Stage.LOAD for event in stream)
        change(bench.root / name)
    else:
        kexec.meanwhile = syscalls_of(host).meanwhile = lambda: change(bench.root / name)
        if change is cut_off and method == "kexec_load":
            # the real call answers EFAULT; the fake one would be ended by SIGBUS
            syscalls_of(host).errors["kexec_load"] = errno.EFAULT
    with pytest.raises(LoadError, match=f"{name} changed while it was loaded"):
        list(stream)
    assert unloads(host, kexec) == 1


@pytest.mark.parametrize("method", METHODS)
def test_what_was_not_written_to_is_no_change(bench: Bench, host: Host, kexec: Kexec, method: str) -> None:
    plan = bench.plan(bench.entry(), with_facts(), method)
    stream = events(bench, plan, host)
    assert any(event.stage is Stage.LOAD for event in stream)
    (bench.root / "Image").chmod(0o600)  # a new ctime
    (bench.root / "initrd").rename(bench.root / "renamed")
    assert list(stream)[-1].state is StageState.DONE
    assert unloads(host, kexec) == 0


@pytest.mark.parametrize("why", ["written lately", "demanded", None])
def test_only_what_is_in_doubt_is_read_again(
    bench: Bench, host: Host, why: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Times have steps: a second write within one of them cannot be seen."""
    plan = bench.plan(bench.entry(), with_facts())
    if why != "written lately":
        now = time.time() + 3600
        monkeypatch.setattr(time, "time", lambda: now)
    if why == "demanded":
        plan = with_demands(plan, Demands.from_table({"/initrd": sha256(INITRD)}), {})
    stream = events(bench, plan, host)
    assert any(event.stage is Stage.LOAD for event in stream)
    reads: list[int] = []
    real = OpenFile.read_into

    def read_into(self: OpenFile, buffer: memoryview, offset: int) -> memoryview:
        if threading.current_thread() is threading.main_thread():  # the first hash may still be under way beside it
            reads.append(offset)
        return real(self, buffer, offset)

    monkeypatch.setattr(OpenFile, "read_into", read_into)
    syscalls_of(host).meanwhile = reads.clear
    list(stream)
    assert bool(reads) is (why is not None)


# ---- what is demanded -------------------------------------------------------------------------------------


def test_a_plan_names_what_is_demanded(bench: Bench) -> None:
    (bench.root / "link").symlink_to("initrd")
    entry = bench.entry(initrds=["/link", "/other"], dtb="/board.dtb")
    plan = bench.plan(entry, with_facts())
    trees = {"sda1": bench.tree}
    table = {"/Image": "11" * 32, "sda1://initrd": "22" * 32, "sdb1:/other": "33" * 32, "/board.dtb": "44" * 32}
    told = with_demands(plan, Demands.from_table(table), trees)
    assert told.kernel.sha256 == "11" * 32
    assert [file.sha256 for file in told.initrds] == ["22" * 32, None]
    assert told.dtb is not None
    assert told.dtb.sha256 == "44" * 32
    written = told.to_json()
    assert written["kernel"] == {**plan.to_json()["kernel"], "sha256": "11" * 32}  # type: ignore[dict-item]
    assert (
        with_demands(plan, Demands.from_table({}), trees)
        == with_demands(plan, Demands.from_table({"nonsense": "11" * 32, "": "11" * 32}), {})
        == plan
    )


def test_one_partitions_digest_goes_before_that_of_all(bench: Bench) -> None:
    plan = bench.plan(bench.entry(), with_facts())
    table = {"/Image": "11" * 32, "sda1:/Image": "22" * 32}
    assert with_demands(plan, Demands.from_table(table), {}).kernel.sha256 == "22" * 32


@pytest.mark.parametrize("name", ["Image", "initrd", "board.dtb"])
@pytest.mark.parametrize("right", [True, False])
def test_what_is_demanded_of_each_file_is_seen_to(
    bench: Bench, host: Host, kexec: Kexec, name: str, right: bool
) -> None:
    wanted = sha256((bench.root / name).read_bytes()) if right else "00" * 32
    plan = bench.plan(bench.entry(dtb="/board.dtb"), with_facts())
    plan = with_demands(plan, Demands.from_table({f"/{name}": wanted}), {"sda1": bench.tree})
    if right:
        assert list(events(bench, plan, host))[-1].state is StageState.DONE
        return
    with pytest.raises(LoadError, match=f"/{name}: its SHA-256 is .*{wanted}"):
        list(events(bench, plan, host))
    assert not syscalls_of(host).loads


@pytest.mark.parametrize("right", [True, False])
def test_a_container_is_demanded_as_the_file_that_it_is(bench: Bench, host: Host, right: bool) -> None:
    data = uki((".osrel", b"x" * 5000), (".linux", whole_image()), (".initrd", INITRD))
    (bench.root / "one.efi").write_bytes(data if right else data + b"more")
    plan = bench.plan(replace(bench.entry("/one.efi", initrds=[])), with_facts())
    plan = with_demands(plan, Demands.from_table({"/one.efi": sha256(data)}), {"sda1": bench.tree})
    if right:
        assert list(events(bench, plan, host))[-1].state is StageState.DONE
    else:
        with pytest.raises(LoadError, match="SHA-256"):
            list(events(bench, plan, host))


# ---- a demand is for a file, by whatever name it is loaded --------------------------------------------------------

SDA1 = Device(name="sda1", uuid="AB-CD", label="Boot", partuuid="0A-01", partlabel="System")
SUBVOLUME = Device.nested(SDA1, "/@", filesystem="btrfs")
WRONG = "00" * 32


def tree_at(folder: Path, device: Device, image: str = "") -> DirectoryTree:
    names = Demands.from_table({"/x": WRONG}, devices=[device]).partitions[device.name]
    return DirectoryTree(str(folder), device.name, Syscalls(), names=names, image=image)


@pytest.mark.parametrize(
    "name",
    [
        "/Image", "//./Image", "sda1:/Image", "/dev/sda1:/Image", "UUID=ab-cd:/Image", "uuid=AB-CD:/Image",
        "LABEL=Boot:/Image", 'label="Boot":/Image', "PARTUUID=0a-01:/Image", "PARTLABEL=System:/Image",
        "/dev/disk/by-uuid/AB-CD:/Image", "/dev/disk/by-label/Boot:/Image", "/dev/disk/by-partuuid/0A-01:/Image",
        "sda1:/soft", "sda1:/hard", "LABEL=Boot:/soft", "/hard", "sda1:/folder/../Image", "sda1:/up/Image",
        "sda1:/@:/Image", "LABEL=Boot:/@:/Image", "sda1:/@:/hard",
    ],
)  # fmt: skip
def test_a_demand_holds_by_every_name_of_the_file(bench: Bench, host: Host, kexec: Kexec, name: str) -> None:
    (bench.root / "soft").symlink_to("/Image")
    (bench.root / "hard").hardlink_to(bench.root / "Image")
    (bench.root / "folder").mkdir()
    (bench.root / "up").symlink_to(".")
    plan = bench.plan(bench.entry(initrds=[]), with_facts())
    # when it is planned nothing is mounted
    plan = with_demands(plan, Demands.from_table({name: WRONG}, devices=[SDA1, SUBVOLUME]), {})
    refused = pytest.raises(LoadError, match=r"/Image: its SHA-256 is .*demand 0000")
    with tree_at(bench.root, SDA1) as tree, tree_at(bench.root, SUBVOLUME) as inside, refused:
        list(load(plan, {"sda1": tree, "sda1:/@": inside}, host))
    assert not syscalls_of(host).loads + syscalls_of(host).file_loads + kexec.loads


@pytest.mark.parametrize(
    "name", ["sda2:/Image", "LABEL=boot:/Image", "/image", "sda1:/@home:/Image", "/initrd", "sda1:/../x"]
)
def test_a_demand_for_another_file_is_none_for_this_one(bench: Bench, host: Host, name: str) -> None:
    plan = bench.plan(bench.entry(initrds=[]), with_facts())
    plan = with_demands(plan, Demands.from_table({name: WRONG}, devices=[SDA1]), {})
    with tree_at(bench.root, SDA1) as tree:
        assert list(load(plan, {"sda1": tree}, host))[-1].state is StageState.DONE


def test_a_demand_whose_partition_was_let_go_of_refuses_the_load(bench: Bench, host: Host) -> None:
    plan = bench.plan(bench.entry(initrds=[]), with_facts())
    plan = with_demands(plan, Demands.from_table({"sda1:/@:/other-name": WRONG}, devices=[SDA1, SUBVOLUME]), {})
    before = descriptors()
    refused = pytest.raises(LoadError, match="demand a SHA-256 of sda1:/@:/other-name, and whether this is that file")
    with tree_at(bench.root, SDA1) as tree, refused:
        list(load(plan, {"sda1": tree}, host))
    assert descriptors() == before


def test_a_demand_whose_path_cannot_be_looked_up_refuses_the_load(
    bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = bench.plan(bench.entry(initrds=[]), with_facts())
    plan = with_demands(plan, Demands.from_table({"sda1:/bad/name": WRONG}), {})
    real = DirectoryTree.stat

    def stat(tree: DirectoryTree, path: str) -> object:
        if path == "/bad/name":
            raise TreeError(path, TreeErrorReason.UNREADABLE, "cannot be read: Input/output error")
        return real(tree, path)

    monkeypatch.setattr(DirectoryTree, "stat", stat)
    with pytest.raises(LoadError, match="demand a SHA-256 of sda1:/bad/name, and whether this is that file"):
        list(events(bench, plan, host))


@pytest.mark.parametrize("table", [{"/Image": ""}, {"sda1:/Image": WRONG, "UUID=AB-CD:/hard": "11" * 32}])
def test_a_digest_that_is_none_or_two_refuses_its_file(bench: Bench, host: Host, table: dict[str, str]) -> None:
    (bench.root / "hard").hardlink_to(bench.root / "Image")
    plan = bench.plan(bench.entry(initrds=[]), with_facts())
    with tree_at(bench.root, SDA1) as tree:
        demands = Demands.from_table(table, devices=[SDA1])
        with pytest.raises(PlanError, match="/Image: its SHA-256 in the settings is invalid") as caught:
            with_demands(plan, demands, {"sda1": tree})
        assert "bootmenu settings" in caught.value.hint
        with pytest.raises(LoadError, match="/Image: its SHA-256 in the settings is invalid"):
            list(load(replace(plan, demands=demands), {"sda1": tree}, host))


@pytest.mark.parametrize("left_out", ["/Image", "/initrd", "/board.dtb", "/o.dtbo"])
def test_where_all_are_verified_what_has_no_digest_does_not_start(
    bench: Bench, host: Host, kexec: Kexec, left_out: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bench.root / "o.dtbo").write_bytes((bench.root / "board.dtb").read_bytes())
    plan = bench.plan(bench.entry(dtb="/board.dtb"), with_facts())
    overlay = PlannedFile(ref=FileRef(device="sda1", path="/o.dtbo"), size=(bench.root / "o.dtbo").stat().st_size)
    plan = replace(plan, overlays=(overlay,))
    names = ("/Image", "/initrd", "/board.dtb", "/o.dtbo")
    whole = {name: sha256((bench.root / name[1:]).read_bytes()) for name in names}
    trees = {"sda1": bench.tree}
    assert (
        with_demands(plan, Demands.from_table(whole, every_file=True), trees).overlays[0].sha256 == whole["/o.dtbo"]
    )
    demands = Demands.from_table({name: whole[name] for name in names if name != left_out}, every_file=True)
    with pytest.raises(PlanError, match=f"{left_out}: the settings have no SHA-256 for it") as caught:
        with_demands(plan, demands, trees)
    assert "[sha256]" in caught.value.hint
    with pytest.raises(LoadError, match=f"{left_out}: the settings have no SHA-256 for it"):
        list(load(replace(plan, demands=demands), trees, host))
    assert not syscalls_of(host).loads + syscalls_of(host).file_loads + kexec.loads


def test_where_all_are_verified_what_has_its_digest_starts(bench: Bench, host: Host) -> None:
    data = uki((".osrel", b"x" * 5000), (".linux", whole_image()), (".initrd", INITRD))
    (bench.root / "one.efi").write_bytes(data)
    plan = bench.plan(bench.entry("/one.efi", initrds=[]), with_facts())
    plan = with_demands(plan, Demands.from_table({"/one.efi": sha256(data)}, every_file=True), {"sda1": bench.tree})
    assert plan.kernel.sha256 == sha256(data)
    assert list(events(bench, plan, host))[-1].state is StageState.DONE


@pytest.mark.parametrize("right", [True, False])
@pytest.mark.parametrize("every_file", [True, False])
def test_what_lies_in_an_image_file_counts_by_it(
    bench: Bench, tmp_path: Path, host: Host, right: bool, every_file: bool
) -> None:
    iso = tmp_path / "outer"
    iso.mkdir()
    (iso / "x.iso").write_bytes(b"an image" * 1000)
    inner = Device.nested(Device(name="sdb1", label="STICK"), "/x.iso", filesystem="iso9660")
    plan = bench.plan(bench.entry(initrds=[]), with_facts())
    lies = FileRef(device="sdb1:/x.iso", path="/Image")
    plan = replace(plan, kernel=replace(plan.kernel, ref=lies), initrds=(), method="kexec_tools")
    digest = sha256(b"an image" * 1000) if right else WRONG
    outside = Device(name="sdb1", label="STICK")
    demands = Demands.from_table({"LABEL=STICK:/x.iso": digest}, every_file=every_file, devices=[outside, inner])
    with tree_at(iso, outside) as outer, tree_at(bench.root, inner, "/x.iso") as tree:
        trees = {"sdb1": outer, "sdb1:/x.iso": tree}
        plan = with_demands(plan, demands, trees)
        if right:
            assert list(load(plan, trees, host))[-1].state is StageState.DONE
        else:
            with pytest.raises(LoadError, match=r"/x\.iso: its SHA-256 is .*demand 0000"):
                list(load(plan, trees, host))


def test_a_demand_that_matches_nothing_is_told(bench: Bench) -> None:
    plan = bench.plan(bench.entry(), with_facts())
    table = {"sda1:/Image": "11" * 32, "sda1:/vmlinux": WRONG, "LABEL=BOOT:/Image": WRONG, "/initrd": "11" * 32}
    with tree_at(bench.root, SDA1) as tree:
        notes = with_demands(plan, Demands.from_table(table, devices=[SDA1]), {"sda1": tree}).notes
        everywhere = with_demands(plan, Demands.from_table({"/nowhere": WRONG}, devices=[SDA1]), {"sda1": tree}).notes
        unsure = with_demands(plan, Demands.from_table(table, devices=[SDA1]), {}).notes
    said = [note for note in notes if "SHA-256" in note]
    assert said == [
        f"The settings demand a SHA-256 of {name}, and there is no such file."
        for name in ("sda1:/vmlinux", "label=BOOT:/Image")
    ]
    assert any("/nowhere" in note for note in everywhere)
    assert not any("vmlinux" in note for note in unsure)
    assert [line.partition(": ")[2] for line in unmatched(table, [SDA1])] == [
        "label=BOOT:/Image matches nothing: no partition is called label=BOOT here."
    ]
