# SPDX-License-Identifier: MIT
"""Add Python to a first stage: the target's interpreter and library, this environment's pure-Python packages.

Modules are stored as bytecode only, in place of their source: importing bytecode takes a third of the time, and
needs neither a clock nor a writable directory. Only an interpreter of the target's minor version can compile it;
without one on this host sources are stored.
"""

from __future__ import annotations

import importlib.metadata
import marshal
import os
import platform
import re
import shutil
import sys
import tomllib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path, PurePosixPath

import bootmenu
from bootmenu import prepared
from bootmenu.errors import BootmenuError
from bootmenu.image import installed_files, prepared_table
from bootmenu.image.contents import Contents
from bootmenu.image.process_runner import Runner, output
from bootmenu.image.rootfs import Root
from bootmenu.image.shared_libraries import is_elf
from bootmenu.model.regex import regex
from bootmenu.model.value import Value

# Parts of the standard library that nothing on a first stage imports: for development, other formats, the network and
# sound, what there is in C as well, and encodings but those of the program, of Unicode and of old PCs.
_PRUNED_STDLIB = regex(
    r"(test|tests|idlelib|tkinter|turtledemo|ensurepip|lib2to3|pydoc_data|distutils|venv|sqlite3|dbm|curses|unittest"
    r"|wsgiref|xmlrpc|msilib|xml|zoneinfo|config-[^/]*|__pycache__|site-packages|dist-packages"
    r"|(turtle|pydoc|doctest|antigravity|this|sitecustomize|trace|timeit|profile|cProfile|pstats|modulefinder|pyclbr"
    r"|tabnanny|symtable|compileall|pickletools|zipapp|cgitb|optparse|fileinput|filecmp|pipes|shelve|sched"
    r"|mailbox|mailcap|imaplib|smtplib|smtpd|nntplib|poplib|telnetlib|asyncore|asynchat|cgi"
    r"|aifc|wave|sunau|chunk|sndhdr|imghdr|uu|xdrlib|crypt|imp|_pyio|_pydecimal|_pydatetime|statistics|tracemalloc"
    r"|ftplib|socketserver|netrc|nturl2path|plistlib|py_compile|rlcompleter|getopt|pty|_(osx|aix)_support|sre_\w+)\.py"
    r"|http|email/(mime|(headerregistry|_header_value_parser|contentmanager|policy|generator)\.py)"
    r"|urllib/(request|response|error)\.py|asyncio/(windows|proactor)_\w+\.py"
    r"|_pyrepl/(?!__init__|trace|types|utils)[^/]*"  # pyelftools imports pdb, and that its utils, since 3.14
    r"|logging/(config|handlers)\.py|html/parser\.py|_markupbase\.py|urllib/robotparser\.py|stringprep\.py"
    r"|multiprocessing|concurrent/futures/process\.py|(webbrowser|configparser|ssl|_strptime|_distutils_system_mod)\.py"
    r"|encodings/(?!__init__|aliases|ascii|charmap|cp437|cp850|cp1252|idna|iso8859_1\.|iso8859_15|latin_1|punycode"
    r"|raw_unicode_escape|undefined|unicode_escape|utf_)[^/]*"
    r"|__phello__[^/]*|_sysconfigdata_[^/]*)(/|$)"
)
# Extension modules for what is pruned above, for tests, for CJK text, and for TLS. _hashlib is kept with libcrypto:
# it has the only scrypt (for the PIN), and its SHA-256 is fast, since it uses the processor's instructions.
_PRUNED_EXTENSIONS = regex(
    r"(_test|_ctypes_test|_xxtest|xx|_ssl|_sqlite3|_dbm|_gdbm|_tkinter|_curses|_crypt|readline|nis|ossaudiodev"
    r"|audioop|_codecs_(cn|hk|jp|kr|tw|iso2022)|_multibytecodec|_xxsubinterpreters|_multiprocessing|_posixshmem|_lsprof"
    r"|_zoneinfo)"
)
# Parts of third-party packages: tests, type stubs, editor grammars, what shows Markdown and source text, the widgets
# that no screen has, other systems. Tests of the screens trace what is imported.
_PRUNED_PACKAGES = regex(
    r"(.*/)?(__pycache__|tests?)/"
    r"|.*\.(pyi|pyx|pxd|c|h|md|rst|scm|typed|pth)$"
    r"|textual/(tree-sitter|demo|document)(/|$)"
    r"|textual/widgets/_?(checkbox|collapsible|content_switcher|data_table|digits|footer|header|help_panel|key_panel|link"
    r"|list_item|list_view|log|markdown|markdown_viewer|masked_input|pretty|progress_bar|radio_button|radio_set|rich_log"
    r"|rule|selection_list|sparkline|switch|tab|tab_pane|tabbed_content|tabs|text_area|toggle_button|welcome)\.py"
    r"|textual/drivers/(web_driver|win32|windows_driver|linux_inline_driver|_byte_stream|_input_reader\w*)\.py"
    r"|textual/(__main__|_binary_encode|_doc|_import_app|_markup_playground|_profile|_slug|_sleep|_text_area_theme"
    r"|_tree_sitter|_win_sleep|clock|eta|highlight|system_commands)\.py"
    r"|(markdown_it|mdit_py_plugins|linkify_it|mdurl|uc_micro|pygments)/"
    r"|rich/(_unicode_data/(?!__init__|unicode(15-1-0|17-0-0)|_versions))"
    r"|rich/(__main__|_inspect|_win32_console|_windows|_windows_renderer|ansi|bar|columns|diagnose|json|layout|live"
    r"|live_render|logging|markdown|progress|progress_bar|prompt|spinner|_spinners|status|syntax|traceback)\.py"
    r"|platformdirs/(android|macos|windows|pytest_plugin|__main__)\.py"
    r"|fdt/__main__\.py"
    r"|zstandard/(backend_cffi|_cffi|backend_rust)"
)


_COMPILED = 512 * 1024 * 1024
"""Maximum size of all compiled modules in bytes."""

_EXPLAINED = "/bootmenu/compat/checks/"
"""Modules whose functions are explained by `bootmenu help`, in their own words."""

# Makes unchecked hash-based .pyc files (PEP 552), or None for a source that does not compile. It runs in a separate
# process because marshal's output depends on other strings in the process, and images are reproducible. What nobody
# asks for at run time is left out: it would be unpacked and read at each start.
_COMPILER = """
import ast, importlib.util, marshal, sys
# a module → what it imports for functions that hardly anything calls
late = {"pathlib.py": "urllib.parse", "subprocess.py": "locale"}
codes = []
for path, source, explained in marshal.loads(sys.stdin.buffer.read()):
    try:
        tree = ast.parse(source, path)
        unneeded = late.get(path.rpartition("/")[2])
        for place, node in enumerate(tree.body):
            imported = [getattr(node, "module", "")]
            if isinstance(node, ast.Import):
                imported = [name.name for name in node.names]
            if unneeded is not None and unneeded in imported:
                names = {name.asname or name.name for name in node.names}
                for function in ast.walk(tree):
                    if isinstance(function, ast.FunctionDef) and names & {
                        used.id for used in ast.walk(function) if isinstance(used, ast.Name)
                    }:
                        function.body.insert(0, node)
                del tree.body[place]
                break
        for node in ast.walk(tree):
            # not those of classes: dataclasses would make one up, and read what the fields are
            if not isinstance(node, (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef)):
                continue
            if ast.get_docstring(node) and not explained:
                node.body = node.body[1:] or [ast.copy_location(ast.Pass(), node.body[0])]
            if not isinstance(node, ast.Module):
                every = node.args
                node.returns = None
                for argument in every.posonlyargs + every.args + every.kwonlyargs + [every.vararg, every.kwarg]:
                    if argument is not None:
                        argument.annotation = None
        code = compile(tree, path, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError):
        codes.append(None)
        continue
    header = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    codes.append(header + marshal.dumps(code))
sys.stdout.buffer.write(marshal.dumps(codes, 2))
"""


class TargetPython(Value, kw_only=True):
    """The interpreter in the tree for the image."""

    program: str
    """Path in the tree, with links resolved: ``/usr/bin/python3.11``."""
    version: str
    """Major and minor version: ``3.11``."""
    library: str
    """The directory of the standard library."""
    packages: str
    """A directory of third-party packages that this interpreter searches by default."""

    @classmethod
    def find(cls, root: Root) -> TargetPython:
        """Find Python in a tree. Raise BootmenuError if it has no complete Python 3."""
        link = root.first(*(f"{prefix}/bin/python3" for prefix in ("/usr", "/usr/local", "")))
        program = None if link is None else root.resolve(link)
        if program is None:
            raise BootmenuError(f"{root.folder} has no /usr/bin/python3", "Install Python 3.11 or later there.")
        match = re.fullmatch(r"python(3\.\d+)", PurePosixPath(program).name)
        if match is None:
            raise BootmenuError(f"{program} has no Python version in its name")
        version = match.group(1)
        prefix = str(PurePosixPath(program).parent.parent)
        library = root.first(*(f"{prefix}/{lib}/python{version}" for lib in ("lib", "lib64")))
        if library is None or root.resolve(f"{library}/os.py") is None:
            raise BootmenuError(f"{root.folder} has {program} but not its standard library")
        # Debian's interpreter searches dist-packages, all others site-packages.
        site = root.read(f"{library}/site.py")
        packages = "/usr/lib/python3/dist-packages" if b"dist-packages" in site else f"{library}/site-packages"
        return cls(program=program, version=version, library=library, packages=packages)

    @property
    def is_like_this(self) -> bool:
        """Return whether this process runs the same minor version."""
        return self.version == f"{sys.version_info.major}.{sys.version_info.minor}"

    def compiler(self, runner: Runner) -> str | None:
        """Return this host's interpreter of the target's minor version, which can compile for it, or None."""
        if self.is_like_this:
            return sys.executable
        # pyenv has a python3.13 in PATH that only says that it is not installed
        for folder in os.get_exec_path():
            for name in (f"python{self.version}", "python3"):
                program = shutil.which(name, path=folder)
                if program is not None and self._is_version_of(program, runner):
                    return program
        return None

    def _is_version_of(self, program: str, runner: Runner) -> bool:
        question = [program, "-I", "-S", "-c", "import sys; print(sys.implementation.cache_tag)"]
        try:
            answer = runner.run(question, timeout=60)
        except BootmenuError:
            return False
        return answer.returncode == 0 and answer.stdout.strip() == f"cpython-{self.version.replace('.', '')}".encode()


class Packer:
    """Adds Python and packages to the contents of an image."""

    def __init__(self, root: Root, contents: Contents, runner: Runner, say: Callable[[str], None]) -> None:
        """Find the tree's Python. say: called with lines about what is left out."""
        self.python = TargetPython.find(root)
        self.binaries: list[tuple[str, bytes]] = []
        """(path in the image, content) of each extension module; the caller adds their libraries."""
        self._root = root
        self._contents = contents
        self._runner = runner
        self._say = say
        self._modules: dict[str, bytes] = {}

    def compile(self) -> None:
        """Compile all modules that were added; call this last."""
        compiler = self.python.compiler(self._runner)
        if compiler is None:
            self._say(
                f"the target has Python {self.python.version}, this is {platform.python_version()}: no bytecode is "
                f"made and the menu starts slowly; install python{self.python.version} on this host, or take "
                f"--suite auto, which has the Python of this host"
            )
        compiled = dict.fromkeys(self._modules) if compiler is None else self._compile(compiler)
        if compiler is not None and all(compiled.values()):
            folders = (self.python.library, f"{self.python.library}/lib-dynload", self.python.packages)
            table = prepared_table.table(
                compiler,
                self.python.version,
                folders,
                self._modules,
                [path for path, _ in self.binaries],
                self._runner,
            )
            self._contents.file(f"{self.python.packages}/bootmenu/{prepared.NAME}", table)
        for path, source in self._modules.items():
            code = compiled[path]
            if code is None:
                self._contents.file(path, source)
            else:
                self._contents.file(f"{path}c", code)

    def _compile(self, compiler: str) -> dict[str, bytes | None]:
        modules = [(path, source, _EXPLAINED in path) for path, source in self._modules.items()]
        request = marshal.dumps(modules, 2)
        answer = output(
            self._runner,
            # a traceback names the line, not the column: that is a sixth of the bytecode
            [compiler, "-I", "-S", "-X", "no_debug_ranges", "-W", "ignore", "-c", _COMPILER],
            timeout=600,
            data=request,
            keep=_COMPILED,
        )
        codes: list[bytes | None] = marshal.loads(answer)  # noqa: S302  (our own program wrote it)
        return dict(zip(self._modules, codes, strict=True))

    def interpreter(self) -> None:
        """Add the standard library; the caller adds the program, like other ELF files."""
        prefix = f"{self.python.library}/"
        for path in self._root.files(self.python.library):
            inside = path.removeprefix(prefix)
            if _PRUNED_STDLIB.match(inside):
                continue
            if inside.startswith("lib-dynload/"):
                if not _PRUNED_EXTENSIONS.match(PurePosixPath(inside).name):
                    self._binary(path, self._root.read(path))
            elif inside.endswith(".py"):
                self._modules[path] = self._root.read(path)
            elif not inside.endswith((".a", ".o", ".pyc", ".exe", ".so")):
                self._contents.file(path, self._root.read(path))

    def program(self) -> None:
        """Add bootmenu and its themes, from where this process imported them."""
        package = Path(bootmenu.__file__).parent
        top = f"{self.python.packages}/bootmenu"
        for path in _files(package):
            if path.suffix == ".py":
                self._modules[f"{top}/{path.relative_to(package)}"] = path.read_bytes()
            elif path.suffix == ".po":  # in a checkout; the program reads the compiled catalogue
                if not path.with_suffix(".mo").exists():
                    self._say(f"left out: the language {path.stem} (its catalogue is not compiled)")
            elif path.suffix not in (".pyc", ".typed", ".part"):
                self._contents.file(f"{top}/{path.relative_to(package)}", path.read_bytes())
        themes = package.parent / "themes"
        if not (package / "themes").is_dir() and themes.is_dir():
            for path in _files(themes):
                self._contents.file(f"{top}/themes/{path.relative_to(themes)}", path.read_bytes())

    def dependencies(self) -> None:
        """Add the distributions that bootmenu needs at run time, with their requirements."""
        for distribution in distributions(own_requirements()):
            name = distribution.metadata["Name"]
            files = installed_files.of(distribution, self._runner)
            if any(path.suffix == ".so" for path in files):
                self._compiled(name, files, distribution)
                continue
            for path in files:
                self._package_file(str(path), Path(str(distribution.locate_file(path))))

    def _compiled(
        self, name: str, files: Sequence[PurePosixPath], distribution: importlib.metadata.Distribution
    ) -> None:
        """Add a distribution with machine code: the tree's build of it, or this host's if the tree is this host."""
        tops = sorted(
            {path.parts[0] for path in files if not path.parts[0].endswith((".dist-info", ".egg-info", ".libs"))}
        )
        for folder in (
            self.python.packages,
            f"{self.python.library}/site-packages",
            "/usr/lib64/python3/site-packages",
        ):
            present = [top for top in tops if self._root.resolve(f"{folder}/{top}") is not None]
            if present:
                for top in present:
                    for path in self._root.files(f"{folder}/{top}"):
                        self._package_file(path.removeprefix(f"{folder}/"), self._root.host(path))
                return
        if self.python.is_like_this and self._root.folder == Path("/"):
            for file in files:
                self._package_file(str(file), Path(str(distribution.locate_file(file))))
            return
        self._say(f"left out: {name} (it has machine code, and the tree has no build of it for its Python)")

    def _package_file(self, inside: str, host: Path | None) -> None:
        if host is None or not host.is_file() or is_left_out(inside):
            return
        path = f"{self.python.packages}/{inside}"
        data = host.read_bytes()
        if ".dist-info/" in inside or ".egg-info/" in inside:
            if host.name in ("METADATA", "PKG-INFO"):
                self._contents.file(path, data.partition(b"\n\n")[0] + b"\n")
        elif inside.endswith(".py"):
            self._modules[path] = data
        elif is_elf(data):
            self._binary(path, data)
        elif not inside.endswith(".pyc"):
            self._contents.file(path, data)

    def _binary(self, path: str, data: bytes) -> None:
        self._contents.file(path, data)
        self.binaries.append((path, data))


def is_left_out(path: str) -> bool:
    """Return whether a file of a third-party package, by its path below the folder of packages, is not packed."""
    return _PRUNED_PACKAGES.match(path) is not None


def own_requirements() -> list[str]:
    """Return bootmenu's run-time requirements, from the checkout's pyproject.toml or the installed distribution."""
    checkout = Path(bootmenu.__file__).parent.parent / "pyproject.toml"
    if checkout.is_file():
        project = tomllib.loads(checkout.read_text("utf-8")).get("project", {})
        if project.get("name") == "bootmenu":
            return [str(requirement) for requirement in project.get("dependencies", [])]
    try:
        return importlib.metadata.requires("bootmenu") or []
    except importlib.metadata.PackageNotFoundError as error:
        raise BootmenuError("bootmenu is neither installed nor run from its source tree") from error


def distributions(requirements: list[str]) -> list[importlib.metadata.Distribution]:
    """Return the installed distributions for the requirements and all their requirements, sorted by name.

    A requirement of an extra is followed if that extra was requested; one with another marker if it is installed,
    since the marker was then true on this host.
    Raise BootmenuError for a requirement without a marker that is not installed.
    """
    found: dict[str, importlib.metadata.Distribution] = {}
    done: set[tuple[str, frozenset[str]]] = set()
    waiting = list(requirements)
    while waiting:
        name, extras, marker = split_requirement(waiting.pop())
        if (name, extras) in done:
            continue
        done.add((name, extras))
        try:
            distribution = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError as error:
            if marker:
                continue
            raise BootmenuError(f"{name} is not installed, and the menu needs it", f"pip install {name}") from error
        found[name] = distribution
        for requirement in distribution.requires or []:
            wanted_extra = re.search(r"extra\s*==\s*[\"']([^\"']+)", split_requirement(requirement)[2])
            if wanted_extra is None or wanted_extra.group(1) in extras:
                waiting.append(requirement)
    return [found[name] for name in sorted(found)]


def split_requirement(text: str) -> tuple[str, frozenset[str], str]:
    """Split ``Name[extra]>=1; marker`` into (normalised name, extras, marker)."""
    specification, _, marker = text.partition(";")
    match = re.match(r"\s*([A-Za-z0-9._-]+)\s*(?:\[([^\]]*)\])?", specification)
    if match is None:
        raise BootmenuError(f"{text!r} is not a requirement")
    extras = frozenset(extra.strip() for extra in (match.group(2) or "").split(",") if extra.strip())
    return re.sub(r"[-_.]+", "-", match.group(1)).lower(), extras, marker.strip()


def _files(folder: Path) -> Iterator[Path]:
    """Yield the regular files below a directory, sorted, without caches."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path
