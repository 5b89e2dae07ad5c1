# SPDX-License-Identifier: MIT
"""Everything that reads what others wrote, each with samples to spoil and what must hold whatever it is given.

A target is made once in a process; an attack then gets a source of chance and raises Violation, or anything else that
is no BootmenuError, when something broke. Only public functions are called, so that the insides may change.
"""

from __future__ import annotations

import contextlib
import functools
import gzip
import io
import itertools
import json
import os
import pty
import random
import shutil
import tempfile
import tomllib
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bootmenu import cli, i18n
from bootmenu.bootstate.backend_from_settings import open_state_store
from bootmenu.bootstate.state import State, decode, encode
from bootmenu.bootstate.state_backends import FolderBackend
from bootmenu.bootstate.state_store import StateStore
from bootmenu.bugreport import bundle
from bootmenu.compat.facts import DeviceTreeFacts, KernelFacts, find_banner
from bootmenu.config.settings import Verify
from bootmenu.config.settings_layers import Loaded, load
from bootmenu.discovery.devices import find
from bootmenu.discovery.hotplug import Change
from bootmenu.discovery.machine_facts import gather
from bootmenu.discovery.scan_events import Listing
from bootmenu.errors import BootmenuError, FormatError
from bootmenu.formats import compression, dtb_head, initramfs
from bootmenu.formats.authenticode import signature_of
from bootmenu.formats.container_parts import part_among, parts_of
from bootmenu.formats.dtb import DeviceTree
from bootmenu.formats.dtb_facts import facts
from bootmenu.formats.editable_dtb import EditableDtb
from bootmenu.formats.identify import identify
from bootmenu.formats.kernels import Wanted
from bootmenu.formats.part_cache import content_of
from bootmenu.formats.reader import Buffer
from bootmenu.frontends.first_frame import CountdownContent, Frame, Terminal
from bootmenu.frontends.plain_kiosk import PlainKiosk
from bootmenu.frontends.plain_menu import PlainMenu
from bootmenu.frontends.tui import themes
from bootmenu.frontends.ui_context import UiContext
from bootmenu.i18n import catalogues
from bootmenu.image import image_file, image_parts
from bootmenu.image.unified_kernel import unified_kernel
from bootmenu.kexec.dtb_builder import DtbBuilder
from bootmenu.model.entry import BootEntry, Problem
from bootmenu.model.finding import Finding, Severity
from bootmenu.model.kernel import Compression
from bootmenu.model.machine import MachineFacts
from bootmenu.model.place import Bus, Place
from bootmenu.model.value import replace
from bootmenu.session.autoboot import choose
from bootmenu.sources import SOURCES, Platform, read_partition
from bootmenu.system.directory_tree import OpenFile
from bootmenu.system.host import Host
from bootmenu.system.kmsg import KernelLog
from bootmenu.system.mountinfo import mounts
from bootmenu.system.recorded_host import SimulatedHost
from bootmenu.terminal.capabilities import Depth, Traits
from bootmenu.terminal.input_filter import Key, TokenReader
from bootmenu.terminal.teletype import Teletype
from bootmenu.view.actions import TABLE
from bootmenu.view.policy import Policy
from tests.attack.mutate import mutated
from tests.builders import fakes, machines
from tests.builders.containers import board_dtb, fit_of, large_fit, uki
from tests.builders.entries import whole_image
from tests.builders.hosts import FakeCommands, FakeLog, fake_host
from tests.builders.places import BESIDE, CARD, INSIDE, STICK
from tests.builders.signatures import AUTHORITY, ROOT, certificate, signed_program
from tests.builders.trees import MemoryTree, write_tree
from tests.discovery.test_devices import DISK
from tests.discovery.test_hotplug import message
from tests.formats.test_initramfs import MODULES, PACK, cpio
from tests.formats.test_mutations import SAMPLES
from tests.image.test_unified_kernel import stub
from tests.trees import goldens


class Violation(Exception):  # noqa: N818 - what was promised does not hold
    """It gave a value, and a wrong one. sign: what such faults have in common."""

    def __init__(self, what: str, sign: str = "") -> None:
        super().__init__(what)
        self.sign = sign or what


Attack = Callable[[random.Random], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One kind of input."""

    make: Callable[[], Attack]
    weight: int
    """Of 1,000 inputs about so many are for it."""
    seconds: int = 10
    """Of computing time, for one input."""


TARGETS: dict[str, Target] = {}


def target(name: str, weight: int, *, seconds: int = 10) -> Callable[[Callable[[], Attack]], Callable[[], Attack]]:
    """Enter what makes an attack."""

    def enter(make: Callable[[], Attack]) -> Callable[[], Attack]:
        TARGETS[name] = Target(make=make, weight=weight, seconds=seconds)
        return make

    return enter


def _demand(holds: object, what: str) -> None:
    if not holds:
        raise Violation(what)


def _shown(text: str, where: str) -> None:
    """Nothing in it moves a cursor or rings a bell."""
    bad = sorted({char for char in text if not char.isprintable() and char != "\n"})
    _demand(not bad, f"{where} has the control characters {bad!r}")


@functools.cache
def _place() -> Path:
    """A folder of this process, gone with it."""
    import atexit

    folder = Path(tempfile.mkdtemp(prefix="attack-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# ---- kernels and what lies beside them ---------------------------------------------------------------------


def _kernel(name: str) -> Attack:
    others = [*SAMPLES.values()]
    tokens = [b"/images", b"hash-1", b".linux", b"\0\0\0\2", b"\0\0\0\1", b"\xd0\x0d\xfe\xed", b"MZ", b"\x1f\x8b\x08"]

    def attack(chance: random.Random) -> None:
        data = mutated(chance, SAMPLES[name], others, tokens)
        source = Buffer(data)
        with contextlib.suppress(FormatError):
            image = identify(source, Wanted(board=("acme,rocket",)))
            _demand(image.payload_offset + (image.payload_size or 0) <= len(data), "the payload ends behind the file")
            for part in image.embedded:
                _demand(part.offset + part.size <= len(data), "a part ends behind the file")
                with contextlib.suppress(FormatError):
                    content_of(source, part)
        with contextlib.suppress(FormatError):
            part_among(parts_of(source), chance.choice(("image-1", "image-2", "k", "\0", "x" * 9999)))
        found = KernelFacts.from_source(source, board=("acme,rocket",))
        _demand((found.image is None) != (found.problem is None), "neither an image nor a problem, or both")
        find_banner(source, found)

    return attack


for _name in SAMPLES:
    TARGETS[f"kernel {_name}"] = Target(make=functools.partial(_kernel, _name), weight=10)


@target("signature", 10)
def _signature() -> Attack:
    signed = signed_program([certificate("a", "b"), certificate("b", "c", AUTHORITY, ROOT)], "b")
    tokens = [b"\x30\x80", b"\x30\x84\xff\xff\xff\xff", b"\xa0\x82", b"\x02\x01\x00", b"MZ"]

    def attack(chance: random.Random) -> None:
        with contextlib.suppress(FormatError):
            signature_of(Buffer(mutated(chance, signed, [signed], tokens)), {ROOT.id: ROOT.public})

    return attack


@target("device tree", 40)
def _device_tree() -> Attack:
    blobs = [board_dtb("acme,rocket"), goldens._with_symbols(DeviceTree.from_bytes(board_dtb("a,b"))).to_bytes()]
    blobs += [goldens._overlay().to_bytes(), SAMPLES["fit"]]
    tokens = [b"\0\0\0\1", b"\0\0\0\2", b"\0\0\0\3", b"\0\0\0\4", b"\0\0\0\t", b"reg\0", b"compatible\0", b"cpu@0\0"]

    def attack(chance: random.Random) -> None:
        data = mutated(chance, chance.choice(blobs), blobs, tokens)
        with contextlib.suppress(FormatError):
            tree = DeviceTree.from_bytes(data)
            facts(tree)
            again = DeviceTree.from_bytes(tree.to_bytes())
            _demand(again == tree, "written and read back it is another tree")
            held = EditableDtb.from_tree(tree)
            for line in held.source()[:3000]:
                _shown(line, "the tree's text")
            _demand(held.to_tree() == tree, "what people see is another tree")
            _demand(
                not list(itertools.islice(held.differences(EditableDtb.from_tree(again)), 1)),
                "a tree differs from itself",
            )
        with contextlib.suppress(FormatError):
            dtb_head.read_head(Buffer(data))
        dtb_head.quick_head(Buffer(data))
        DeviceTreeFacts.from_bytes(data)

    return attack


@target("overlay", 4)
def _overlay() -> Attack:
    machine = machines.virt()
    host = SimulatedHost.from_facts(machine)
    base = goldens._with_symbols(DeviceTree.from_bytes(board_dtb("a,b"))).to_bytes()
    overlay = goldens._overlay().to_bytes()
    edits = [b'/ model = "x", <1 0x2>, [00 ff]', b"disable /cpus/cpu@1", b"delete /cpus #size-cells", b"enable /cpus"]

    def attack(chance: random.Random) -> None:
        over = [mutated(chance, overlay, [base]) for _ in range(chance.randint(1, 3))]
        own = mutated(chance, base, [overlay]) if chance.random() < 0.5 else base
        with contextlib.suppress(BootmenuError):
            DtbBuilder(host, machine, dict).merged(own, over)
        typed = [mutated(chance, chance.choice(edits), edits).decode("utf-8", "replace")]
        with contextlib.suppress(BootmenuError):
            DtbBuilder(host, machine, dict).merged(own, [], typed)
        DtbBuilder(host, machine, dict).predict(own, [], typed)
        DtbBuilder(host, machine, dict).predict(own, over)

    return attack


@target("initramfs", 40)
def _initramfs() -> Attack:
    plain = cpio(*MODULES, size=5)
    samples = [plain, *(pack(plain) for pack in PACK.values()), plain + bytes(8) + PACK["zstd"](plain)]
    tokens = [b"070701", b"070702", b"TRAILER!!!\0", b"ffffffff", b"lib/modules/", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"]

    def attack(chance: random.Random) -> None:
        data = mutated(chance, chance.choice(samples), samples, tokens)
        with contextlib.suppress(FormatError):
            initramfs.inspect(Buffer(data), deep=chance.random() < 0.5)

    return attack


@target("image", 20)
def _image() -> Attack:
    plain = cpio(*MODULES, size=5)
    packed = [plain + pack(plain) for pack in PACK.values()]
    samples = [plain, *packed, unified_kernel(stub(), {".initrd": packed[0], ".linux": b"K" * 9})]
    tokens = [b"070701", b"070702", b"TRAILER!!!\0", b"ffffffff", b"-0000070", b".initrd\0", b"\x1f\x8b"]

    def attack(chance: random.Random) -> None:
        data = mutated(chance, chance.choice(samples), samples, tokens)
        with contextlib.suppress(FormatError):
            found = image_file.members(data)
            _demand(bool("".join(image_parts.listing(found))), "nothing was listed")

    return attack


@target("compression", 40)
def _compression() -> Attack:
    samples = {kind: SAMPLES[name] for name in SAMPLES for kind in Compression if name == kind.value}
    names = {"lz4-legacy": "lz4", "lz4-frame": "lz4"}
    for name, kind_name in names.items():
        for kind in Compression:
            if kind.value.startswith(kind_name):
                samples[kind] = SAMPLES[name]
    bomb = gzip.compress(bytes(64 << 20), mtime=0)

    def attack(chance: random.Random) -> None:
        kind = chance.choice(sorted(samples))
        data = mutated(chance, samples[kind], [*samples.values(), bomb])
        total, ceiling = 0, chance.choice((0, 1000, 1 << 20, 1 << 26))
        with contextlib.suppress(BootmenuError):
            for piece, read in compression.unpack(Buffer(data), kind, ceiling):
                total += len(piece)
                _demand(read <= len(data), "it read more than there is")
        _demand(total <= ceiling + (8 << 20), f"unpacked {total:,} bytes where {ceiling:,} were the ceiling")
        with contextlib.suppress(BootmenuError):
            compression.unpack_head(Buffer(data), kind, 4096)

    return attack


# ---- configurations ----------------------------------------------------------------------------------------


@functools.cache
def _partitions() -> list[tuple[dict[str, bytes], tuple[str, ...], dict[str, list[str]]]]:
    """Every partition of tests/trees: its files, its board, and which file each parser read."""
    found = []
    for name in goldens.names():
        with tempfile.TemporaryDirectory() as place:
            goldens.materialise(name, Path(place))
            for folder in goldens.folders(name):
                root = Path(place, folder)
                files = {
                    f"/{path.relative_to(root)}": path.read_bytes()
                    for path in sorted(root.rglob("*"))
                    if path.is_file() and path.resolve().is_relative_to(root.resolve())
                }
                read: dict[str, list[str]] = {}
                for entry in read_partition(MemoryTree(files), Platform(board=goldens.board(name))):
                    if isinstance(entry, BootEntry):
                        path = entry.config.path if entry.config else entry.kernel.path
                        if path in files and path not in read.setdefault(entry.source, []):
                            read[entry.source].append(path)
                found.append((files, goldens.board(name), read))
    return found


_WORDS: Mapping[str, list[bytes]] = {
    "grub": [
        *(
            b"menuentry 'x' {\n",
            b"submenu 'y' {\n",
            b"}\n",
            b"if true; then\n",
            b"fi\n",
            b"while true; do\n",
            b"done\n",
        ),
        *(
            b"for a in *; do\n",
            b"function f {\n",
            b"f\n",
            b"source /x\n",
            b"configfile ${prefix}/grub.cfg\n",
            b"set a=$a$a\n",
        ),
        *(
            b"regexp '(a+)+$' aaaaaaaaaaaaaaaaaaaaaaaa\n",
            b"regexp -s v '(.*)*(.*)*' $a\n",
            b"search -f /x\n",
            b"blscfg\n",
        ),
        *(
            b"linux /k $root\n",
            b"load_env\n",
            b"export x\n",
            b"insmod x\n",
            b"test -f /x\n",
            b"eval $a\n",
            b"${",
            b"$(",
            b"[ ",
        ),
    ],
    "bls": [
        b"linux ",
        b"initrd ",
        b"options ",
        b"title ",
        b"sort-key ",
        b"version ",
        b"devicetree ",
        b"$kernelopts",
        b"+3-1",
    ],
    "extlinux": [
        *(
            b"label ",
            b"kernel ",
            b"linux ",
            b"append ",
            b"initrd ",
            b"fdt ",
            b"fdtdir ",
            b"include ",
            b"default ",
            b"menu ",
        ),
        *(b"fdtoverlays ", b"com32 ", b"say ", b"localboot ", b"ipappend "),
    ],
    "uboot": [
        *(
            b"setenv ",
            b"load mmc 0:1 ",
            b"booti ",
            b"if ",
            b"; then ",
            b"; fi\n",
            b"for i in ",
            b"; do ",
            b"; done\n",
        ),
        *(
            b"test -n ",
            b"setexpr a sub ",
            b"fdt apply ",
            b"run ",
            b"source ",
            b"env import -t ",
            b"env import -c ",
            b"env export -c ",
            b"ini a ",
            b"BOOT_ORDER ",
            b"${BOOT_A_LEFT}",
            b"${a}",
            b" && ",
            b" || ",
        ),
    ],
    "raspberrypi": [
        b"[all]\n",
        b"[pi4]\n",
        b"include ",
        b"kernel=",
        b"dtoverlay=",
        b"dtparam=",
        b"os_prefix=",
        b"cmdline=",
    ],
}


def _source(name: str) -> Attack:
    places = [(files, board, path) for files, board, read in _partitions() for path in read.get(name, ())]
    if not places:  # a parser without a golden reads whatever is there
        places = [(files, board, path) for files, board, _ in _partitions() for path in files]
    others = [files[path] for files, _, path in places]
    tokens = _WORDS.get(name, [b"kernel=", b"image=", b"label=", b"default=", b"append=", b"[", b"]"])

    def attack(chance: random.Random) -> None:
        files, board, path = chance.choice(places)
        spoilt = {**files, path: mutated(chance, files[path], others, tokens)}
        if chance.random() < 0.2:
            another = chance.choice(sorted(files))
            spoilt[another] = mutated(chance, files[another])
        found = list(read_partition(MemoryTree(spoilt), Platform(board=board)))
        _demand(len(found) < 5000, f"{len(found):,} entries and problems of one partition")
        for item in found:
            if isinstance(item, Problem):
                _demand(len(item.message) < 2000, "a problem of more than 2,000 characters")

    return attack


for _name in SOURCES.names():
    TARGETS[f"source {_name}"] = Target(
        make=functools.partial(_source, _name), weight={"grub": 90, "bls": 40, "extlinux": 40}.get(_name, 20)
    )


@target("partition", 16)
def _partition() -> Attack:
    """A whole machine, with links that lead out, through `bootmenu scan --tree`."""
    place = _place()
    outside = place / "outside"
    write_tree(outside, {"secret": "the-secret-outside", "vmlinuz": whole_image() + b"the-secret-outside"})
    good = write_tree(
        place / "good", {"vmlinuz": whole_image(), "loader/entries/good.conf": "title Good\nlinux /vmlinuz\n"}
    )
    copies = {}
    for name in goldens.names():
        goldens.materialise(name, place / "whole" / name)
        copies[name] = [place / "whole" / name / folder for folder in goldens.folders(name)]
    other = [files[path] for files, _, _ in _partitions() for path in sorted(files)[:3]]

    def attack(chance: random.Random) -> None:
        root = place / "spoilt"
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(chance.choice(copies[chance.choice(sorted(copies))]), root, symlinks=True)
        paths = sorted(path for path in root.rglob("*") if path.is_file() and not path.is_symlink())
        for path in chance.sample(paths, min(len(paths), chance.randint(1, 4))):
            match chance.randrange(8):
                case 0:
                    path.unlink()
                    path.symlink_to(
                        chance.choice((outside / "secret", "../" * 9 + str(outside / "secret"), path.name))
                    )
                case 1:
                    path.unlink()
                    os.mkfifo(path)
                case 2:
                    path.rename(
                        path.with_name(chance.choice(("\x1b[31mx.conf", "a\nb.conf", "\u202ex.conf", "\udcff.conf")))
                    )
                case _:
                    path.write_bytes(mutated(chance, path.read_bytes(), other))
        out, error = _scan(["--json", "--tree", f"{root},name=sda1", "--tree", f"{good},name=sdb1"])
        found = json.loads(out)
        ids = [entry["id"] for entry in found["entries"]]
        _demand(len(ids) == len(set(ids)), "an id twice")
        _demand(any(entry["title"] == "Good" for entry in found["entries"]), "the good entry beside is not listed")
        _demand("the-secret-outside" not in out + error, "what lies outside was read")
        _demand(
            str(outside) not in json.dumps([entry["kernel"] for entry in found["entries"]]), "a kernel from outside"
        )
        _shown(error, "what is told")
        if chance.random() < 0.25:
            _shown("".join(_scan(["--tree", f"{root},name=sda1"])), "the list")

    return attack


def _scan(words: Sequence[str]) -> tuple[str, str]:
    machine = Path(machines.FOLDER / "virt-psci-hvc.json")
    code, out, error = _called("scan", "--machine", str(machine), *words)
    _demand(code == 0, f"scan ends with {code}: {error[-300:]}")
    return out, error


def _called(*argv: str) -> tuple[int, str, str]:
    """The command line, in this process: exit code, output, errors."""
    out, error = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        code = cli.main(argv)
    _demand(code in (0, 1, 2), f"exit code {code}")
    _demand("Traceback" not in error.getvalue(), "a traceback")
    return code, out.getvalue(), error.getvalue()


# ---- settings, and what they permit ------------------------------------------------------------------------

KIOSK = b"""\
profile = "kiosk"
shell = false
timeout = 10
default = "bls-debian-*"

[kiosk]
entries = ["bls-debian-*", "extlinux-rescue-*"]
locked = ["*rescue*"]
recovery = ["*rescue*"]
actions = ["details"]
pin = "scrypt$1024$8$1$00112233445566778899aabbccddeeff$00112233445566778899aabbccddeeff"
contact = "Help: 0800 123 456"

[state]
device = "LABEL=STATE"

[sha256]
"sda1:/boot/vmlinuz" = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
"LABEL=BOOT:/initrd.img" = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"
"""
_NONSENSE = (
    # what stands there, and what somebody made of it
    *(
        (b'"kiosk"', b'"kiosks"'),
        (b'"kiosk"', b"true"),
        (b'"kiosk"', b'["kiosk"]'),
        (b'"kiosk"', b'""'),
        (b'"kiosk"', b"1"),
    ),
    *((b"shell = false", b'shell = "nein"'), (b"shell = false", b"shell = []"), (b"shell = false", b'shell = ""')),
    *((b'["*rescue*"]\nrec', b'["*rescue*", ""]\nrec'), (b'["*rescue*"]\nrec', b'["*rescue*", 1]\nrec')),
    *((b'["*rescue*"]\nrec', b'""\nrec'), (b'["*rescue*"]\nrec', b"{}\nrec"), (b'["*rescue*"]\nrec', b"false\nrec")),
    *((b'"extlinux-rescue-*"]', b'""]'), (b'"extlinux-rescue-*"]', b"7]"), (b'"extlinux-rescue-*"]', b'["x"]]')),
    *((b'["details"]', b'["details", ""]'), (b'["details"]', b"[1]"), (b'["details"]', b'{"shell" = true}')),
    *((b"0123456789abcdef0123", b"x123456789abcdef0123"), (b"fedcba98", b"fedcba9"), (b"fedcba98", b"FEDCBA98")),
    *(
        (b"[sha256]", b"[sha-256]"),
        (b"[sha256]", b"[[sha256]]"),
        (b"[kiosk]", b"[kiosks]"),
        (b"[kiosk]", b"[[kiosk]]"),
    ),
    *(
        (b"profile", b"Profile"),
        (b"profile", b"profle"),
        (b"locked", b"lock"),
        (b"entries", b"entry"),
        (b"[kiosk]", b"[kiosk"),
    ),
    *((b"", b"\xef\xbb\xbf"), (b"", b"\0"), (b"", b"\xff"), (b"pin = ", b"pin = x"), (b"scrypt$", b"$6$")),
)
_ON_THE_LINE = (
    *("bootmenu.profile=standard", "bootmenu.kiosk.entries=*", "bootmenu.kiosk.locked=none", "bootmenu.shell=yes"),
    *("bootmenu.kiosk.actions=shell,edit,power", "bootmenu.kiosk_entries=*", "bootmenu.profile=", "bootmenu.profile"),
    *(
        'bootmenu.kiosk.locked=""',
        "bootmenu.kiosk.entries=",
        "BOOTMENU.profile=standard",
        '"bootmenu.profile=standard"',
    ),
    *(
        "bootmenu.kiosk.locked",
        "bootmenu.shell",
        "bootmenu.shell=1",
        "bootmenu.profile=nothing",
        "bootmenu.kiosk.pin=0000",
    ),
)
_IDS = ("bls-debian-1", "extlinux-rescue-1", "extlinux-alpine-1", "grub-usb-evil-1")
_ACTIONS = sorted({action.name for action in TABLE} | {"shell", "edit", "details", "power", "quit"})


def _loaded(file: bytes | None, line: str = "", *, folder: bool = False) -> Loaded:
    root = _place() / "settings"
    shutil.rmtree(root, ignore_errors=True)
    files: dict[str, bytes | str] = {"/proc/cmdline": line}
    if file is not None:
        files["/etc/bootmenu.toml"] = file
    host = fake_host(root, files)
    if folder:
        host.path("/etc/bootmenu.toml").mkdir(parents=True)
    return load(host)


def _permitted(loaded: Loaded) -> dict[str, int]:
    """What can be done there, and how easily: 2 at once, 1 with the PIN or as something that is shown, 0 not."""
    settings, policy = loaded.settings, Policy.of(loaded.settings)
    found = {f"action {name}": {"free": 2, "pin": 1}.get(str(policy.access(name)), 0) for name in _ACTIONS}
    listings = [fakes.listing(name, name) for name in _IDS]
    free = policy.startable(listings)
    # as the kiosk asks for it: where only the default is offered, that is what would start by itself
    shown = policy.offered(listings, default=choose(free, State(), settings, finished=True).listing)
    for one in listings:
        found[f"entry {one.entry.id}"] = 0 if one not in shown else 2 if one in free else 1
    found["leaving the kiosk"] = 0 if policy.kiosk else 2
    found["a shell"] = 2 if settings.shell else 0
    found["files without their digest"] = 0 if settings.sha256 or settings.verify is Verify.ALL else 2
    return found


def _not_looser(before: dict[str, int], after: dict[str, int], why: str) -> None:
    looser = [name for name, level in after.items() if level > before.get(name, 0)]
    if looser:
        raise Violation(f"{why} gives a looser policy: {', '.join(looser[:4])}", f"looser: {looser[0]}")


@target("settings file", 60)
def _settings_file() -> Attack:
    tokens = [
        *(
            b"[kiosk]\n",
            b"[[kiosk]]\n",
            b'profile = "standard"\n',
            b"kiosk.entries = ['*']\n",
            b'"""',
            b"'''",
            b"\\u0000",
        ),
        *(b"shell = true\n", b"[sha256]\n", b"nan", b"1979-05-27T07:32:00Z", b"[" * 2000, b"a." * 2000, b"{" * 999),
    ]

    def attack(chance: random.Random) -> None:
        loaded = _loaded(mutated(chance, KIOSK, [], tokens), chance.choice(("", *_ON_THE_LINE)))
        for problem in loaded.problems:
            _demand(len(problem) < 2000, "a problem of more than 2,000 characters")
        _permitted(loaded)

    return attack


@target("policy of a kiosk", 60)
def _policy() -> Attack:
    """A kiosk's file that is damaged in one place, or not understood, permits nothing that the whole one does not.

    What became another file without a fault in it is another policy, and not judged. Where nothing is left of a table
    of digests, and where nothing can be read, the default entry starts without one: that it was demanded is lost.
    """
    before = _permitted(_loaded(KIOSK))
    unreadable = before | {"files without their digest": 2}

    def attack(chance: random.Random) -> None:
        data, line, why = KIOSK, "", ""
        match chance.randrange(6):
            case 0 | 1:
                old, new = chance.choice(_NONSENSE)
                data, why = KIOSK.replace(old, new, 1), f"{new!r} in the place of {old!r}"
            case 2:
                line = chance.choice(_ON_THE_LINE)
                why = f"{line} on the kernel command line"
            case 3:
                name = chance.choice(("utf-16", "utf-16-le", "utf-32", "cp037"))
                data, why = KIOSK.decode().encode(name), f"the file as {name}"
            case 4:
                at = chance.randrange(len(KIOSK))
                data, why = KIOSK[:at], f"the file cut off after {at} bytes"
            case _:
                at = chance.randrange(len(KIOSK))
                byte = bytes([KIOSK[at] ^ 1 << chance.randrange(8)])
                data, why = KIOSK[:at] + byte + KIOSK[at + 1 :], f"{byte!r} as byte {at}"
        loaded = _loaded(data, line)
        with contextlib.suppress(UnicodeDecodeError, ValueError, RecursionError):
            if not line and data.strip() and tomllib.loads(data.decode("utf-8-sig")) and not loaded.problems:
                return
        left = b"sha256" in data.replace(b"\0", b"").lower()
        _not_looser(before if left else unreadable, _permitted(loaded), why)
        if chance.random() < 0.05:
            _not_looser(unreadable, _permitted(_loaded(None, folder=True)), "a file that cannot be read")

    return attack


_PLACES = (
    *(INSIDE, INSIDE, BESIDE, STICK, CARD, Place(), Place(bus=Bus.EXTERNAL)),
    *(replace(place, late=True) for place in (INSIDE, BESIDE, STICK)),
)


def _listing(chance: random.Random, number: int, place: Place) -> Listing:
    """An entry of a partition at that place, with a name that any partition may have."""
    name = chance.choice(("debian", "debian", "rescue", "alpine"))
    verdict = chance.choice(((), (), (Finding(code="X", severity=chance.choice(list(Severity)), message="x"),)))
    one = fakes.listing(name, name, *verdict, device=f"sd{'abcdef'[number]}1", default=chance.random() < 0.3)
    places = (place, *(chance.sample(_PLACES, 1) if chance.random() < 0.2 else ()))
    return replace(one, places=places)


@target("places in a kiosk", 40)
def _places() -> Attack:
    """What is offered and what starts by itself comes from inside the machine, whatever other disks call theirs."""
    settings = replace(fakes.KIOSK, kiosk_entries=("*",), kiosk_recovery=("rescue",))
    policy = Policy.of(settings)

    def attack(chance: random.Random) -> None:
        found = [_listing(chance, number, chance.choice(_PLACES)) for number in range(chance.randint(1, 6))]
        chance.shuffle(found)
        name = chance.choice((None, "debian", "rescue", "alpine"))
        state = State(default=name or "", once=chance.choice(("", "rescue", "debian")))
        startable = policy.startable(found)
        choice = choose(startable, state, settings, finished=chance.random() < 0.8)
        given = [*startable, *policy.offered(found, repair_first=chance.random() < 0.5, default=choice.listing)]
        for one in [*given, *([choice.listing] if choice.listing is not None else [])]:
            outside = [str(place) for place in one.places if not place.internal]
            _demand(not outside, f"{one.entry.id} is given, with files on {', '.join(outside)}")

    return attack


# ---- what is remembered, and what a machine says of itself -------------------------------------------------


@target("state", 40)
def _state() -> Attack:
    sample = encode(State(default="debian", once="x", wrong_pins=7))
    tokens = [b'"schema":2', b'"lost":[', b"null", b"true", b'{"entry":"x","at":""}', b"[" * 9999, b"1e400"]
    folder = _place() / "state"
    host = fake_host(_place() / "efi", {"/sys/firmware/efi/efivars/x": ""})
    settings = _loaded(b'state.device = "efi"').settings
    variable = ""

    def attack(chance: random.Random) -> None:
        nonlocal variable
        data = mutated(chance, sample, [], tokens)
        with contextlib.suppress(BootmenuError):
            again = decode(data)
            _demand(decode(encode(again)) == again, "written and read back it is another state")
        shutil.rmtree(folder, ignore_errors=True)
        write_tree(folder, {"state.json": data} if chance.random() < 0.7 else {"state.json.new": data})
        memory = StateStore(FolderBackend(folder))
        _demand(memory.keep(State(default="after")), "a damaged state cannot be replaced")
        _demand(StateStore(FolderBackend(folder)).state.default == "after", "what was kept is not there")
        if not variable:
            with contextlib.suppress(BootmenuError):
                open_state_store(host, settings, []).keep(State(default="x"))
            names = [path for path in host.path("/sys/firmware/efi/efivars").iterdir() if path.name != "x"]
            variable = str(names[0]) if names else ""
        if variable:
            Path(variable).write_bytes(mutated(chance, b"\7\0\0\0" + sample, [], tokens))
            open_state_store(host, settings, []).keep(State(default="y"))

    return attack


@target("facts of a machine", 25)
def _machine_facts() -> Attack:
    samples = [path.read_bytes() for path in sorted(machines.FOLDER.rglob("*.json"))]
    kernel = write_tree(_place() / "facts", {"Image": whole_image()}) / "Image"
    tokens = [
        b"null",
        b"true",
        b"[]",
        b"{}",
        b"-1",
        b"1e400",
        b"18446744073709551616",
        b'"arm64"',
        b"[" * 9999,
        b'"\\ud800"',
    ]

    def attack(chance: random.Random) -> None:
        data = mutated(chance, chance.choice(samples), samples, tokens)
        with contextlib.suppress(ValueError, RecursionError, BootmenuError):
            found = MachineFacts.from_json(json.loads(data))
            _demand(MachineFacts.from_json(found.to_json()) == found, "written and read back it is another machine")
        (_place() / "facts/machine.json").write_bytes(data)
        _, out, error = _called(
            "check", str(kernel), "--machine", str(_place() / "facts/machine.json"), *chance.choice(((), ("--json",)))
        )
        _shown(out + error, "the report")

    return attack


_MACHINE: Mapping[str, bytes] = {
    "/proc/self/status": b"Name:\tx\nCapEff:\t000001ffffffffff\n",
    "/proc/sys/kernel/kexec_load_disabled": b"0\n",
    "/proc/sys/kernel/kexec_load_limit_reboot": b"-1\n",
    "/sys/kernel/kexec_loaded": b"0\n",
    "/boot/config-6.1.0-test": b"CONFIG_KEXEC=y\n# CONFIG_KEXEC_FILE is not set\n",
    "/sys/devices/system/cpu/present": b"0-1\n",
    "/sys/devices/system/cpu/possible": b"0-1\n",
    "/sys/devices/system/cpu/online": b"0\n",
    "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1": b"0x00000000411fd070\n",
    "/proc/iomem": b"40000000-7fffffff : System RAM\n  40010000-41ffffff : Kernel code\n",
    "/proc/meminfo": b"MemTotal:        1003960 kB\nMemFree: 1 kB\n",
    "/proc/cmdline": b"console=ttyAMA0 bootmenu.timeout=3\n",
    "/proc/kallsyms": b"0000000000000000 T __arm64_sys_kexec_load\n",
    "/sys/kernel/security/lockdown": b"[none] integrity confidentiality\n",
}


@target("files of a machine", 25)
def _machine_files() -> Attack:
    whole = {**_MACHINE, "/sys/firmware/fdt": board_dtb("acme,rocket")}

    def attack(chance: random.Random) -> None:
        root = _place() / "machine"
        shutil.rmtree(root, ignore_errors=True)
        spoilt = chance.sample(sorted(whole), chance.randint(1, 4))
        write_tree(root, {path: mutated(chance, data) if path in spoilt else data for path, data in whole.items()})
        found = gather(Host(root=root, syscalls=fake_host(root).syscalls, commands=FakeCommands(), log=FakeLog(None)))
        _demand(
            MachineFacts.from_json(json.loads(json.dumps(found.to_json()))) == found, "its JSON is another machine"
        )

    return attack


@target("kernel log", 25)
def _kernel_log() -> Attack:
    lines = [
        *("CPU features: detected: GIC", "psci: PSCIv1.1 detected in firmware.", "CPU1: is stuck in kernel"),
        *(
            "kexec: Can't kexec: CPUs are stuck in the kernel.",
            "GICv3: CPU0: using allocated LPI pending table @0x42fb0000",
        ),
        *(
            "CPU: All CPU(s) started at EL2",
            "kvm [1]: Protected nVHE mode initialized successfully",
            "Machine model: X",
        ),
    ]
    sample = "".join(f"6,{number},{number * 9},-;{line}\n" for number, line in enumerate(lines)).encode()

    def attack(chance: random.Random) -> None:
        root = _place() / "log"
        data = mutated(chance, sample)
        write_tree(root, {"/dev/kmsg": data, "/sys/firmware/fdt": b""})
        log = KernelLog(str(root / "dev/kmsg"))
        log.lines(), log.excerpt(("kernel", "cpu"))
        with log.watched() as added:
            added()
        spoilt = [mutated(chance, line.encode()).decode("utf-8", "replace") for line in lines]
        gather(Host(root=root, syscalls=fake_host(root).syscalls, commands=FakeCommands(), log=FakeLog(spoilt)))

    return attack


@target("lsblk and blkid", 25)
def _block_devices() -> Attack:
    sample = json.dumps({"blockdevices": [DISK, {**DISK, "name": "sdb", "path": "/dev/sdb"}]}).encode()
    told = b"ID_FS_TYPE=ext4\nID_FS_UUID=1\nID_FS_LABEL_ENC=a\\x20b\nID_PART_ENTRY_NAME=x\n"
    tokens = [
        b"null",
        b"true",
        b"-1",
        b"1e400",
        b'"children":[',
        b'"type":"part"',
        b"9" * 30,
        b'"\\ud800"',
        b"[" * 9999,
    ]

    def attack(chance: random.Random) -> None:
        root = _place() / "block"
        answer, status = mutated(chance, sample, [], tokens), chance.choice((0, 0, 0, 1, 32, -9))
        programs = {
            "lsblk": lambda argv, fds: (status, answer, b"lsblk: \xff"),
            "blkid": lambda argv, fds: (chance.choice((0, 2)), mutated(chance, told), b""),
        }
        files = {"/proc/self/mountinfo": mutated(chance, _MOUNTINFO)}
        for found in find(fake_host(root, files, programs)):
            str(found)

    return attack


_MOUNTINFO = b"""\
22 1 8:2 / / rw,relatime shared:1 - ext4 /dev/sda2 rw
36 22 8:1 / /boot\\040x rw - vfat /dev/sda1 rw,fmask=0077
40 22 0:35 /@/home /home rw - btrfs /dev/sda3 rw,subvol=/@
"""


@target("mountinfo", 15)
def _mountinfo() -> Attack:
    def attack(chance: random.Random) -> None:
        root = _place() / "mounts"
        for mount in mounts(fake_host(root, {"/proc/self/mountinfo": mutated(chance, _MOUNTINFO)})):
            _demand(mount.point and mount.number, "a mount without a place")

    return attack


@target("uevent", 25)
def _uevent() -> Attack:
    samples = [
        message("add", "/devices/x/block/sda/sda1"),
        message("change", "/devices/x/block/sr0", DISK_MEDIA_CHANGE="1"),
        message("remove", "/devices/x/block/cciss!c0d0", SEQNUM="4711"),
    ]

    def attack(chance: random.Random) -> None:
        found = Change.from_message(
            mutated(chance, chance.choice(samples), samples, [b"ACTION=", b"\0", b"SUBSYSTEM=block"])
        )
        _demand(found is None or isinstance(found, Change), "neither a change nor nothing")

    return attack


# ---- terminals ---------------------------------------------------------------------------------------------

KEYS: tuple[bytes, ...] = (
    *(
        b"\x1b[A",
        b"\x1b[B",
        b"\x1b[5~",
        b"\x1b[6~",
        b"\x1bOP",
        b"\x1b[[A",
        b"\r",
        b"\n",
        b"\t",
        b"\x1b",
        b"\x7f",
        b"\x0c",
    ),
    *(
        b"?",
        b"d",
        b"e",
        b"/",
        b"r",
        b"t",
        b"D",
        b"o",
        b"l",
        b"k",
        b"u",
        b"p",
        b"q",
        b"y",
        b"n",
        b"s",
        b"1",
        b"9",
        b"0",
    ),
    *(
        b"\x1b[200~",
        b"\x1b[201~",
        b"\x1b[200~a\r\nb\x1b[201~",
        b"\x1b[I",
        b"\x1b[O",
        b"\x1b[24;80R",
        b"\x1b[?2026;2$y",
    ),
    *(
        b"\x1b[48;24;80;0;0t",
        b"\x1b[48;30000;30000;0;0t",
        b"\x1b[8;9999;9999t",
        b"\x1b[<0;5;5M",
        b"\x1b[<64;999999;1M",
    ),
    *(
        b"\x1b[M !!",
        b"\x1bP+q544e\x1b\\",
        b"\x1b]11;rgb:00/00/00\x07",
        b"\x1b[?1;2c",
        b"\x1b[>0;1;2c",
        b"\x1b_x\x1b\\",
    ),
    *(
        "ä€\U0001f600".encode(),
        b"\xff\xfe",
        b"\xc3",
        b"\0",
        b"\x9b31m",
        b"\x1b[1;999999999999A",
        b"\x1b[;;;;;;;u",
        b"\x1b" * 99,
    ),
    *(
        b"\x1b[57399;1:3u",
        b"\x1b[27u",
        b"\x1b[1114112u",
        b"\x1b[4294967296u",
        b"\x1b[-1u",
        b"\x03",
        b"\x04",
        b"\x1a",
        b"\x11",
    ),
)
"""What may come from a keyboard, from a line's other end, or from a paste."""


def typed(chance: random.Random) -> bytes:
    """Something that somebody types, or that a line makes of it."""
    data = b"".join(chance.choices(KEYS, k=chance.randint(1, 12)))
    return mutated(chance, data, KEYS, KEYS)[:8192] if chance.random() < 0.6 else data


@target("plain menu", 30)
def _plain_menu() -> Attack:
    words = [
        "1",
        "2",
        "9",
        "d 1",
        "t 1",
        "e 1",
        "D 1",
        "o 1",
        "/ deb",
        "/",
        "r",
        "u",
        "l",
        "p",
        "4",
        "4711",
        "L",
        "m",
        "?",
        "y",
        "",
        "title x",
    ]

    def attack(chance: random.Random) -> None:
        lines = [
            mutated(chance, chance.choice(words).encode()) if chance.random() < 0.4 else chance.choice(words).encode()
            for _ in range(chance.randint(1, 12))
        ]
        text = b"\n".join(lines).decode("utf-8", chance.choice(("replace", "surrogateescape")))
        sink = io.StringIO()
        session, columns = fakes.FakeSession(), chance.randint(20, 240)
        teletype = Teletype(io.StringIO(text), sink, columns=lambda: columns)
        if chance.random() < 0.5:
            PlainMenu(UiContext(session=session, may_quit=chance.random() < 0.5), teletype).run()
        else:
            PlainKiosk(
                UiContext(session=session, settings=fakes.KIOSK, policy=Policy.of(fakes.KIOSK)), teletype
            ).run()
        _shown(sink.getvalue(), "the plain menu")

    return attack


@target("text with line ends", 40)
def _burst() -> Attack:
    """What comes in one burst, or as a paste, starts nothing, however its bytes are cut into pieces."""
    parts = (b"a", b"y", b"1", b"D", b" ", b"\r", b"\n", b"\r\n", b"\r\0", b"\t", "ä".encode(), b"\x7f")

    def attack(chance: random.Random) -> None:
        text = b"".join((b"1y", *chance.choices(parts, k=chance.randint(1, 40))))
        data = b"\x1b[200~" + text + b"\x1b[201~" if chance.random() < 0.3 else text
        reader, at, tokens = TokenReader(), 0, []
        while at < len(data):
            size = chance.randint(1, len(data))
            tokens += reader.feed(data[at : at + size])
            at += size
        while reader.wait is not None:
            tokens += reader.quiet()
        pressed = [token for token in tokens if isinstance(token, Key) and token.alone]
        _demand(not pressed, f"a text has the key {pressed[:1]}")

    return attack


@target("first frame", 12)
def _first_frame() -> Attack:
    def attack(chance: random.Random) -> None:
        ours, theirs = pty.openpty()
        try:
            data = typed(chance)[:1000]
            with Frame(
                [Terminal(os.ttyname(theirs), Traits.of({"TERM": chance.choice(("linux", "xterm", "dumb"))}))]
            ) as frame:
                frame.show(CountdownContent(title=lambda _: " bootmenu ", seconds=3))
                os.write(ours, data)
                for _ in range(len(data) + 1):
                    frame.wait(0)
                    frame.show(
                        CountdownContent(title=lambda _: " bootmenu ", lines=[data.decode("latin-1")[:40]], seconds=2)
                    )
                os.set_blocking(ours, False)
                with contextlib.suppress(BlockingIOError):
                    os.read(ours, 65536)
        finally:
            os.close(ours)
            os.close(theirs)

    return attack


# ---- what goes out, and what a person brings ---------------------------------------------------------------

_SECRETS = (
    *("password={}", "PASSWORD: {}", "rd.luks.key={}", "token={}", "psk={}", "set_credential:{}", "inst.sshpw={}"),
    *(
        '"password": "{}"',
        "Authorization: Bearer {}",
        "mysql --password {}",
        "https://u:{}@host/x",
        "serial={}",
        "machine-id={}",
    ),
    *(
        "key={}",
        "api_key={}",
        "systemd.set_credential=root.password:{}",
        "rootpw={}",
        "--pin {}",
        "secret={}",
        "passphrase={}",
    ),
    *(
        "cifs user=u,pass={}",
        "wpa_psk={}",
        "ceph.secret={}",
        "seed={}",
        "systemd.machine_id={}",
        "ip_auth={}",
        "net.key: {}",
    ),
)


@target("report filter", 30)
def _report() -> Attack:
    machine, log = machines.virt(), _place() / "report.log"
    host = fake_host(_place() / "report")

    def attack(chance: random.Random) -> None:
        secret = f"Q{chance.getrandbits(80):020x}Z"
        row = chance.choice(_SECRETS).format(secret)
        sides = [
            mutated(chance, b"kernel: console=ttyS0 quiet root=UUID=1234", [], [b"aa:" * 999, b"=" * 999, b"$y$"])
            for _ in range(2)
        ]
        before, after = (side.decode("utf-8", "replace").replace("\n", " ") for side in sides)
        if chance.random() < 0.5:
            before, after = "error: ", ""
        # apart from what stands beside it, which is what hides a name from any reader
        line = f"{before}\n{row}\n{after}"
        log.write_text(line, "utf-8", errors="replace")
        texts = bundle.parts(host, machine, [], [], Loaded(), log=log)
        _demand(
            not any(secret in text for text in texts.values()),
            f"the report has the secret of {row.replace(secret, '…')}",
        )
        bundle.bundle(texts, "x")

    return attack


@target("language file", 20)
def _language() -> Attack:
    samples = [path.read_bytes() for path in sorted(i18n.LOCALE.glob("*.mo"))]
    few = [sample[:20_000] for sample in samples]
    tokens = [
        b"\xde\x12\x04\x95",
        b"plural=n/0;",
        b"plural=" + b"(" * 500,
        b"charset=none",
        b"{name}",
        b"{",
        b"\0",
    ]

    def attack(chance: random.Random) -> None:
        path = _place() / "xx.mo"
        path.write_bytes(mutated(chance, chance.choice(few), few, tokens))
        found = catalogues.read(path)
        if found is not None:
            found.gettext("Quit")
            with contextlib.suppress(ArithmeticError):
                for number in (0, 1, 2, 5):
                    found.ngettext("{n} entry", "{n} entries", number)

    return attack


@target("theme", 20)
def _theme() -> Attack:
    shipped = [path.read_bytes() for path in sorted(Path("themes").glob("*.toml"))]
    tokens = [
        b"[variables]\n",
        b'"#12345"',
        b'"ansi_x"',
        b"dark = 3\n",
        b'"$',
        b"[" * 999,
        b'"rgb(999,0,0)"',
        b'"auto 10%"',
    ]

    def attack(chance: random.Random) -> None:
        folder = _place() / "themes"
        folder.mkdir(exist_ok=True)
        (folder / "odd.toml").write_bytes(mutated(chance, chance.choice(shipped), shipped, tokens))
        with contextlib.suppress(BootmenuError):
            for depth in Depth:
                list(themes.sample(themes.readable(themes.load("odd", [folder]), depth), depth))
        list(themes.theme_files([folder]))

    return attack


# ---- large and dense ---------------------------------------------------------------------------------------


def _fit_with_hashes(chance: random.Random) -> None:
    """Every image is the same range, and every hash is one of all of it."""
    names = [f"k{number}" for number in range(chance.choice((2, 65)))]
    few = {name: ("kernel" if name == "k0" else "flat_dt", b"", "none") for name in names}
    configuration = {"one": {"kernel": names[:1], "fdt": names[1:]}}
    blob = fit_of(few, configuration, default="one", data="offset", algorithms=["sha256"] * chance.choice((8, 250)))
    tree, data = DeviceTree.from_bytes(blob), whole_image(chance.choice((200_000, 2_000_000)))
    for name in names:
        tree.ensure(f"/images/{name}").set("data-size", len(data).to_bytes(4, "big"))
    packed = tree.to_bytes()
    KernelFacts.from_source(Buffer(packed + bytes(-len(packed) % 4) + data))


def _large_fit(chance: random.Random) -> None:
    """One of ordinary size, in its file: with its data inside the tree, as mkimage makes it, and behind."""
    external = chance.random() < 0.5
    path = _place() / f"large-{external}.itb"
    if not path.exists():
        large_fit(path, 40 << 20, 200 << 20, external=external)
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        KernelFacts.from_source(OpenFile(descriptor, path.stat().st_size))
    finally:
        os.close(descriptor)


def _uki_with_profiles(chance: random.Random) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(200)), packer.flush()])
    sections = [(".linux", bomb), *[(".profile", b"ID=%d" % number) for number in range(chance.choice((16, 256)))]]
    files = {"/EFI/Linux/x.efi": uki(*sections)}
    list(read_partition(MemoryTree(files)))
    KernelFacts.from_source(Buffer(files["/EFI/Linux/x.efi"]))


_PATTERNS = (
    "(a|a)*",
    "(a*)*",
    "(.*)*",
    "(x{1,99}){1,99}",
    "(x{1,44}){1,44}",
    "a{200}b{200}",
    "(a?){99}a{99}",
    "[a-z]*" * 40,
)


def _regexp(chance: random.Random) -> None:
    command = f"regexp '{chance.choice(_PATTERNS)}$' {'a' * chance.choice((1, 30, 3000))}"
    text = chance.choice(
        (f"{command}\n" * 40, f"while true; do {command}; done\n", f"function f {{ {command}; f; }}\nf\n")
    )
    list(read_partition(MemoryTree({"/boot/grub/grub.cfg": text.encode(), "/vmlinuz": whole_image()})))


def _labels(chance: random.Random) -> None:
    number = chance.choice((4_000, 40_000))
    name = chance.choice(("x", "l{}"))
    text = "".join(f"label {name.format(at)}\n{chance.choice(('', 'kernel /vmlinuz'))}\n" for at in range(number))
    list(read_partition(MemoryTree({"/extlinux/extlinux.conf": text.encode()[: 1 << 20], "/vmlinuz": whole_image()})))


def _long_line(chance: random.Random) -> None:
    line = chance.choice(
        ("aa:", "aa:", "aa:", "a=", "password ", "key=", "$1$", "x@", "a.", "a-", '"', "scrypt$")
    ) * chance.choice((2_000, 80_000))
    log = _place() / "long.log"
    log.write_text(line)
    bundle.parts(fake_host(_place() / "long"), machines.virt(), [], [], Loaded(), log=log)


_DENSE: Sequence[Callable[[random.Random], None]] = (
    *(_fit_with_hashes, _large_fit, _uki_with_profiles, _regexp, _labels, _long_line),
)


@target("large and dense", 2, seconds=5)
def _dense() -> Attack:
    """What is small to write and long to read. Each is judged by its computing time and memory only."""

    def attack(chance: random.Random) -> None:
        chance.choice(_DENSE)(chance)

    return attack
