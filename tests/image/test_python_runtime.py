# SPDX-License-Identifier: MIT
"""Python for the image: what is found, pruned, compiled and taken from this environment."""

from __future__ import annotations

import ast
import marshal
import shutil
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import lz4
import pytest
import zstandard

import bootmenu
from bootmenu.errors import BootmenuError
from bootmenu.image.contents import Contents
from bootmenu.image.cpio import pack
from bootmenu.image.python_runtime import Packer, TargetPython, distributions, own_requirements, split_requirement
from bootmenu.image.rootfs import Root
from bootmenu.system.processes import Commands
from tests.image.samples import tree

HERE = f"{sys.version_info.major}.{sys.version_info.minor}"


def python_tree(folder: Path, version: str = HERE, *, site: bytes = b"# dist-packages") -> Root:
    library = f"usr/lib/python{version}"
    files: dict[str, bytes | str] = {
        f"usr/bin/python{version}": b"ELF",
        "usr/bin/python3": f"python{version}",
        f"{library}/os.py": b"import sys\n",
        f"{library}/site.py": site,
        f"{library}/test/test_os.py": b"",
        f"{library}/idlelib/x.py": b"",
        f"{library}/_pyrepl/console.py": b"",
        f"{library}/_pyrepl/utils.py": b"",
        f"{library}/json/__init__.py": b"def f():\n    return {'a', 'b'}\n",
        f"{library}/lib2to3/bad.py": b"print 'two'",
        f"{library}/broken.py": b"def (",
        f"{library}/lib-dynload/_json.cpython.so": b"\x7fELFjson",
        f"{library}/lib-dynload/_hashlib.cpython.so": b"\x7fELFhashlib",
        f"{library}/lib-dynload/_ssl.cpython.so": b"\x7fELFssl",
        "usr/lib/python3/dist-packages/lz4/__init__.py": b"",
        "usr/lib/python3/dist-packages/lz4/block/_block.so": b"\x7fELFlz4",
        "usr/lib/python3/dist-packages/zstandard/__init__.py": b"",
        "usr/lib/python3/dist-packages/zstandard/backend_c.so": b"\x7fELFzstd",
    }
    return Root(tree(folder, files))


def paths(contents: Contents) -> set[str]:
    return {node.path for node in contents.nodes}


def test_the_library_is_pruned_and_compiled(tmp_path: Path) -> None:
    contents = Contents()
    said: list[str] = []
    packer = Packer(python_tree(tmp_path), contents, Commands(), said.append)
    packer.interpreter()
    packer.compile()
    top = f"usr/lib/python{HERE}"
    found = paths(contents)
    assert {f"{top}/os.pyc", f"{top}/json/__init__.pyc", f"{top}/lib-dynload/_json.cpython.so"} <= found
    assert f"{top}/broken.py" in found, "what does not compile stays source"
    assert f"{top}/_pyrepl/utils.pyc" in found, "pyelftools imports pdb, which imports it"
    assert f"{top}/_pyrepl/console.pyc" not in found
    assert not any("test" in path or "idlelib" in path or "lib2to3" in path or "_ssl" in path for path in found)
    extensions = [f"/{top}/lib-dynload/{name}.cpython.so" for name in ("_hashlib", "_json")]
    assert sorted(path for path, _ in packer.binaries) == extensions, "scrypt is in _hashlib only"
    code = next(node.data for node in contents.nodes if node.path == f"{top}/os.pyc")
    assert code[4:8] == b"\1\0\0\0", "unchecked hash: the image's clock does not matter"
    assert marshal.loads(code[16:]).co_filename == f"/{top}/os.py"
    assert said == []


def test_docstrings_and_types_of_functions_are_kept_only_where_they_are_read(tmp_path: Path) -> None:
    source = (
        b'"""module"""\nfrom __future__ import annotations\n'
        b'class C:\n "class"\n x: int\n'
        b' def f(self, a: int, /, b: int, *c: int, d: int = 1, **e: int) -> int:\n  "method"\n'
    )
    packer = Packer(python_tree(tmp_path), Contents(), Commands(), lambda _: None)
    ours, theirs = (f"usr/lib/python3/dist-packages/bootmenu/{name}/a.py" for name in ("compat/checks", "other"))
    packer._modules |= {f"/{ours}": source, f"/{theirs}": source}
    packer.compile()
    kept = {}
    for node in packer._contents.nodes:
        if node.path in (f"{ours}c", f"{theirs}c"):
            found: dict[str, Any] = {}
            exec(marshal.loads(node.data[16:]), found)
            kept[node.path] = [found.get("__doc__"), found["C"].__doc__, found["C"].f.__doc__]
            assert found["C"].__annotations__ == {"x": "int"}
            assert found["C"].f.__annotations__ == {}
    assert kept == {f"{theirs}c": [None, "class", None], f"{ours}c": ["module", "class", "method"]}


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    archives: list[bytes] = []
    for _ in range(2):
        contents = Contents()
        packer = Packer(python_tree(tmp_path / str(len(archives))), contents, Commands(), lambda _: None)
        packer.interpreter()
        packer.compile()
        archives.append(b"".join(pack(contents.nodes)))
    assert archives[0] == archives[1]


def test_another_minor_version_gives_sources_and_says_so(tmp_path: Path) -> None:
    contents = Contents()
    said: list[str] = []
    packer = Packer(python_tree(tmp_path, "3.99"), contents, Commands(), said.append)
    packer.interpreter()
    packer.compile()
    assert "usr/lib/python3.99/os.py" in paths(contents)
    assert len(said) == 1
    assert "3.99" in said[0]
    assert "install python3.99" in said[0]
    assert "--suite auto" in said[0]


def test_an_interpreter_that_does_not_run_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pyenv has a `python3.13` in PATH that says that it is not installed, and exits with 127."""
    for folder, name, text in (
        ("shims", "python3.99", "echo pyenv: python3.99: command not found >&2; exit 127"),
        ("other", "python3.99", "echo cpython-398"),
        ("broken", "python3.99", ""),
        ("real", "python3", 'case "$4" in *cache_tag*) echo cpython-399 ;; esac'),
    ):
        (tmp_path / folder).mkdir()
        program = tmp_path / folder / name
        program.write_text(f"#!/bin/sh\n{text}\n" if text else "#!/no/such/program\n")
        program.chmod(0o755)
    target = TargetPython.find(python_tree(tmp_path / "root", "3.99"))
    for last, expected in (("real", str(tmp_path / "real/python3")), ("nothing", None)):
        monkeypatch.setenv("PATH", ":".join(str(tmp_path / name) for name in ("shims", "other", "broken", last)))
        assert target.compiler(Commands()) == expected


def test_dependencies_come_from_here_and_machine_code_from_the_tree(tmp_path: Path) -> None:
    contents = Contents()
    said: list[str] = []
    packer = Packer(python_tree(tmp_path), contents, Commands(), said.append)
    packer.dependencies()
    packer.program()
    packer.compile()
    top = "usr/lib/python3/dist-packages"
    found = paths(contents)
    assert {f"{top}/textual/app.pyc", f"{top}/rich/console.pyc", f"{top}/bootmenu/__main__.pyc"} <= found
    assert f"{top}/bootmenu/image/init.sh" in found
    assert not [path for path in found if path.startswith(f"{top}/pygments/")]
    assert any(path.startswith(f"{top}/textual-") and path.endswith("METADATA") for path in found)
    assert {data for path, data in packer.binaries} == {b"\x7fELFlz4", b"\x7fELFzstd"}
    themes = Path(__file__).parents[2] / "themes"
    for theme in themes.glob("*.toml"):
        assert f"{top}/bootmenu/themes/{theme.name}" in found
    for code in ("de", "es", "fr", "pt"):
        assert f"{top}/bootmenu/i18n/locale/{code}.mo" in found
        assert f"{top}/bootmenu/i18n/locale/{code}.po" not in found
    assert said == []


def test_a_checkout_without_compiled_catalogues_says_which_languages_are_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "checkout" / "bootmenu"
    (package / "i18n" / "locale").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "i18n" / "locale" / "de.po").write_text("")
    monkeypatch.setattr(bootmenu, "__file__", str(package / "__init__.py"))
    said: list[str] = []
    Packer(python_tree(tmp_path), Contents(), Commands(), said.append).program()
    assert said == ["left out: the language de (its catalogue is not compiled)"]


def test_a_tree_without_the_compiled_package_says_what_is_left_out(tmp_path: Path) -> None:
    said: list[str] = []
    packer = Packer(python_tree(tmp_path, site=b""), Contents(), Commands(), said.append)
    packer.dependencies()
    assert [line for line in said if "zstandard" in line]


def test_a_tree_without_python_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BootmenuError, match="python3"):
        TargetPython.find(Root(tmp_path))


def test_requirements() -> None:
    assert split_requirement('Markdown_It.py[linkify, plugins]>=2; python_version > "3"') == (
        "markdown-it-py",
        frozenset({"linkify", "plugins"}),
        'python_version > "3"',
    )
    names = {distribution.metadata["Name"].lower() for distribution in distributions(own_requirements())}
    assert {"textual", "rich", "pyelftools", "fdt", "zstandard", "lz4", "linkify-it-py"} <= names
    assert not {"pytest", "bootmenu"} & names
    with pytest.raises(BootmenuError, match="no-such-thing"):
        distributions(["no-such-thing>=1"])
    assert distributions(['no-such-thing>=1; sys_platform == "win32"']) == []


IMPORT_ALL = """
import sys
before = set(sys.modules)
sys.path[:] = sys.argv[1:4]
import importlib.metadata
from pathlib import Path
packages, failed = Path(sys.argv[3]), []
for path in sorted(packages.glob("bootmenu/**/*.pyc")):
    name = ".".join(path.relative_to(packages).with_suffix("").parts).removesuffix(".__init__")
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed.append(f"{name}: {error}")
for name in sys.argv[4:]:  # what functions import when they are called
    try:
        importlib.import_module(name)
    except ImportError as error:
        failed.append(f"{name}: {error}")
importlib.metadata.version("textual")
assert "bootmenu.frontends.tui.app" in sys.modules
for name in sys.modules.keys() - before:
    module = sys.modules[name]
    if getattr(module, "__file__", None) and module.__spec__.origin != "frozen":
        assert module.__file__.startswith(tuple(sys.argv[1:4])), module.__file__
sys.exit("\\n".join(failed) or 0)
"""


def imported_anywhere() -> list[str]:
    """Every module that a statement in the program names, but those that only building an image or a virtual machine
    needs, those for type checkers, and those that it can do without."""
    found: set[str] = set()
    package = Path(bootmenu.__file__).parent
    for path in package.rglob("*.py"):
        if path.relative_to(package).parts[0] in ("image", "vm"):
            continue
        tree = ast.parse(path.read_text())
        optional = {
            each
            for node in ast.walk(tree)
            if (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
            or (isinstance(node, ast.Try) and any("ImportError" in ast.unparse(each) for each in node.handlers))
            for each in ast.walk(node)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import) and node not in optional:
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node not in optional:
                found.add(str(node.module))
    return sorted(found)


@pytest.mark.slow
def test_whatever_the_program_imports_is_packed(tmp_path: Path) -> None:
    """With this host's interpreter, and nothing but the packed files."""
    root = tmp_path / "root"
    library = root / f"usr/lib/python{HERE}"
    left_out = shutil.ignore_patterns("site-packages", "dist-packages", "test", "*.a")
    shutil.copytree(sysconfig.get_path("stdlib"), library, ignore=left_out)
    tree(root, {f"usr/bin/python{HERE}": b"ELF", "usr/bin/python3": f"python{HERE}"})
    contents = Contents()
    packer = Packer(Root(root), contents, Commands(), lambda _: None)
    packer.interpreter()
    packer.dependencies()
    packer.program()
    packer.compile()
    image = tmp_path / "image"
    for node in contents.nodes:
        if stat.S_ISREG(node.mode):
            (image / node.path).parent.mkdir(parents=True, exist_ok=True)
            (image / node.path).write_bytes(node.data)
    packed = image / f"usr/lib/python{HERE}"
    packages = next(image.glob("usr/lib/python3*/*-packages"))
    for package in (zstandard, lz4):  # the tree has no build of them
        (packages / package.__name__).symlink_to(Path(str(package.__file__)).parent)
    folders = [packed, packed / "lib-dynload", packages]
    argv = [sys.executable, "-I", "-S", "-c", IMPORT_ALL, *map(str, folders), *imported_anywhere()]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
