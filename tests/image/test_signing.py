# SPDX-License-Identifier: MIT
"""Keys and certificates for Secure Boot, judged by the sbsign that is installed before anything is packed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from bootmenu.errors import BootmenuError, UsageError
from bootmenu.image import signing
from bootmenu.image.build import BuildOptions, build
from bootmenu.image.signing import _PROGRAM
from bootmenu.system.processes import Commands
from bootmenu.view.progress_bar import SILENT


def run(*argv: str | Path) -> None:
    subprocess.run(list(map(str, argv)), check=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)


def made_key(folder: Path, name: str) -> tuple[Path, Path]:
    """A fresh key and its certificate."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1") if name == "ec" else ("-newkey", "rsa:2048")
    run("openssl", "req", "-x509", *kind, "-nodes", "-subj", f"/CN={name}", "-keyout", key, "-out", certificate)
    return key, certificate


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("keys")
    key, certificate = made_key(folder, "mine")
    made_key(folder, "other")
    run("openssl", "rsa", "-aes128", "-passout", "pass:secret", "-in", key, "-out", folder / "locked.key")
    run("openssl", "x509", "-in", certificate, "-outform", "DER", "-out", folder / "mine.der")
    lines = key.read_text().splitlines()
    (folder / "broken.key").write_text("\n".join([lines[0], "AAAA", lines[-1]]))
    return folder


def test_what_is_signed_is_what_its_certificate_verifies(keys: Path, tmp_path: Path) -> None:
    signing.check(keys / "mine.key", keys / "mine.crt", Commands())
    image = signing.signed(_PROGRAM, keys / "mine.key", keys / "mine.crt", Commands())
    (tmp_path / "image").write_bytes(image)
    run("sbverify", "--cert", keys / "mine.crt", tmp_path / "image")
    with pytest.raises(subprocess.CalledProcessError):
        run("sbverify", "--cert", keys / "other.crt", tmp_path / "image")


@pytest.mark.parametrize(
    ("key", "certificate", "why", "hint"),
    [
        ("gone.key", "mine.crt", "gone.key cannot be read: No such file or directory", "both in PEM"),
        ("mine.key", "gone.crt", "gone.crt cannot be read: No such file or directory", "both in PEM"),
        ("mine.crt", "mine.key", "mine.crt has no private key in PEM", "First comes the file with the key"),
        ("mine.key", "mine.key", "mine.key has no certificate in PEM", "First comes the file with the key"),
        ("mine.key", "mine.der", "mine.der has no certificate in PEM", "openssl x509 -inform DER -in"),
        ("other.key", "mine.crt", "other.key is not that of the certificate", "its own certificate"),
        ("locked.key", "mine.crt", "locked.key is protected by a passphrase", "openssl pkey -in"),
        ("broken.key", "mine.crt", "“Can't load key from file", "both in PEM"),
        (".", "mine.crt", "is no regular file", "both in PEM"),
    ],
)
def test_what_cannot_sign_is_said_before_anything_is_downloaded(
    keys: Path, key: str, certificate: str, why: str, hint: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def prepared(*_: object) -> None:
        raise AssertionError("packages were downloaded")

    monkeypatch.setattr("bootmenu.image.debian.prepare", prepared)
    options = BuildOptions(
        output=tmp_path / "o",
        debian="arm64",
        mirror="http://x",
        cache=tmp_path,
        uki=True,
        sign=(keys / key, keys / certificate),
    )
    with pytest.raises(UsageError) as caught:
        build(options, Commands(), SILENT)
    assert why in caught.value.message
    assert hint in caught.value.hint
    assert "\n" not in caught.value.message
    assert ":error:" not in caught.value.message


def test_without_sbsign_it_says_what_to_install(keys: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BootmenuError, match="sbsign is missing") as caught:
        signing.check(keys / "mine.key", keys / "mine.crt", Commands())
    assert "sbsigntool" in caught.value.hint


def test_without_room_it_says_where_there_may_be_some(keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(28, os.strerror(28), "/tmp/plain.efi")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(BootmenuError, match="No space left on device") as caught:
        signing.signed(_PROGRAM, keys / "mine.key", keys / "mine.crt", Commands())
    assert "TMPDIR" in caught.value.hint
