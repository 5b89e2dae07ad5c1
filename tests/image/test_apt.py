# SPDX-License-Identifier: MIT
"""apt's source files, packages and their dependencies, and what is run to get them."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import io
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image import apt, debian, lock_file
from bootmenu.image.build import BuildOptions, build
from bootmenu.view.progress_bar import SILENT, ProgressBar
from tests.image.samples import Done, FakeRunner


class VersionInfo(NamedTuple):
    """What is asked of sys.version_info."""

    major: int
    minor: int


ONE_LINE = """
# deb http://commented.example.org/debian bookworm main
deb http://deb.example.org/debian bookworm main contrib non-free-firmware  # trailing
deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://s.example.org bookworm-security main
deb-src http://deb.example.org/debian bookworm main
deb [signed-by=/usr/share/keyrings/vendor.gpg] http://vendor.example.org/debian bookworm main
deb http://other.example.org/repo focal main
deb
"""

DEB822 = """
Types: deb deb-src
URIs: http://deb.example.org/debian
# a comment in between
Suites: trixie trixie-updates
 trixie-backports
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://off.example.org/debian
Suites: trixie
Components: main
Enabled: no

Types: deb
URIs: http://vendor.example.org/node
Suites: nodistro
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 xyz
"""


def test_one_line_sources_move_to_the_wanted_suite() -> None:
    sources = apt.debian_sources({"/etc/apt/sources.list": ONE_LINE}, "trixie")
    assert [(source.uri, source.suite) for source in sources] == [
        ("http://deb.example.org/debian", "trixie"),
        ("http://s.example.org", "trixie-security"),
    ]
    assert [source.components for source in sources] == [("main", "non-free-firmware"), ("main",)]


def test_deb822_sources_without_backports_and_disabled_ones() -> None:
    sources = apt.debian_sources({"/etc/apt/sources.list.d/d.sources": DEB822}, "bookworm")
    assert [(source.uri, source.suite) for source in sources] == [
        ("http://deb.example.org/debian", "bookworm"),
        ("http://deb.example.org/debian", "bookworm-updates"),
    ]
    assert sources[0].line("arm64") == (
        "deb [arch=arm64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
        "http://deb.example.org/debian bookworm main\n"
    )


@pytest.mark.parametrize(
    ("suite", "others"),
    [("trixie", ["-updates", "-security"]), ("testing", ["-updates", "-security"]), ("sid", []), ("unstable", [])],
)
def test_a_suite_whose_updates_come_into_itself_has_no_others(suite: str, others: list[str]) -> None:
    host = "deb http://a.example.org bookworm main\ndeb http://a.example.org bookworm-updates main\n"
    host += "deb http://b.example.org bookworm-security main\n"
    sources = apt.debian_sources({"/etc/apt/sources.list": host}, suite)
    assert [source.suite for source in sources] == [suite, *(f"{suite}{other}" for other in others)]
    from_sid = apt.debian_sources({"/etc/apt/sources.list": "deb http://a.example.org sid main"}, suite)
    assert [source.suite for source in from_sid] == [suite]


@pytest.mark.parametrize(
    ("version", "suite"), [((3, 11), "bookworm"), ((3, 13), "trixie"), ((3, 14), "sid"), ((3, 12), None)]
)
def test_the_suite_with_this_python(
    version: tuple[int, int], suite: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(debian, "sys", SimpleNamespace(version_info=VersionInfo(*version)))
    options = BuildOptions(output=tmp_path / "o", cache=tmp_path, debian="arm64", suite="auto", mirror="http://x")
    runner = FakeRunner({"apt-get": Done(returncode=100, stderr=b"no network")})
    with pytest.raises(BootmenuError, match="no network" if suite else r"no Debian suite has Python 3\.12"):
        build(options, runner, SILENT)
    assert [path.name for path in tmp_path.glob("apt/*-*")] == ([f"{suite}-arm64"] if suite else [])


def test_no_debian_source_asks_for_a_mirror() -> None:
    with pytest.raises(BootmenuError) as caught:
        apt.choose_sources("bookworm", None, {"/x.list": "deb http://other.example.org/repo focal main"})
    assert "--mirror" in caught.value.hint
    chosen = apt.choose_sources("bookworm", "http://mine.example.org/debian", {})
    assert [source.uri for source in chosen] == ["http://mine.example.org/debian"]


def test_unreadable_source_files_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list.d" / "a.list").write_bytes(b"deb http://a.example.org/\xff bookworm main\n")
    (tmp_path / "sources.list.d" / "b.list").mkdir()
    (tmp_path / "sources.list.d" / "c.list.disabled").write_text("deb http://c.example.org/ bookworm main\n")
    assert list(apt.host_source_files(tmp_path)) == [str(tmp_path / "sources.list.d" / "a.list")]


@given(st.text())
def test_any_text_is_read(text: str) -> None:
    apt.parse_one_line(text)
    apt.parse_deb822(text)


def test_dependencies_take_the_first_alternative() -> None:
    field = "libc6 (>= 2.34), debconf (>= 0.5) | debconf-2.0, python3:any,\n libx1 [arm64]"
    assert apt.dependencies(field) == ("libc6", "debconf", "python3", "libx1")


def package(name: str, section: str = "libs", depends: Sequence[str] = ()) -> apt.Package:
    return apt.Package(
        name=name,
        version="1:2",
        architecture="arm64",
        section=section,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        size=1,
        depends=tuple(depends),
    )


def archive(*extra: apt.Package) -> dict[str, apt.Package]:
    base = [package(name, "admin") for name in debian.BASE_PACKAGES]
    return {entry.name: entry for entry in [*base, *extra]}


def test_libraries_are_followed_and_tools_and_a_kernels_dependencies_are_not() -> None:
    known = archive(
        package("linux-image-x", "kernel", ["linux-image-6-x"]),
        package(
            "linux-image-6-x", "kernel", ["kmod", "linux-base", "libnever", "linux-base-6-x", "linux-binary-6-x"]
        ),
        package("linux-base-6-x", "kernel"),
        package("linux-binary-6-x", "kernel"),
        package("linux-base", "kernel"),
        package("util-linux", "utils", ["libblkid1", "debconf"]),
        package("libblkid1", "libs", ["libc6", "virtual-thing"]),
        package("libc6"),
        package("debconf", "admin", ["perl-base"]),
        package("libnever"),
        package("kmod", "admin"),
    )
    names = [
        entry.name
        for entry in debian.resolve(
            debian.Selection(kernel="linux-image-x"), lambda names: {n: known[n] for n in names if n in known}
        )
    ]
    assert {"libblkid1", "libc6", "linux-image-6-x", "linux-base-6-x", "linux-binary-6-x"} <= set(names)
    assert not {"debconf", "kmod", "linux-base", "libnever", "virtual-thing"} & set(names)
    assert names == sorted(names)


def test_a_wanted_package_that_is_not_there_is_an_error() -> None:
    known = archive()
    with pytest.raises(UsageError, match="linux-image-none"):
        debian.resolve(
            debian.Selection(kernel="linux-image-none"), lambda names: {n: known[n] for n in names if n in known}
        )


def test_a_kernel_loader_that_an_architecture_does_not_have_is_left_out() -> None:
    known = archive(package("linux-image-x", "kernel"))
    for gone, error in (("kexec-tools", contextlib.nullcontext()), ("util-linux", pytest.raises(UsageError))):
        there = {name: entry for name, entry in known.items() if name != gone}
        with error:
            found = debian.resolve(
                debian.Selection(kernel="linux-image-x"),
                lambda names, there=there: {n: there[n] for n in names if n in there},  # type: ignore[misc]
            )
            assert gone not in {entry.name for entry in found}


def test_apt_has_everything_of_its_own(tmp_path: Path) -> None:
    runner = FakeRunner()
    source = apt.AptSource(uri="http://deb.example.org/debian", suite="bookworm")
    own = apt.Apt(tmp_path, architecture="arm64", sources=[source], runner=runner)
    own.update()
    own.update()
    assert len(runner.calls) == 1, "fresh lists were fetched again"
    config = (tmp_path / "apt.conf").read_text()
    for setting in ("Dir::State", "Dir::State::status", "Dir::Cache", "Dir::Etc::sourcelist"):
        assert f'{setting} "{tmp_path}' in config
    assert "#clear APT::Update::Post-Invoke;" in config
    changed = apt.Apt(tmp_path, architecture="arm64", sources=[source, source], runner=runner)
    changed.update()
    assert len(runner.calls) == 2, "other sources need other lists"


def test_a_download_with_the_wrong_hash_is_refused(tmp_path: Path) -> None:
    runner = FakeRunner()
    own = apt.Apt(tmp_path, architecture="arm64", sources=[], runner=runner)
    good, bad = package("good"), package("bad")
    (own.archives / good.file_name).write_bytes(b"good")
    assert own.download([good])["good"].read_bytes() == b"good"
    assert runner.calls == []
    (own.archives / bad.file_name).write_bytes(b"tampered")
    said = io.StringIO()
    with pytest.raises(BootmenuError, match="SHA-256"):
        own.download([good, bad], ProgressBar(said, {}))
    assert "downloading 1 of 2 packages" in said.getvalue()
    assert runner.calls[0][-1] == "bad=1:2"
    assert runner.calls[0][2:6] == ["setpriv", "--pdeathsig", "TERM", "apt-get"], "it would go on after a SIGKILL"


def test_a_failing_apt_is_quoted(tmp_path: Path) -> None:
    runner = FakeRunner({"apt-get": Done(returncode=100, stderr=b"E: no such host\n")})
    own = apt.Apt(tmp_path, architecture="arm64", sources=[], runner=runner)
    with pytest.raises(BootmenuError, match="no such host"):
        own.update()


def test_a_failing_apt_says_what_helps(tmp_path: Path) -> None:
    said = b"E: Failed to fetch http://x  404  Not Found\nW: of no interest\n - details\n - more\n - more\n"
    runner = FakeRunner({"apt-get": Done(returncode=100, stderr=said), "env": Done(returncode=100, stderr=said)})
    own = apt.Apt(tmp_path, architecture="arm64", sources=[], runner=runner)
    with pytest.raises(BootmenuError, match=r"^apt-get failed .*404 +Not Found$") as error:
        own.update()
    assert "--mirror" in error.value.hint
    with pytest.raises(BootmenuError, match=r"^apt-get failed .*404 +Not Found$") as error:
        own.download([package("gone")])
    assert "Try again" in error.value.hint


def test_a_full_disk_is_said_whatever_the_program(tmp_path: Path) -> None:
    full = Done(returncode=2, stderr=b"tar: x: Cannot write: No space left on device\ndpkg-deb: error: tar failed\n")
    with pytest.raises(BootmenuError, match="dpkg-deb failed") as error:
        debian.unpack([(package("a"), tmp_path / "a.deb")], tmp_path / "root", FakeRunner({"dpkg-deb": full}))
    assert "XDG_CACHE_HOME" in error.value.hint


def test_lists_that_lack_something_or_name_what_is_gone_are_fetched_anew(tmp_path: Path) -> None:
    runner = FakeRunner()
    own = apt.Apt(tmp_path, architecture="arm64", sources=[], runner=runner)
    lists = tmp_path / "state/lists/damaged_Packages"

    def updates() -> int:
        own.update()
        lists.parent.mkdir(exist_ok=True)
        lists.touch()
        own.update()
        return sum(call[-1] == "update" for call in runner.calls)

    assert updates() == 1
    with pytest.raises(UsageError, match="no package"):
        debian.choose(own, debian.Selection(kernel="linux-image-x"))
    assert not lists.exists()
    assert updates() == 2
    runner.answers = {"env": Done(returncode=100)}
    with pytest.raises(BootmenuError):
        own.download([package("gone")])
    assert updates() == 3


@pytest.mark.parametrize("name", ['quo"te', "new\nline", "not\udcffUTF-8"])
def test_a_folder_that_apts_configuration_cannot_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BootmenuError, match="apt cannot use") as error:
        apt.Apt(tmp_path / name, architecture="arm64", sources=[], runner=FakeRunner())
    assert "XDG_CACHE_HOME" in error.value.hint
    assert not (tmp_path / name).exists()


def test_only_one_process_downloads_at_a_time_and_the_other_says_that_it_waits(tmp_path: Path) -> None:
    lock = tmp_path / "apt" / debian.DOWNLOADS
    lock.parent.mkdir()
    held = lock.open("w")
    fcntl.flock(held, fcntl.LOCK_EX)
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        held.close()

    with lock_file.alone(lock, say):
        assert len(said) == 1
        runner = FakeRunner({"apt-get": Done(returncode=100)})
        own = apt.Apt(tmp_path / "apt/trixie-arm64", architecture="arm64", sources=[], runner=runner)
        waiting = threading.Thread(target=_prepare_and_fail, args=(own, runner, tmp_path))
        waiting.start()
        waiting.join(0.3)
        assert waiting.is_alive()
        assert not runner.calls
    waiting.join(30)
    assert runner.calls


def _prepare_and_fail(own: apt.Apt, runner: FakeRunner, folder: Path) -> None:
    with pytest.raises(BootmenuError):
        debian.prepare(own, debian.Selection(kernel="x"), folder / "root", runner, SILENT)


def test_packages_are_never_unpacked_over_a_real_system(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    runner = FakeRunner()
    with pytest.raises(UsageError, match="not empty"):
        debian.unpack([(package("a"), tmp_path / "a.deb")], tmp_path, runner)
    assert runner.calls == []


def test_unpacking_is_done_once_and_again_for_other_packages(tmp_path: Path) -> None:
    runner = FakeRunner()
    said = io.StringIO()
    root = tmp_path / "root"
    for _ in range(2):
        debian.unpack([(package("a"), tmp_path / "a.deb")], root, runner, ProgressBar(said, {}))
    assert said.getvalue().count("unpacking 1 packages") == 2  # as it begins and ends
    assert runner.calls == [["dpkg-deb", "-x", str(tmp_path / "a.deb"), str(root)]]
    (root / "old").touch()
    debian.unpack([(package("b"), tmp_path / "b.deb")], root, runner)
    assert not (root / "old").exists()
