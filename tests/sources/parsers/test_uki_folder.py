# SPDX-License-Identifier: MIT
"""Unified kernel images in /EFI/Linux, their profiles and addons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import BrokenContainer
from bootmenu.formats.reader import Buffer
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.kernel import Architecture
from bootmenu.sources.tree import TreeErrorReason
from tests.builders.containers import board_dtb, uki
from tests.builders.entries import whole_image
from tests.properties import examples
from tests.sources.parsers.reading import read

LINUX = (".linux", whole_image())
OSREL = b'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\n'
BOARD = ("acme,rocket", "acme,soc")


def image(*sections: tuple[str, bytes], osrel: bytes = OSREL, cmdline: bytes = b"quiet") -> bytes:
    return uki((".osrel", osrel), (".cmdline", cmdline), LINUX, *sections)


def scan(files: dict[str, bytes | str]) -> tuple[list[BootEntry], list[Problem]]:
    return read(files, board=BOARD)


def one(files: dict[str, bytes | str]) -> BootEntry:
    (entry,), problems = scan(files)
    assert not problems
    return entry


def test_an_image_says_everything_itself() -> None:
    data = image((".uname", b"6.12.48+deb13-arm64"), (".initrd", b"i"), (".ucode", b"u"))
    entry = one({"/EFI/Linux/debian-6.12+3-1.efi": data})
    assert (entry.id, entry.source, entry.title) == ("debian-6.12", "uki", "Debian GNU/Linux 13 (trixie)")
    assert (entry.version, entry.cmdline.text, entry.tries_left) == ("6.12.48+deb13-arm64", "quiet", 3)
    assert (entry.kernel.path, entry.kernel.part) == ("/EFI/Linux/debian-6.12+3-1.efi", "")
    assert [ref.part for ref in entry.initrds] == [".ucode", ".initrd"]
    assert entry.architecture is Architecture.ARM64


@pytest.mark.parametrize("prefix", ["", "/boot", "/efi", "/boot/efi"])
def test_a_root_partition_may_hold_the_folder_elsewhere(prefix: str) -> None:
    assert one({f"{prefix}/EFI/Linux/a.EFI": image()}).kernel.path == f"{prefix}/EFI/Linux/a.EFI"


def test_what_an_image_does_not_say_is_in_its_name() -> None:
    entry = one({"/EFI/Linux/a.efi": uki(LINUX)})
    assert (entry.title, entry.version, entry.cmdline.text, entry.tries_left) == ("a", "", "", None)


def test_every_profile_is_an_entry() -> None:
    data = image(
        (".profile", b"ID=main\n"),
        (".profile", b"ID=rescue\nTITLE=Rescue\n"),
        (".cmdline", b"rescue"),
        (".profile", b""),
    )
    entries, problems = scan({"/EFI/Linux/a.efi": data})
    assert not problems
    assert [(entry.id, entry.kernel.part, entry.cmdline.text) for entry in entries] == [
        ("a", "", "quiet"),
        ("a@1", "@1", "rescue"),
        ("a@2", "@2", "quiet"),
    ]
    assert entries[1].title == "Debian GNU/Linux 13 (trixie) (Rescue)"


def test_the_order_of_the_specification() -> None:
    def version(text: str, key: str = "b") -> bytes:
        return image(osrel=f"IMAGE_ID={key}\nIMAGE_VERSION={text}\n".encode())

    entries, _ = scan(
        {
            "/EFI/Linux/x.efi": version("9"),
            "/EFI/Linux/w.efi": version("10"),
            "/EFI/Linux/a+0-3.efi": version("1", "a"),
            "/EFI/Linux/z.efi": version("1", "a"),
            "/EFI/Linux/none.efi": uki(LINUX),
        }
    )
    assert [entry.id for entry in entries] == ["z", "w", "x", "none", "a"]


@pytest.mark.parametrize(
    ("pattern", "default"),
    [
        *(("b*", "b"), ("B.EFI", "b"), ("a.efi", "a"), ("a.efi@1", "a@1"), ("a.efi@RESCUE", "a@2")),
        *(("c*", None), ("@saved", None), ("t", None), ("t.conf", "t"), ("a.efi@2", None)),
        # in systemd-boot's order what has a sort-key is before what has none
        ("t*", "tb"),
    ],
)
def test_the_default_of_both_types_is_one(pattern: str, default: str | None) -> None:
    entries, _ = scan(
        {
            "/EFI/Linux/a.efi": image((".profile", b""), (".profile", b""), (".profile", b"ID=rescue\n")),
            "/EFI/Linux/b.efi": image(),
            "/EFI/Linux/tb.efi": image(),
            "/loader/entries/t+2.conf": "linux /l",
            "/loader/loader.conf": f"default {pattern}",
        }
    )
    assert [entry.id for entry in entries if entry.default] == ([default] if default else [])


def test_names_are_compared_in_lower_case_as_on_a_boot_partition() -> None:
    files: dict[str, bytes | str] = {f"/loader/entries/{name}.conf": "linux /k" for name in ("a", "B", "c", "D")}
    assert [entry.id for entry in scan(files)[0]] == ["D", "c", "B", "a"]


def test_profiles_come_before_counters() -> None:
    """src/boot/boot.c:boot_entry_compare looks at the tries that are left last of all."""
    two = image((".profile", b""), (".profile", b""))
    entries, _ = scan({"/EFI/Linux/a+1-2.efi": two, "/EFI/Linux/a+2-1.efi": two})
    assert [(entry.kernel.part, entry.tries_left) for entry in entries] == [("", 2), ("", 1), ("@1", 2), ("@1", 1)]


def test_the_default_may_be_an_image_that_a_text_entry_starts() -> None:
    entries, _ = scan(
        {
            "/EFI/Linux/a.efi": image(),
            "/EFI/Linux/b.efi": image(),
            "/loader/entries/t.conf": "uki /EFI/Linux/a.efi",
            "/loader/loader.conf": "default a.efi",
        }
    )
    assert [(entry.id, entry.default) for entry in entries] == [("b", False), ("t", True)]


def test_addons_add_to_the_command_line_the_common_ones_first() -> None:
    def adding(text: str, *sections: tuple[str, bytes], machine: int = 0xAA64) -> bytes:
        return uki((".cmdline", text.encode()), *sections, machine=machine)

    files: dict[str, bytes | str] = {
        "/EFI/Linux/a+3.efi": image((".uname", b"6.1")),
        "/loader/addons/z.addon.efi": adding("common"),
        "/EFI/Linux/a.efi.extra.d/b.addon.efi": adding("second"),
        "/EFI/Linux/a.efi.extra.d/a.addon.efi": adding("first", (".uname", b"6.1")),
        "/EFI/Linux/a.efi.extra.d/other.addon.efi": adding("other", (".uname", b"6.2")),
        "/EFI/Linux/a.efi.extra.d/x64.addon.efi": adding("x64", machine=0x8664),
        "/EFI/Linux/a.efi.extra.d/secret.cred": "secret",
    }
    assert one(files).cmdline.text == "quiet common first second"


def test_addons_bring_microcode_initramfs_and_device_trees() -> None:
    files: dict[str, bytes | str] = {
        "/EFI/Linux/a.efi": image((".initrd", b"i"), (".dtb", board_dtb("acme,old"))),
        "/loader/addons/a.addon.efi": uki(
            (".initrd", b"j"),
            (".ucode", b"u"),
            (".dtbauto", board_dtb("acme,car")),
            (".dtbauto", board_dtb(*BOARD)),
        ),
    }
    entry = one(files)
    assert [(ref.path, ref.part) for ref in entry.initrds] == [
        ("/loader/addons/a.addon.efi", ".ucode"),
        ("/EFI/Linux/a.efi", ".initrd"),
        ("/loader/addons/a.addon.efi", ".initrd"),
    ]
    assert entry.dtb is not None
    assert (entry.dtb.path, entry.dtb.part) == ("/loader/addons/a.addon.efi", ".dtbauto#2")


def test_companions_are_handed_on_where_the_stub_puts_them() -> None:
    files: dict[str, bytes | str] = {
        "/EFI/Linux/a+3.efi": image(),
        "/EFI/Linux/a.efi.extra.d/z.cred": "z",
        "/EFI/Linux/a.efi.extra.d/Tools.SYSEXT.RAW": "t",
        "/EFI/Linux/a.efi.extra.d/old.raw": "o",
        "/EFI/Linux/a.efi.extra.d/net.confext.raw": "n",
        "/EFI/Linux/a.efi.extra.d/.hidden.cred": "",
        "/EFI/Linux/a.efi.extra.d/grün.cred": "",
        "/EFI/Linux/a.efi.extra.d/folder.cred/x": "",
        "/EFI/Linux/a.efi.extra.d/note.txt": "",
        "/EFI/Linux/b.efi.extra.d/other.cred": "",
        "/loader/credentials/all.cred": "a",
        "/loader/credentials/no.raw": "",
        "/loader/extensions/all.sysext.raw": "s",
        "/loader/extensions/all.confext.raw": "c",
        "/loader/extensions/no.cred": "",
    }
    assert {ref.path: ref.archive for ref in one(files).companions} == {
        "/EFI/Linux/a.efi.extra.d/Tools.SYSEXT.RAW": ".extra/sysext/Tools.SYSEXT.RAW",
        "/EFI/Linux/a.efi.extra.d/net.confext.raw": ".extra/confext/net.confext.raw",
        "/EFI/Linux/a.efi.extra.d/old.raw": ".extra/sysext/old.raw",
        "/EFI/Linux/a.efi.extra.d/z.cred": ".extra/credentials/z.cred",
        "/loader/credentials/all.cred": ".extra/global_credentials/all.cred",
        "/loader/extensions/all.confext.raw": ".extra/global_confext/all.confext.raw",
        "/loader/extensions/all.sysext.raw": ".extra/global_sysext/all.sysext.raw",
    }


def test_companions_that_cannot_be_handed_on_are_told() -> None:
    files: dict[str, bytes | str] = {f"/loader/credentials/{number:03}.cred": "" for number in range(101)}
    files |= {"/EFI/Linux/a.efi": image(), "/EFI/Linux/a.efi.extra.d/b.cred": ""}
    entries, problems = read(files, {"/EFI/Linux/a.efi.extra.d/b.cred": TreeErrorReason.UNREADABLE})
    assert len(entries[0].companions) == 100
    assert [(problem.path, problem.message) for problem in problems] == [
        ("/EFI/Linux/a.efi.extra.d/b.cred", "not handed on to the next system: is unreadable"),
        ("/loader/credentials", "only the first 100 files are handed on to the next system"),
    ]


def test_a_text_entry_names_companions_of_its_image() -> None:
    entry = one(
        {
            "/u/a.efi": image(),
            "/u/a.efi.extra.d/b.cred": "b",
            "/loader/entries/t.conf": "uki /u/a.efi\nextra /c/d.cred\nextra /c/e.confext.raw",
        }
    )
    assert [ref.archive for ref in entry.companions] == [
        ".extra/credentials/d.cred",
        ".extra/confext/e.confext.raw",
        ".extra/credentials/b.cred",
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/grub/grub.cfg", "menuentry a { chainloader /u/a.efi }"),
        ("/EFI/refind/refind.conf", "menuentry a {\nloader /u/a.efi\n}"),
        ("/limine.conf", "/a\nprotocol: efi\npath: boot():/u/a.efi\n"),
    ],
    ids=["grub", "refind", "limine"],
)
def test_an_image_has_what_lies_beside_it_whatever_starts_it(path: str, text: str) -> None:
    files: dict[str, bytes | str] = {
        path: text,
        "/u/a.efi": image(),
        "/u/a.efi.extra.d/b.cred": "b",
        "/u/a.efi.extra.d/c.addon.efi": uki((".cmdline", b"more")),
        "/loader/credentials/all.cred": "a",
    }
    entries, problems = read(files, board=BOARD, efi=True)
    (entry,) = [entry for entry in entries if entry.kernel.path == "/u/a.efi"]
    assert not problems
    packed = [ref.archive for ref in entry.companions]
    assert packed == [".extra/credentials/b.cred", ".extra/global_credentials/all.cred"]
    assert entry.cmdline.text == "quiet more"


def test_a_kernel_that_is_not_unified_takes_nothing_from_beside_it() -> None:
    files: dict[str, bytes | str] = {
        "/grub/grub.cfg": "menuentry a { chainloader /u/a.efi quiet }",
        "/u/a.efi": whole_image(),
        "/u/a.efi.extra.d/b.cred": "b",
        "/u/a.efi.extra.d/c.addon.efi": uki((".cmdline", b"more")),
    }
    (entry,), problems = read(files, board=BOARD, efi=True)
    assert not problems
    assert (entry.companions, entry.cmdline.text) == ((), "quiet")


def lanzaboote(kernel: bytes = b"\\EFI\\nixos\\k.efi", digest: bytes = bytes(32), prefix: str = "linux") -> bytes:
    names = (".linux", ".linuxh", ".initrd", ".initrdh")
    if prefix == "kernel":
        names = (".kernelp", ".kernelh", ".initrdp", ".initrdh")
    contents = (kernel, digest, b"\\EFI\\nixos\\i.efi", b"\1" * 32)
    return uki((".osrel", OSREL), (".cmdline", b"init=/nix/store/x"), *zip(names, contents, strict=True))


@pytest.mark.parametrize("names", ["linux", "kernel"])
@pytest.mark.parametrize("prefix", ["", "/boot/efi"])
def test_a_stub_of_lanzaboote_names_kernel_and_initramfs_with_their_digests(names: str, prefix: str) -> None:
    entry = one({f"{prefix}/EFI/Linux/nixos-generation-1.efi": lanzaboote(prefix=names)})
    assert (entry.kernel.path, entry.kernel.part) == (f"{prefix}/EFI/nixos/k.efi", "")
    assert [(ref.path, ref.part) for ref in entry.initrds] == [(f"{prefix}/EFI/nixos/i.efi", "")]
    assert [ref.sha256 for ref in (entry.kernel, *entry.initrds)] == ["00" * 32, "01" * 32]
    assert (entry.title, entry.cmdline.text) == ("Debian GNU/Linux 13 (trixie)", "init=/nix/store/x")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (lanzaboote(digest=bytes(31)), "its .linuxh has 31 bytes, and a SHA-256 has 32"),
        (lanzaboote(kernel=b"\0"), "its .linux is not the path of a file"),
        (lanzaboote(kernel=b"/" * 2000), "its .linux is not the path of a file"),
    ],
)
def test_a_broken_stub_of_lanzaboote_is_a_problem(data: bytes, message: str) -> None:
    entries, problems = scan({"/EFI/Linux/a.efi": data})
    assert (entries, [problem.message for problem in problems]) == ([], [message])


def test_as_a_kernel_a_stub_of_lanzaboote_says_what_it_is() -> None:
    with pytest.raises(BrokenContainer, match=r"its kernel is .EFI.nixos.k.efi") as caught:
        identify(Buffer(lanzaboote()))
    assert caught.value.looks_like == "a stub of Lanzaboote, which loads a kernel from another file"


def test_a_broken_addon_costs_only_itself() -> None:
    entries, problems = scan(
        {
            "/EFI/Linux/a.efi": image(),
            "/loader/addons/a.addon.efi": b"MZ",
            "/loader/addons/b.addon.efi": image(),
            "/loader/addons/c.addon.efi": uki((".cmdline", b"c")),
        }
    )
    assert [entry.cmdline.text for entry in entries] == ["quiet c"]
    assert [problem.path for problem in problems] == ["/loader/addons/a.addon.efi", "/loader/addons/b.addon.efi"]


def test_what_is_no_image_is_a_problem_and_hides_no_other() -> None:
    entries, problems = read(
        {
            "/EFI/Linux/a.efi": image(),
            "/EFI/Linux/b.efi": b"text",
            "/EFI/Linux/c.efi": uki((".cmdline", b"c")),
            "/EFI/Linux/d.efi": image(),
            "/EFI/Linux/e.efi/f": "",
            "/EFI/Linux/.g.efi": b"",
            "/EFI/Linux/h.txt": b"",
        },
        {"/EFI/Linux/d.efi": TreeErrorReason.UNREADABLE},
    )
    assert [entry.id for entry in entries] == ["a"]
    assert [problem.path.rpartition("/")[2] for problem in problems] == ["b.efi", "c.efi", "d.efi", "e.efi"]


def test_too_many_images_are_not_cut_in_silence() -> None:
    data = uki(LINUX)
    entries, problems = scan({f"/EFI/Linux/{number}.efi": data for number in range(201)})
    assert (len(entries), [problem.path for problem in problems]) == (200, ["/EFI/Linux"])


@pytest.mark.parametrize(("profile", "left"), [("", ["a@1"]), ("profile 1\n", ["a"]), ("profile 0\n", ["a@1"])])
def test_a_profile_that_a_text_entry_names_is_not_offered_again(profile: str, left: list[str]) -> None:
    entries, problems = scan(
        {
            "/EFI/Linux/a.efi": image((".profile", b""), (".profile", b"")),
            "/loader/entries/t.conf": f"uki /EFI/Linux/a.efi\n{profile}",
        }
    )
    assert not problems
    assert [entry.id for entry in entries] == [*left, "t"]


def test_a_text_entry_of_an_image_gets_its_addons_too() -> None:
    files: dict[str, bytes | str] = {
        "/u/a.efi": image((".initrd", b"i")),
        "/u/a.efi.extra.d/a.addon.efi": uki((".cmdline", b"own"), (".initrd", b"j")),
        "/u/more.addon.efi": uki((".cmdline", b"more")),
        "/loader/addons/a.addon.efi": uki((".cmdline", b"common")),
        "/loader/entries/t.conf": "uki /u/a.efi\nextra /u/more.addon.efi",
        "/loader/entries/s.conf": "uki /u/a.efi\noptions mine",
        "/loader/entries/r.conf": "linux /u/a.efi\noptions mine",
        "/loader/entries/q.conf": "uki /u/none.efi\n",
    }
    entries, problems = scan(files)
    assert not problems
    assert [(entry.id, entry.cmdline.text, len(entry.initrds)) for entry in entries] == [
        ("t", "quiet common own more", 2),
        ("s", "mine common own", 2),
        ("r", "mine", 0),
        ("q", "", 0),
    ]


@examples(100)
@given(st.binary(max_size=200), st.integers(0, 4000), st.binary(min_size=1, max_size=8))
def test_any_bytes_give_entries_and_problems(data: bytes, at: int, damage: bytes) -> None:
    whole, stub = image((".initrd", b"i"), (".profile", b"ID=a")), lanzaboote()
    damaged = whole[:at] + damage + whole[at + len(damage) :]
    entries, problems = scan(
        {
            "/EFI/Linux/a.efi": image(),
            "/EFI/Linux/b.efi": data,
            "/EFI/Linux/c.efi": damaged,
            "/EFI/Linux/d.efi": stub[:at] + damage + stub[at + len(damage) :],
            "/loader/addons/d.addon.efi": damaged,
            "/loader/addons/e.addon.efi": data,
        }
    )
    assert "a" in [entry.id for entry in entries]
    assert all(entry.title for entry in entries)
    assert len(problems) <= 50
