# SPDX-License-Identifier: MIT
"""GRUB's commands: devices, files, what is loaded, other configurations."""

from __future__ import annotations

import pytest

from bootmenu.model.entry import FileRef
from bootmenu.sources.tree import TreeErrorReason
from tests.sources.parsers.grub.building import CONFIG, block, entries, menu, messages, titles, value, words
from tests.sources.parsers.reading import read


def kernel(script: str, path: str = "/k", files: dict[str, str] | None = None) -> tuple[str, str]:
    (entry,) = entries(f"menuentry x {{\n{script}\nlinux {path}\n}}\n", files)
    return entry.kernel.device, entry.kernel.path


@pytest.mark.parametrize(
    ("script", "device"),
    [
        ("", "sda1"),
        ("search --fs-uuid --set=root 1111-AAAA", "sda1"),
        ("search --no-floppy --fs-uuid --set=root --hint-efi=hd0,gpt2 --hint='hd0,gpt2' 1111-AAAA", "sda1"),
        ("search --no-floppy --fs-uuid --set=root BEEF-0001", "uuid=beef-0001"),
        ("search -u BEEF-0001 -s root", "uuid=beef-0001"),
        ("search -nu BEEF-0001 -s", "uuid=beef-0001"),
        ("search --set root -u BEEF-0001", "uuid=beef-0001"),
        ("search --label --set=root ROOT", "sda1"),
        ("search --set=root -l OTHER", "label=OTHER"),
        ("search --part-uuid --set=root 2222-BB", "sda1"),
        ("search --file --set=root /there", "sda1"),
        ("search --file --set=root /elsewhere", "file=/elsewhere"),
        ("search --file --set /there2", "file=/there2"),
        ("search --set -f /elsewhere", "file=/elsewhere"),
        ("search --fs-uuid BEEF-0001", "sda1"),  # found, and set nowhere
        ("search --hint hd9,1 --fs-uuid --set=root BEEF-0001 --hint-new=x", "uuid=beef-0001"),
        ("search.fs_uuid BEEF-0001 root hd0,gpt9", "uuid=beef-0001"),
        ("search.fs_label OTHER root", "label=OTHER"),
        ("search.file /there root", "sda1"),
        ("search.file /elsewhere root", "file=/elsewhere"),
        ("set root='hd0,gpt2'", "sda1"),
        ("set root=(hd0,2)", "sda1"),
        ("set root='hd1,msdos3'", "hd1,msdos3"),
        ("set root='lvm/vg-root'", "vg-root"),
        ("set root='md/0'", "md0"),
        ("set root='md/home'", "md_home"),
        ("unset root", "sda1"),
    ],
)
def test_where_the_root_is(script: str, device: str) -> None:
    assert kernel(script, "/k", {"/there": ""}) == (device, "/k")


@pytest.mark.parametrize("script", ["search", "search --set=root", "search BEEF", "search.file", "search --set"])
def test_a_search_for_nothing_fails(script: str) -> None:
    assert value(f"{script}; v=$?$root") == "1hd0,gpt2"


@pytest.mark.parametrize(
    ("path", "file"),
    [
        ("/boot/k", ("sda1", "/boot/k")),
        ("($root)/k", ("sda1", "/k")),
        ("(hd0,gpt2)/k", ("sda1", "/k")),
        ("(hd0,gpt3)/k", ("hd0,gpt3", "/k")),
        ("(HD0)/k", ("HD0", "/k")),
        ("k", ("sda1", "/k")),
        ("(hd1,1)", ("hd1,1", "/")),
        ("$prefix/../k", ("sda1", "/boot/grub/../k")),
        ("(uuid=beef)/k", ("uuid=beef", "/k")),
    ],
)
def test_paths(path: str, file: tuple[str, str]) -> None:
    assert kernel("", path) == file


@pytest.mark.parametrize("command", ["linux", "linux16", "linuxefi", "kernel"])
@pytest.mark.parametrize("initrd", ["initrd", "initrd16", "initrdefi"])
@pytest.mark.parametrize("devicetree", ["devicetree", "fdt"])
def test_what_an_entry_loads(command: str, initrd: str, devicetree: str) -> None:
    (entry,) = entries(
        f"menuentry x {{\n{devicetree} /b.dtb\n{command} /k root=/dev/sda2 quiet\n{initrd} /u /i ($root)/j\n}}\n"
    )
    assert entry.kernel == FileRef(device="sda1", path="/k")
    assert [file.path for file in entry.initrds] == ["/u", "/i", "/j"]
    assert entry.dtb == FileRef(device="sda1", path="/b.dtb")
    assert entry.cmdline.text == "root=/dev/sda2 quiet"


def test_what_is_loaded_again_replaces_what_was_there() -> None:
    (entry,) = entries("menuentry x { linux /a 1; initrd /i; devicetree /d; linux /b 2; devicetree }")
    assert (entry.kernel.path, entry.cmdline.text, entry.initrds, entry.dtb) == ("/b", "2", (), None)
    (entry,) = entries("menuentry x { linux /a; initrd /i; initrd --nounzip newc:etc/x:/j /l }")
    assert [file.path for file in entry.initrds] == ["/j", "/l"]


def test_a_kernel_that_is_absent_fails_and_is_shown_all_the_same() -> None:
    (entry,) = entries("menuentry x { if linux /k; then true; else linux /other; fi }", {"/other": ""})
    assert entry.kernel.path == "/other"
    assert entries("menuentry x { linux /k }")[0].kernel.path == "/k"
    assert messages("menuentry x { linux }") == [
        "a linux command names no kernel",
        "the entry “x” starts no kernel: its conditions are not met here",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "chainloader /EFI/Microsoft/Boot/bootmgfw.efi",
        "fwsetup",
        "reboot",
        "halt",
        "exit",
        "multiboot2 /xen.gz\nmodule2 /vmlinuz",
        "xen_hypervisor /xen\nxen_module /vmlinuz",
        "true",
        "",
        "if [ -f /gone ]; then chainloader +1; fi",
    ],
)
def test_entries_that_start_no_linux_are_quietly_left_out(body: str) -> None:
    assert entries(f"menuentry x {{\n{body}\n}}\n") == []


def test_an_entry_whose_conditions_are_not_met_is_said() -> None:
    assert messages("menuentry x { if [ -f /gone ]; then linux /k; fi }") == [
        "the entry “x” starts no kernel: its conditions are not met here"
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("--set=v -u $root", "1111-AAAA"),
        ("--set v --fs-uuid ($root)", "1111-AAAA"),
        ("-s v -l $root", "ROOT"),
        ("--part-uuid --set=v (hd0,gpt2)", "2222-bb"),
        ("--partuuid --set=v $root", "2222-bb"),
        ("--set=v -u uuid=beef", "beef"),
        ("--set=v -u (hd7,1)", ""),
        ("--set=v --fs $root", ""),
        ("--set=v -u", ""),
        ("-u $root", ""),
    ],
)
def test_probe(options: str, expected: str) -> None:
    assert value(f"probe {options}") == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("regexp --set=v 'linuz-(.*)$' /boot/vmlinuz-6.1", "6.1"),
        ("regexp --set 1:v '(a)(b)' ab", "a"),
        ("regexp -s 2:v '(a)(b)' ab", "b"),
        ("regexp --set=0:v 'a.' xaby", "ab"),
        ("regexp --set=7:v a a", ""),
        ("v=x; regexp --set=v '(b)|a' a", ""),
        ("regexp '^a' ba; v=$?", "1"),
        ("regexp '^b' ba; v=$?", "0"),
        ("regexp a; v=$?", "1"),
        ("regexp --set=x:v a a; v=$?", "1"),
        ("regexp --set=1:v --set=2:w '^([^,]+),(.*)' hd0,gpt2; v=$v-$w", "hd0-gpt2"),
    ],
)
def test_regexp(command: str, expected: str) -> None:
    assert value(command) == expected


def test_a_regular_expression_that_is_none() -> None:
    assert messages("regexp '(' a") == ["the regular expression has an unmatched ( (at byte 0x1)"]


ENVIRONMENT = {"/boot/grub/grubenv": block({"a": "1", "b": "2 3"}), "/env": block({"a": "9"})}


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ("load_env; v=$a$b", "12"),
        ('load_env b; v="x$a$b"', '"x2 3"'),
        ("load_env --file /env; v=$a", "9"),
        ("load_env -f ($root)/env --skip-sig a; v=$a", "9"),
        ("load_env -f /gone; v=$?", "1"),
        ("load_env -f (hd9,1)/env; v=$?", "1"),
        ("load_env -f /boot/grub/grub.cfg; v=$?", "1"),
        ("prefix=(hd9,1)/x; load_env; v=$?", "1"),
        ("load_env; a=5; save_env a; load_env; v=$a", "1"),
    ],
)
def test_the_environment_block(script: str, expected: str) -> None:
    assert value(script, files=ENVIRONMENT) == expected


@pytest.mark.parametrize("command", ["source", "."])
def test_source_runs_here(command: str) -> None:
    files = {"/boot/grub/more.cfg": "v=a$w\nmenuentry m { linux /k }\n"}
    found = entries(f"w=b\n{command} $prefix/more.cfg\nmenuentry x {{ linux /k $v }}\n", files)
    assert [(entry.title, entry.cmdline.text) for entry in found] == [("m", ""), ("x", "ab")]
    assert [entry.config and entry.config.path for entry in found] == ["/boot/grub/more.cfg", CONFIG]


def test_configfile_opens_a_context_and_a_menu_of_its_own() -> None:
    files = {"/b.cfg": "menuentry inner { linux /k $v.$w.$config_directory$u }\nset v=3\nset default=0\n"}
    text = (
        "set v=1\nset u=unseen\nset w=2\nexport w\nmenuentry outer { linux /k $v }\n"
        "configfile ($root)/b.cfg\nset default=outer\n"
    )
    found = entries(text, files)
    assert [(entry.title, entry.cmdline.text, entry.default) for entry in found] == [
        ("inner", "3.2.(hd0,gpt2)", True),
        ("outer", "1", False),
    ]


@pytest.mark.parametrize(
    ("command", "seen"), [("extract_entries_source", "1.2"), ("extract_entries_configfile", ".2")]
)
def test_extracting_entries(command: str, seen: str) -> None:
    files = {"/b.cfg": "menuentry inner { linux /k $v.$w }\nset x=3\n"}
    text = f"set v=1\nset w=2\nexport w\n{command} /b.cfg\nmenuentry outer {{ linux /k .$x }}\nset default=1\n"
    found = entries(text, files)
    assert [(entry.title, entry.cmdline.text, entry.default) for entry in found] == [
        ("inner", seen, False),
        ("outer", ".", True),
    ]


def test_normal_reads_the_configuration_in_prefix() -> None:
    assert titles("set prefix=($root)/x\nnormal\n", {"/x/grub.cfg": "menuentry n { linux /k }"}) == ["n"]
    assert titles("normal /y.cfg\n", {"/y.cfg": "menuentry n { linux /k }"}) == ["n"]


def test_an_entry_that_opens_another_configuration_leads_to_its_entries() -> None:
    files = {"/b.cfg": "menuentry inner { linux /k }\nmenuentry back { configfile /boot/grub/grub.cfg }\n"}
    found = entries("menuentry other { configfile /b.cfg }\n", files)
    assert [(entry.title, entry.id) for entry in found] == [("other › inner", "other>inner")]


@pytest.mark.parametrize("command", ["source", "configfile", "extract_entries_source", "normal", "."])
def test_a_configuration_that_reads_itself_is_read_a_few_times_and_listed_once(command: str) -> None:
    found, problems = menu(f"menuentry a {{ linux /k }}\n{command} $config_file\n")
    assert [entry.title for entry in found] == ["a"]
    assert [problem.message for problem in problems] == [f"{CONFIG} includes itself"]


@pytest.mark.parametrize("command", ["source", "configfile", "extract_entries_configfile"])
def test_a_file_on_another_partition_is_left_to_that_partition(command: str) -> None:
    text = f"search.fs_uuid BEEF-0001 root\nset prefix=($root)'/boot/grub'\n{command} $prefix/grub.cfg\n"
    assert entries(text) == []


def test_a_file_that_is_absent_is_said() -> None:
    assert menu("source /gone.cfg")[1][0].path == "/gone.cfg"
    assert messages("source") == []
    assert messages("menuentry a { configfile /gone.cfg }") == []


def test_a_configuration_without_a_menu_that_boots_is_an_entry() -> None:
    (entry,) = entries("linux /k root=/dev/sda2\ninitrd /i\nboot\n")
    assert (entry.title, entry.id, entry.cmdline.text) == (CONFIG, CONFIG, "root=/dev/sda2")
    assert entries("linux /k\n") == []
    assert value("boot; v=$?") == "1"


def test_exit_ends_the_configuration() -> None:
    assert titles("menuentry a { linux /k }\nif true; then exit; fi\nmenuentry b { linux /k }") == ["a"]


@pytest.mark.parametrize("before", [True, False])
def test_a_kernel_within_an_image_is_named_by_it(before: bool) -> None:
    loop, linux = "set f=/x.iso; loopback loop $f", "linux (loop)/casper/vmlinuz iso-scan/filename=$f"
    text = f"{loop}\nmenuentry iso {{ {linux} }}" if before else f"menuentry iso {{ {loop}; {linux} }}"
    (entry,) = entries(text)
    assert (entry.kernel.device, entry.kernel.path) == ("sda1:/x.iso", "/casper/vmlinuz")
    assert entry.cmdline.text == "iso-scan/filename=/x.iso"


@pytest.mark.parametrize("inside", ["linux (l)/k", "root=(l)\nlinux /k", "linux ($root)/k"])
def test_a_loopback_of_a_submenu_is_there_for_its_entries(inside: str) -> None:
    # multibootusb, mbusb.d: a submenu for each image
    text = f"submenu s /x.iso {{ loopback l $2\nroot=l\nmenuentry a {{ {inside} }}\n}}\nmenuentry b {{ linux (l)/k }}"
    assert [entry.kernel.device for entry in entries(text)] == ["sda1:/x.iso", "l"]


def test_a_loopback_of_one_entry_is_none_of_another() -> None:
    text = "menuentry a { loopback l /x; linux (l)/k }\nmenuentry b { loopback m /y; linux (l)/k }"
    assert [entry.kernel.device for entry in entries(text)] == ["sda1:/x", "l"]


@pytest.mark.parametrize(
    ("relative", "path"), [("y", "/.snapshots/7/snapshot"), ("1", "/.snapshots/7/snapshot"), ("0", ""), ("", "")]
)
def test_suse_s_grub_reads_the_files_of_the_subvolume_that_is_set(relative: str, path: str) -> None:
    # snapper's plugin, /.snapshots/grub-snapshot.cfg; a partition is its default subvolume
    text = f"""set btrfs_relative_path={relative}
export btrfs_relative_path
menuentry s /.snapshots/7/snapshot /@/.snapshots/7/snapshot {{
    btrfs_subvol="$3"
    configfile "$2/boot/grub2/grub.cfg"
}}
menuentry own {{ linux /boot/k
}}"""
    inner = "menuentry a { linux /boot/k\ninitrd /boot/lost\n}"
    files: dict[str, str | bytes] = {
        "/.snapshots/7/snapshot/boot/grub2/grub.cfg": inner,
        "/.snapshots/7/snapshot/boot/k": b"",
        "/boot/k": b"",
    }
    (one, two) = entries(text, files)
    assert (one.title, one.kernel.path, one.initrds[0].path) == ("s › a", f"{path}/boot/k", "/boot/lost")
    assert (two.title, two.kernel.path) == ("own", "/boot/k")


def test_blscfg_lists_nothing_twice() -> None:
    files: dict[str, bytes | str] = {
        "/loader/entries/f-1.conf": "title One\nlinux /k1\noptions $kernelopts $unset\n",
        "/loader/entries/f-2.conf": "title Two\nlinux /k2\noptions $kernelopts\n",
        "/grub2/grub.cfg": 'load_env\nset kernelopts="$kernelopts extra"\nset default=$saved_entry\nblscfg\n'
        "menuentry own { linux /k3 }\n",
        "/grub2/grubenv": block({"kernelopts": "root=/dev/sda2", "saved_entry": "f-1"}),
    }
    found, problems = read(files)
    assert not problems
    assert [(entry.source, entry.title, entry.cmdline.text, entry.default) for entry in found] == [
        ("bls", "Two", "root=/dev/sda2 extra", False),
        ("bls", "One", "root=/dev/sda2 extra", True),
        ("grub", "own", "", False),
    ]


@pytest.mark.parametrize(
    ("default", "marked"),
    [
        ("", "Two"),  # the first of the menu
        ("0", "Two"),
        ("1", "One"),
        ("2", "own"),
        ("f-1", "One"),
        ("One", "One"),
        ("own", "own"),
        ("gone", "Two"),
    ],
)
@pytest.mark.parametrize("boot", ["", "/boot"])
def test_the_default_of_a_menu_with_bls_entries(default: str, marked: str, boot: str) -> None:
    files: dict[str, bytes | str] = {
        f"{boot}/loader/entries/f-1.conf": "title One\nlinux /k1\n",
        f"{boot}/loader/entries/f-2.conf": "title Two\nlinux /k2\n",
        f"{boot}/grub2/grub.cfg": f"set default='{default}'\nblscfg\nmenuentry own {{ linux /k3 }}\n",
    }
    assert [entry.title for entry in read(files)[0] if entry.default] == [marked]


def test_loader_conf_goes_first() -> None:
    files: dict[str, bytes | str] = {
        "/loader/entries/a.conf": "linux /k1\n",
        "/loader/entries/b.conf": "linux /k2\n",
        "/loader/loader.conf": "default a.conf\n",
        "/grub2/grub.cfg": "set default=b\nblscfg\n",
    }
    assert [entry.id for entry in read(files)[0] if entry.default] == ["a"]


@pytest.mark.parametrize("trouble", [TreeErrorReason.FORBIDDEN, TreeErrorReason.UNREADABLE])
def test_a_configuration_that_cannot_be_read_is_said_and_hides_nothing(trouble: TreeErrorReason) -> None:
    found, problems = read({"/grub/grub.cfg": "menuentry a { linux /k }"}, {CONFIG: trouble})
    assert [entry.title for entry in found] == ["a"]
    assert [problem.path for problem in problems] == [CONFIG]


def test_the_netboot_tree_of_debians_installer_is_read() -> None:
    folder = "/debian-installer/arm64"
    text = f"menuentry 'Install' {{\n linux {folder}/linux --- quiet\n initrd {folder}/initrd.gz\n}}\n"
    # its grub.cfg for the platform reads another one, which is not there
    files = {f"{folder}/grub/grub.cfg": text, f"{folder}/grub/arm64-efi/grub.cfg": "source /boot/grub/grub.cfg\n"}
    found, problems = read({**files, f"{folder}/linux": "", f"{folder}/initrd.gz": ""})
    assert not problems
    assert [(entry.source, entry.title, entry.kernel.path) for entry in found] == [
        ("grub", "Install", f"{folder}/linux")
    ]


def test_words_from_a_hostile_device() -> None:
    assert words("", "(") == "("
    assert kernel("", "'('")[0] == "sda1"
    assert kernel("set root=')('", "/k")[1] == "/k"
