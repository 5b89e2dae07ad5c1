# SPDX-License-Identifier: MIT
"""Remove from a report everything that is not known to be harmless.

A word stays if it consists of known words (known_words.py, and names of the machine's hardware), short numbers,
memory addresses and device names. The value of a parameter stays if the parameter is known. What follows the name of
a secret goes, even if it looks harmless. Every step takes linear time, and long lines are cut.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache

from bootmenu.bugreport.known_words import WORDS
from bootmenu.model.regex import regex

REMOVED = "(removed)"

_LONGEST = 4096
"""Characters of a line; the rest is left out, with a note."""
_DEEPEST = 64
"""Deepest level of a structure that is kept."""

_SECRETS = frozenset(
    """
    pass passwd password passphrase passcode passwords passphrases pwd pw rootpw sshpw userpw pin pins psk secret
    secrets token tokens auth authorization authentication bearer basic cookie credential credentials key keys apikey
    privatekey keyfile passkey seed seeds serial serialno serialnumber sn imei imsi mac macaddr macaddress hwaddr
    ether ssid bssid wpa wep chap eap login user username userid account email mail host hostname owner session
    machineid bootid salt nonce otp totp cvv ssn phone contact jwt signature fingerprint wwn wwid asset
    """.split()
)
"""Parts of names whose values are secret."""
_HARMLESS_SECRETS = frozenset(
    {"keys", "signature", "host", "user", "hosts", "basic", "seed", "key", "session", "auth"}
)
"""Those that are also ordinary words, and name a secret only in front of a sign."""

_PARAMETERS = frozenset(
    """
    root rootfstype rootflags rootwait rootdelay ro rw init rdinit initrd console earlycon earlyprintk loglevel quiet
    splash debug panic oops nosmp maxcpus nr_cpus possible_cpus isolcpus nohz nohz_full rcu_nocbs mem memmap memtest
    crashkernel hugepages hugepagesz transparent_hugepage cma coherent_pool swiotlb iommu iommu.passthrough
    iommu.strict intel_iommu amd_iommu acpi acpi_osi acpi_backlight noapic nolapic noefi efi pci pcie_aspm reboot
    nomodeset video fbcon vt.global_cursor_default logo.nologo nokaslr kaslr mitigations spectre_v2 spec_store_bypass
    lockdown lsm selinux enforcing apparmor security audit cgroup_enable cgroup_disable cgroup_memory
    systemd.unit systemd.log_level systemd.log_target systemd.show_status systemd.unified_cgroup_hierarchy
    rd.break rd.shell rd.debug rd.timeout rd.auto rd.luks rd.luks.uuid rd.lvm rd.lvm.lv rd.lvm.vg rd.md rd.md.uuid
    rd.dm luks.uuid resume resume_offset fsck.mode fsck.repair net.ifnames biosdevname usbcore.autosuspend
    modprobe.blacklist module_blacklist watchdog nmi_watchdog softlockup_panic printk.time printk.devkmsg
    ignore_loglevel keep_bootcon no_console_suspend clk_ignore_unused pd_ignore_unused arm64.nosve arm64.nopauth
    arm64.nobti arm64.nomte kvm-arm.mode kvm.mode id_aa64mmfr1.vh kexec_load_disabled sysrq_always_enabled
    snd_bcm2835.enable_hdmi snd_bcm2835.enable_headphones dwc_otg.lpm_enable zswap.enabled 8250.nr_uarts
    zfs subvol subvolid fstype uuid partuuid label partlabel errors compress noload norecovery boot
    bootmenu.profile bootmenu.theme bootmenu.language bootmenu.menu bootmenu.timeout bootmenu.default
    bootmenu.console bootmenu.scan-seconds bootmenu.watchdog bootmenu.skip-hooks bootmenu.carry-over
    bootmenu.state.device bootmenu.state.folder bootmenu.shell bootmenu.term bootmenu.size bootmenu.loglevel
    bootmenu.kiosk.entries
    name kname type size fsver parttype pttype nodes cpus order min max align hwalign shift nr-cpus
    """.split()
)
"""Names whose values stay if they are harmless words."""

_OURS = frozenset({"serial_ports"})
"""Keys of facts that sound like secrets, but are not."""

_NAMED = frozenset(
    """
    iscsi netroot ifname bootif nfs cifs wifi kiosk set credential binary inst androidboot network wireless vlan bond
    bridge nameserver proxy http https ftp tftp ldap kerberos radius openvpn wireguard
    wpa supplicant access export env
    """.split()
)
"""Further parts of parameter names, in addition to the known words."""

_TYPES = frozenset(
    """
    c12a7328-f81f-11d2-ba4b-00a0c93ec93b bc13c2ff-59e6-4262-a352-b275fd6f7172 0fc63daf-8483-4772-8e79-3d69d8477de4
    b921b045-1df0-41c3-af44-4c6f280d3fae 4f68bce3-e8cd-4db1-96e7-fbcaf984b709 69dad710-2ce4-4e3c-b16c-21a1d49abed3
    ebd0a0a2-b9e5-4433-87c0-68b6b72699c7 0657fd6d-a4ab-43c4-84e5-0933c84b4f4f e6d6d379-f507-44c2-a23c-238f2a3df928
    21686148-6449-6e6f-744e-656564454649 a19d880f-05fc-4d3b-a006-743f0f84911e ca7d7ccb-63ed-4c53-861c-1742536059cc
    """.split()
)
"""GPT partition types, which are the same on every machine."""

_UUID = regex(
    r"(?i)(?<![\w-])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{8}-[0-9a-f]{2}"
    r"|[0-9a-f]{4}-[0-9a-f]{4})(?![\w-])"
)
_ADDRESS = regex(
    r"(?i)(?<![\w:.-])(?:(?:[0-9a-f]{2}[:-]){4,}[0-9a-f]{2}"  # Ethernet, InfiniBand
    r"|[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?![\w.-])"  # IPv4
)
_WORD = regex(r"\s+|[^\s]+")
_ATOM = regex(r"[^\s/,;:=()\[\]{}<>\"'|`]+|.")
_PIECE = regex(r"[A-Za-z0-9]+|.")
_JOINED = regex(r"[A-Za-z0-9._+@#-]+")
_EDGE = "!?%*~^&$\\\u2026"
_MAX_DIGITS = 14
"""Most digits of a word; card numbers and recovery keys have more."""
_MAX_SHORT = 2
"""Most unknown short parts of a word; with more of them it may be a code."""
_REMEMBERED = 1024
"""Words whose answer is kept: a log has the same ones in many lines."""
_NUMBER = regex(
    r"(?i)0x[0-9a-f]{1,16}|[0-9]{1,10}(?:[kmgtp]?i?b?|m?s|us|ns|[kmg]?hz|bit|st|nd|rd|th|v|x|p|c|[kmg]bps|n8)"
)
_DEVICE = regex(r"(?i)([a-z]{1,12})[0-9]{1,4}(?:[a-z]{1,2}[0-9]{0,3}){0,2}")
_HEX = regex(r"(?i)[0-9a-f]{1,16}")
_LABEL = regex(r"(?<![A-Za-z0-9._-])[-._]{0,2}([A-Za-z][A-Za-z0-9._-]*)$")
_OPTION = regex(r"--?[A-Za-z][\w-]*")
_SPLIT = regex(r"[._-]+|(?<=[a-z])(?=[A-Z])")
_QUOTED = regex(r"\"[^\"]*\"?|'[^']*'?|[^\s]+")


@lru_cache(_REMEMBERED)
def _names_secret(name: str) -> bool:
    """Return whether the value after this name and a sign is a secret."""
    parts = [part.lower() for part in _SPLIT.split(name) if part]
    return (
        any(part in _SECRETS for part in parts)
        or "".join(parts) in _SECRETS
        or any(word in name.lower() for word in ("passw", "passphrase", "secret", "credential", "token", "apikey"))
    )


class Redactor:
    """Removes from texts and structures what is not known to be harmless. known: more harmless words.

    A report uses one redactor, so that a UUID has the same replacement everywhere.
    """

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._known = {*WORDS, *_SECRETS, *_NAMED}
        for text in known:
            self._known.update(piece.lower() for piece in _PIECE.findall(text[:200]) if len(piece) <= 24)
        self._ids: dict[str, str] = {}
        self._word = lru_cache(_REMEMBERED)(self._redacted_word)

    def text(self, text: str) -> str:
        """Return the text, line by line, without what is not known to be harmless."""
        return "".join(self._line(line) for line in text.splitlines(keepends=True))

    def cleaned(self, value: object, key: str = "", depth: int = 0) -> object:
        """Return a JSON value without what is not known to be harmless; a key that names a secret loses its value."""
        if depth > _DEEPEST:
            return REMOVED
        if key and key not in _OURS and _names_secret(key) and not _says_nothing(value):
            # a setting: it may be visible whether it is set
            if isinstance(value, Mapping):
                return {self.text(str(name)): _without(inner) for name, inner in value.items()}
            return REMOVED
        match value:
            case str():
                told = self.text(value)
                # an entry's id ends with a hash
                return self._called(value) if key == "id" and REMOVED in told else told
            case Mapping():
                return {
                    self.text(str(name)): self.cleaned(inner, str(name), depth + 1) for name, inner in value.items()
                }
            case list() | tuple():
                return [self.cleaned(inner, "", depth + 1) for inner in value]
            case _:
                return value

    def _line(self, line: str) -> str:
        body = line.rstrip("\r\n")
        end = line[len(body) :]
        if len(body) > _LONGEST:
            end = f" (cut: {len(body) - _LONGEST:,} characters){end}"
            # a word that was cut may be half of a secret
            body = body[:_LONGEST].rpartition(" ")[0]
        body = _UUID.sub(self._identity, body)
        body = _ADDRESS.sub(REMOVED, body)
        found: list[str] = []
        words = _words(body)
        position = 0
        while position < len(words):
            word = words[position]
            position += 1
            if word.isspace():
                found.append(word)
                continue
            name, sign, _ = word.partition("=")
            label = _LABEL.search(name.rstrip("\"'`<>()[]{},;:")) if sign else None
            if label is not None:
                found.append(self._parameter(name, word[len(name) + 1 :], label[1]))
                continue
            head, secret = self._secret_label(word, words[position : position + 2])
            if secret:
                found.append(f"{head} {REMOVED}")
                break
            found.append(self._word(word))
            if _OPTION.fullmatch(word) and position + 1 < len(words) and not words[position + 1].startswith("-"):
                found += [words[position], REMOVED]
                position += 2
        return "".join(found) + end

    def _secret_label(self, word: str, following: list[str]) -> tuple[str, bool]:
        """Return the name of a secret, and whether a secret follows on this line."""
        head, colon, rest = word.partition(":")
        bare = head.strip("\"'`<>()[]{},;.-*#@")
        if not bare or not _names_secret(bare):
            return "", False
        signed = bool(colon) or (len(following) > 1 and following[1][:1] in "=:")
        ordinary = bare.lower() in _HARMLESS_SECRETS
        follows = bool(rest.strip("\"'")) or len(following) > 1
        return self._atoms(head) + colon, follows and (signed or not ordinary)

    def _parameter(self, name: str, value: str, bare: str) -> str:
        if not value.strip("\"'"):
            return f"{self._word(name)}={value}"
        lower = bare.lower()
        if lower in _PARAMETERS and not (_names_secret(lower) and lower not in ("bootmenu.kiosk.entries",)):
            return f"{self._word(name)}={self._word(value)}"
        return f"{self._word(name)}={REMOVED}"

    def _redacted_word(self, word: str) -> str:
        # a name and a password precede the sign, but not in the subvolume of sda1:/@:/boot
        if "@" in word and (":" in word.rpartition("@")[0].rpartition("/")[2] or "://" in word):
            word = f"{REMOVED}@{word.rpartition('@')[2]}"
            return REMOVED + "@" + self._atoms(word[len(REMOVED) + 1 :])
        if word.count(":") >= 2 and all(_HEX.fullmatch(part) or not part for part in word.strip("[],").split(":")):
            numbers = all(part.isdigit() and len(part) <= 4 for part in word.strip("[],").split(":"))
            return word if numbers else REMOVED  # 0:0:0:0 is a SCSI address, the others are of networks
        return self._atoms(word)

    def _atoms(self, text: str) -> str:
        return "".join(atom if self._harmless(atom) else REMOVED for atom in _ATOM.findall(text))

    def _harmless(self, atom: str) -> bool:
        node, at, address = atom.rpartition("@")
        if at and node and _HEX.fullmatch(address):
            return self._harmless(node)
        inner = atom.strip(_EDGE)
        if len(inner) <= 1 or atom.lower() in _TYPES:
            return True
        if not _JOINED.fullmatch(inner):
            return False
        pieces = [piece for piece in _PIECE.findall(inner) if piece.isalnum()]
        # memory addresses come as ranges
        if sum(map(str.isdigit, "".join(piece for piece in pieces if piece[:2] not in ("0x", "0X")))) > _MAX_DIGITS:
            return False
        unknown = [piece for piece in pieces if not self._known_piece(piece)]
        return len(unknown) <= _MAX_SHORT and all(len(piece) <= 3 for piece in unknown)

    def _known_piece(self, piece: str) -> bool:
        lower = piece.lower()
        if lower in self._known or _NUMBER.fullmatch(piece):
            return True
        if piece.isdigit():
            return len(piece) <= 10
        device = _DEVICE.fullmatch(piece)
        return device is not None and device[1].lower() in self._known

    def _identity(self, found: re.Match[str]) -> str:
        text = found[0].lower()
        return found[0] if text in _TYPES else self._called(text)

    def _called(self, text: str) -> str:
        return self._ids.setdefault(text, f"id-{len(self._ids) + 1}")


def _says_nothing(value: object) -> bool:
    return value in (None, "", (), [], {}) or isinstance(value, bool)


def _without(value: object) -> object:
    return value if _says_nothing(value) else REMOVED


def _words(text: str) -> list[str]:
    """Return the words and the blanks between them; a quoted value after a sign is part of its word."""
    words: list[str] = []
    for run in _WORD.findall(text):
        if words and _open_quote(words[-1]):
            words[-1] += run
        elif len(words) > 1 and words[-1].isspace() and _open_quote(words[-2]):
            words[-2:] = [words[-2] + words[-1] + run]
        else:
            words.append(run)
    return words


def _open_quote(word: str) -> bool:
    sign = word.find("=")
    if sign < 0:
        return False
    value = word[sign + 1 : sign + 2]
    return value in ('"', "'") and word.count(value, sign) % 2 == 1
