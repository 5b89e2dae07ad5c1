# SPDX-License-Identifier: MIT
"""Find the host's Debian mirrors, and run a private apt that uses them for another architecture.

``debian_sources`` reads both formats of sources.list(5). ``Apt`` keeps its lists, caches and status in its own
directory, needs no root and does not modify the host's apt. apt checks signatures against the keyring that the host
trusts.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import shutil
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from bootmenu.errors import BootmenuError
from bootmenu.image.process_runner import END_WITH_PARENT, Runner, output
from bootmenu.model.value import Value
from bootmenu.view.progress_bar import SILENT, ProgressBar

DEBIAN_KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
_CODENAMES = ("buster", "bullseye", "bookworm", "trixie", "forky", "duke")
_ALIASES = ("oldoldstable", "oldstable", "stable", "testing")
_ROLLING = ("sid", "unstable", "experimental", "rc-buggy")
"""Suites whose updates come into the suite itself: they have no -updates and no -security."""
_COMPONENTS = ("main", "non-free-firmware")
"""Those of the host that packages are taken from. Every suite that an image can be made of has both."""
_PLAINER = "Set XDG_CACHE_HOME to a folder with a plainer name."
_NOT_DOWNLOADED = "Try again, with package lists of now; another mirror is used with --mirror URL."
_LISTS_FRESH = 6 * 3600.0


class AptSource(Value, kw_only=True):
    """One archive of Debian packages."""

    uri: str
    suite: str
    components: tuple[str, ...] = ("main",)
    signed_by: str = ""
    """Path of the keyring, or empty for apt's trusted keys."""

    def line(self, architecture: str) -> str:
        """Return the one-line form of sources.list(5)."""
        options = f"arch={architecture}"
        if self.signed_by:
            options += f" signed-by={self.signed_by}"
        return f"deb [{options}] {self.uri} {self.suite} {' '.join(self.components)}\n"


def parse_one_line(text: str) -> tuple[AptSource, ...]:
    """Return the binary sources of a one-line ``.list`` file; ignore invalid lines."""
    found: list[AptSource] = []
    for raw in text.splitlines():
        line = raw.split("#", 1)[0].strip()
        match = re.fullmatch(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+\S+)*)", line)
        if match is None:
            continue
        options, uri, suite, components = match.groups()
        signed_by = ""
        for option in (options or "").split():
            key, _, value = option.partition("=")
            if key.lower() == "signed-by":
                signed_by = value
        found.append(AptSource(uri=uri, suite=suite, components=tuple(components.split()), signed_by=signed_by))
    return tuple(found)


def parse_deb822(text: str) -> tuple[AptSource, ...]:
    """Return the binary sources of a deb822 ``.sources`` file; skip disabled and incomplete stanzas."""
    found: list[AptSource] = []
    for stanza in stanzas(text):
        if "deb" not in stanza.get("types", "").split() or stanza.get("enabled", "yes").lower() in (
            "no",
            "false",
        ):
            continue
        signed_by = stanza.get("signed-by", "").strip()
        if not signed_by.startswith("/") or "\n" in signed_by:
            signed_by = ""  # an inline key, which the one-line format does not support
        found += [
            AptSource(
                uri=uri,
                suite=suite,
                components=tuple(stanza.get("components", "").split()),
                signed_by=signed_by,
            )
            for uri in stanza.get("uris", "").split()
            for suite in stanza.get("suites", "").split()
        ]
    return tuple(found)


def stanzas(text: str) -> Iterable[dict[str, str]]:
    """Yield the paragraphs of ``Key: value`` lines, with keys in lower case; skip comment lines."""
    current: dict[str, str] = {}
    key = ""
    for line in [*text.splitlines(), ""]:
        if line.startswith("#"):
            continue
        if not line.strip():
            if current:
                yield current
            current, key = {}, ""
        elif line[0] in " \t":
            if key:
                current[key] += "\n" + line.strip()
        elif ":" in line:
            name, _, value = line.partition(":")
            key = name.strip().lower()
            current[key] = value.strip()


def base_suite(suite: str) -> str:
    """Return the suite without suffix: ``bookworm`` for ``bookworm-security`` and ``bookworm/updates``."""
    return re.split(r"[-/]", suite, maxsplit=1)[0]


def is_debian(source: AptSource) -> bool:
    """Return whether the archive is Debian's own, by its keyring or else by its suite."""
    if source.signed_by:
        return Path(source.signed_by).name.startswith("debian-archive-")
    return base_suite(source.suite) in (*_CODENAMES, *_ALIASES, *_ROLLING)


def debian_sources(files: Mapping[str, str], suite: str) -> tuple[AptSource, ...]:
    """Return the host's Debian archives for another suite, with ``main`` and, where the host uses it, firmware.

    files: the texts of apt's source files by path, whose suffix determines the format.
    """
    found: dict[tuple[str, str], AptSource] = {}
    for path in sorted(files):
        parsed = parse_deb822(files[path]) if path.endswith(".sources") else parse_one_line(files[path])
        for source in parsed:
            if not is_debian(source) or "main" not in source.components:
                continue
            base = base_suite(source.suite)
            kind = source.suite[len(base) :]
            if kind not in ("", "-updates", "-security", "/updates") or (kind and suite in _ROLLING):
                continue
            moved = f"{suite}{kind}"
            found.setdefault(
                (source.uri, moved),
                AptSource(
                    uri=source.uri,
                    suite=moved,
                    components=tuple(name for name in _COMPONENTS if name in source.components),
                    signed_by=source.signed_by or DEBIAN_KEYRING,
                ),
            )
    return tuple(found.values())


def host_source_files(etc_apt: Path = Path("/etc/apt")) -> dict[str, str]:
    """Return the texts of this host's apt source files by path; skip unreadable ones."""
    candidates = [etc_apt / "sources.list"]
    folder = etc_apt / "sources.list.d"
    if folder.is_dir():
        candidates += [path for path in sorted(folder.iterdir()) if path.suffix in (".list", ".sources")]
    files: dict[str, str] = {}
    for path in candidates:
        try:
            files[str(path)] = path.read_text("utf-8", "replace")
        except OSError:
            continue
    return files


def choose_sources(suite: str, mirror: str | None, files: Mapping[str, str]) -> tuple[AptSource, ...]:
    """Return the archives to download from: the given mirror, or else the host's Debian sources.

    Raise BootmenuError if there are none.
    """
    if mirror is not None:
        return (AptSource(uri=mirror, suite=suite, signed_by=DEBIAN_KEYRING),)
    sources = debian_sources(files, suite)
    if not any(source.suite == suite for source in sources):
        raise BootmenuError(
            "this host has no Debian source in /etc/apt/sources.list or /etc/apt/sources.list.d",
            "Name one with --mirror URL.",
        )
    return sources


class Package(Value, kw_only=True):
    """One version of one binary package, from the archive's signed index."""

    name: str
    version: str
    architecture: str
    section: str
    sha256: str
    size: int
    """Download size in bytes."""
    depends: tuple[str, ...]
    """Names from Depends and Pre-Depends; only the first of alternatives."""

    @classmethod
    def from_stanza(cls, stanza: Mapping[str, str]) -> Package:
        """Read a stanza of the index. Raise BootmenuError if it lacks a required field."""
        try:
            return cls(
                name=stanza["package"],
                version=stanza["version"],
                architecture=stanza["architecture"],
                section=stanza.get("section", ""),
                sha256=stanza["sha256"],
                size=int(stanza.get("size", "0")),
                depends=dependencies(stanza.get("pre-depends", "")) + dependencies(stanza.get("depends", "")),
            )
        except (KeyError, ValueError) as error:
            raise BootmenuError(
                f"apt-cache describes {stanza.get('package', 'a package')} without {error}"
            ) from error

    @property
    def file_name(self) -> str:
        """Return the file name that apt-get download uses."""
        return f"{self.name}_{self.version.replace(':', '%3a')}_{self.architecture}.deb"


def dependencies(field: str) -> tuple[str, ...]:
    """Return the names in a dependency field: ``("a", "c")`` for ``a (>= 1) | b, c:any``."""
    names: list[str] = []
    for group in field.replace("\n", " ").split(","):
        match = re.match(r"\s*([a-z0-9][a-z0-9+.-]*)", group)
        if match is not None:
            names.append(match.group(1))
    return tuple(dict.fromkeys(names))


class Apt:
    """apt with its own configuration in one directory."""

    def __init__(self, folder: Path, *, architecture: str, sources: Sequence[AptSource], runner: Runner) -> None:
        """Write the configuration; nothing is downloaded yet.

        Raise BootmenuError for a folder whose name apt's configuration cannot hold.
        """
        self.folder = folder.absolute()
        if any(character == '"' or not character.isprintable() for character in str(self.folder)):
            raise BootmenuError(f"apt cannot use the folder {self.folder}", _PLAINER)
        self.archives = self.folder / "archives"
        self._runner = runner
        self._config = self.folder / "apt.conf"
        lists = self.folder / "state" / "lists"
        self._lists = lists
        for path in (
            self.archives / "partial",
            lists / "partial",
            self.folder / "cache" / "archives" / "partial",
        ):
            path.mkdir(parents=True, exist_ok=True)
        status = self.folder / "state" / "status"
        status.touch()
        text = "".join(source.line(architecture) for source in sources)
        source_list = self.folder / "sources.list"
        changed = not source_list.exists() or source_list.read_text("utf-8") != text
        source_list.write_text(text, "utf-8")
        self._stamp = self.folder / "updated"
        if changed:
            self._stamp.unlink(missing_ok=True)
        settings = {
            "APT::Architecture": architecture,
            "APT::Architectures": architecture,
            "APT::Sandbox::User": "root",
            "APT::Get::List-Cleanup": "true",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Dir::State": str(self.folder / "state"),
            "Dir::State::lists": str(lists),
            "Dir::State::status": str(status),
            "Dir::Cache": str(self.folder / "cache"),
            "Dir::Etc::sourcelist": str(source_list),
            "Dir::Etc::sourceparts": "/dev/null",
            "Dir::Etc::preferences": "/dev/null",
            "Dir::Etc::preferencesparts": "/dev/null",
        }
        # The host's apt.conf.d still applies (proxies, logins), except for its hooks.
        hooks = ("Pre-Invoke", "Post-Invoke", "Post-Invoke-Success")
        self._config.write_text(
            "".join(f"#clear {area}::{hook};\n" for area in ("APT::Update", "DPkg") for hook in hooks)
            + "#clear APT::Architectures;\n"
            + "".join(f'{key} "{value}";\n' for key, value in settings.items()),
            "utf-8",
        )

    def update(self) -> None:
        """Fetch the package lists unless they are recent."""
        if self._stamp.exists() and time.time() - self._stamp.stat().st_mtime < _LISTS_FRESH:
            return
        argv = [*self._argv("apt-get"), "-o", "APT::Update::Error-Mode=any", "update"]
        hint = "Is the network there? Another mirror is used with --mirror URL."
        output(self._runner, argv, timeout=600, hint=hint)
        self._stamp.touch()

    def forget(self) -> None:
        """Let the next `update` fetch all lists anew: those that are there are damaged, or of another day."""
        self._stamp.unlink(missing_ok=True)
        shutil.rmtree(self._lists, ignore_errors=True)

    def show(self, names: Sequence[str]) -> dict[str, Package]:
        """Return the candidate version of each package by name; omit names that the archive does not have."""
        argv = [*self._argv("apt-cache"), "--no-all-versions", "show", *names]
        text = self._runner.run(argv, timeout=120).stdout.decode("utf-8", "replace")
        packages = (Package.from_stanza(stanza) for stanza in stanzas(text) if "package" in stanza)
        return {package.name: package for package in packages}

    def download(self, packages: Sequence[Package], progress: ProgressBar = SILENT) -> dict[str, Path]:
        """Return the .deb file of each package; download those that are missing or have a wrong hash."""
        missing = self.missing(packages)
        for package in missing:
            (self.archives / package.file_name).unlink(missing_ok=True)
        if missing:
            wanted = [f"{package.name}={package.version}" for package in missing]
            # setpriv is where apt is; without it a download would go on for itself where this process is killed
            here = ["env", f"--chdir={self.archives}", *END_WITH_PARENT]
            argv = [*here, *self._argv("apt-get"), "download", *wanted]
            title = f"downloading {len(missing)} of {len(packages)} packages"
            size = sum(package.size for package in missing)
            with progress.task(title, size, measure=lambda: self._written(missing)):
                try:
                    output(self._runner, argv, timeout=1800, hint=_NOT_DOWNLOADED)
                except BootmenuError:
                    self.forget()
                    raise
        for package in missing:
            if not self._is_stored(package):
                raise BootmenuError(
                    f"{package.file_name} was not downloaded, or its SHA-256 is wrong",
                    _NOT_DOWNLOADED,
                )
        return {package.name: self.archives / package.file_name for package in packages}

    def _written(self, packages: Sequence[Package]) -> int:
        """Return how many bytes of these packages are there: apt-get download writes to where they stay."""
        size = 0
        for package in packages:
            with contextlib.suppress(OSError):
                size += (self.archives / package.file_name).stat().st_size
        return size

    def missing(self, packages: Sequence[Package]) -> list[Package]:
        """Return the packages that are still to be downloaded."""
        return [package for package in packages if not self._is_stored(package)]

    def _argv(self, tool: str) -> list[str]:
        return [tool, "-c", str(self._config), "-q"]

    def _is_stored(self, package: Package) -> bool:
        path = self.archives / package.file_name
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == package.sha256
