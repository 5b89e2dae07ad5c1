# SPDX-License-Identifier: MIT
"""The command line from outside: exit codes, the JSON of the public contract, and no traceback whatever happens."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from bootmenu import cli
from bootmenu.demo.builders import arm64_image, board_tree, write_sparse
from bootmenu.kexec.methods import METHODS
from tests.builders import containers, machines
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.commands.calling import Call

VIRT = str(machines.FOLDER / "virt-psci-hvc.json")
ESCAPE = "\x1b[2J\x9b31m\x07"


def started(*argv: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
    """The program itself, in a process of its own."""
    command = [sys.executable, "-m", "bootmenu", *argv]
    return subprocess.run(command, capture_output=True, timeout=60, check=False, **options)


def shell(script: str, *argv: str) -> subprocess.CompletedProcess[bytes]:
    """The same below a shell that closes or redirects: "$@" is the program."""
    command = ["sh", "-c", script, "sh", sys.executable, "-m", "bootmenu", *argv]
    return subprocess.run(command, capture_output=True, timeout=60, check=False)


# ---- scan -------------------------------------------------------------------------------------------------


def test_scan_prints_the_object_of_the_contract(call: Call, partition: Path) -> None:
    outcome = call("scan", "--json", "--machine", VIRT, "--tree", f"{partition},name=sda1,uuid=1-2")
    assert (outcome.code, outcome.err) == (0, "")
    assert set(outcome.json) == {"entries", "problems"}
    (entry,) = outcome.json["entries"]
    findings = entry.pop("findings")
    assert entry == {
        "id": entry["id"],
        "title": "Good",
        "version": "6.1",
        "source": "bls",
        "config": {"device": "sda1", "path": "/loader/entries/good.conf", "exists": True},
        "also": [],
        "device": "sda1",
        "kernel": {"device": "sda1", "path": "/vmlinuz", "exists": True},
        "initrds": [{"device": "sda1", "path": "/initrd", "exists": True}],
        "dtb": None,
        "overlays": [],
        "cmdline": "console=ttyAMA0",
        "architecture": "arm64",
        "default": False,
        "verdict": "pass",
    }
    for finding in findings:
        assert set(finding) == {"code", "severity", "message", "hint", "evidence"}
        assert isinstance(finding["evidence"], dict)


def test_a_grub_menu_is_that_of_the_machine_which_is_described(call: Call, tmp_path: Path) -> None:
    # as Ubuntu's 20_memtest86+ and 30_uefi-firmware, and multi-architecture media, write them
    script = """if [ "$grub_platform" = pc ]; then menuentry memtest { linux16 /memtest86+x64.bin }
elif [ "$grub_platform" = efi ]; then menuentry efi-$grub_cpu { linux /vmlinuz }; fi
if cpuid -l; then menuentry long { linux /vmlinuz }; fi
"""
    write_tree(tmp_path / "disk", {"boot/grub/grub.cfg": script, "vmlinuz": b"", "memtest86+x64.bin": b""})
    described = json.loads(Path(VIRT).read_bytes())
    for facts, expected in (
        ({"architecture": "x86_64", "machine": "x86_64", "efi": False}, ["memtest", "long"]),
        ({"architecture": "x86_64", "machine": "x86_64", "efi": True}, ["efi-x86_64", "long"]),
        ({"architecture": "arm64", "efi": False}, ["efi-arm64"]),
    ):
        machine = tmp_path / "facts.json"
        machine.write_text(json.dumps({**described, **facts}))
        found = call("scan", "--json", "--machine", machine, "--tree", tmp_path / "disk").json["entries"]
        assert [entry["title"] for entry in found if entry["source"] == "grub"] == expected


def test_files_exist_or_not_or_nobody_knows(call: Call, partition: Path) -> None:
    write_tree(
        partition,
        {"loader/entries/bad.conf": "linux /gone\ndevicetree /../../etc/passwd\ndevicetree-overlay /loader /o\n"},
    )
    (bad,) = [
        entry for entry in call("scan", "--json", "--tree", partition).json["entries"] if entry["title"] == "bad"
    ]
    assert bad["kernel"]["exists"] is False
    assert bad["dtb"]["exists"] is False
    assert [ref["exists"] for ref in bad["overlays"]] == [True, False]
    assert bad["architecture"] is None
    assert bad["verdict"] == "fail"


def test_a_problem_has_its_device_path_and_message(call: Call, partition: Path) -> None:
    write_tree(partition, {"loader/entries/broken.conf": "title no kernel\n"})
    outcome = call("scan", "--json", "--tree", f"{partition},name=sda1")
    assert outcome.json["problems"] == [
        {"device": "sda1", "path": "/loader/entries/broken.conf", "message": "names no kernel (linux)"}
    ]
    text = call("scan", "--tree", f"{partition},name=sda1")
    assert text.code == 0
    assert "sda1:/loader/entries/broken.conf: names no kernel" in text.err
    assert "Good" in text.out


def ids(call: Call, *trees: str) -> list[str]:
    words = [word for tree in trees for word in ("--tree", tree)]
    return [entry["id"] for entry in call("scan", "--json", "--machine", VIRT, *words).json["entries"]]


def test_ids_stay_from_scan_to_scan_and_do_not_depend_on_device_names(call: Call, partition: Path) -> None:
    first = ids(call, f"{partition},name=sda1,uuid=ABCD")
    assert ids(call, f"{partition},name=sda1,uuid=ABCD") == first
    assert ids(call, f"{partition},name=nvme0n1p7,uuid=abcd,label=other") == first
    assert ids(call, f"{partition},name=sda1,uuid=1234") != first


def test_two_labels_of_one_name_have_two_ids(call: Call, tmp_path: Path) -> None:
    write_tree(tmp_path, {"extlinux/extlinux.conf": "label a\nkernel /k\nlabel a\nkernel /j\n"})
    found = ids(call, str(tmp_path))
    assert len(set(found)) == 2
    assert ids(call, str(tmp_path)) == found


def test_an_entry_keeps_its_id_when_its_tries_are_counted(call: Call, tmp_path: Path) -> None:
    folder = tmp_path / "loader/entries"
    write_tree(folder, {"a+3.conf": "linux /k\n"})
    before = ids(call, f"{tmp_path},uuid=1")
    (folder / "a+3.conf").rename(folder / "a+2-1.conf")
    assert ids(call, f"{tmp_path},uuid=1") == before


def test_every_tree_is_read_whatever_it_is_called(call: Call, tmp_path: Path) -> None:
    one = write_tree(tmp_path / "one/boot", {"vmlinuz-1": whole_image()})
    two = write_tree(tmp_path / "two/boot", {"vmlinuz-2": whole_image()})
    entries = call("scan", "--json", "--tree", one, "--tree", two).json["entries"]
    assert [entry["title"] for entry in entries] == ["vmlinuz-1", "vmlinuz-2"]
    assert entries[0]["device"] != entries[1]["device"]


def test_two_trees_may_not_be_given_one_name(call: Call, tmp_path: Path) -> None:
    outcome = call("scan", "--tree", f"{tmp_path},name=sda1", "--tree", f"{tmp_path},name=sda1")
    assert outcome.code == 2
    assert "sda1" in outcome.err


@pytest.mark.parametrize("option", ["", ",name", ",name=", ",size=4", ",uuid", ",,"])
def test_a_wrong_tree_option_is_a_wrong_call(call: Call, tmp_path: Path, option: str) -> None:
    outcome = call("scan", "--tree", f"{tmp_path}{option}" if option else ",name=x")
    assert outcome.code == 2
    assert "--tree" in outcome.err


def test_nothing_found_is_said_and_is_no_failure(call: Call, tmp_path: Path) -> None:
    outcome = call("scan", "--tree", tmp_path)
    assert (outcome.code, outcome.out) == (0, "")
    assert "nothing was found" in outcome.err
    assert call("scan", "--json", "--tree", tmp_path).json == {"entries": [], "problems": []}


# ---- hostile texts ----------------------------------------------------------------------------------------


def hostile(root: Path) -> Path:
    """A partition whose every text wants to steer the terminal."""
    root.mkdir()
    tree = board_tree(("acme",), cpus=())
    tree.ensure(f"/cpus/cpu@{ESCAPE}\udcff").set("device_type", b"cpu\0")
    write_tree(
        root,
        {
            "loader/entries/a.conf": f"title {ESCAPE}T\nversion {ESCAPE}\nlinux /{ESCAPE}k\n{ESCAPE} x\n",
            f"loader/entries/{ESCAPE}.conf": "title b\nlinux /k\ndevicetree /d\n",
            f"loader/entries/{ESCAPE}broken.conf": "title c\n",
            "extlinux/extlinux.conf": f"label {ESCAPE}\nmenu label {ESCAPE}\nkernel /k\nappend {ESCAPE}\n{ESCAPE}\n",
            "k": whole_image(),
            "d": tree.to_bytes(),
        },
    )
    (Path(os.fsdecode(os.fsencode(root) + b"/vmlinuz-\xff\x1b[2J"))).write_bytes(whole_image())
    return root


def harmless(*texts: str) -> bool:
    return all(char == "\n" or char.isprintable() for text in texts for char in text)


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_scan_prints_no_control_character_of_a_disk(call: Call, tmp_path: Path, options: list[str]) -> None:
    outcome = call("scan", *options, "--machine", VIRT, "--tree", f"{hostile(tmp_path / 'h')},name={ESCAPE}")
    assert outcome.code == 0
    assert harmless(outcome.out, outcome.err), ascii(outcome.out + outcome.err)


def test_json_keeps_what_the_disk_says(call: Call, tmp_path: Path) -> None:
    entries = call("scan", "--json", "--tree", hostile(tmp_path / "h")).json["entries"]
    assert f"{ESCAPE}T" in [entry["title"] for entry in entries]
    assert "/vmlinuz-\udcff\x1b[2J" in [entry["kernel"]["path"] for entry in entries]


@pytest.mark.parametrize("options", [[], ["--json"]], ids=["text", "json"])
def test_check_prints_no_control_character_of_a_file(call: Call, tmp_path: Path, options: list[str]) -> None:
    root = hostile(tmp_path / "h")
    outcome = call("check", root / "k", "--dtb", root / "d", "--machine", VIRT, *options)
    assert outcome.code == 1
    assert "DT-CPU-SET" in outcome.out
    assert harmless(outcome.out, outcome.err), ascii(outcome.out)


def test_a_message_about_a_hostile_name_is_harmless(call: Call, tmp_path: Path) -> None:
    for words in (["check", tmp_path / ESCAPE], ["scan", "--tree", ESCAPE], ["scan", "--machine", ESCAPE]):
        outcome = call(*words)
        assert outcome.code == 2
        assert harmless(outcome.out, outcome.err), ascii(outcome.err)


def test_a_hostile_tree_does_not_flood_the_report(call: Call, tmp_path: Path) -> None:
    # a device tree of 2 MiB can name a hundred thousand CPUs
    (tmp_path / "k").write_bytes(whole_image())
    duplicates = [*range(5000), *range(5000)]
    areas = [(9 << 40 | number << 13, 4096) for number in range(5000)]
    for cpus in (duplicates, [1 << 31 | number for number in range(9000)], [0]):
        tree = board_tree(("x" * 100_000,), cpus=cpus, memory=areas)
        (tmp_path / "d").write_bytes(tree.to_bytes())
        outcome = call("check", tmp_path / "k", "--dtb", tmp_path / "d", "--machine", VIRT)
        assert outcome.code == 1
        assert len(outcome.out) < 10_000


def test_scan_says_why_a_verdict_is_not_ok_and_how_to_see_all(call: Call, partition: Path) -> None:
    words = ["scan", "--machine", VIRT, "--tree", f"{partition},name=sda1"]
    good = call(*words)
    assert [line[:6] for line in good.out.splitlines()] == ["• ok  ", "1 entr"]
    assert good.out.endswith("1 entry: 1 ok\n")
    for name in ("bad", "worse"):
        write_tree(partition, {f"loader/entries/{name}.conf": f"title {name}\nlinux /{name}\noptions quiet\n"})
    (partition / "vmlinuz").write_bytes(whole_image()[:-1])
    found = call(*words)
    lines = found.out.splitlines()
    assert lines[-1] == "3 entries: 3 FAIL"
    assert len([line for line in lines if line.startswith("■ FAIL")]) == 3
    (of_good,) = (below for line, below in pairwise(lines) if line.endswith("Good, 6.1"))
    assert of_good.startswith("         IMG-TRUNC: sda1:/vmlinuz ")
    assert any(line.startswith("         FILE-MISSING: The kernel sda1:/bad does not exist.") for line in lines)
    assert "bootmenu check KERNEL" in found.err
    locked = json.loads(Path(VIRT).read_bytes())
    locked["cap_sys_boot"] = False
    write_tree(partition, {"vmlinuz": whole_image(), "bad": whole_image(), "worse": whole_image()})
    facts = partition.parent / "facts.json"
    facts.write_text(json.dumps(locked))
    again = call("scan", "--machine", facts, "--tree", f"{partition},name=sda1").out
    assert (again.count("SYS-CAP: "), again.count("SYS-CAP, as above")) == (1, 2), (
        "what is of the machine is said once"
    )


@pytest.mark.parametrize(
    ("machine", "wanted", "unwanted"),
    [("virt-psci-hvc", "an arm64 Image", "bzImage"), ("unprivileged-x86", "a bzImage", "arm64")],
)
def test_what_is_no_kernel_is_told_for_this_machine(
    call: Call, tmp_path: Path, machine: str, wanted: str, unwanted: str
) -> None:
    (tmp_path / "README.md").write_text("# Read me\n" * 100)
    facts = machines.FOLDER / f"{machine}.json"
    found = call("check", tmp_path / "README.md", "--machine", facts, "--json").json["findings"]
    (hint,) = [finding["hint"] for finding in found if finding["code"] == "IMG-FORMAT"]
    assert wanted in hint
    assert unwanted not in hint
    assert "configuration" not in hint


@pytest.mark.parametrize("damage", ["cut", "empty", "renamed", "gzip", "zboot"])
def test_a_hint_about_a_file_that_was_typed_names_neither_package_nor_configuration(
    call: Call, tmp_path: Path, damage: str
) -> None:
    content = {
        "cut": whole_image()[:-1],
        "empty": b"",
        "renamed": whole_image(),
        "gzip": gzip.compress(whole_image())[:-8] + bytes(8),
        "zboot": containers.zboot(whole_image())[:-4000],
    }[damage]
    kernel = write_tree(tmp_path / "boot", {"vmlinuz-1.2.3": content}) / "vmlinuz-1.2.3"
    typed = call("check", kernel, "--machine", VIRT, "--json").json["findings"]
    assert damage == "renamed" or [finding for finding in typed if finding["severity"] == "fail"]
    for finding in typed:
        assert not re.search("reinstall|package|(in|to) the configuration", finding["hint"]), finding
    entry = "title x\nlinux /boot/vmlinuz-1.2.3\noptions console=ttyAMA0\n"
    write_tree(tmp_path, {"loader/entries/x.conf": entry})
    (listed,) = call("scan", "--tree", tmp_path, "--machine", VIRT, "--json").json["entries"]
    if damage in ("cut", "empty", "zboot"):  # a scan does not read to the end
        assert any("reinstall the kernel package" in finding["hint"] for finding in listed["findings"])


# ---- check ------------------------------------------------------------------------------------------------


def test_check_says_yes(call: Call, kernel: Path) -> None:
    outcome = call("check", kernel, "--cmdline", "console=ttyAMA0", "--machine", VIRT, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    assert set(outcome.json) == {"verdict", "findings"}
    assert outcome.json["verdict"] == "pass"
    text = call("check", kernel, "--cmdline", "console=ttyAMA0", "--machine", VIRT)
    assert (text.code, text.err) == (0, "")
    assert text.out.endswith("verdict: ok\n")


def test_check_judges_the_method_that_is_asked_for(call: Call, kernel: Path) -> None:
    """GIC-LPI: the native method keeps off the tables that kexec-tools puts the kernel on."""
    arguments = ("check", kernel, "--cmdline", "console=ttyAMA0", "--machine", machines.FOLDER / "gic-v3.json")
    assert call(*arguments).code == 0
    outcome = call(*arguments, "--method", "kexec_tools")
    assert outcome.code == 1
    assert "GIC-LPI" in outcome.out


@pytest.mark.parametrize("name", machines.MACHINES)
def test_check_answers_for_every_recorded_machine(call: Call, kernel: Path, name: str) -> None:
    facts = machines.FOLDER / f"{name}.json"
    outcome = call("check", kernel, "--cmdline", "console=ttyAMA0", "--machine", facts, "--json")
    wanted = {"spin-table-4": "fail", "unprivileged-x86": "fail"}.get(name, "pass")
    assert outcome.json["verdict"] == wanted
    assert outcome.code == (wanted == "fail")


def test_a_warning_and_an_unknown_are_no_failure(call: Call, kernel: Path, tmp_path: Path) -> None:
    dtb = tmp_path / "two.dtb"
    tree = machines.tree_of(machines.virt())
    dtb.write_bytes(board_tree(tree.compatible, cpus=(0, 1)).to_bytes())
    outcome = call("check", kernel, "--dtb", dtb, "--machine", VIRT, "--json")
    assert (outcome.code, outcome.json["verdict"]) == (0, "warn")
    kernel.write_bytes(whole_image(sections=False))
    outcome = call("check", kernel, "--cmdline", "console=ttyAMA0", "--machine", VIRT, "--json")
    assert (outcome.code, outcome.json["verdict"]) == (0, "unknown")


def test_check_says_no(call: Call, kernel: Path) -> None:
    kernel.write_bytes(whole_image()[:-1])
    outcome = call("check", kernel, "--machine", VIRT)
    assert outcome.code == 1
    assert "IMG-TRUNC" in outcome.out
    assert outcome.out.endswith("verdict: FAIL\n")
    assert outcome.err == "bootmenu: bootmenu help IMG-TRUNC explains this check and what to do\n"
    assert "IMG-TRUNC" not in call("check", kernel, "--machine", VIRT, "--ignore", "IMG-TRUNC").err


def test_files_that_cannot_be_read_are_a_wrong_call(call: Call, kernel: Path, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for bad in (tmp_path / "gone", tmp_path, fifo, "/dev/null", "", "x" * 5000, kernel / "below"):
        assert call("check", bad, "--machine", VIRT).code == 2, bad
        for option in ("--dtb", "--initrd", "--overlay"):
            outcome = call("check", kernel, option, bad, "--machine", VIRT)
            assert outcome.code == 2, (option, bad)
            assert outcome.err.startswith("bootmenu: ")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "[]",
        "null",
        '"x"',
        "{}",
        '{"schema": "1"}',
        '{"schema": 2}',
        '{"schema": 1, "cpus": 3}',
        '{"schema": 1, "page_size": NaN}',
        '{"schema": ' + "9" * 5000 + "}",
        "[" * 100_000,
        "\udcff",
        '{"schema": 1, "cpus": [{"number": true}]}',
    ],
)
@pytest.mark.parametrize("command", ["scan", "check"])
def test_a_bad_machine_file_is_a_wrong_call(
    call: Call, kernel: Path, tmp_path: Path, text: str, command: str
) -> None:
    path = tmp_path / "facts.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    words = ["check", kernel] if command == "check" else ["scan", "--tree", tmp_path]
    outcome = call(*words, "--machine", path)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.startswith(f"bootmenu: {path}: ")
    assert len(outcome.err) < 1000


@pytest.mark.parametrize("path", ["/nonexistent", "/", "x" * 5000, "/dev/null", ""])
def test_a_machine_file_that_cannot_be_read_is_a_wrong_call(call: Call, kernel: Path, path: str) -> None:
    assert call("check", kernel, "--machine", path).code == 2


# ---- boot -------------------------------------------------------------------------------------------------


def good_id(call: Call, partition: Path) -> str:
    (found,) = ids(call, f"{partition},uuid=1-2")
    return found


def test_a_dry_run_shows_what_becomes_of_a_device_tree(call: Call, on_virt: Path, tmp_path: Path) -> None:
    (tmp_path / "Image").write_bytes(whole_image())
    (tmp_path / "board.dtb").write_bytes(board_tree(["linux,dummy-virt"], memory=()).to_bytes())
    words = ["boot", "--kernel", str(tmp_path / "Image"), "--dtb", str(tmp_path / "board.dtb"), "--cmdline", "quiet"]
    words += ["--method", "simulated", "--dry-run"]
    out = call(*words).out
    assert "the device tree differs from the entry's own in 2 places\n" in out
    assert "+ /memory@40000000: 2 properties" in out
    assert '+ /chosen bootargs: "quiet"' in out
    _, trees = map(json.loads, call(*words, "--json").out.splitlines())
    assert trees["device_tree"]["file"][-1] == '+ /chosen bootargs: "quiet"'
    assert trees["device_tree"]["running"] is None, "it cannot be read here"


def test_edits_of_a_device_tree_are_in_the_plan_and_judged(call: Call, on_virt: Path, tmp_path: Path) -> None:
    (tmp_path / "Image").write_bytes(whole_image())
    (tmp_path / "board.dtb").write_bytes(board_tree(["linux,dummy-virt"], memory=()).to_bytes())
    files = ["--dtb", str(tmp_path / "board.dtb"), "--cmdline", "console=ttyAMA0", "--method", "simulated"]
    words = ["boot", "--kernel", str(tmp_path / "Image"), *files]
    edit = ["--dtb-edit", '/ note = "mine"', "--dtb-edit", "disable /psci"]
    out = call(*words, *edit, "--dry-run").out
    assert re.search(r'^tree edit +/ note = "mine"$', out, re.M)
    assert '+ / note: "mine"' in out
    assert '+ /psci status: "disabled"' in out
    plan, trees = map(json.loads, call(*words, *edit, "--dry-run", "--json").out.splitlines())
    assert plan["plan"]["dtb_edits"] == ['/ note = "mine"', "disable /psci"]
    assert '+ / note: "mine"' in trees["device_tree"]["file"]
    assert "DTB-EDITS" in call("check", tmp_path / "Image", *files, *edit, "-v").out
    missing = ["--dtb-edit", "disable /sock"]
    outcome = call("check", tmp_path / "Image", *files, *missing)
    assert outcome.code == 1
    assert "there is no node sock" in " ".join(outcome.out.split())
    outcome = call(*words, *missing, "--dry-run")
    assert outcome.code == 1
    assert "there is no node sock" in outcome.err
    outcome = call(*words, "--dtb-edit", "/ note = mine", "--dry-run")
    assert (outcome.code, outcome.out) == (2, "")
    assert "a text needs quotation marks" in outcome.err


def test_an_entry_is_booted_with_an_edited_tree(call: Call, on_virt: Path) -> None:
    board = board_tree(["linux,dummy-virt"], memory=()).to_bytes()
    (on_virt / "board.dtb").write_bytes(board)
    config = on_virt / "loader/entries/good.conf"
    config.write_text(config.read_text() + "devicetree /board.dtb\n")
    words = ["boot", good_id(call, on_virt), "--method", "simulated", "--dry-run"]
    out = call(*words, "--dtb-edit", '/ note = "mine"').out
    assert '+ / note: "mine"' in out
    outcome = call(*words, "--dtb-edit", "disable /sock")
    assert outcome.code == 1
    assert "there is no node sock" in outcome.err
    assert "note" not in call(*words).out


def test_a_dry_run_prints_the_plan_and_does_nothing(call: Call, on_virt: Path) -> None:
    outcome = call("boot", good_id(call, on_virt), "--dry-run")
    assert outcome.code == 0
    assert "kexec_load" in outcome.out
    assert "sda1:/vmlinuz" in outcome.out


def test_the_plan_as_json(call: Call, on_virt: Path) -> None:
    (line,) = call("boot", good_id(call, on_virt), "--dry-run", "--json").out.splitlines()
    value = json.loads(line)
    assert set(value) == {"plan", "verdict", "findings"}
    assert value["plan"]["kernel"] == {
        "device": "sda1",
        "path": "/vmlinuz",
        "exists": True,
        "size": 16384,
        "compression": "none",
    }
    assert value["plan"]["stages"][-1] == "jump"


def test_an_unknown_id_is_a_wrong_call_and_what_was_not_read_is_said(call: Call, on_virt: Path) -> None:
    outcome = call("boot", "bls-nothing")
    assert (outcome.code, outcome.out) == (2, "")
    assert "no entry is called bls-nothing" in outcome.err
    assert "sdb1: is broken" in outcome.err


def test_a_fail_is_refused_and_a_forced_one_is_tried(call: Call, on_virt: Path) -> None:
    (on_virt / "vmlinuz").write_bytes(whole_image()[:-1])
    entry = good_id(call, on_virt)
    refused = call("boot", entry)
    assert refused.code == 1
    assert "IMG-TRUNC" in refused.err
    assert "--force" in refused.err
    forced = call("boot", entry, "--force", "--method", "simulated")
    assert forced.code == 1
    assert "refused" not in forced.err
    assert "this is a real machine" in forced.err


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["id", "--kernel", "/k"],
        ["id", "--dtb", "/d"],
        ["id", "--cmdline", "x"],
        ["id", "--initrd", "/i"],
        ["--load-only", "--dry-run", "--kernel", "/k"],
        ["--kernel"],
    ],
)
def test_a_call_that_contradicts_itself_is_wrong(call: Call, on_virt: Path, words: list[str]) -> None:
    outcome = call("boot", *words)
    assert (outcome.code, outcome.out) == (2, "")


def test_an_unknown_method_lists_the_known_ones(call: Call, on_virt: Path, kernel: Path) -> None:
    for words in (
        ["boot", good_id(call, on_virt), "--dry-run"],
        ["boot", "--kernel", kernel, "--dry-run"],
        ["check", kernel],
    ):
        outcome = call(*words, "--method", "magic")
        assert (outcome.code, outcome.out) == (2, "")
        assert "no loading method is called magic" in outcome.err
        assert all(name in outcome.err for name in METHODS.names())


def test_a_hostile_entry_is_told_harmlessly(call: Call, on_virt: Path) -> None:
    write_tree(on_virt, {"loader/entries/good.conf": f"title {ESCAPE}\nlinux /{ESCAPE}\noptions {ESCAPE}\n"})
    (on_virt / "vmlinuz").unlink()
    write_sparse(on_virt / ESCAPE, arm64_image(65536)[:4096], 60000)
    entry = good_id(call, on_virt)
    for options in (["--dry-run"], ["--dry-run", "--json"], [], ["--force", "--method", "simulated"]):
        outcome = call("boot", entry, *options)
        assert harmless(outcome.out, outcome.err), ascii(outcome.out + outcome.err)


# ---- facts and the rest -----------------------------------------------------------------------------------


def test_facts_read_back(call: Call, kernel: Path, tmp_path: Path) -> None:
    outcome = call("facts", "--json")
    assert outcome.code == 0
    assert outcome.json["schema"] == 1
    assert outcome.json["machine"] == os.uname().machine
    (tmp_path / "facts.json").write_text(outcome.out)
    assert call("check", kernel, "--machine", tmp_path / "facts.json").code in (0, 1)
    facts = call("facts").out
    assert os.uname().release in facts
    assert re.search(r"^CAP_SYS_BOOT +(yes|no)$", facts, re.M), "a capability, and not the answer whether it may load"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--timeout", "soon"], '--timeout: timeout should be a whole number of seconds, or "off"'),
        (["--demo", "--timeout=-1"], "--timeout: timeout should be"),
        (["menu", "--profile", "office"], "--profile: profile should be one of standard, kiosk"),
        (["--console", "a\nb"], "--console: console should be a list of texts"),
    ],
)
def test_a_value_of_the_menus_options_that_makes_no_sense_is_a_wrong_call(
    call: Call, words: list[str], said: str
) -> None:
    outcome = call(*words)
    assert outcome.code == 2
    assert said in outcome.err
    assert "terminal" not in outcome.err


@pytest.mark.parametrize("words", [[], ["--demo"], ["menu"], ["--theme", "dark"], ["menu", "--demo"]])
def test_without_a_command_it_is_the_menu_which_needs_a_terminal(call: Call, words: list[str]) -> None:
    outcome = call(*words)
    assert outcome.code == 2
    assert "needs a terminal" in outcome.err


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["-h"], ["scan", "--help"], ["boot", "-h"]])
def test_help_and_version_are_data(call: Call, words: list[str]) -> None:
    outcome = call(*words)
    assert outcome.code == 0
    assert outcome.out
    assert not outcome.err


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["--nonsense"],
        ["scan", "--nonsense"],
        ["scan", "extra"],
        ["scan", "--tree"],
        ["scan", "--tree", "/nonexistent"],
        ["scan", "--tree", "/etc/passwd"],
        ["scan", "--tree", "x" * 5000],
        ["scan", "--tree", ""],
        ["check"],
        ["check", "a", "b"],
        ["facts", "extra"],
        ["image", "nonsense"],
        ["image", "list", "/gone"],
        ["image", "list", __file__],
        ["image", "list", "/"],
        ["image", "build", "--root", "/gone", "--output", "/tmp/x"],
        ["image", "build", "--root", "/", "--output", "/gone/x"],
        ["image", "copy", "--into", "/gone"],
        ["menu", "extra"],
        [""],
        ["-"],
        ["--"],
        ["check", "\udcff"],
        ["scan", "--tree", "/\udcff"],
    ],
    ids=ascii,
)
def test_a_wrong_call_ends_with_2_and_a_word_why(call: Call, words: list[str]) -> None:
    outcome = call(*words)
    assert (outcome.code, outcome.out) == (2, "")
    assert outcome.err.strip()


def lines_of(outcome: subprocess.CompletedProcess[bytes]) -> tuple[int, bytes]:
    return outcome.returncode, outcome.stderr


@pytest.mark.parametrize("words", [["scan"], ["scan", "--json"], ["facts"], ["check"]])
def test_a_reader_who_has_gone_is_no_error(partition: Path, words: Sequence[str]) -> None:
    more = ["--machine", VIRT]
    argv = {
        "scan": [*words, "--tree", str(partition), *more],
        "check": [*words, str(partition / "vmlinuz"), *more],
        "facts": list(words),
    }[words[0]]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        command = [sys.executable, "-m", "bootmenu", *argv]
        outcome = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, timeout=60, check=False)
    finally:
        os.close(writer)
    assert (outcome.returncode, outcome.stderr) == (0, b"")


def test_a_full_or_closed_output_is_said_and_is_no_traceback(partition: Path) -> None:
    for words in (
        ["scan", "--tree", str(partition)],
        ["check", str(partition / "vmlinuz")],
        ["facts", "--json"],
        ["--help"],
        ["image", "build", "--help"],
        ["--version"],
    ):
        full = shell('"$@" >/dev/full', *words)
        assert full.returncode == 2, full
        assert full.stderr == b"bootmenu: No space left on device, so not all could be printed\n"
        closed = shell('"$@" >&-', *words)
        assert b"Traceback" not in full.stderr + closed.stderr, closed.stderr


@pytest.mark.parametrize("errors", ["2>/dev/full", "2>&-"])
def test_where_nobody_can_be_told_the_exit_code_is_the_same(errors: str, tmp_path: Path) -> None:
    for words, code in ((["nonsense"], 2), (["image", "list", str(tmp_path / "gone")], 2), (["--version"], 0)):
        silent = shell(f'"$@" {errors}', *words)
        assert silent.returncode == code
        assert silent.stdout[:9] == (b"" if code else b"bootmenu ")


def test_the_output_s_encoding_is_no_obstacle(tmp_path: Path) -> None:
    root = hostile(tmp_path / "h")
    write_tree(root, {"loader/entries/u.conf": "title Größe → 漢字\nlinux /nö\n"})
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for options in ([], ["--json"]):
        outcome = started("scan", "--tree", str(root), "--machine", VIRT, *options, env=environment)
        assert (outcome.returncode, b"Traceback" in outcome.stderr) == (0, False), outcome.stderr
    outcome = started("check", str(root / "gone"), env=environment)
    assert (outcome.returncode, b"Traceback" in outcome.stderr) == (2, False), outcome.stderr


def test_the_program_is_the_module() -> None:
    outcome = started("--version")
    assert (outcome.returncode, outcome.stdout[:9]) == (0, b"bootmenu ")


def test_themes_are_listed_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["themes"]) == 0
    out, err = capsys.readouterr()
    assert [line.split()[:3] for line in out.splitlines() if line.startswith("vt16")] == [["vt16", "dark", "shipped"]]
    assert not err
    assert cli.main(["themes", "light"]) == 0
    assert "■ FAIL" in capsys.readouterr().out
    assert cli.main(["themes", "no-such"]) == 2
    assert "There are: dark" in capsys.readouterr().err


def test_a_report_is_written_once(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bootmenu.session.scan_collection.collect", lambda session: ([], []))
    monkeypatch.setenv("BOOTMENU_LOG", str(tmp_path / "menu.log"))
    path = tmp_path / "report.tar.gz"
    assert cli.main(["report", "--output", str(path)]) == 0
    assert capsys.readouterr().out == f"{path}\n"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes()[:2] == b"\x1f\x8b"
    assert cli.main(["report", "--output", str(path)]) == 1
    assert "already exists" in capsys.readouterr().err


@pytest.mark.parametrize("charset", ["latin-1", "ascii", "koi8-r", "utf-8"])
def test_a_charset_without_a_sign_gets_its_likeness_and_no_escape(charset: str, tmp_path: Path) -> None:
    """Names of files that no charset has stay what they are: escaped."""
    write_tree(tmp_path, {"extlinux.conf": "label ─→•é\uac00\nkernel /k\n", "k": b"x"})
    environ = {**os.environ, "PYTHONIOENCODING": charset, "PYTHONUTF8": "0"}
    outcome = started("scan", "--tree", str(tmp_path), env=environ)
    text = outcome.stdout.decode(charset)
    assert "\\u2500" not in text
    assert "\\u2192" not in text
    assert ("─→•é" if charset == "utf-8" else "->*" if charset != "koi8-r" else "─>") in text
    assert ("\uac00" if charset == "utf-8" else "\\uac00") in text


def test_partitions_that_only_root_may_read_are_counted(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from bootmenu.discovery.devices import NEEDS_ROOT
    from bootmenu.model.entry import Problem

    problems = [Problem(device=name, path="", message=NEEDS_ROOT) for name in ("sda1", "sda2")]
    problems.append(Problem(device="sda3", path="/boot/grub.cfg", message="is damaged"))
    monkeypatch.setattr("bootmenu.session.scan_collection.collect", lambda session: ([], problems))
    outcome = call("scan")
    assert "not readable without root: 2 partitions (sda1, sda2)" in outcome.err
    # the command that it advises is found, though sudo does not look where pipx installs it
    assert "; sudo bootmenu scan reads" in outcome.err
    program = write_tree(tmp_path, {"bin/bootmenu": b""}) / "bin/bootmenu"
    program.chmod(0o755)
    monkeypatch.setattr("sys.argv", [str(program)])
    assert f"; sudo {program} scan reads" in call("scan").err
    assert "is damaged" in outcome.err
    assert outcome.err.count("sda1") == 1
    assert len(call("scan", "--json").json["problems"]) == 3


@pytest.mark.parametrize(
    ("locale", "utf8"),
    [
        ({"LC_ALL": "C"}, False),
        ({"LC_ALL": "POSIX", "LANG": "C.UTF-8"}, False),
        ({"LANG": "C"}, False),
        ({}, False),
        ({"LC_ALL": "C.UTF-8"}, True),
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, True),
        ({"LANG": "xx_XX.UTF-8"}, True),
    ],
    ids=repr,
)
def test_a_terminal_whose_locale_has_no_utf_8_is_drawn_on_in_ascii(
    tmp_path: Path, locale: dict[str, str], utf8: bool
) -> None:
    write_tree(tmp_path, {"extlinux.conf": "label Größe\nkernel /k\n", "k": b"x"})
    controller, own = pty.openpty()
    words = [sys.executable, "-m", "bootmenu", "scan", "--tree", str(tmp_path)]
    other = {name: value for name, value in os.environ.items() if name != "LANG" and not name.startswith("LC_")}
    with subprocess.Popen(words, stdout=own, stderr=own, env={**other, **locale}) as process:
        os.close(own)
        seen = b""
        with contextlib.suppress(OSError):  # the end of a pseudo terminal
            while piece := os.read(controller, 4096):
                seen += piece
        assert process.wait(60) == 0
    os.close(controller)
    assert ("■ FAIL".encode() if utf8 else b"# FAIL") in seen
    assert b"\\u" not in seen
    assert seen.isascii() is not utf8
