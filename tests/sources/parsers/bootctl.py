# SPDX-License-Identifier: MIT
"""What systemd's own `bootctl list` says about a partition: the reference for order, ids and default.

bootctl.json has its answers for some partitions; `python -m tests.sources.parsers.bootctl CACHE` records them anew.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootmenu.image import apt
from bootmenu.image.debian import unpack
from bootmenu.system.processes import Commands
from tests.builders.containers import uki
from tests.builders.trees import write_tree

RECORDED = Path(__file__).with_name("bootctl.json")
Texts = Mapping[str, str]
"""The files of a partition as texts; what is written for an image is its .osrel, then a `.profile` after each line
with three dashes."""

_SUITE = "sid"
_MOST_PACKAGES = 60


@dataclass(frozen=True, slots=True)
class Answer:
    """What bootctl says: the ids in order, and which one is the default."""

    order: list[str]
    default: str | None


@dataclass(frozen=True, slots=True)
class Bootctl:
    """The program of a current systemd, run through the dynamic linker of its own suite."""

    root: Path

    @classmethod
    def fetch(cls, cache: Path) -> Bootctl:
        """Download and unpack it with the libraries that it needs, unless that was done already."""
        root, runner = cache / "bootctl" / "root", Commands()
        sources = apt.choose_sources(_SUITE, None, apt.host_source_files())
        archive = apt.Apt(cache / "bootctl" / "apt", architecture="amd64", sources=sources, runner=runner)
        archive.update()
        found: dict[str, apt.Package] = {}
        level = ["systemd-boot-tools", "libblkid1", "libmount1"]
        while level and len(found) < _MOST_PACKAGES:
            shown = archive.show(level)
            found |= shown
            level = [name for name in {name for one in shown.values() for name in one.depends} if name not in found]
        packages = list(found.values())
        files = archive.download(packages)
        unpack([(package, files[package.name]) for package in packages], root, runner)
        return cls(root)

    def list(self, esp: Path, xbootldr: Path | None = None) -> Answer:
        """Ask it for the entries of an EFI system partition, and of an XBOOTLDR partition."""
        libraries = self.root / "usr/lib/x86_64-linux-gnu"
        argv = [
            *(str(libraries / "ld-linux-x86-64.so.2"), "--library-path", f"{libraries}:{libraries}/systemd"),
            *(str(self.root / "usr/bin/bootctl"), f"--esp-path={esp}"),
            *([f"--boot-path={xbootldr}"] if xbootldr else []),
            *("list", "--json=short"),
        ]
        relaxed = {"SYSTEMD_RELAX_ESP_CHECKS": "1", "SYSTEMD_RELAX_XBOOTLDR_CHECKS": "1"}
        # the machine that runs the tests may itself remember a default in a variable of its firmware
        done = subprocess.run(
            argv, env={**os.environ, **relaxed}, capture_output=True, check=False, timeout=60, text=True
        )
        found: list[dict[str, Any]] = json.loads(done.stdout or "[]")
        # entries that the firmware reports are not of these partitions
        ours = [entry for entry in found if entry["type"] in ("type1", "type2")]
        default = next((entry["id"] for entry in ours if entry["isDefault"]), None)
        return Answer([entry["id"] for entry in ours], default)


def files_of(texts: Texts) -> dict[str, bytes | str]:
    """Return the files of a partition, with the images built."""
    return {path: _image(text) if path.endswith(".efi") else text for path, text in texts.items()}


def _image(text: str) -> bytes:
    osrel, *profiles = text.split("---\n")
    sections = [(".osrel", osrel.encode()), (".linux", b"MZ")]
    return uki(*sections, *((".profile", profile.encode()) for profile in profiles), machine=0x8664)


_STEMS = "arch arch-2 arch-10 arch-fallback archlinux a_b debian-6.1.0 debian-6.12 z x.y 6.1-rc1 6.1".split()
_COUNTERS = ("", "", "", "+3", "+2-1", "+0", "+0-3", "+1-2")
_KEYS = ("", "", "arch", "debian", "b")
_VERSIONS = ("", "6.1.0-9", "6.1.0-10", "2", "10", "2~rc1", "6.1^a")
_MACHINES = ("", "f" * 32, "0" * 32)
_PATTERNS = (
    *("arch*", "*", "arch", "arch.conf", "*.efi", "debian-6.1?.conf", "[a-c]*", "*@rescue", "*@1", "Z*"),
    *("none", "@saved", "arch.efi@main", "*.CONF"),
)


def random_texts(rng: random.Random, stems: list[str]) -> dict[str, str]:
    """Return a partition with some of these file names, which no other partition of the machine then has."""
    files: dict[str, str] = {}
    for stem in stems:
        kind, counter = rng.choice(("conf", "efi", "both")), rng.choice(_COUNTERS)
        if kind != "efi":
            lines = ["linux /k"]
            for key, values in (("sort-key", _KEYS), ("version", _VERSIONS), ("machine-id", _MACHINES)):
                if value := rng.choice(values):
                    lines.append(f"{key} {value}")
            files[f"/loader/entries/{stem}{counter}.conf"] = "\n".join(lines) + "\n"
        if kind != "conf":
            version = rng.choice([text for text in _VERSIONS if text])
            key, name = rng.choice(("ID", "IMAGE_ID")), rng.choice([text for text in _KEYS if text])
            osrel = f"{key}={name}\nPRETTY_NAME=P\n{rng.choice(('VERSION_ID', 'BUILD_ID'))}={version}\n"
            profiles = rng.choice(((), (), ("ID=main\n",), ("ID=main\n", "ID=rescue\nTITLE=Rescue\n", "\n")))
            files[f"/EFI/Linux/{stem}{counter}.efi"] = "---\n".join((osrel, *profiles))
    return files


def random_machine(rng: random.Random) -> list[dict[str, str]]:
    """Return an EFI system partition with loader.conf, and often an XBOOTLDR partition."""
    stems = rng.sample(_STEMS, rng.randrange(1, len(_STEMS)))
    cut = rng.choice((len(stems), rng.randrange(len(stems) + 1)))
    esp = {"/k": "k", **random_texts(rng, stems[:cut])}
    partitions = [esp, {"/k": "k", **random_texts(rng, stems[cut:])}] if cut < len(stems) else [esp]
    keys = ["default"]
    if not any("+0" in path for texts in partitions for path in texts):
        keys.append("preferred")  # systemd-boot passes over what has no tries left, and bootctl does not know that
    lines = [f"{key} {rng.choice(_PATTERNS)}" for key in keys if rng.random() < 0.6]
    esp["/loader/loader.conf"] = "\n".join(["timeout 3", *lines]) + "\n"
    return partitions


def ask(bootctl: Bootctl, partitions: list[dict[str, str]]) -> Answer:
    """Write the partitions to a directory and ask bootctl for their entries."""
    with tempfile.TemporaryDirectory() as place:
        roots = [write_tree(Path(place, str(number)), files_of(texts)) for number, texts in enumerate(partitions)]
        return bootctl.list(*roots)


def record(cache: Path) -> None:
    """Write bootctl.json anew."""
    bootctl, rng = Bootctl.fetch(cache), random.Random(1)
    machines = [random_machine(rng) for _ in range(40)]
    answers = [ask(bootctl, partitions) for partitions in machines]
    rows = [
        {"partitions": partitions, "order": answer.order, "default": answer.default}
        for partitions, answer in zip(machines, answers, strict=True)
    ]
    RECORDED.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
