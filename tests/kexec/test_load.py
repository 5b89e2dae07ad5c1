# SPDX-License-Identifier: MIT
"""Running a plan, by kexec-tools: what it is handed, and that every failure is told and leaves nothing behind."""

from __future__ import annotations

import errno
import gzip
import hashlib
import itertools
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bootmenu.formats.dtb import DeviceTree
from bootmenu.formats.dtb_facts import facts
from bootmenu.formats.extra_archive import after, before
from bootmenu.kexec import planned_files
from bootmenu.kexec.kernel_errors import LoadError, explain, left_loaded
from bootmenu.kexec.load import load, unload
from bootmenu.kexec.plan import LoadPlan
from bootmenu.model.entry import FileRef
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.value import replace
from bootmenu.system.directory_tree import OpenFile
from bootmenu.system.host import Host
from bootmenu.system.recorded_host import SimulatedHost
from tests.builders import machines
from tests.builders.containers import uki
from tests.builders.entries import whole_image
from tests.builders.hosts import FakeLog, commands_of, failure, fake_host
from tests.kexec.staging import INITRD, OTHER, Bench, Kexec, descriptors
from tests.kexec.test_overlays import compiled


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "part", method="kexec_tools")
    with made.tree:
        yield made


@pytest.fixture
def kexec() -> Kexec:
    return Kexec()


@pytest.fixture
def host(tmp_path: Path, kexec: Kexec) -> Host:
    return fake_host(tmp_path / "host", {"/sys/kernel/kexec_loaded": "1\n"}, {"kexec": kexec}, ["old line"])


def run(bench: Bench, plan: LoadPlan, host: Host) -> list[Progress]:
    before = descriptors()
    try:
        return list(load(plan, {"sda1": bench.tree}, host))
    finally:
        assert descriptors() == before, "every descriptor is closed"


def fails(bench: Bench, plan: LoadPlan, host: Host) -> LoadError:
    with pytest.raises(LoadError) as caught:
        run(bench, plan, host)
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    return caught.value


# ---- what the kernel is handed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "cmdline",
    [
        "root=/dev/sda2 quiet",
        "",
        "-x --reuse-cmdline",
        "dyndbg=\"file a +p\" x='y'",
        "$(reboot) `a`; b",
        "  ",
        "größe=1",
        "=",
    ],
)
def test_kexec_gets_exactly_these_words(bench: Bench, host: Host, kexec: Kexec, cmdline: str) -> None:
    run(bench, bench.plan(bench.entry(dtb="/board.dtb", cmdline=cmdline)), host)
    (argv,) = kexec.argvs
    numbers = [word.rpartition("/")[2] for word in argv if "/proc/self/fd/" in word]
    assert argv == [
        "kexec",
        "-c",
        "-l",
        f"/proc/self/fd/{numbers[0]}",
        f"--command-line={cmdline}",
        f"--initrd=/proc/self/fd/{numbers[1]}",
        f"--dtb=/proc/self/fd/{numbers[2]}",
    ]
    held = kexec.contents[0]
    assert held[""] == whole_image()
    assert held["--initrd="] == INITRD
    found = facts(DeviceTree.from_bytes(held["--dtb="]))
    assert found.memory == machines.tree_of(machines.virt()).memory
    assert found.stale_chosen == ()


def test_without_initramfs_and_tree_there_are_no_words_for_them(bench: Bench, host: Host, kexec: Kexec) -> None:
    run(bench, bench.plan(bench.entry(initrds=[])), host)
    assert [word.partition("=")[0] for word in kexec.argvs[0][4:]] == ["--command-line"]
    assert "-d" not in kexec.argvs[0]


def test_a_packed_kernel_is_handed_over_unpacked(bench: Bench, host: Host, kexec: Kexec) -> None:
    (bench.root / "Image.gz").write_bytes(gzip.compress(whole_image()) + b"trailing")
    events = run(bench, bench.plan(bench.entry("/Image.gz")), host)
    assert kexec.contents[0][""] == whole_image()
    assert "unpacked" in next(event.detail for event in events if event.detail)


@pytest.mark.parametrize("length", range(4))
def test_several_initramfs_are_joined_at_multiples_of_four(
    bench: Bench, host: Host, kexec: Kexec, length: int
) -> None:
    first = INITRD + bytes(range(1, length + 1))
    (bench.root / "initrd").write_bytes(first)
    run(bench, bench.plan(bench.entry(initrds=["/initrd", "/other", "/initrd"])), host)
    joined = kexec.contents[0]["--initrd="]
    second = len(first) + -len(first) % 4
    third = second + len(OTHER) + -len(OTHER) % 4
    assert joined[: len(first)] == first
    assert joined[second : second + len(OTHER)] == OTHER
    assert joined[third : third + len(first)] == first
    assert not joined[len(first) : second].strip(b"\0")


def test_companions_follow_the_initramfs_in_archives_of_their_own(bench: Bench, host: Host, kexec: Kexec) -> None:
    (bench.root / "a.cred").write_bytes(b"secret")
    (bench.root / "uki.efi").write_bytes(uki((".osrel", b"ID=a\n"), (".linux", whole_image())))
    companion = FileRef(device="sda1", path="/a.cred", archive=".extra/credentials/a.cred")
    plan = bench.plan(replace(bench.entry("/uki.efi"), companions=(companion,)))
    run(bench, plan, host)
    joined = kexec.contents[0]["--initrd="]
    first = INITRD + bytes(-len(INITRD) % 4)
    second = before(".extra/credentials/a.cred", 6) + b"secret" + after(6)
    assert joined == first + second + before(".extra/os-release", 5) + b"ID=a\n" + after(5)


def test_a_file_that_is_not_the_one_that_its_entry_demands_is_not_loaded(
    bench: Bench, host: Host, kexec: Kexec
) -> None:
    entry = bench.entry()
    demanding = replace(entry, initrds=(replace(entry.initrds[0], sha256=hashlib.sha256(INITRD).hexdigest()),))
    run(bench, bench.plan(demanding), host)
    assert kexec.contents
    kexec.contents.clear()
    (bench.root / "initrd").write_bytes(OTHER)
    error = fails(bench, bench.plan(demanding), host)
    assert "and the entry demands" in error.message
    assert not kexec.contents


# ---- progress ---------------------------------------------------------------------------------------------


def test_stages_come_in_order_each_begins_and_ends_and_bytes_only_rise(
    bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (bench.root / "Image").open("r+b") as file:
        file.truncate(8 << 20)
    clock = itertools.count(time.monotonic(), 0.03)  # every look at it is 30 ms later
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(planned_files, "CHUNK", 4096)
    events = run(bench, bench.plan(bench.entry(initrds=["/initrd", "/other"], dtb="/board.dtb")), host)
    for stage, group in itertools.groupby(events, key=lambda event: event.stage):
        rows = list(group)
        assert rows[0].state is StageState.RUNNING, stage
        assert [row.state is StageState.DONE for row in rows] == [False] * (len(rows) - 1) + [True]
        assert [row.done for row in rows] == sorted(row.done for row in rows)
        assert all(row.done <= row.total for row in rows)
        times = [row.seconds for row in rows[:-1]]
        assert all(later - earlier >= 0.1 for earlier, later in itertools.pairwise(times)), "ten a second at most"
    stages = [stage for stage, _ in itertools.groupby(event.stage for event in events)]
    assert stages == [Stage.KERNEL, Stage.INITRAMFS, Stage.DEVICE_TREE, Stage.LOAD]
    assert len(events) > 20


def test_a_simulated_medium_is_as_slow_as_it_should_be(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    now = [time.monotonic()]

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        now[0] += seconds

    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    host = SimulatedHost.from_facts(machines.virt())
    plan = bench.plan(bench.entry(initrds=[]), method="simulated")
    list(load(plan, {"sda1": bench.tree}, host, pace=16384))
    assert sum(slept) == pytest.approx(1.0, abs=0.1)
    assert host.kexec_loaded()
    unload(plan, host)
    assert not host.kexec_loaded()


@pytest.mark.parametrize(
    ("rate", "last"), [(64 << 10, 16 << 10), (1 << 30, 1 << 20)], ids=["a floppy disk", "an NVMe"]
)
def test_a_medium_is_read_in_pieces_of_its_own_pace(
    bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch, rate: int, last: int
) -> None:
    """So that a slow one can be watched ten times a second, and given up."""
    with (bench.root / "initrd").open("r+b") as file:
        file.truncate(4 << 20)
    now = [time.monotonic()]
    lengths: list[int] = []
    real = OpenFile.read

    def read(self: OpenFile, offset: int, length: int) -> bytes:
        now[0] += length / rate
        lengths.append(length)
        return real(self, offset, length)

    plan = bench.plan(bench.entry())
    monkeypatch.setattr(OpenFile, "read", read)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    events = [event for event in run(bench, plan, host) if event.stage is Stage.INITRAMFS]
    assert max(lengths[-4:-1]) == last
    running = [event for event in events if event.state is StageState.RUNNING]
    gaps = [later.seconds - earlier.seconds for earlier, later in itertools.pairwise(running[4:])]
    assert all(0.1 <= gap <= 0.5 for gap in gaps)
    if last < 1 << 20:
        assert len(gaps) > 100
        assert running[-1].rate == pytest.approx(rate, rel=0.1)


# ---- failures ---------------------------------------------------------------------------------------------

ERRNOS = [
    errno.EPERM,
    errno.EACCES,
    errno.EBUSY,
    errno.EINVAL,
    errno.EADDRNOTAVAIL,
    errno.ENOSYS,
    errno.ENOMEM,
    errno.EKEYREJECTED,
    errno.ENOKEY,
    errno.EBADMSG,
    errno.ELIBBAD,
    errno.ENODATA,
    errno.ENOPKG,
    errno.EMSGSIZE,
]


@pytest.mark.parametrize("number", ERRNOS, ids=lambda number: errno.errorcode[number])
def test_a_refusal_is_explained_with_what_the_kernel_said_since(
    bench: Bench, host: Host, kexec: Kexec, number: int
) -> None:
    log = host.log
    assert isinstance(log, FakeLog)
    kexec.status, kexec.error = 255, f"kexec_load failed: {os.strerror(number)}\nentry = 0x4\n".encode()
    kexec.meanwhile = lambda: (log.messages or []).append("kexec: new line")
    error = fails(bench, bench.plan(bench.entry()), host)
    assert (error.errno, error.call, error.stage) == (number, "kexec_load", Stage.LOAD)
    assert error.kernel_log == ("kexec: new line",)
    assert error.message != explain(None, ())[0], "every errno of kexec.md has a meaning of its own"
    assert error.errno_text.startswith(errno.errorcode[number])
    assert kexec.unloads == 1, "nothing stays loaded"


def test_the_log_decides_where_the_errno_does_not(bench: Bench, host: Host, kexec: Kexec) -> None:
    plain = explain(errno.EBUSY, ())
    stuck = explain(errno.EBUSY, ["kexec: Can't kexec: CPUs are stuck in the kernel."])
    assert stuck != plain
    assert "nr_cpus=1" in stuck[1]


ROOT = replace(
    machines.virt(),
    cap_sys_boot=True,
    kexec=replace(machines.virt().kexec, load_disabled=False, load_limit=-1),
    lockdown="none",
)
LOCKED = replace(ROOT, lockdown="integrity", lockdown_origin="EFI Secure Boot")


@pytest.mark.parametrize(
    ("machine", "call", "log", "says"),
    [
        (replace(ROOT, cap_sys_boot=False), "kexec_load", (), "CAP_SYS_BOOT"),
        (replace(ROOT, kexec=replace(ROOT.kexec, load_disabled=True)), "kexec_load", (), "switched off"),
        (replace(ROOT, kexec=replace(ROOT.kexec, load_limit=0)), "kexec_load", (), "counted down"),
        (LOCKED, "kexec_load", (), "(EFI Secure Boot) and refuses the call kexec_load"),
        (LOCKED, "kexec_file_load", (), "(EFI Secure Boot): this kernel is not signed"),
        (
            replace(ROOT, lockdown=None),
            "kexec_file_load",
            ("Lockdown: python3: kexec of unsigned images is restricted; see man kernel_lockdown.7",),
            "locked down: this kernel",
        ),
        (replace(ROOT, lockdown=None), "kexec_load", (), "could not be read whether"),
        (ROOT, "kexec_load", (), "a security policy (SELinux"),
    ],
)
def test_what_is_not_permitted_is_explained_by_what_is_known_of_the_machine(
    machine: MachineFacts, call: str, log: tuple[str, ...], says: str
) -> None:
    why, hint = explain(errno.EPERM, log, call, machine)
    assert says in why
    assert hint
    assert ("root" in hint) == (machine.cap_sys_boot is False), "root is not told to become root"


def test_every_error_of_a_signature_has_words_of_its_own() -> None:
    numbers = (errno.ENODATA, errno.ENOKEY, errno.EKEYREJECTED, errno.ENOPKG, errno.EBADMSG, errno.ELIBBAD)
    said = {explain(number, ())[0] for number in numbers}
    assert len(said) == len(numbers)
    assert explain(524, ()) == explain(errno.EBADMSG, ()), "ENOTSUPP, which libc has no name for"
    assert "not signed" in explain(errno.ENODATA, ())[0]


def test_a_command_line_that_is_too_long_is_told_by_the_log() -> None:
    said = explain(errno.EINVAL, ["kexec-bzImage64: Kernel command line too long"])
    assert said != explain(errno.EINVAL, ())
    assert "command line" in said[0]


def test_what_kexec_said_is_told_where_it_named_no_call(bench: Bench, host: Host, kexec: Kexec) -> None:
    kexec.status, kexec.error = 1, b"setup_2nd_dtb failed.\nmore\n"
    error = fails(bench, bench.plan(bench.entry()), host)
    assert (error.call, error.errno) == ("kexec", None)
    assert "setup_2nd_dtb failed" in error.message
    assert "more" not in error.message
    assert error.errno_text == ""


@pytest.mark.parametrize("said", [b"", b"\n", b"\xff\xfe", b"kexec_load failed: Nobody knows\n"])
def test_whatever_kexec_says_is_an_error(bench: Bench, host: Host, kexec: Kexec, said: bytes) -> None:
    kexec.status, kexec.error = 1, said
    assert fails(bench, bench.plan(bench.entry()), host).errno is None


def test_a_missing_program_is_a_typed_error(bench: Bench, tmp_path: Path) -> None:
    error = fails(bench, bench.plan(bench.entry()), fake_host(tmp_path / "none"))
    assert "not installed" in error.message


def test_success_that_the_kernel_denies_is_a_failure(bench: Bench, host: Host, kexec: Kexec) -> None:
    host.path("/sys/kernel/kexec_loaded").write_text("0\n")
    error = fails(bench, bench.plan(bench.entry()), host)
    assert "nothing is loaded" in error.message


def test_where_the_kernel_does_not_say_success_is_believed(bench: Bench, host: Host, kexec: Kexec) -> None:
    host.path("/sys/kernel/kexec_loaded").unlink()
    assert run(bench, bench.plan(bench.entry()), host)[-1].state is StageState.DONE
    assert kexec.unloads == 0


@pytest.mark.parametrize("stop_at", [Stage.KERNEL, Stage.INITRAMFS, Stage.DEVICE_TREE, Stage.LOAD])
def test_closing_it_early_leaves_nothing_loaded_and_nothing_open(
    bench: Bench, host: Host, kexec: Kexec, stop_at: Stage
) -> None:
    before = descriptors()
    events = load(bench.plan(bench.entry(dtb="/board.dtb")), {"sda1": bench.tree}, host)
    wanted = StageState.DONE if stop_at is Stage.LOAD else StageState.RUNNING
    assert any(event.stage is stop_at and event.state is wanted for event in events)
    events.close()  # type: ignore[attr-defined]
    assert descriptors() == before
    assert len(kexec.loads) == (stop_at is Stage.LOAD)
    assert kexec.unloads == (stop_at is Stage.LOAD)


def test_unload_never_raises(bench: Bench, tmp_path: Path) -> None:
    plan = bench.plan(bench.entry())
    unload(plan, fake_host(tmp_path / "none", {"/sys/kernel/kexec_loaded": "1"}))
    unload(replace(plan, method="gone"), fake_host(tmp_path / "none"))
    quiet = fake_host(tmp_path / "quiet", {"/sys/kernel/kexec_loaded": "0"}, {"kexec": Kexec()})
    assert unload(plan, quiet) == ""
    assert not commands_of(quiet).calls


STAYS = "A kernel stays loaded, as unloading it failed: "


@pytest.mark.parametrize(
    ("loaded", "status", "says"),
    [
        ("1", 1, STAYS + "kexec_load: Operation not permitted. Only a reboot"),
        ("1", 0, STAYS + "the call succeeded, but the kernel still has one. Only"),
        (None, 1, STAYS + "kexec_load: Operation not permitted. Only a reboot"),
        (None, 0, ""),
        ("0", 1, ""),
    ],
)
def test_a_kernel_that_cannot_be_taken_out_is_told_and_in_the_log(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded: str | None, status: int, says: str
) -> None:
    plan = bench.plan(bench.entry())
    host = fake_host(
        tmp_path / "host",
        {"/sys/kernel/kexec_loaded": loaded} if loaded else {},
        {"kexec": Kexec(status_of_unload=status, error=b"kexec_load failed: Operation not permitted\n")},
    )
    said: list[str] = []
    monkeypatch.setattr(FakeLog, "say", lambda log, text: said.append(text))
    left = unload(plan, host)
    assert left.startswith(says)
    assert bool(left) is bool(says)
    assert said == ([f"bootmenu: {left}"] if left else [])


def test_a_load_that_fails_says_what_it_leaves_loaded(bench: Bench, host: Host, kexec: Kexec) -> None:
    kexec.status, kexec.status_of_unload, kexec.error = 1, 1, b"kexec_load failed: Device or resource busy"
    (left,) = left_loaded(fails(bench, bench.plan(bench.entry()), host))
    assert left.startswith(STAYS + "kexec_load: Device or resource busy")


# ---- files that change ------------------------------------------------------------------------------------


def vanish(path: Path) -> None:
    path.unlink()


def shrink(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 5)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def become_a_fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


@pytest.mark.parametrize("change", [vanish, shrink, grow, become_a_fifo])
@pytest.mark.parametrize(
    ("name", "stage"),
    [("Image", Stage.KERNEL), ("initrd", Stage.INITRAMFS), ("board.dtb", Stage.DEVICE_TREE)],
)
def test_a_file_that_changed_since_it_was_planned_is_not_loaded(
    bench: Bench, host: Host, kexec: Kexec, change: Callable[[Path], None], name: str, stage: Stage
) -> None:
    plan = bench.plan(bench.entry(dtb="/board.dtb"))
    change(bench.root / name)
    error = fails(bench, plan, host)
    assert error.stage is stage
    assert name in error.message
    assert not kexec.loads


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(bytes(1))


def overwrite_and_hide_it(path: Path) -> None:
    before = path.stat()
    overwrite(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def exchange(path: Path) -> None:
    other = path.with_name("new")
    other.write_bytes(bytes(path.stat().st_size))
    other.rename(path)


@pytest.mark.parametrize("change", [shrink, grow, overwrite, overwrite_and_hide_it, exchange])
@pytest.mark.parametrize(
    ("name", "stage"),
    [
        ("Image", Stage.KERNEL),
        ("initrd", Stage.INITRAMFS),
        ("other", Stage.INITRAMFS),
        ("board.dtb", Stage.DEVICE_TREE),
        ("a.dtbo", Stage.DEVICE_TREE),
    ],
)
def test_what_changed_since_it_was_judged_does_not_go_under_the_old_verdict(
    bench: Bench, host: Host, kexec: Kexec, change: Callable[[Path], None], name: str, stage: Stage
) -> None:
    target = "/dts-v1/; /plugin/; &{/} { more; };"
    (bench.root / "a.dtbo").write_bytes(compiled(target))
    plan = bench.plan(bench.entry(dtb="/board.dtb", overlays=["/a.dtbo"], initrds=["/initrd", "/other"]))
    change(bench.root / name)
    error = fails(bench, plan, host)
    assert error.stage is stage
    assert f"/{name}: changed since it was looked at: " in error.message
    assert error.hint == "Scan again."
    assert not kexec.loads


def test_what_was_judged_and_never_recorded_is_compared_by_its_size(bench: Bench, host: Host, kexec: Kexec) -> None:
    plan = bench.plan(bench.entry())
    old = replace(plan, kernel=replace(plan.kernel, stamp=None))
    overwrite_and_hide_it(bench.root / "Image")
    run(bench, old, host)
    assert len(kexec.loads) == 1


@pytest.mark.parametrize("initrds", [["/initrd"], ["/initrd", "/other"]])
def test_a_file_that_shrinks_while_it_is_read_is_not_loaded(
    bench: Bench, host: Host, kexec: Kexec, monkeypatch: pytest.MonkeyPatch, initrds: list[str]
) -> None:
    monkeypatch.setattr(planned_files, "CHUNK", 64)
    plan = bench.plan(bench.entry(initrds=initrds))
    events = load(plan, {"sda1": bench.tree}, host)
    # what is awaited is the event between opening the file and reading it
    assert any(event.stage is Stage.INITRAMFS for event in events)
    os.truncate(bench.root / "initrd", 100)
    with pytest.raises(LoadError, match="initrd: the file has changed") as caught:
        list(events)
    assert caught.value.stage is Stage.INITRAMFS
    assert not kexec.loads


def test_a_disk_that_fails_is_said(bench: Bench, host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: OpenFile, offset: int, length: int) -> bytes:
        raise failure(errno.EIO)

    plan = bench.plan(bench.entry())
    monkeypatch.setattr(OpenFile, "read", broken)
    error = fails(bench, plan, host)
    assert (error.errno, error.stage) == (errno.EIO, Stage.KERNEL)


def test_a_partition_that_was_pulled_out_is_said(bench: Bench, host: Host) -> None:
    with pytest.raises(LoadError, match="sda1, which is not there any more"):
        list(load(bench.plan(bench.entry()), {}, host))


@pytest.mark.parametrize("damage", [lambda data: data[:-30], lambda data: data[:40] + b"\xff" * 9 + data[49:]])
def test_a_packed_kernel_that_is_damaged_is_not_loaded(
    bench: Bench, host: Host, kexec: Kexec, damage: Callable[[bytes], bytes]
) -> None:
    (bench.root / "Image.gz").write_bytes(gzip.compress(whole_image()))
    plan = bench.plan(bench.entry("/Image.gz"))
    data = damage((bench.root / "Image.gz").read_bytes())
    (bench.root / "Image.gz").write_bytes(data)
    plan = replace(plan, kernel=replace(plan.kernel, size=len(data)))
    assert fails(bench, plan, host).stage is Stage.KERNEL
    assert not kexec.loads
