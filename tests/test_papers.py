# SPDX-License-Identifier: MIT
"""README.md, CONTRIBUTING.md and docs/: every command in them works, every example is read, and every link resolves.

A command is run on sample files, if it only reads; `bootmenu` commands that write, download or need a person are
parsed by the real parser. A program, an option or a language of an example that is not known here is a failure.
"""

from __future__ import annotations

import gzip
import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from bootmenu.commands import parser_description, subcommands
from bootmenu.compat import CHECKS
from bootmenu.config.settings_layers import parse
from bootmenu.demo.builders import board_tree
from bootmenu.errors import UsageError
from bootmenu.kexec import load_test
from bootmenu.view import key_help
from scripts import reference_pages, system_packages
from tests.builders import machines
from tests.builders.containers import boot_script
from tests.builders.entries import whole_image
from tests.builders.trees import write_tree
from tests.commands.calling import Call

ROOT = Path(__file__).parent.parent
PAPERS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [path.relative_to(ROOT).as_posix() for path in PAPERS]


# ---- what is in them


@dataclass(frozen=True)
class Example:
    """A fenced block."""

    paper: str
    line: int
    language: str
    text: str
    before: str
    """The paragraph above it."""

    @property
    def id(self) -> str:
        return f"{self.paper}:{self.line}"


def examples(name: str) -> Iterator[Example]:
    """Yield the fenced blocks of a paper."""
    text = (ROOT / name).read_text("utf-8")
    for found in re.finditer(r"^( *)```(\S*)\n(.*?)^\1```$", text, re.M | re.S):
        body = re.sub(rf"^{found[1]}", "", found[3], flags=re.M)
        before = text[: found.start()].rstrip().rpartition("\n\n")[2]
        yield Example(name, text.count("\n", 0, found.start()) + 1, found[2], body, before)


EXAMPLES = [example for name in NAMES for example in examples(name)]


def in_language(*languages: str) -> list[Example]:
    return [example for example in EXAMPLES if example.language in languages]


def prose(name: str) -> str:
    """Return a paper without its fenced blocks."""
    return re.sub(r"^( *)```.*?^\1```$", "", (ROOT / name).read_text("utf-8"), flags=re.M | re.S)


BOOT_FILES = ("extlinux", "uboot", "bls", "ini", "grub")
"""Languages of the files that start a first stage."""
KNOWN = ("sh", "toml", "python", "text", *BOOT_FILES)


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_of_a_kind_that_is_tested(name: str) -> None:
    assert [example.id for example in EXAMPLES if example.paper == name and example.language not in KNOWN] == []
    # a block that is only indented says no language, and nothing would test it
    indented = re.findall(r"(?<=\n\n)    [^ *\d-].*", prose(name))
    assert indented == []


# ---- commands


RUN = ("scan", "check", "facts", "settings", "themes", "completion", "help", "report", "dtb")
"""Subcommands that only read, or write a file that they name."""
PARSED = ("menu", "boot", "image", "mark-good", "pin", "vm")
"""Subcommands that need a machine, a person or a download."""
ELSEWHERE = {
    "mkimage": "u-boot-tools",
    "update-grub": "",
    "update-initramfs": "",
    "dracut": "",
    "mkosi": "",
    "systemctl": "",
    "pipx": "",
    "uv": "",
    "pip": "",
    "apt": "",
    "apt-get": "",
    "sudo": "",
    "git": "",
}
"""Programs that are not run here, and the Debian package that a paper has to name; empty: every reader has it."""
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text("utf-8"), re.M))


def commands(example: Example) -> Iterator[str]:
    """Yield the commands of a block."""
    yield from filter(None, (line.strip() for line in example.text.replace("\\\n", " ").splitlines()))


def typed(line: str) -> tuple[list[str], str]:
    """Return the words of a command without its comment, and the file that its output goes to, if any."""
    words = shlex.split(line, comments=True)
    if len(words) > 2 and words[-2] == ">":
        return words[:-2], words[-1]
    return words, ""


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, on_virt: Path) -> Path:
    """A folder with everything that the commands of the papers name; the machine is a recorded one."""
    kernel, initramfs = whole_image(), gzip.compress(b"070701")
    facts = (machines.FOLDER / "virt-psci-hvc.json").read_bytes()
    config = "title Good\nlinux /vmlinuz\ninitrd /initrd.img\noptions console=ttyAMA0\n"
    entry = {"loader/entries/good.conf": config.encode(), "vmlinuz": kernel, "initrd.img": initramfs}
    folder = write_tree(
        tmp_path / "work",
        {
            **{f"{where}vmlinuz": kernel for where in ("", "boot/")},
            **{f"{where}initrd.img": initramfs for where in ("", "boot/")},
            "first-stage.cpio.zst": initramfs,
            "first-stage.cpio.zst.vmlinuz": kernel,
            "bootmenu.efi": kernel,
            **{f"{name}.dtb": board_tree([name]).to_bytes() for name in ("board", "other")},
            "completions/other": b"",
            **dict.fromkeys(("board.json", "boards/one.json", "boards/two.json"), facts),
            **{f"{name}/{path}": data for name in ("esp", "root") for path, data in entry.items()},
            "bootmenu/data/mkosi/mkosi.conf": b"",
            **{f"bootmenu/build/debian/{name}_1-1~bundled_all.deb": b"" for name in ("bootmenu", "bootmenu-image")},
        },
    )
    monkeypatch.chdir(folder)
    return folder


def local(words: list[str], sandbox: Path) -> Iterator[str]:
    """Yield the words with patterns replaced, as a shell does; what they take from / and /boot is in the sandbox."""
    for word in words:
        if word == "/vmlinuz" or word.startswith("/boot/"):
            yield str(sandbox / word[1:])
        elif word.startswith("~/"):
            yield from local([str(sandbox / word[2:])], sandbox)
        elif "*" in word:
            top = Path("/" if word.startswith("/") else "")
            yield from map(str, sorted(top.glob(word.lstrip("/"))))
        else:
            yield word


def run_all(example: Example, sandbox: Path, call: Call) -> None:
    """Run or parse every command of a block, one after the other."""
    for line in commands(example):
        words, output = typed(line)
        program = words[0]
        if program == "bootmenu":
            run_bootmenu(local(words[1:], sandbox), output, call)
        elif program == "make":
            targets = [word for word in words[1:] if "=" not in word]
            assert targets, line
            assert set(targets) <= TARGETS, line
        elif program in ("cp", "mkdir"):
            subprocess.run([program, *local(words[1:], sandbox)], check=True)
        else:
            assert program in ELSEWHERE, f"{example.id}: {program} is not known here"
            package = ELSEWHERE[program]
            told = f"`{package}`" in (ROOT / example.paper).read_text("utf-8")
            assert not package or told, f"{example.id} does not say that {program} is in {package}"
            check_packages(words)


def run_bootmenu(words: Iterable[str], output: str, call: Call) -> None:
    """Run a bootmenu command, or parse one that is not run; fail where it is a wrong call."""
    words = list(words)
    if not words or words[0].startswith("-"):
        words = ["menu", *words]
    if words[0] in PARSED and "--dry-run" not in words:
        subcommands.parse(words)
        return
    assert words[0] in (*RUN, *PARSED), f"bootmenu {words[0]} is not known here"
    outcome = call(*words)
    # 1 is an answer, too: a kernel that cannot be started, settings with a problem
    assert outcome.code in (0, 1), outcome.err
    assert outcome.out or "--output" in words, words
    if output:
        Path(output).write_text(outcome.out)


def check_packages(words: list[str]) -> None:
    """Fail where a command installs something that is not known."""
    words = words[1:] if words[0] == "sudo" else words
    if words[0] in ("apt", "apt-get") and "install" in words:
        named = {word for word in words[words.index("install") + 1 :] if not word.startswith("-")}
        known = {package.name for packages in system_packages.PURPOSES.values() for package in packages}
        ours = {word for word in named if word.startswith("./") and word.endswith(".deb")}
        assert named - known - ours - {"git", "make", "python3", "pipx", *ELSEWHERE.values()} == set()
    if words[0] in ("pip", "pipx", "uv"):
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        needed = {re.split(r"[<>=]", requirement)[0] for requirement in project["dependencies"]}
        own = {"pip", "pipx", "uv", "tool", "install", "ensurepath"}
        named = {word for word in words if not word.startswith("-")} - own
        assert {name for name in named if not re.fullmatch(r"\.|bootmenu|dist/bootmenu-\S+", name)} <= needed, words


@pytest.mark.parametrize("example", in_language("sh"), ids=lambda example: example.id)
def test_every_command_works(example: Example, sandbox: Path, call: Call) -> None:
    run_all(example, sandbox, call)


@pytest.mark.parametrize(
    "line",
    [
        "frobnicate",
        "make nonsense",
        "bootmenu scan --nonsense",
        "bootmenu check /boot/nothing",
        "bootmenu image build --debian arm64",
        "bootmenu help NO-SUCH",
        "cp nothing /boot/",
        "sudo apt install nonsense",
        "pip install nonsense",
    ],
)
def test_a_command_that_does_not_work_is_noticed(line: str, sandbox: Path, call: Call) -> None:
    with pytest.raises((AssertionError, subprocess.CalledProcessError, UsageError)):
        run_all(Example("README.md", 1, "sh", line, ""), sandbox, call)


OPTIONS = {
    command.path: {name for flag in command.flags for name in flag.names}
    for command in parser_description.described()
}
EVERY_OPTION = set().union(*OPTIONS.values())
CODES = {*CHECKS.names(), load_test.CODE}
FAMILIES = "|".join(sorted({code.partition("-")[0] for code in CODES}))
OTHER_OPTIONS = {"--dry-run", "--strict"}  # mypy --strict


@pytest.mark.parametrize("name", NAMES)
def test_commands_in_the_text_exist(name: str) -> None:
    for span in re.findall(r"`([^`\n]+)`", prose(name)):
        words = span.split()
        if words[0] == "bootmenu" and len(words) > 1:
            path = tuple(words[1:3]) if tuple(words[1:3]) in OPTIONS else tuple(words[1:2])
            path = () if path[0].startswith("-") else path
            assert path in OPTIONS, span
            wanted = {word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)}
            assert wanted <= (OPTIONS[path] or set()) | (OPTIONS[("menu",)] if not path else set()), span
        elif words[0] == "make" and len(words) > 1:
            assert words[1] in TARGETS or words[1] == "test…", span
        elif words[0] in ELSEWHERE:
            check_packages(words)
        elif re.match(r"--[a-z]", words[0]):
            assert words[0].partition("=")[0] in EVERY_OPTION | OTHER_OPTIONS, span


@pytest.mark.parametrize("name", NAMES)
def test_codes_in_the_text_exist(name: str) -> None:
    """A code is a word of its own: not a part of a variable, of a template or of a file's name."""
    found = set(re.findall(rf"(?<![\w*-])((?:{FAMILIES})-[A-Z0-9]+(?:-[A-Z0-9]+)*)(?![\w*-])", prose(name)))
    assert found - CODES - {"TOPIC-WHAT"} == set()


# ---- other examples


@pytest.mark.parametrize("example", in_language("toml"), ids=lambda example: example.id)
def test_every_settings_file_is_right(example: Example) -> None:
    tomllib.loads(example.text)
    loaded = parse(example.text.encode(), example.id)
    assert loaded.problems == ()
    assert loaded.origins, "it sets something"


def test_the_actions_that_a_kiosk_may_give_away_are_named() -> None:
    text = (ROOT / "docs/kiosk.md").read_text("utf-8")
    assert [name for name in key_help.kiosk_actions() if f"`{name}`" not in text] == []


@pytest.mark.parametrize("example", in_language("python"), ids=lambda example: example.id)
def test_every_program_runs(example: Example, sandbox: Path) -> None:
    program = [sys.executable, "-c", example.text]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    outcome = subprocess.run(program, capture_output=True, text=True, check=False, env=environ)
    assert outcome.returncode == 0, outcome.stderr
    assert outcome.stdout


WHERE = {
    # the path in the paper → in the tree of the partition that it is on
    "/boot/extlinux/extlinux.conf": "extlinux/extlinux.conf",
    "/boot/boot.cmd": "boot.scr",
    "/boot/config.txt": "config.txt",
    "/boot/loader/entries/bootmenu.conf": "loader/entries/bootmenu.conf",
    "/etc/grub.d/40_custom": "boot/grub/grub.cfg",
}


@pytest.mark.parametrize("example", in_language(*BOOT_FILES), ids=lambda example: example.id)
def test_every_boot_configuration_starts_the_first_stage(example: Example, tmp_path: Path, call: Call) -> None:
    """As the firmware reads it: bootmenu reads the same files."""
    (path,) = re.findall(r"`(/\S+)`", example.before)
    inside = WHERE[path]
    folder = "boot/" if inside.startswith("boot/") else ""
    text: bytes = boot_script(example.text) if inside == "boot.scr" else example.text.encode()
    tree = write_tree(
        tmp_path / "partition",
        {
            inside: text,
            f"{folder}first-stage.cpio.zst": gzip.compress(b"070701"),
            f"{folder}first-stage.cpio.zst.vmlinuz": whole_image(),
            "dtbs/board.dtb": "",
            "cmdline.txt": "console=tty1",
        },
    )
    found = call("scan", "--tree", tree, "--machine", machines.FOLDER / "virt-psci-hvc.json", "--json").json
    entries = [entry for entry in found["entries"] if entry["source"] != "bare"]
    assert [(entry["kernel"]["path"], entry["initrds"][0]["path"]) for entry in entries] == [
        (f"/{folder}first-stage.cpio.zst.vmlinuz", f"/{folder}first-stage.cpio.zst")
    ]


# ---- what is made from the source


def sections(text: str) -> dict[str, str]:
    """Return the sections of a page by their headings."""
    parts = re.split(r"^(#{2,3} .*)$", text, flags=re.M)
    return dict(zip(parts[1::2], (part.strip() for part in parts[2::2]), strict=True))


@pytest.mark.parametrize("path", reference_pages.pages(), ids=lambda path: path.name)
def test_the_generated_pages_say_what_the_source_says(path: Path) -> None:
    """What is new comes in by `make reference`, a step of a release; what is there has to be right."""
    there, wanted = sections(path.read_text("utf-8")), sections(reference_pages.pages()[path])
    assert {title: wanted.get(title) for title in there} == there, "run: make reference"


# ---- links


def slug(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    plain = re.sub(r"[^\w\- ]", "", re.sub(r"`|\*", "", heading).strip().lower())
    return plain.replace(" ", "-")


def anchors(path: Path) -> set[str]:
    return {slug(found) for found in re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.M)}


@pytest.mark.parametrize("name", [*NAMES, "CHANGELOG.md"])
def test_every_link_resolves(name: str) -> None:
    included = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    archive = included["sdist"]["include"]
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(name)):
        if target.startswith("https://"):
            continue
        file, _, anchor = target.partition("#")
        path = (ROOT / name).parent / file if file else ROOT / name
        assert path.exists(), f"{name}: {target}"
        inside = path.resolve().relative_to(ROOT.resolve()).parts[0]
        assert inside in archive, f"{name}: {target} is not in the source archive"
        assert not anchor or anchor in anchors(path), f"{name}: {target}"


def test_every_page_is_linked_from_the_readme() -> None:
    linked = set(re.findall(r"\]\((docs/[a-z-]+\.md)", (ROOT / "README.md").read_text("utf-8")))
    assert linked == {name for name in NAMES if name.startswith("docs/")}


def test_every_picture_is_shown() -> None:
    link = re.compile(r"!\[[^\]]+\]\(([^)]+\.svg)\)")
    shown = {(ROOT / name).parent / target for name in NAMES for target in link.findall(prose(name))}
    assert shown == set((ROOT / "docs").rglob("*.svg"))
