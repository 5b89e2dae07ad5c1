# SPDX-License-Identifier: MIT
"""image/prepared_table.py and prepared.py: the table makes the same modules and regular expressions as Python."""

from __future__ import annotations

import marshal
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from re import _compiler  # type: ignore[attr-defined]
from typing import Any

import pytest

import bootmenu
from bootmenu import prepared
from bootmenu.image import pattern_table, prepared_table
from bootmenu.system.processes import Commands

SOURCE = rb"""
import re
from re import VERBOSE as V
WORD = r"\w+"
A = re.compile(rf"({WORD})=" + "x", re.IGNORECASE | re.MULTILINE)
B = regex(b"\\d\\x00", flags=re.DOTALL)
C = re.sub(" a ", "b", text, 0, V)
D = re.compile(unknown)
E = re.compile("(")
"""


@pytest.fixture
def unchanged() -> Iterator[None]:
    """Undo what `prepared` changes in this process."""
    before, path = _compiler.compile, list(sys.meta_path)
    re.purge()
    yield
    _compiler.compile = before
    sys.meta_path[:] = path
    re.purge()


def test_what_a_source_spells_out_is_found() -> None:
    assert list(pattern_table.patterns(SOURCE)) == [
        (r"(\w+)=x", re.IGNORECASE | re.MULTILINE),
        (b"\\d\\x00", re.DOTALL),
        (" a ", re.VERBOSE),
        ("(", 0),
    ]
    assert pattern_table.compiled("(", 0) is None


@pytest.mark.usefixtures("unchanged")
def test_every_pattern_of_the_program_is_the_one_that_python_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [path.read_bytes() for path in Path(bootmenu.__file__).parent.rglob("*.py")]
    wanted = {found for source in sources for found in pattern_table.patterns(source)}
    assert len(wanted) > 200
    expected: dict[tuple[Any, int], re.Pattern[Any]] = {key: re.compile(*key) for key in wanted}
    program = Path(pattern_table.__file__).read_bytes()
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program.decode()],
        input=marshal.dumps(sources),
        capture_output=True,
        check=True,
    )
    magic, patterns = marshal.loads(done.stdout)
    re.purge()
    monkeypatch.setattr(_compiler, "compile", lambda *_: pytest.fail("not from the table"))
    prepared._use_patterns(magic, patterns)
    for (pattern, flags), compiled in expected.items():
        assert re.compile(pattern, flags) == compiled  # compares the code, too


@pytest.mark.usefixtures("unchanged")
def test_a_pattern_that_is_not_in_the_table_is_compiled() -> None:
    import _sre  # type: ignore[import-not-found]

    prepared._use_patterns(_sre.MAGIC, {})
    assert re.compile("not (in) it").fullmatch("not in it")
    before = _compiler.compile
    prepared._use_patterns(_sre.MAGIC + 1, {})
    assert _compiler.compile is before


def test_modules_are_found_and_no_folder_is_searched(tmp_path: Path) -> None:
    sources = {
        "first/alone.py": b"from package import inner",
        "first/package/__init__.py": b"NAME = __name__",
        "first/package/inner.py": b"import package",
        "second/alone.py": b"raise AssertionError('the first folder comes first')",
        "second/not-a-name.py": b"",
    }
    modules = {f"{tmp_path}/{path}": source for path, source in sources.items()}
    for path, source in modules.items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        code = compile(source, path, "exec")
        Path(f"{path}c").write_bytes(bytes(prepared.HEADER) + marshal.dumps(code))
    folders = (f"{tmp_path}/first", f"{tmp_path}/second")
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    table = prepared_table.table(sys.executable, version, folders, modules, [f"{folders[1]}/_fast.so"], Commands())
    package = tmp_path / "bootmenu"
    package.mkdir()
    (package / "prepared.py").write_bytes(Path(prepared.__file__).read_bytes())
    (package / prepared.NAME).write_bytes(table)
    program = (
        f"import sys; sys.path.insert(0, {str(package)!r}); import prepared; prepared.use(); sys.path.clear(); "
        "import alone, package; print(alone.__file__, package.__file__, package.__path__, package.NAME, "
        "package.inner.__spec__.name, sys.meta_path[0].find_spec('_fast').origin, sys.meta_path[0].find_spec('x'))"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    top = f"{tmp_path}/first"
    assert done.stdout.split() == [
        f"{top}/alone.pyc",
        f"{top}/package/__init__.pyc",
        f"['{top}/package']",
        "package",
        "package.inner",
        f"{tmp_path}/second/_fast.so",
        "None",
    ]


def test_a_table_for_another_python_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "prepared.py").write_bytes(Path(prepared.__file__).read_bytes())
    (tmp_path / prepared.NAME).write_bytes(marshal.dumps(("cpython-27", (), {}, 0, {})))
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import prepared; n = len(sys.meta_path); "
        "prepared.use(); print(len(sys.meta_path) - n)"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "0\n"
