# SPDX-License-Identifier: MIT
"""The parameter by which the system of a medium finds its image file, by what lies in the image."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootmenu.model.entry import BootEntry, CommandLine, FileRef
from bootmenu.sources.live_systems import from_file
from tests.builders.trees import MemoryTree
from tests.properties import examples

ISO = "/isos/a.iso"
FINDISO, SCAN = f"findiso={ISO}", f"iso-scan/filename={ISO}"
LOOP = f"img_dev=/dev/disk/by-uuid/0AB1-77C2 img_loop={ISO}"


def started(
    cmdline: str,
    *files: str,
    kernel: str = "/vmlinuz",
    config: str = "/boot/grub/grub.cfg",
    image: str = ISO,
    outer: tuple[str, ...] = ("sda1", "uuid=0ab1-77c2", "partuuid=77-01"),
    initrd: str = "/initrd",
) -> BootEntry:
    """Return the entry of an image with these files as it is offered."""
    names = [f"{name}:{image}" for name in outer]
    tree = MemoryTree(dict.fromkeys(files, b""), device=names[0], names=frozenset(names), image=image)
    entry = BootEntry(
        id="a",
        title="a",
        source="grub",
        config=FileRef(device=names[0], path=config),
        device=names[0],
        kernel=FileRef(device=names[0], path=kernel),
        initrds=(FileRef(device=names[0], path=initrd),),
        cmdline=CommandLine(cmdline),
        default=True,
    )
    return from_file(tree, entry)


@pytest.mark.parametrize(
    ("cmdline", "files", "kernel", "added"),
    [
        ("boot=live components", ["/live/filesystem.squashfs"], "/live/vmlinuz", FINDISO),
        (
            "boot=live live-media-path=/live/grml64-full/",
            ["/live/grml64-full/g.squashfs"],
            "/boot/g/vmlinuz",
            FINDISO,
        ),
        ("quiet", ["/casper/minimal.squashfs"], "/casper/vmlinuz", SCAN),
        ("boot=casper", ["/casper/filesystem.squashfs"], "/boot/vmlinuz", SCAN),
        ("boot=casper live-media-path=/casper_pop", ["/casper_pop/f.squashfs"], "/casper_pop/vmlinuz.efi", SCAN),
        ("root=live:CDLABEL=Fedora-WS rd.live.image", ["/LiveOS/squashfs.img"], "/images/pxeboot/vmlinuz", SCAN),
        ("root=live:LABEL=A rd.live.dir=/ rd.live.squashimg=r", ["/r"], "/boot/kernel", SCAN),
        ("inst.stage2=hd:LABEL=Fedora-S quiet", ["/images/install.img"], "/images/pxeboot/vmlinuz", SCAN),
        ("archisobasedir=arch archisosearchuuid=2", ["/arch/x86_64/airootfs.sfs"], "/arch/boot/vmlinuz", LOOP),
        ("archisobasedir=sysresccd archisolabel=R", ["/sysresccd/x86_64/airootfs.erofs"], "/sysresccd/k", LOOP),
        ("misobasedir=manjaro misolabel=M", ["/manjaro/x86_64/rootfs.sfs"], "/boot/vmlinuz-x86_64", LOOP),
        ("init=/nix/store/x/init root=LABEL=nixos", ["/nix-store.squashfs"], "/boot/bzImage", FINDISO),
        ("splash=silent", ["/boot/aarch64/root"], "/boot/aarch64/linux", f"install=hd:{ISO}"),
        ("root=/dev/ram0 androidboot.selinux=permissive", ["/system.efs"], "/kernel", SCAN),
        ("root=CDLABEL=Old rd.live.image", ["/LiveOS/squashfs.img"], "/isolinux/vmlinuz0", SCAN),
        ("parabolaisolabel=PARA", ["/parabola/x86_64/airootfs.sfs"], "/parabola/boot/x86_64/vmlinuz", LOOP),
        ("kdeosisobasedir=kdeos", ["/kdeos/x86_64/root-image.sqfs"], "/kdeos/boot/x86_64/kdeosiso", LOOP),
        ("changes=/porteus", ["/porteus/base/000.xzm"], "/boot/syslinux/vmlinuz", f"from={ISO}"),
        ("slax.flags=perch", ["/slax/01-core.sb"], "/slax/boot/vmlinuz", f"from={ISO}"),
        ("kbd=us", ["/liveslak/system/0010.sxz"], "/boot/generic", f"livemedia=scandev:{ISO}"),
        ("loop=/image.squashfs cdroot", ["/image.squashfs"], "/boot/gentoo", f"isoboot={ISO}"),
    ],
)
def test_each_kind_gets_its_own_parameter(cmdline: str, files: list[str], kernel: str, added: str) -> None:
    entry = started(cmdline, *files, kernel=kernel)
    assert entry.cmdline.text == f"{cmdline} {added}"
    assert entry.notes == (f"{added} was added, so that the system finds its image file",)
    assert (entry.manual, entry.default) == ("", False)
    # without what lies in it, it is not that kind: nothing is added
    assert started(cmdline, kernel=kernel).cmdline.text == cmdline


def test_antix_is_told_the_partition_and_the_file() -> None:
    entry = started("quiet", "/antiX/linuxfs", kernel="/antiX/vmlinuz")
    assert entry.cmdline.text == f"quiet buuid=0AB1-77C2 fromiso={ISO}"
    assert "UUID" in started("quiet", kernel="/antiX/vmlinuz", outer=("sda1",)).manual


@pytest.mark.parametrize(
    ("files", "initrd", "kernel", "cmdline", "needs_none"),
    [
        (["/.disk/mini-info"], "/initrd.gz", "/linux", "vga=788 --- quiet", True),
        (["/.disk/info"], "/initrd.gz", "/linux", "vga=788 --- quiet", False),
        ([], "/boot/corepure64.gz", "/boot/vmlinuz64", "loglevel=3", True),
        (["/cde/onboot.lst"], "/boot/core.gz", "/boot/vmlinuz", "loglevel=3 cde", False),
    ],
)
def test_a_system_that_is_all_in_memory_needs_no_parameter(
    files: list[str], initrd: str, kernel: str, cmdline: str, needs_none: bool
) -> None:
    entry = started(cmdline, *files, kernel=kernel, initrd=initrd)
    assert (entry.cmdline.text, entry.notes) == (cmdline, ())
    assert (entry.manual == "") is needs_none


@pytest.mark.parametrize(
    ("cmdline", "files", "kernel", "why"),
    [
        ("modules=loop,squashfs quiet", ["/apks/.boot_repository"], "/boot/vmlinuz-lts", "Alpine"),
        ("vga=788", ["/dists/stable/Release"], "/install.amd/vmlinuz", "Debian's installer"),
        ("root=/dev/sr0", ["/boot/core.gz"], "/boot/vmlinuz", "nothing in this image"),
        ("root=live:/dev/sr0", ["/LiveOS/squashfs.img"], "/vmlinuz", "nothing in this image"),
    ],
)
def test_where_no_parameter_is_known_it_never_starts_automatically(
    cmdline: str, files: list[str], kernel: str, why: str
) -> None:
    entry = started(cmdline, *files, kernel=kernel)
    assert entry.cmdline.text == cmdline
    assert why in entry.manual
    assert entry.notes == ()


@pytest.mark.parametrize("own", [FINDISO, f"fromiso=/dev/sda1{ISO}", f"img_dev=/dev/sda1 img_loop={ISO}"])
def test_what_its_configuration_says_is_not_added_again(own: str) -> None:
    entry = started(f"boot=live {own}", "/live/filesystem.squashfs")
    assert entry.cmdline.text == f"boot=live {own}"
    assert (entry.manual, entry.notes) == ("", ())


def test_a_loopback_cfg_for_an_unknown_system_is_believed() -> None:
    assert started("quiet", "/x", config="/boot/grub/loopback.cfg").manual == ""
    assert started("quiet", "/x").manual


def test_options_of_init_stay_behind_its_dashes() -> None:
    assert started("boot=live -- single", "/live/f.squashfs").cmdline.text == f"boot=live {FINDISO} -- single"
    assert started("boot=live --- quiet", "/live/f.squashfs").cmdline.text == f"boot=live {FINDISO} --- quiet"


def test_a_path_that_no_initramfs_reads_is_not_passed() -> None:
    assert "blank" in started("boot=live", "/live/f.squashfs", image="/my iso/a.iso").manual
    assert "blank" in started("boot=live findiso=/my iso/a.iso", image="/my iso/a.iso").manual
    assert "subvolume" in started("boot=live", "/live/f.squashfs", outer=("sda1:/@",)).manual


@pytest.mark.parametrize(
    ("outer", "device"),
    [
        (("sda1", "uuid=7c0ac2dc-1b1c-4c5c-9d6a-0a0f7d9a1a11"), "by-uuid/7c0ac2dc-1b1c-4c5c-9d6a-0a0f7d9a1a11"),
        (("sda1", "uuid=0123456789abcdef"), "by-uuid/0123456789ABCDEF"),
        (("sda1", "partuuid=0a0f7d9a-01"), "by-partuuid/0a0f7d9a-01"),
    ],
)
def test_arch_is_told_the_partition_by_its_link_in_dev(outer: tuple[str, ...], device: str) -> None:
    entry = started("archisolabel=A", "/arch/x86_64/airootfs.sfs", outer=outer)
    assert entry.cmdline.get("img_dev") == f"/dev/disk/{device}"


def test_arch_on_a_partition_without_a_uuid_never_starts_automatically() -> None:
    assert "UUID" in started("archisolabel=A", "/arch/x86_64/airootfs.sfs", outer=("sda1", "label=A")).manual


@examples(100)
@given(st.text(max_size=80), st.text(max_size=20), st.text(min_size=1, max_size=20))
def test_any_command_line_and_any_path_is_kept(cmdline: str, kernel: str, image: str) -> None:
    entry = started(cmdline, "/live/f.squashfs", kernel=f"/{kernel}", image=f"/{image}")
    assert entry.cmdline.text == cmdline or entry.notes
    assert not (entry.notes and entry.manual)
