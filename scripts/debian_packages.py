#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Build the Debian packages, with dpkg-deb and as any user: `make deb`.

    bootmenu_VERSION-1_all.deb           on Debian's own Python packages, where Textual is new enough: sid
    bootmenu_VERSION-1~bundled_all.deb   with its own Textual below /usr/lib/bootmenu: Debian 12, 13, Ubuntu 24.04
    bootmenu-image_VERSION-1_all.deb     what building a first stage needs, and the hooks for other initramfs
    bootmenu-mark-good_VERSION-1_all.deb a shell script for the systems that are started

What has machine code (zstandard, lz4) is Debian's in both, so neither depends on an architecture or a version of
Python. The bundled packages are those of requirements-dev.lock.
"""

from __future__ import annotations

import argparse
import email.utils
import gzip
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import textwrap
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import bootmenu
from bootmenu.image.python_runtime import distributions, own_requirements

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"
PRIVATE = "usr/lib/bootmenu"
"""Where the program is; modules of a program are not for others (Debian Python Policy, 4.7)."""
BY_DEBIAN = ("zstandard", "lz4")
"""Distributions with machine code."""
NOT_IN_DEBIAN = ("fdt",)
MAINTAINER = "The bootmenu authors <bootmenu@packages.debian.org>"
HOMEPAGE = "https://pypi.org/project/bootmenu/"
LAUNCHER = f"""\
#!/usr/bin/python3 -I
import sys

sys.path.insert(0, "/{PRIVATE}")

try:
    from bootmenu.__main__ import main
except KeyboardInterrupt:
    sys.exit(130)

sys.exit(main())
"""


@dataclass(frozen=True, kw_only=True)
class Package:
    """One binary package. `fields` are those of its control file that others do not have."""

    name: str
    revision: str = "1"
    fields: dict[str, str]
    summary: str
    description: str
    section: str = "admin"
    files: dict[str, str] = field(default_factory=dict)
    """Path in the package by path below data/."""
    conffiles: tuple[str, ...] = ()

    @property
    def version(self) -> str:
        """Return the version with the revision of the package."""
        return f"{bootmenu.__version__}-{self.revision}"


MENU = (
    "A small Linux comes up first, bootmenu finds the systems on the machine's disks, and starts the one that is "
    "chosen with kexec. Before that it says whether it will work: every entry has a verdict, with the reason and "
    "what to do. It reads what other boot loaders read, on boards, PCs and kiosks."
)
TOOLS = {"Recommends": "kexec-tools, device-tree-compiler", "Suggests": "bootmenu-image, mdadm, lvm2, cryptsetup-bin"}
COMMON = {"bootmenu@.service": "usr/lib/systemd/system/bootmenu@.service"}
PACKAGES = (
    Package(
        name="bootmenu",
        fields={
            "Depends": "python3 (>= 3.11), python3-textual (>= 8.2), python3-textual (<< 8.3), python3-linkify-it, "
            "python3-pyelftools (>= 0.31), python3-zstandard, python3-lz4",
            **TOOLS,
        },
        summary="boot menu that starts Linux from Linux, and says whether it can",
        description=MENU,
        files=COMMON,
    ),
    Package(
        name="bootmenu",
        revision="1~bundled",
        fields={"Depends": "python3 (>= 3.11), python3-zstandard, python3-lz4", **TOOLS},
        summary="boot menu that starts Linux from Linux, and says whether it can",
        description=f"{MENU}\n\nThis build has the Python packages that older releases of Debian lack.",
        files=COMMON,
    ),
    Package(
        name="bootmenu-image",
        fields={
            "Depends": f"bootmenu (>= {bootmenu.__version__}-1~), libpython3-stdlib, kexec-tools, busybox-static, "
            "device-tree-compiler, kmod",
            "Recommends": "apt, debian-archive-keyring",
            "Enhances": "initramfs-tools, dracut",
        },
        summary="boot menu that starts Linux from Linux: building a first stage",
        description="What `bootmenu image build` needs to build a first stage, the small Linux that shows the menu, "
        "from this system or from Debian's archive. /etc/default/bootmenu-image says whether one is built anew with "
        "each kernel, and whether the initramfs of initramfs-tools gets the menu, too (break=bootmenu). For dracut "
        "there is the module bootmenu.",
        files={
            "image/update-bootmenu": "usr/sbin/update-bootmenu",
            "image/zz-bootmenu": "etc/kernel/postinst.d/zz-bootmenu",
            "image/bootmenu-image.default": "etc/default/bootmenu-image",
            "initramfs-tools/hook": "usr/share/initramfs-tools/hooks/bootmenu",
            "initramfs-tools/script": "usr/share/initramfs-tools/scripts/init-premount/bootmenu",
            "initramfs-tools/bootmenu-in-initramfs": "usr/lib/bootmenu/bootmenu-in-initramfs",
            "dracut/95bootmenu": "usr/lib/dracut/modules.d/95bootmenu",
        },
        conffiles=("/etc/default/bootmenu-image", "/etc/kernel/postinst.d/zz-bootmenu"),
    ),
    Package(
        name="bootmenu-mark-good",
        fields={"Recommends": "e2fsprogs", "Suggests": "bootmenu"},
        summary="tell the boot menu bootmenu that this system came up well",
        description="For the systems that bootmenu starts: a shell script, run when everything is up, after which "
        "bootmenu trusts the entry. It does what the command `bootmenu mark-good` does, without Python.",
        files={"mark-good/bootmenu-mark-good": "usr/bin/bootmenu-mark-good"},
    ),
)


def source_date() -> int:
    """Return the time of everything in the packages: $SOURCE_DATE_EPOCH, or that of the last commit."""
    if os.environ.get("SOURCE_DATE_EPOCH"):
        return int(os.environ["SOURCE_DATE_EPOCH"])
    command = ["git", "-C", str(ROOT), "log", "-1", "--format=%ct"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return (
        int(done.stdout)
        if done.returncode == 0 and done.stdout.strip()
        else int((ROOT / "pyproject.toml").stat().st_mtime)
    )


def run(*command: str | Path) -> None:
    """Run a command, and end this program with its output if it fails."""
    done = subprocess.run([str(word) for word in command], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def unpack_wheel(work: Path) -> Path:
    """Return a folder with the content of bootmenu's wheel."""
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", work / "wheel")
    (wheel,) = (work / "wheel").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(work / "unpacked")
    return work / "unpacked"


def install_locked(names: set[str], target: Path) -> None:
    """Install these distributions into a folder, in the versions of the lock and with its hashes."""
    text = (ROOT / "requirements-dev.lock").read_text("utf-8")
    stanzas = {
        match.group(1): match.group(0) for match in re.finditer(r"^(\S+?)==(?:.*\\\n)*.*\n", text, re.MULTILINE)
    }
    if missing := names - stanzas.keys():
        sys.exit(f"requirements-dev.lock does not have {', '.join(sorted(missing))}: make lock")
    lock = target.with_suffix(".lock")
    lock.write_text("".join(stanzas[name] for name in sorted(names)), "utf-8")
    options = ["--disable-pip-version-check", "--quiet", "--no-deps", "--no-compile", "--require-hashes"]
    run(sys.executable, "-m", "pip", "install", *options, "--only-binary=:all:", "--target", target, "-r", lock)
    shutil.rmtree(target / "bin", ignore_errors=True)
    if machine_code := list(target.rglob("*.so")):
        sys.exit(f"{machine_code[0].relative_to(target)} is machine code, and the package is for all architectures")


def put(top: Path, path: str, data: bytes | str | Path, *, executable: bool = False) -> None:
    """Write a file of a package, or copy a file or a folder."""
    target = top / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(data, Path) and data.is_dir():
        for inner in sorted(data.iterdir()):
            put(top, f"{path}/{inner.name}", inner, executable=executable)
        return
    if isinstance(data, Path):
        executable = executable or bool(data.stat().st_mode & 0o100)
        data = data.read_bytes()
    target.write_bytes(data.encode() if isinstance(data, str) else data)
    target.chmod(0o755 if executable else 0o644)


def packed(text: bytes | str) -> bytes:
    """Return text as Debian's policy wants documentation: gzip -9n."""
    return gzip.compress(text.encode() if isinstance(text, str) else text, 9, mtime=0)


def fill_menu(package: Package, top: Path, wheel: Path, work: Path) -> list[str]:
    """Put the program and what it needs into the package; return the names of bundled distributions."""
    stem = f"bootmenu-{bootmenu.__version__}"
    names = {re.sub(r"[-_.]+", "-", found.metadata["Name"]).lower() for found in distributions(own_requirements())}
    bundled = names - set(BY_DEBIAN) if package.revision.endswith("bundled") else set(NOT_IN_DEBIAN)
    folder = work / f"python-{package.revision}"
    install_locked(bundled, folder)
    for path in (folder, wheel / "bootmenu", wheel / f"{stem}.dist-info"):
        put(top, PRIVATE if path == folder else f"{PRIVATE}/{path.name}", path)
    shared = wheel / f"{stem}.data" / "data" / "share"
    for path in sorted(file for file in shared.rglob("*") if file.is_file()):
        name = f"usr/share/{path.relative_to(shared)}".replace("zsh/site-functions", "zsh/vendor-completions")
        data = path.read_bytes()
        put(top, *(f"{name}.gz", packed(data)) if "/man/" in name else (name, data))
    put(top, "usr/bin/bootmenu", LAUNCHER, executable=True)
    put(top, "usr/share/doc/bootmenu/examples/bootmenu.toml", DATA / "debian/bootmenu.toml")
    for name in ("json.md", "devicetree.md", "integration.md"):
        put(top, f"usr/share/doc/bootmenu/{name}.gz", packed((ROOT / "docs" / name).read_bytes()))
    # what the program does not read, and bytecode of whoever tried it here
    for path in [*(top / PRIVATE).rglob("__pycache__"), *(top / PRIVATE).rglob("*.dist-info/licenses")]:
        shutil.rmtree(path)
    for pattern in ("*.dist-info/direct_url.json", "*.dist-info/LICENSE*", "*.dist-info/REQUESTED"):
        for path in (top / PRIVATE).glob(pattern):
            path.unlink()
    # each installation would print a warning of Python about it
    misc = top / PRIVATE / "fdt/misc.py"
    misc.write_text(misc.read_text("utf-8").replace("re.sub('//.*?", "re.sub(r'//.*?"), "utf-8")
    return sorted(bundled)


def copyright_file(bundled: list[str]) -> str:
    """Return the copyright file, in Debian's machine-readable form."""
    licence = (ROOT / "LICENSE").read_text("utf-8")
    paragraphs = [
        "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nUpstream-Name: bootmenu",
        _stanza("*", "Copyright (c) 2026 The bootmenu authors", "MIT", licence),
    ]
    for name in bundled:
        found = importlib.metadata.distribution(name)
        texts = [Path(str(found.locate_file(path))) for path in found.files or () if _is_licence(path)]
        text = "\n".join(path.read_text("utf-8") for path in sorted(texts) if path.is_file())
        fields = found.metadata.json  # a missing field is not in it; the mapping itself will raise KeyError one day
        said = str(fields.get("license_expression") or fields.get("license") or "see below")
        owner = re.search(r"^.*copyright.*\b(19|20)\d\d\b.*$", text, re.IGNORECASE | re.MULTILINE)
        author = str(fields.get("author") or fields.get("author_email") or f"the authors of {name}")
        tops = sorted(
            {path.parts[0] for path in found.files or () if "-info" not in path.parts[0] and path.parts[0] != ".."}
        )
        where = " ".join(f"{PRIVATE}/{top}{'' if top.endswith('.py') else '/*'}" for top in tops)
        short = f"{name}-{re.sub(r'[^A-Za-z0-9.]+', '-', said.splitlines()[0]).strip('-')}"
        paragraphs.append(_stanza(where, owner.group(0).strip() if owner else author, short, text or said))
    return "\n\n".join(paragraphs) + "\n"


def _is_licence(path: importlib.metadata.PackagePath) -> bool:
    return (
        ".dist-info" in path.parts[0]
        and re.match(r"(LICEN[CS]E|COPYING|NOTICE)", path.name, re.IGNORECASE) is not None
    )


def _stanza(files: str, owner: str, short: str, text: str) -> str:
    if "Apache License" in text and "Version 2.0" in text:  # Debian Policy, 12.5: is not repeated in each package
        text = "On Debian systems the text of this licence is in /usr/share/common-licenses/Apache-2.0."
    lines = [f" {line.rstrip()}" if line.strip() else " ." for line in text.strip().splitlines()]
    return "\n".join([f"Files: {files}", f"Copyright: {owner}", f"License: {short}", *lines])


def description_lines(text: str) -> str:
    """Return the long description as a control file has it."""
    paragraphs = ("\n".join(f" {line}" for line in textwrap.wrap(part, 76)) for part in text.split("\n\n"))
    return "\n .\n".join(paragraphs)


def build(package: Package, wheel: Path, work: Path, output: Path, date: int) -> Path:
    """Build one package and return its path."""
    top = work / f"{package.name}-{package.revision}"
    bundled = fill_menu(package, top, wheel, work) if package.name == "bootmenu" else []
    for source, path in package.files.items():
        put(top, path, DATA / source)
    if package.name == "bootmenu-image":  # where dracut's module looks for it
        put(
            top,
            "usr/lib/dracut/modules.d/95bootmenu/bootmenu-in-initramfs",
            DATA / "initramfs-tools/bootmenu-in-initramfs",
        )
    if package.name == "bootmenu-mark-good":
        unit = (DATA / "bootmenu-mark-good.service").read_text("utf-8")
        unit = unit.replace("/usr/bin/env bootmenu mark-good", "/usr/bin/bootmenu-mark-good")
        put(top, "usr/lib/systemd/system/bootmenu-mark-good.service", unit)
    for name in ("bootmenu-mark-good.8", "update-bootmenu.8"):
        if f"usr/{'bin' if 'good' in name else 'sbin'}/{name[:-2]}" in package.files.values():
            put(top, f"usr/share/man/man8/{name}.gz", packed((DATA / "debian" / name).read_bytes()))
    documents = f"usr/share/doc/{package.name}"
    put(top, f"{documents}/copyright", copyright_file(bundled))
    put(top, f"{documents}/changelog.gz", packed((ROOT / "CHANGELOG.md").read_bytes()))
    entry = f"bootmenu ({package.version}) unstable; urgency=medium\n\n  * See changelog.gz.\n\n"
    entry += f" -- {MAINTAINER}  {email.utils.formatdate(date)}\n"
    put(top, f"{documents}/changelog.Debian.gz", packed(entry))
    scripts = DATA / "debian"
    for kind in ("postinst", "prerm", "postrm"):
        if (scripts / f"{package.name}.{kind}").exists():
            put(top, f"DEBIAN/{kind}", scripts / f"{package.name}.{kind}", executable=True)
    if package.name == "bootmenu":
        put(top, "usr/share/python3/runtime.d/bootmenu.rtupdate", scripts / "bootmenu.rtupdate", executable=True)
    if package.conffiles:
        put(top, "DEBIAN/conffiles", "".join(f"{path}\n" for path in package.conffiles))
    size = sum(-(-path.stat().st_size // 1024) for path in top.rglob("*") if path.is_file())
    fields = {
        "Package": package.name,
        "Source": "bootmenu",
        "Version": package.version,
        "Architecture": "all",
        "Maintainer": MAINTAINER,
        "Installed-Size": str(size),
        **package.fields,
        "Section": package.section,
        "Priority": "optional",
        "Homepage": HOMEPAGE,
        "Description": f"{package.summary}\n{description_lines(package.description)}",
    }
    put(top, "DEBIAN/control", "".join(f"{name}: {value}\n" for name, value in fields.items()))
    for each in [top, *top.rglob("*")]:
        if each.is_dir():
            each.chmod(0o755)
        os.utime(each, (date, date))
    target = output / f"{package.name}_{package.version}_all.deb"
    run("dpkg-deb", "--root-owner-group", "-Zxz", "--build", top, target)
    return target


def main() -> None:
    """Build all packages."""
    parser = argparse.ArgumentParser(description="Build the Debian packages.")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "debian", help="folder for the packages")
    output = parser.parse_args().output.absolute()
    if shutil.which("dpkg-deb") is None:
        sys.exit("dpkg-deb is missing: install the package dpkg")
    work = output / "work"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    date = source_date()
    os.environ["SOURCE_DATE_EPOCH"] = str(date)
    wheel = unpack_wheel(work)
    for package in PACKAGES:
        target = build(package, wheel, work, output, date)
        print(f"{target}: {target.stat().st_size / 1e6:.1f} MB")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
