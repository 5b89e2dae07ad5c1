# SPDX-License-Identifier: MIT
"""Run `make test-fast` of this checkout on another Debian suite: `make test-on SUITE=trixie`.

mmdebstrap makes a tree of the suite with Python, make, git and the tools of file systems, the checkout is cloned
into it, and make does its own set-up there, as it does on a machine. The tree gets this machine's apt sources and
pip's and uv's settings, and is removed at the end. Needs root. Nothing stays mounted: the mounts are in a namespace
of their own.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from bootmenu.errors import BootmenuError
from bootmenu.image import apt

CHECKOUT = Path(__file__).parent.parent
PACKAGES = ("ca-certificates", "git", "make", "python3")
"""What the README asks for."""
FOR_DISKS = ("btrfs-progs", "e2fsprogs", "mount", "xfsprogs")
"""What `make test-fast` does without elsewhere; here no test is left out."""
_PASSED_ON = re.compile(
    r"(PIP_|UV_|BOOTMENU_|SSL_CERT_|GIT_SSL_).*|(https?|ftp|all|no)_proxy|REQUESTS_CA_BUNDLE|CURL_CA_BUNDLE|CI|TERM|LC_ALL",
    re.IGNORECASE,
)
_PIP_FILES = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf", "/etc/uv/uv.toml", "~/.config/uv/uv.toml")
_OF_A_SYSTEM = ("/bin", "/boot", "/etc", "/lib", "/root", "/run", "/sbin", "/tmp", "/usr", "/var")
_NAMES = ("/etc/resolv.conf", "/etc/hosts")
# not Proxy-Auto-Detect: it names a program of the host
_APT_SETTINGS = re.compile(
    r'Acquire::((https?|ftp)::(?!.*Auto-?Detect)|Check-|Retries|Force)\S* "[^"]+";', re.IGNORECASE
)

# All that it starts ends with it, and with this process; its mounts are its own.
_ALONE = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")

# Its arguments: the tree, the paths to show there, --, the command.
_INSIDE = """
set -e
tree=$1; shift
mount --make-rprivate /
mount --bind "$tree" "$tree"  # only a root that is a mount point can be unshared
mount -t proc proc "$tree/proc"
for path in /dev /sys; do mount --rbind "$path" "$tree$path"; done
while [ "$1" != -- ]; do
    if [ -d "$1" ]; then
        mkdir -p "$tree$1"
    else
        mkdir -p "$tree$(dirname "$1")"
        [ -e "$tree$1" ] || : > "$tree$1"
    fi
    mount --bind "$1" "$tree$1"
    shift
done
shift
exec chroot "$tree" "$@"
"""


def passed_on(environment: Mapping[str, str]) -> dict[str, str]:
    """Return what of an environment says where packages come from, and how tests are run."""
    return {name: value for name, value in environment.items() if _PASSED_ON.fullmatch(name)}


def named_paths(texts: Sequence[str]) -> list[str]:
    """Return the existing absolute paths that settings name, alone or in a file: address, sorted.

    Of a path in a folder that no system needs, such as /opt, that whole folder: a local index of packages links to
    files beside it. A path below another one is left out.
    """
    found: set[str] = set()
    for text in texts:
        for match in re.finditer(r"(?:^|[\s=\"',]|file://)(/[^\s\"',;#]*[^\s\"',;#/])", text, re.M):
            top = f"/{Path(match[1]).parts[1]}"
            if Path(match[1]).exists() and top not in ("/dev", "/proc", "/sys"):
                found.add(match[1] if top in _OF_A_SYSTEM else top)
    return [path for path in sorted(found) if not any(str(parent) in found for parent in Path(path).parents)]


def apt_options() -> list[str]:
    """Return how this machine's apt gets files (proxies and the like), as lines of apt.conf(5)."""
    dump = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout
    return [line for line in dump.splitlines() if _APT_SETTINGS.match(line)]


def make_tree(suite: str, tree: Path) -> None:
    """Let mmdebstrap make a tree. Raise BootmenuError if this machine has no Debian source."""
    argv = ["mmdebstrap", "--mode=root", "--format=directory", "--variant=apt", "--skip=check/empty", "--quiet"]
    argv += [f"--include={','.join((*PACKAGES, *FOR_DISKS))}", "--dpkgopt=force-unsafe-io"]
    argv += [f"--aptopt={line}" for line in ['APT::Install-Recommends "false";', *apt_options()]]
    for path in ("/etc/apt/auth.conf", "/etc/apt/auth.conf.d"):
        if Path(path).exists():
            argv.append(f"--setup-hook=copy-in {path} /etc/apt")
    sources = apt.choose_sources(suite, None, apt.host_source_files())
    architecture = subprocess.run(["dpkg", "--print-architecture"], capture_output=True, text=True, check=True).stdout
    lines = [source.line(architecture.strip()).strip() for source in sources]
    subprocess.run([*_ALONE, *argv, suite, str(tree), *lines], check=True)


def run_inside(tree: Path, command: Sequence[str]) -> int:
    """Return the exit status of a command in a tree, which sees this machine's devices and pip's settings."""
    settings = [str(path) for name in _PIP_FILES if (path := Path(name).expanduser()).is_file()]
    environment = passed_on(os.environ)
    texts = [*environment.values(), *(Path(path).read_text("utf-8", "replace") for path in settings)]
    if file := environment.get("PIP_CONFIG_FILE"):
        texts += [Path(file).read_text("utf-8", "replace")] if Path(file).is_file() else []
    home = os.environ.get("HOME", "/root")
    (tree / home.lstrip("/")).mkdir(parents=True, exist_ok=True)
    environment |= {"HOME": home, "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    argv = [*_ALONE, "sh", "-c", _INSIDE, "sh", str(tree)]
    argv += [*_NAMES, *settings, *named_paths(texts), "--", "env", "-i"]
    argv += [f"{name}={value}" for name, value in environment.items()]
    return subprocess.run([*argv, *command], check=False).returncode


def main(argv: Sequence[str] | None = None) -> int:
    """Return make's exit status."""
    parser = argparse.ArgumentParser(prog="make test-on", description=__doc__)
    parser.add_argument("suite")
    parser.add_argument("arguments", nargs="*", help="of make, such as ARGS=-x")
    options = parser.parse_args(argv)
    if os.geteuid() != 0:
        print(
            "make test-on makes a tree of another suite and mounts into it: only root can do that.", file=sys.stderr
        )
        return 1
    changed = ["git", "-C", str(CHECKOUT), "status", "--porcelain"]
    if subprocess.run(changed, capture_output=True, check=True).stdout:
        print("Only what is committed is tested there.", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    folder = Path(tempfile.mkdtemp(prefix=f"bootmenu-{options.suite}-", dir="/var/tmp"))  # /tmp may be in memory
    try:
        return _test(options.suite, folder / "tree", ["make", "-C", "/bootmenu", "test-fast", *options.arguments])
    except (BootmenuError, OSError) as error:
        print(error, file=sys.stderr)
    except subprocess.CalledProcessError as error:
        print(f"{error.cmd[len(_ALONE)]} failed with exit code {error.returncode}; its own message is above.")
    finally:
        for _ in range(2):  # what was killed may have been writing
            shutil.rmtree(folder, ignore_errors=True)
    return 1


def _test(suite: str, tree: Path, command: Sequence[str]) -> int:
    print(f"Making a tree of {suite} ...", flush=True)
    make_tree(suite, tree)
    clone = ["git", "clone", "--quiet", "--no-hardlinks", str(CHECKOUT), str(tree / "bootmenu")]
    subprocess.run([*_ALONE, *clone], check=True)
    print(f"In it: {shlex.join(command)}", flush=True)
    return run_inside(tree, command)


if __name__ == "__main__":
    sys.exit(main())
