# SPDX-License-Identifier: MIT
"""An entry whose kernel lies in a container gets from there what its configuration leaves open."""

from __future__ import annotations

import gzip

import pytest

from bootmenu.compat.facts import FileState
from bootmenu.discovery.entry_facts import gather
from bootmenu.formats.initramfs import FIRST_STAGE
from bootmenu.image.cpio import ArchiveMember, pack
from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.model.kernel import Signature
from bootmenu.model.value import replace
from tests.builders.containers import board_dtb, fit_of, uimage, uki
from tests.builders.entries import whole_image
from tests.builders.kernels import bzimage
from tests.builders.signatures import AUTHORITY, SIGNER, certificate, signed_program
from tests.builders.trees import MemoryTree

UKI = "/EFI/Linux/one.efi"
CPIO = b"070701 initramfs"
FILES = {
    UKI: uki(
        (".linux", whole_image()),
        (".cmdline", b"quiet"),
        (".initrd", CPIO),
        (".ucode", b"070701"),
        (".dtbauto", board_dtb("acme,rocket")),
        (".dtb", board_dtb("acme,any")),
        (".profile", b"ID=one"),
        (".profile", b"ID=two"),
        (".cmdline", b"debug"),
        (".dtb", b"damaged"),
    ),
    "/EFI/Linux/one.efi.extra.d/a.addon.efi": uki((".initrd", CPIO + b" of an addon"), (".cmdline", b"more")),
    "/other.dtb": board_dtb("acme,other"),
    "/Image": whole_image(),
}
TREES = {"sda1": MemoryTree(FILES)}
ENTRY = BootEntry(
    id="one", title="One", source="uki", device="sda1", kernel=FileRef(device="sda1", path=UKI), initrds=()
)


def ref(part: str, path: str = UKI) -> FileRef:
    return FileRef(device="sda1", path=path, part=part, exists=True)


def test_a_file_that_is_not_there_is_told_without_a_place_to_which_a_link_would_lead() -> None:
    entry = replace(ENTRY, kernel=FileRef(device="sda1", path="/none"))
    (file,) = gather(entry, TREES)[1].files
    assert (file.state, file.resolved, file.size) == (FileState.MISSING, None, None)
    waiting = replace(ENTRY, kernel=FileRef(device="uuid=1", path="/none"))
    (file,) = gather(waiting, TREES)[1].files
    assert (file.state, file.resolved, file.size) == (FileState.WAITING, None, None)


SIGNED = signed_program([certificate("Acme", "CA")], "CA", setup=bzimage(0x20F, 1)[:0x300])


def proven(signature: Signature | None) -> tuple[str, ...]:
    return () if signature is None else signature.proven


@pytest.mark.parametrize("path", ["/vmlinuz", UKI])
def test_a_kernel_is_read_for_its_own_signature_where_that_matters(path: str) -> None:
    trees = {"sda1": MemoryTree({"/vmlinuz": SIGNED, UKI: uki((".linux", SIGNED), (".cmdline", b"quiet"))})}
    entry = replace(ENTRY, kernel=FileRef(device="sda1", path=path))
    assert gather(entry, trees)[1].signature is None
    assert proven(gather(entry, trees, public_keys={})[1].signature) == (SIGNER.id,)
    known = {AUTHORITY.id: AUTHORITY.public}
    assert proven(gather(entry, trees, public_keys=known)[1].signature) == (SIGNER.id, AUTHORITY.id)


def test_a_signature_that_cannot_be_read_is_not_checked() -> None:
    at = SIGNED.index(bytes.fromhex("2a864886f70d010702"))
    broken = SIGNED[:at] + b"\0" + SIGNED[at + 1 :]
    trees = {"sda1": MemoryTree({"/vmlinuz": broken})}
    entry = replace(ENTRY, kernel=FileRef(device="sda1", path="/vmlinuz"))
    found = gather(entry, trees, public_keys={})[1].signature
    assert found is not None
    assert found.unchecked == "the signature is no PKCS #7 message"


def test_what_an_entry_leaves_open_comes_from_its_container() -> None:
    entry, facts = gather(ENTRY, TREES, board=("acme,rocket", "acme,soc"))
    assert entry.kernel == ref("")
    assert entry.initrds == (ref(".ucode"), ref(".initrd"))
    assert entry.dtb == ref(".dtbauto")
    assert entry.cmdline.text == facts.command_line == "quiet"
    assert facts.tree is not None
    assert facts.tree.compatible == ("acme,rocket",)
    assert [initramfs.size for initramfs in facts.initramfs] == [6, len(CPIO)]
    parts = {file.part: file.embedded for file in facts.files}
    assert parts[""] is None
    assert {name: part.size for name, part in parts.items() if part}[".initrd"] == len(CPIO)
    assert facts.files[1].name == f"sda1:{UKI} (.ucode)"


def test_what_the_configuration_says_wins() -> None:
    named = replace(ENTRY, dtb=ref("", "/other.dtb"), initrds=(ref(".initrd"),), cmdline=CommandLine("mine"))
    entry, facts = gather(named, TREES, board=("acme,rocket",))
    assert (entry.dtb, entry.initrds, entry.cmdline.text) == (ref("", "/other.dtb"), (ref(".initrd"),), "mine")
    assert facts.tree is not None
    assert facts.tree.compatible == ("acme,other",)


def test_a_folder_of_device_trees_is_a_choice_too() -> None:
    entry, _ = gather(replace(ENTRY, dtb_folder=ref("", "/dtbs")), TREES, board=("acme,rocket",))
    assert entry.dtb is None


def test_the_tree_for_any_board_is_taken_by_another_board() -> None:
    entry, facts = gather(ENTRY, TREES, board=("acme,sled",))
    assert entry.dtb == ref(".dtb")
    assert facts.tree is not None
    assert facts.tree.compatible == ("acme,any",)


def test_a_damaged_tree_of_a_chosen_profile_is_told() -> None:
    entry, facts = gather(replace(ENTRY, kernel=ref("@1")), TREES, board=("acme,sled",))
    assert entry.cmdline.text == "debug"
    assert entry.dtb == ref(".dtb#2")
    assert facts.own_tree is not None
    assert facts.own_tree.header_problem is not None
    assert facts.tree is None


def test_parts_of_an_addon_are_parts_of_their_own_file() -> None:
    path = "/EFI/Linux/one.efi.extra.d/a.addon.efi"
    entry, facts = gather(replace(ENTRY, initrds=(ref(".initrd"), ref(".initrd", path))), TREES)
    assert entry.initrds == (ref(".initrd"), ref(".initrd", path))
    assert [initramfs.size for initramfs in facts.initramfs] == [len(CPIO), len(CPIO) + 12]


@pytest.mark.parametrize(("path", "detail"), [(UKI, "no part .gone"), ("/Image", "not a container")])
def test_a_part_that_is_not_there_makes_its_file_unusable(path: str, detail: str) -> None:
    _, facts = gather(replace(ENTRY, initrds=(ref(".gone", path),)), TREES)
    (file,) = [file for file in facts.files if file.role == "initramfs"]
    assert file.state is FileState.UNUSABLE
    assert detail in file.detail


def test_a_kernel_without_container_is_left_as_it_is() -> None:
    plain = replace(ENTRY, kernel=ref("", "/Image"))
    entry, _ = gather(plain, TREES, board=("acme,rocket",))
    assert entry == plain


def test_a_fit_boots_with_the_configuration_of_this_board() -> None:
    images = {
        "kernel": ("kernel", whole_image(), "none"),
        "ramdisk": ("ramdisk", CPIO, "none"),
        "fdt": ("flat_dt", gzip.compress(board_dtb("acme,rocket")), "gzip"),
        "overlay": ("flat_dt", board_dtb("acme,overlay"), "none"),
    }
    data = fit_of(images, {"one": {"kernel": ["kernel"], "ramdisk": ["ramdisk"], "fdt": ["fdt", "overlay"]}})
    trees = {"sda1": MemoryTree({UKI: data})}
    entry, facts = gather(ENTRY, trees, board=("acme,rocket",))
    assert (entry.initrds, entry.dtb, entry.overlays) == ((ref("ramdisk"),), ref("fdt"), (ref("overlay"),))
    assert facts.tree is not None
    assert facts.tree.compatible == ("acme,rocket",)
    assert facts.overlays == (True,)
    elsewhere, _ = gather(ENTRY, trees, board=("acme,sled",))
    assert (elsewhere.initrds, elsewhere.dtb, elsewhere.overlays) == ((ref("ramdisk"),), None, ())


@pytest.mark.parametrize("deep", [False, True])
def test_an_initramfs_is_taken_out_of_its_uimage(deep: bool) -> None:
    files = {"/Image": whole_image(), "/uInitrd": uimage(CPIO, kind=3), "/bad": uimage(CPIO, kind=3, data_crc=1)}
    for path, state in (("/uInitrd", FileState.PRESENT), ("/bad", FileState.UNUSABLE if deep else FileState.PRESENT)):
        named = replace(ENTRY, kernel=ref("", "/Image"), initrds=(ref("", path),))
        entry, facts = gather(named, {"sda1": MemoryTree(files)}, deep=deep)
        assert entry == named
        assert facts.files[1].state is state
        if state is FileState.PRESENT:
            assert facts.files[1].embedded is not None
            assert (facts.files[1].embedded.offset, facts.initramfs[0].size) == (64, len(CPIO))


def test_overlays_that_make_too_large_a_tree_are_not_gathered() -> None:
    # MAX_OVERLAYS of 2 MiB each, of many partitions at a time, would be in memory together
    padded = board_dtb("acme,overlay") + bytes(700_000)
    files = {"/Image": whole_image(), "/a.dtbo": padded}
    many = tuple(ref("", "/a.dtbo") for _ in range(10))
    entry = replace(ENTRY, kernel=ref("", "/Image"), initrds=(), dtb=ref("", "/a.dtbo"), overlays=many)
    _, facts = gather(entry, {"sda1": MemoryTree(files)})
    states = [file.state for file in facts.files if file.role == "overlay"]
    assert states == [FileState.PRESENT] * 2 + [FileState.UNUSABLE] * 8
    assert "2,097,152" in facts.files[-1].detail
    assert len(facts.overlays) == 2


@pytest.mark.parametrize(
    ("cmdline", "initrds", "opens"),
    [
        ("quiet", ("/plain",), False),
        ("quiet", ("/marked",), True),
        ("quiet", ("/plain", "/marked"), True),
        ("quiet", ("/wrapped",), True),
        ("root=/dev/sda2 break=bootmenu", ("/plain",), True),
        ("root=/dev/sda2 break=top,bootmenu", ("/plain",), True),
        ("root=/dev/sda2 break=bootmenu break=mount", ("/plain",), True),
        ("root=/dev/sda2 break=mount", ("/plain",), False),
        ("root=/dev/sda2 rd.break=bootmenu rd.break", ("/plain",), True),
        ("root=/dev/sda2 rd.break", ("/plain",), False),
    ],
)
def test_what_opens_a_boot_menu_again_never_starts_by_itself(
    cmdline: str, initrds: tuple[str, ...], opens: bool
) -> None:
    archive = b"".join(pack([ArchiveMember.file(FIRST_STAGE, b"")])) + gzip.compress(CPIO)
    files = {
        "/Image": whole_image(),
        "/plain": gzip.compress(CPIO),
        "/marked": archive,
        "/wrapped": uimage(archive, kind=3),
    }
    named = replace(
        ENTRY,
        kernel=ref("", "/Image"),
        initrds=tuple(ref("", path) for path in initrds),
        cmdline=CommandLine(cmdline),
        default=True,
    )
    entry, _ = gather(named, {"sda1": MemoryTree(files)})
    assert (bool(entry.manual), entry.default) == (opens, not opens)


def test_a_unified_kernel_that_opens_a_menu_never_starts_by_itself() -> None:
    archive = b"".join(pack([ArchiveMember.file(FIRST_STAGE, b"")])) + gzip.compress(CPIO)
    image = uki((".linux", whole_image()), (".initrd", archive), (".cmdline", b"console=tty0"))
    assert gather(ENTRY, {"sda1": MemoryTree({UKI: image})})[0].manual
