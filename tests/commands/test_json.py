# SPDX-License-Identifier: MIT
"""What programs read: one JSON object whatever happens, and every key and value of it named in docs/json.md."""

from __future__ import annotations

import ast
import importlib
import io
import json
import pkgutil
import re
import tarfile
import types
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

import bootmenu
from bootmenu.commands import parser_description
from bootmenu.config.settings import FILE, OPTIONS
from bootmenu.demo.builders import board_tree
from bootmenu.kexec.kernel_errors import LoadError
from bootmenu.kexec.methods import METHODS
from bootmenu.model.closed_set import StrEnum
from bootmenu.model.finding import Severity
from bootmenu.model.machine import MachineFacts
from bootmenu.model.progress import Progress, Stage, StageState
from bootmenu.model.text import printable
from bootmenu.model.value import ValueType, fields
from bootmenu.session import files_session
from bootmenu.sources import SOURCES
from bootmenu.system.host import Host
from bootmenu.view.check_help import CheckHelp
from scripts import json_fields
from tests.builders import machines
from tests.builders.entries import whole_image
from tests.commands.calling import Call, Outcome
from tests.trees import goldens

VIRT = str(machines.FOLDER / "virt-psci-hvc.json")


# ---- docs/json.md names it --------------------------------------------------------------------------------

ERROR = "When a command fails"


PAGE = json_fields.page()
"""docs/json.md as the next release has it."""


def section(title: str) -> set[str]:
    """Return what a section of docs/json.md names: in backticks, or as the key or the value of an example."""
    (found,) = re.findall(rf"^## `?(?:bootmenu )?{title}\b.*?(?=^## |\Z)", PAGE, re.M | re.S)
    return {*re.findall(r"`([^`\n]+)`", found), *re.findall(r'"([^"\n]+)"', found)}


SECTIONS = {
    "scan": ("scan", "check", "facts", ERROR),
    "check": ("check", ERROR),
    "boot": ("boot", "scan", "check", ERROR),
    "facts": ("facts", ERROR),
    "settings": ("settings", ERROR),
    "dtb": ("dtb", ERROR),
    "help": ("help", "check", ERROR),
}
"""Of each command with --json: where it is told what it prints."""


def named(command: str) -> set[str]:
    """Return what the sections of a command name."""
    return set().union(*map(section, SECTIONS[command]))


def keys(value: object, path: str = "") -> Iterator[str]:
    """Return every key of an output, and how it is reached. What a check compares is data, as are settings' names."""
    if isinstance(value, list):
        for item in value:
            yield from keys(item, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if path != "/settings":
                yield f"{path}/{key}"
            if key != "evidence":
                yield from keys(inner, "/settings/NAME" if path == "/settings" else f"{path}/{key}")


def documented(command: str, value: object) -> None:
    """Fail where an output has a key that docs/json.md does not name."""
    own, anywhere = section(command), named(command)
    ways = [key.rpartition("/") for key in keys(value)]
    # an entry has overlays as well
    assert [f"{way}/{key}" for way, _, key in ways if key not in (own if way == "/plan" else anywhere)] == []


def test_the_tables_are_made_from_the_source_and_know_of_nothing_else() -> None:
    facts = PAGE.partition("<!-- facts")[2].partition("<!-- /facts")[0]
    assert "|  |" not in facts, "a field without a docstring"
    # what is new comes in by make json, before a release; what is there is public, and stays
    names = re.compile(r"^\| (`[^`]+`) \|", re.M)
    assert set(names.findall(json_fields.PAGE.read_text("utf-8"))) <= set(names.findall(PAGE))


def test_every_command_with_json_has_its_section() -> None:
    having = {
        command.path[0]
        for command in parser_description.described()
        for flag in command.flags
        if "--json" in flag.names
    }
    assert having == set(SECTIONS)


def filled(hint: Any, member: StrEnum | None = None, inside: tuple[Any, ...] = ()) -> Any:
    """Return a value of a type in which nothing is left out. member: what to take where its kind is asked for."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        inner = next(argument for argument in arguments if argument is not type(None))
        return None if inner in inside else filled(inner, member, inside)
    if origin is tuple:
        return (filled(arguments[0], member, inside),)
    if origin is not None and issubclass(origin, Mapping):
        return {}
    if isinstance(hint, ValueType):
        inside = (*inside, hint)
        given = {field.name: filled(field.type, member, inside) for field in fields(hint) if field.init}
        return typing.cast(Any, hint)(**given)
    if issubclass(hint, StrEnum):
        return member if isinstance(member, hint) else next(iter(hint))
    return hint(b"x") if hint is bytes else hint(1)


def printed_kinds() -> list[type]:
    """Return every value type of the package that says what it is as JSON."""
    found = []
    for module in pkgutil.walk_packages(bootmenu.__path__, "bootmenu."):
        if not module.name.endswith("__main__"):
            for kind in vars(importlib.import_module(module.name)).values():
                if isinstance(kind, ValueType) and "to_json" in vars(kind):
                    found.append(kind)
    return list(dict.fromkeys(found))


def test_every_value_that_can_be_printed_is_named() -> None:
    kinds = printed_kinds()
    assert len(kinds) >= 7
    for kind in kinds:
        command = "facts" if kind is MachineFacts else "help" if kind is CheckHelp else "boot"
        documented(command, filled(kind).to_json())
        for enumeration in {
            leaf
            for inner in json_fields.reached(kind)
            for hint in typing.get_type_hints(inner).values()
            for leaf in json_fields.leaves(hint)
            if isinstance(leaf, type) and issubclass(leaf, StrEnum)
        }:
            for member in enumeration:
                if f'"{member}"' in json.dumps(filled(kind, member).to_json()):
                    assert member in named(command) | named("scan"), f"{kind.__name__}: {member}"


def test_every_registered_name_that_can_be_printed_is_named() -> None:
    parsers = Path(bootmenu.__file__).parent / "sources"
    sources = {
        keyword.value.value
        for path in parsers.rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call)
        for keyword in call.keywords
        if keyword.arg == "source" and isinstance(keyword.value, ast.Constant)
    }
    assert {*sources, *SOURCES.names()} - section("scan") == set()
    assert set(METHODS.names()) - section("boot") == set()
    assert {*Severity} - section("check") == set()


@pytest.mark.parametrize("name", goldens.names())
def test_what_a_scan_finds_on_the_example_trees_is_named(name: str) -> None:
    found = goldens.scan(name)
    documented("scan", found)
    assert {entry["source"] for entry in found["entries"]} <= section("scan")


@pytest.mark.parametrize("name", machines.MACHINES)
def test_what_check_and_scan_say_on_every_machine_is_named(
    call: Call, kernel: Path, partition: Path, name: str
) -> None:
    facts = machines.FOLDER / f"{name}.json"
    documented("check", only(call("check", kernel, "--machine", facts, "--ignore", "IMG-TRUNC", "--json")))
    documented("scan", only(call("scan", "--tree", partition, "--machine", facts, "--json")))


def test_a_report_holds_what_the_commands_print(call: Call, on_virt: Path, tmp_path: Path) -> None:
    assert call("report", "--output", tmp_path / "report.tar.gz").code == 0
    with tarfile.open(tmp_path / "report.tar.gz") as tar:
        for member in tar:
            file, name = tar.extractfile(member), Path(member.name).name
            if file is not None and name.endswith(".json"):
                assert name in section("report")
                documented(Path(name).stem, json.load(io.TextIOWrapper(file)))


# ---- one object, whatever happens -------------------------------------------------------------------------


def only(outcome: Outcome) -> dict[str, Any]:
    """Return the object that a command printed; fail where it printed none, or more than one."""
    value = json.loads(outcome.out)
    assert isinstance(value, dict)
    return value


def lines(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the objects of a boot, one a line; the last one says how it ended."""
    values = [json.loads(line) for line in outcome.out.splitlines()]
    assert values
    assert all(isinstance(value, dict) for value in values)
    for value in values:
        documented("boot", value)
    assert [next(iter(value)) for value in values[:-1]].count("error") == 0
    return values


@pytest.mark.parametrize(
    "words",
    [
        ["scan", "extra"],
        ["scan", "--nonsense"],
        ["scan", "--tree", "/nonexistent"],
        ["scan", "--tree", "/nonexistent,size=4"],
        ["scan", "--machine", "/nonexistent"],
        ["scan", "--machine", "/dev/null"],
        ["check"],
        ["check", "/nonexistent"],
        ["check", "/"],
        ["check", "{kernel}", "--dtb", "/nonexistent"],
        ["check", "{kernel}", "--initrd", "/nonexistent"],
        ["check", "{kernel}", "--overlay", "/nonexistent"],
        ["check", "{kernel}", "--ignore", "NO-SUCH"],
        ["check", "{kernel}", "--machine", "/nonexistent"],
        ["check", "{kernel}", "--machine", VIRT, "--scan"],
        ["check", "{kernel}", "--tree", "/nonexistent"],
        ["boot"],
        ["boot", "a", "b"],
        ["boot", "bls-nothing"],
        ["boot", "\udcff"],
        ["boot", ""],
        ["boot", "id", "--kernel", "/k"],
        ["boot", "id", "--cmdline", "x"],
        ["boot", "--load-only", "--dry-run", "--kernel", "/k"],
        ["boot", "--kernel"],
        ["boot", "--kernel", "/nonexistent"],
        ["boot", "--kernel", "{kernel}", "--dtb", "/nonexistent"],
        ["boot", "id", "--ignore", "NO-SUCH"],
        ["facts", "extra"],
        ["settings", "extra"],
    ],
    ids=lambda words: " ".join(words).encode("ascii", "replace").decode(),
)
def test_a_wrong_call_is_one_object_too(call: Call, on_virt: Path, kernel: Path, words: list[str]) -> None:
    words = [word.format(kernel=kernel) for word in words]
    outcome = call(*words, "--json")
    assert outcome.code == 2
    assert outcome.err.strip(), "people are told as well"
    found = only(outcome)
    documented(words[0], found)
    assert set(found) == {"error"}
    assert set(found["error"]) == {"message", "hint", "exit_code"}
    assert found["error"]["exit_code"] == 2
    assert printable(found["error"]["message"].split("\n")[0]) in outcome.err


@pytest.mark.parametrize(
    "file", [b"", b"\xff\xfe", b"[broken", b"nonsense = 1\n", b'timeout = "soon"\n', b"[kiosk]\n"]
)
@pytest.mark.parametrize("command", ["scan", "check", "boot", "facts", "settings"])
def test_damaged_settings_do_not_change_that(
    call: Call,
    on_virt: Path,
    kernel: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    file: bytes,
) -> None:
    (tmp_path / "host/etc").mkdir(parents=True)
    (tmp_path / "host" / FILE[1:]).write_bytes(file)
    host = Host(root=tmp_path / "host")
    monkeypatch.setattr("bootmenu.system.host.Host", lambda: host)
    words = {"check": ["check", str(kernel)], "boot": ["boot", "--kernel", str(kernel), "--dry-run"]}
    outcome = call(*words.get(command, [command]), "--json")
    documented(command, only(outcome))
    if command == "settings":
        assert set(only(outcome)["settings"]) == {option.name for option in OPTIONS}
        assert outcome.code == bool(only(outcome)["problems"])
    else:
        assert outcome.code == 0


def test_a_refused_boot_says_so(call: Call, on_virt: Path, kernel: Path) -> None:
    kernel.write_bytes(whole_image()[:-1])
    outcome = call("boot", "--kernel", kernel, "--json")
    plan, error = lines(outcome)
    assert (outcome.code, plan["verdict"], error["error"]["exit_code"]) == (1, "fail", 1)
    assert "IMG-TRUNC" in error["error"]["message"]


def test_a_method_that_there_is_not_says_so(call: Call, on_virt: Path, kernel: Path) -> None:
    outcome = call("boot", "--kernel", kernel, "--method", "magic", "--json")
    (error,) = lines(outcome)
    assert (outcome.code, error["error"]["exit_code"]) == (2, 2)


REFUSED = LoadError(
    "The CPUs cannot be handed over.",
    "Put nr_cpus=1 there.",
    stage=Stage.LOAD,
    call="kexec_load",
    errno=16,
    kernel_log=("kexec: CPUs are stuck in the kernel.\n\x1b[2J",),
)
STEP = Progress(stage=Stage.LOAD, state=StageState.DONE, done=9, total=9, seconds=0.1)


@pytest.mark.parametrize("where", ["load", "leave", "jump"])
def test_what_the_kernel_refuses_is_told_in_fields(
    call: Call, on_virt: Path, kernel: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def steps(name: str) -> Any:
        def run(*_: object) -> Iterator[Progress]:
            yield STEP
            if name == where:
                raise REFUSED

        return run

    def jump(*_: object) -> None:
        raise REFUSED

    monkeypatch.setattr(files_session.FilesSession, "load", steps("load"))
    monkeypatch.setattr(files_session.FilesSession, "prepare_jump", steps("leave"))
    monkeypatch.setattr(files_session.FilesSession, "unload", lambda *_: "The kernel stays loaded.")
    monkeypatch.setattr(files_session.FilesSession, "execute", jump)
    outcome = call("boot", "--kernel", kernel, "--force", "--json")
    assert outcome.code == 1
    *before, last = lines(outcome)
    assert "plan" in before[0]
    assert ("result" in before[-1]) == (where == "jump")
    error = last["error"]
    assert (error["stage"], error["call"], error["errno"]) == ("load", "kexec_load", "EBUSY")
    assert error["kernel_log"] == ["kexec: CPUs are stuck in the kernel.\n\x1b[2J"], "as it is"
    assert error["message"] == "The CPUs cannot be handed over."
    assert "\x1b" not in outcome.out + outcome.err
    for part in ("  call: kexec_load failed with EBUSY", "  kernel log: kexec: CPUs are stuck"):
        assert part in outcome.err
    assert where != "leave" or "\n  The kernel stays loaded.\n" in outcome.err


def test_a_whole_boot_is_named(
    call: Call, on_virt: Path, kernel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load(*_: object) -> Iterator[Progress]:
        yield typing.cast(Progress, filled(Progress))

    monkeypatch.setattr(files_session.FilesSession, "load", load)
    outcome = call("boot", "--kernel", kernel, "--load-only", "--force", "--json")
    assert (outcome.code, lines(outcome)[-1]["result"]) == (0, "loaded")
    (tmp_path / "board.dtb").write_bytes(board_tree(["linux,dummy-virt"], memory=()).to_bytes())
    words = [
        "boot",
        "--kernel",
        kernel,
        "--dtb",
        tmp_path / "board.dtb",
        "--method",
        "simulated",
        "--dry-run",
        "--json",
    ]
    plan, trees = lines(call(*words))
    assert plan["plan"]["edits"]
    assert "device_tree" in trees


def test_a_signal_ends_it_with_an_object(call: Call, kernel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("bootmenu.discovery.machine_facts.gather", interrupted)
    outcome = call("check", kernel, "--json")
    assert outcome.code == 130
    assert only(outcome)["error"] == {"message": "ended by SIGINT", "hint": "", "exit_code": 130}
