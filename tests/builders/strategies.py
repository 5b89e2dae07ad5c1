# SPDX-License-Identifier: MIT
"""What Hypothesis draws from: machines and entries with any evidence missing, device trees, texts of disks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from hypothesis import strategies as st

from bootmenu.compat.facts import (
    DeviceTreeFacts,
    EntryFacts,
    FileFacts,
    FileState,
    FixedUpDtb,
    InitramfsFacts,
    KernelFacts,
)
from bootmenu.formats.dtb import DeviceTree, Node
from bootmenu.model.devicetree import CpuNode, InterruptController, MemoryRange, ReservedMemory, SerialPort, TreeFacts
from bootmenu.model.kernel import Architecture, ByteOrder, Compression, KernelImage, Signature
from bootmenu.model.machine import SCHEMA, CpuFacts, KexecFacts, KeyFacts, MachineFacts
from bootmenu.model.value import fields, is_value, replace
from tests.builders import machines

T = TypeVar("T")
Blank = Callable[[Any], Any]

booleans = st.booleans() | st.none()
sizes = st.sampled_from([0, 1, 4096, 16384, 65536]) | st.integers(0, 2**64)
texts = st.text(max_size=20) | st.sampled_from(["", "psci", "spin-table", "hvc", "smc", "\x1b[2J", "\ud800"])
names = st.sampled_from([None, "psci", "spin-table", "hvc", "smc", "acme"])
ids = st.sampled_from([None, 0, 1, 2, 3, 0x100, 1 << 32, 1 << 63])
parts = st.sampled_from(
    [
        None,
        0,
        machines.CORTEX_A53,
        machines.CORTEX_A72,
        machines.CORTEX_A76,
        machines.A64FX,
        machines.UNLISTED_PART,
    ]
)


def optional(strategy: st.SearchStrategy[T]) -> st.SearchStrategy[T | None]:
    return st.none() | strategy


def tuples_of(strategy: st.SearchStrategy[T], size: int = 4) -> st.SearchStrategy[tuple[T, ...]]:
    return st.lists(strategy, max_size=size).map(tuple)


ranges = st.builds(
    MemoryRange, base=st.integers(0, 8).map(lambda n: n << 28), size=st.integers(0, 4).map(lambda n: n << 28)
)
cpu_nodes = st.builds(CpuNode, name=texts, hardware_id=ids, enable_method=names, release_address=optional(sizes))
controllers = st.builds(
    InterruptController,
    name=texts,
    compatible=tuples_of(st.sampled_from(["arm,gic-v3", "arm,gic-400", "arm,cortex-a15-gic", "acme,pic"]), 2),
    base=st.sampled_from([None, 0, 0x8000000]),
)
tree_facts = st.builds(
    TreeFacts,
    psci_functions=tuples_of(st.sampled_from(["cpu_on", "cpu_off"]), 2),
    has_symbols=st.booleans(),
    reserved_memory=tuples_of(st.builds(ReservedMemory, name=texts, area=ranges, no_map=st.booleans()), 2),
    interrupt_controller=optional(controllers),
    uefi_properties=tuples_of(st.sampled_from(["linux,uefi-system-table", "linux,uefi-mmap-start"]), 2),
    serial_ports=tuples_of(
        st.builds(SerialPort, name=texts, compatible=tuples_of(st.sampled_from(["arm,pl011", "ns16550a"]), 2)), 2
    ),
    compatible=tuples_of(st.sampled_from(["acme,rocket", "acme,soc", "brcm,bcm2837", ""]), 3),
    model=optional(texts),
    cpus=tuples_of(cpu_nodes),
    psci_compatible=optional(tuples_of(texts, 2)),
    psci_method=names,
    memory=tuples_of(ranges, 3),
    memory_reservations=tuples_of(ranges, 2),
    stdout_path=optional(texts),
    stale_chosen=tuples_of(texts, 2),
    has_kaslr_seed=st.booleans(),
    address_cells=st.sampled_from([1, 2]),
    size_cells=st.sampled_from([1, 2]),
)
cpu_facts = st.builds(
    CpuFacts,
    number=st.integers(0, 4),
    hardware_id=ids,
    online=booleans,
    offline_control=booleans,
    midr=parts,
)
kexec_facts = st.builds(
    KexecFacts,
    load_disabled=booleans,
    load_limit=optional(st.integers(-1, 3)),
    loaded=booleans,
    crash_loaded=booleans,
    kexec_load=booleans,
    kexec_file_load=booleans,
    config_source=optional(texts),
    tools_version=optional(texts),
    signature=booleans,
    signature_forced=booleans,
    signature_read=booleans,
    file_image=booleans,
)
log_lines = st.sampled_from(
    [
        "psci: PSCIv1.1 detected in firmware.",
        "CPU1: failed to come online",
        "CPU1: failed in unknown state : 0x0",
        "CPU1: is stuck in kernel",
        "kexec: Can't kexec: CPUs are stuck in the kernel.",
    ]
)
key_ids = st.sampled_from(["aa", "bb"])
keys = st.builds(KeyFacts, name=texts, id=key_ids, keyring=st.sampled_from([".platform", ".blacklist"]))
signatures = st.builds(
    Signature,
    signer=texts,
    keys=tuples_of(key_ids, 2),
    problem=st.sampled_from(["", "it is damaged"]),
    unchecked=st.sampled_from(["", "its key is not one for RSA"]),
)
_MACHINE = {
    "architecture": optional(st.sampled_from([Architecture.ARM64, Architecture.X86_64, Architecture.RISCV64])),
    "machine": texts,
    "kernel_release": texts,
    "page_size": st.sampled_from([None, 4096, 16384, 65536]),
    "cap_sys_boot": booleans,
    "kexec": kexec_facts,
    "cpus": tuples_of(cpu_facts),
    "possible_cpus": optional(tuples_of(st.integers(0, 4))),
    "tree": optional(tree_facts),
    "tree_source": optional(texts),
    "tree_problem": optional(texts),
    "acpi": booleans,
    "ram": optional(tuples_of(ranges, 3)),
    "memory_total": optional(sizes),
    "command_line": optional(texts | st.sampled_from(["reboot=s1", "nr_cpus=1", "kvm-arm.mode=protected"])),
    "log": optional(tuples_of(log_lines, 2)),
    "byte_order": st.sampled_from(list(ByteOrder)),
    "ram_taken": optional(tuples_of(ranges, 2)),
    "memory_available": optional(sizes),
    "efi": booleans,
    "five_level_paging": booleans,
    "has_tpm": booleans,
    "efi_bits": st.sampled_from([None, 32, 64]),
    "lockdown": st.sampled_from([None, "none", "integrity", "confidentiality"]),
    "lockdown_origin": st.sampled_from(
        [None, "EFI Secure Boot", "command line", "Kernel configuration", "securityfs"]
    ),
    "secure_boot": booleans,
    "keys": optional(tuples_of(keys, 2)),
    "exception_level": st.sampled_from([None, "EL1", "EL2", "inconsistent"]),
    "host_extensions": booleans,
    "protected_kvm": booleans,
    "lpi_tables": optional(tuples_of(ranges, 2)),
    "drivers": optional(tuples_of(st.sampled_from(["nouveau", "amdgpu"]), 2)),
    "firmware_console": optional(st.sampled_from(["ttyAMA", "ttyS", "unknown", ""])),
    "not_recorded": st.just(()),
    "schema": st.just(SCHEMA),
}
_BY_TYPE = {field.name: ... for field in fields(MachineFacts) if field.name not in _MACHINE}
machine_facts = st.builds(MachineFacts, **_MACHINE, **_BY_TYPE)
"""A fact that nobody has put into the table above is drawn by its type."""
kernel_images = st.builds(
    KernelImage,
    format=texts | st.sampled_from(["arm64-image", "arm64-image", "bzimage", "riscv-image"]),
    containers=tuples_of(st.sampled_from(["zboot", "uki", "fit", "uimage"]), 2),
    architecture=st.sampled_from([Architecture.ARM64, Architecture.ARM64, Architecture.X86_64]),
    byte_order=st.sampled_from(list(ByteOrder)),
    text_offset=optional(sizes),
    checksum_problem=optional(texts),
    parts=tuples_of(st.sampled_from([".linux", ".initrd", ".cmdline", ".dtb", "fdt-1"])),
    board=optional(tuples_of(st.sampled_from(["acme,rocket", "acme,soc"]), 2)),
    signed=booleans,
    fields=st.dictionaries(
        st.sampled_from(["version", "loadflags", "xloadflags", "cmdline_size"]), st.integers(0, 0xFFFF)
    ),
    version=optional(texts),
    compression=st.sampled_from(list(Compression)),
    page_size=st.sampled_from([None, 4096, 16384, 65536]),
    image_size=optional(sizes),
    anywhere=booleans,
    file_size=sizes,
    content_size=optional(sizes),
    declared_end=optional(sizes),
    content_read=st.booleans(),
    checksummed=st.booleans(),
    damage=optional(texts),
)
kernel_facts = kernel_images.map(lambda image: KernelFacts(image=image, architecture=image.architecture)) | st.builds(
    KernelFacts,
    problem=texts,
    looks_like=optional(texts),
    architecture=optional(st.sampled_from(list(Architecture))),
)
file_facts = st.builds(
    FileFacts,
    role=st.sampled_from(["kernel", "kernel", "initramfs", "device tree", "overlay"]),
    device=texts,
    path=texts,
    state=st.sampled_from([FileState.PRESENT, *FileState]),
    resolved=optional(texts),
    size=optional(sizes),
    detail=texts,
)
device_tree_facts = st.builds(
    DeviceTreeFacts,
    size=sizes,
    total_size=optional(sizes),
    header_problem=optional(texts),
    structure_problem=optional(texts),
    tree=optional(tree_facts),
)
initramfs_facts = st.builds(
    InitramfsFacts,
    size=sizes,
    compression=st.sampled_from([None, "gzip", "zstd", "lz4"]),
    problem=optional(texts),
    module_releases=optional(tuples_of(st.sampled_from(["6.1.0", "6.2.0"]), 2)),
)
configurations = st.dictionaries(
    st.sampled_from(["NR_CPUS", "BLK_DEV_INITRD", "RD_GZIP", "RD_ZSTD", "EXT4_FS", "CMDLINE"]),
    st.sampled_from(["y", "m", "1", "256", "9" * 5000, "²"]),
)
command_lines = [
    "root=/dev/sda2 console=ttyAMA0",
    "root=UUID=1234",
    "root=PARTUUID=1-02 rootfstype=ext4 console=ttyS0,115200",
    "root=/dev/mapper/x nr_cpus=1",
    "x" * 3000,
]
entry_facts = st.builds(
    EntryFacts,
    id=texts,
    title=texts,
    version=texts | st.sampled_from(["6.1.0"]),
    command_line=texts | st.sampled_from(command_lines),
    overlays=tuples_of(st.booleans(), 2),
    dtb_edits=tuples_of(texts, 2),
    initramfs=tuples_of(initramfs_facts, 2),
    configuration=optional(configurations),
    banner=optional(texts | st.sampled_from(["6.1.0"])),
    partitions=optional(tuples_of(st.sampled_from(["uuid=1234", "/dev/sda2", "partuuid=1-02"]))),
    fixed_up=optional(
        st.builds(
            FixedUpDtb,
            base=optional(device_tree_facts),
            tree=optional(tree_facts),
            fixups=tuples_of(texts, 2),
            problem=texts,
        )
    ),
    avoids_lpi_tables=st.booleans(),
    reads_into_memory=st.booleans(),
    method=optional(st.sampled_from(["kexec_load", "kexec_file_load", "kexec_tools"])),
    architecture=optional(st.sampled_from(list(Architecture))),
    files=tuples_of(file_facts, 3),
    kernel=optional(kernel_facts),
    signature=optional(signatures),
    wants_own_tree=st.booleans(),
    own_tree=optional(device_tree_facts),
)


@st.composite
def consistent_machines(draw: st.DrawFn) -> MachineFacts:
    """arm64 machines whose facts do not contradict each other: every CPU has its node, the kernel's map of RAM
    is the tree's. Any of it may be right or wrong for a kexec, and nothing is missing yet."""
    numbers = range(draw(st.integers(1, 4)))
    method = draw(st.sampled_from(["psci", "spin-table", None]))
    methods = [draw(st.sampled_from([method, method, "psci", "spin-table", None])) for _ in numbers]
    nodes = tuple(
        CpuNode(name=f"cpu@{number}", hardware_id=number, enable_method=methods[number]) for number in numbers
    )
    area = draw(st.lists(ranges, min_size=1, max_size=3).map(tuple))
    cpus = tuple(
        CpuFacts(
            number=number,
            hardware_id=number,
            online=draw(st.booleans()),
            offline_control=draw(st.booleans()),
            midr=draw(parts.filter(bool)),
        )
        for number in numbers
    )
    command_line = draw(st.sampled_from(["", "reboot=s1", "quiet", "kvm-arm.mode=protected console=ttyAMA0"]))
    psci = draw(st.sampled_from(["hvc", "smc", None]))
    tree = TreeFacts(
        compatible=draw(st.sampled_from([("acme,rocket", "acme,soc"), ("acme,soc",)])),
        cpus=nodes,
        psci_compatible=("arm,psci-1.0",) if psci else None,
        psci_method=psci,
        memory=area,
        interrupt_controller=draw(controllers),
        reserved_memory=draw(tuples_of(st.builds(ReservedMemory, name=texts, area=ranges, no_map=st.booleans()), 2)),
        uefi_properties=draw(st.sampled_from([(), ("linux,uefi-system-table",)])),
    )
    base = draw(machine_facts)
    return replace(
        base,
        architecture=Architecture.ARM64,
        page_size=draw(st.sampled_from([4096, 16384])),
        cap_sys_boot=draw(st.booleans()),
        kexec=KexecFacts(
            load_disabled=draw(st.booleans()), kexec_load=draw(st.booleans()), kexec_file_load=draw(st.booleans())
        ),
        cpus=cpus,
        possible_cpus=tuple(numbers),
        tree=tree,
        ram=area,
        log=draw(tuples_of(log_lines, 2)),
        command_line=command_line,
        # nothing but the command line asks for it
        protected_kvm="kvm-arm.mode=protected" in command_line and draw(st.booleans()),
        ram_taken=draw(tuples_of(ranges, 2)),
        memory_total=draw(sizes),
        memory_available=draw(sizes),
        efi=draw(st.booleans()),
        lockdown=draw(st.sampled_from(["none", "integrity"])),
        exception_level=draw(st.sampled_from(["EL1", "EL2"])),
        lpi_tables=draw(tuples_of(ranges, 1)),
    )


def blankings(value: object) -> Iterator[tuple[str, Blank]]:
    """(path, function that makes a copy with that evidence missing) for every field of nested values in
    which None means that it could not be found out."""
    assert is_value(value)
    meaning = _NONE_SAYS_SOMETHING.get(type(value), frozenset())
    for field in fields(type(value)):
        name, inner = field.name, getattr(value, field.name)
        if inner is None or name in meaning:
            continue
        if "None" in field.annotation:
            yield name, _Set(name, None)
        if (type(value), name) == (MachineFacts, "cpus"):
            yield name, _Set(name, ())
        if isinstance(inner, FileState) and inner is not FileState.MISSING:
            yield f"{name}=waiting", _Set(name, FileState.WAITING)
            yield f"{name}=forbidden", _Set(name, FileState.FORBIDDEN)
        if is_value(inner):
            for path, blank in blankings(inner):
                yield f"{name}.{path}", _Within(name, None, blank)
        if isinstance(inner, tuple):
            for at, item in enumerate(inner):
                if is_value(item):
                    for path, blank in blankings(item):
                        yield f"{name}[{at}].{path}", _Within(name, at, blank)


@dataclasses.dataclass(frozen=True)
class _Set:
    name: str
    value: object

    def __call__(self, whole: Any) -> Any:
        return replace(whole, **{self.name: self.value})


@dataclasses.dataclass(frozen=True)
class _Within:
    name: str
    at: int | None
    blank: Blank

    def __call__(self, whole: Any) -> Any:
        inner = getattr(whole, self.name)
        if self.at is None:
            return replace(whole, **{self.name: self.blank(inner)})
        items = [*inner[: self.at], self.blank(inner[self.at]), *inner[self.at + 1 :]]
        return replace(whole, **{self.name: tuple(items)})


_NONE_SAYS_SOMETHING: dict[type, frozenset[str]] = {
    # "None = there is none" is an answer, not a gap
    KernelImage: frozenset(
        {
            "declared_end",
            "damage",
            "image_size",
            "anywhere",
            "version",
            "payload_size",
            "checksum_problem",
            "board",
            "text_offset",
        }
    ),
    KexecFacts: frozenset({"load_limit", "crash_loaded"}),
    InitramfsFacts: frozenset({"compression", "problem", "module_releases"}),
    EntryFacts: frozenset({"configuration", "banner"}),
    KernelFacts: frozenset({"image", "problem", "looks_like"}),
    DeviceTreeFacts: frozenset({"header_problem", "structure_problem"}),
    TreeFacts: frozenset({"model", "psci_compatible", "psci_method", "stdout_path"}),
    CpuNode: frozenset({"enable_method", "release_address", "hardware_id"}),
    FileFacts: frozenset({"resolved", "size"}),
}


# ---- bytes ------------------------------------------------------------------------------------------------

node_names = st.text(st.characters(codec="ascii", exclude_characters="\0/"), min_size=1, max_size=9)
properties = st.tuples(
    node_names | st.sampled_from(["reg", "compatible", "device_type", "status"]), st.binary(max_size=12)
)
nodes = st.recursive(
    st.builds(
        Node, node_names | st.sampled_from(["cpus", "cpu@0", "memory@0", "psci"]), st.lists(properties, max_size=4)
    ),
    lambda children: st.builds(
        Node,
        node_names | st.sampled_from(["cpus", "chosen"]),
        st.lists(properties, max_size=3),
        st.lists(children, max_size=3),
    ),
    max_leaves=6,
)
device_trees = st.builds(
    DeviceTree,
    root=st.builds(Node, st.just(""), st.lists(properties, max_size=4), st.lists(nodes, max_size=4)),
    reservations=st.lists(
        st.builds(MemoryRange, base=st.integers(0, 2**64 - 1), size=st.integers(1, 2**64 - 1)), max_size=3
    ),
    boot_cpu=st.integers(0, 2**32 - 1),
)
