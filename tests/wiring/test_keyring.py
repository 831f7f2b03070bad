"""Secrets at rest are sealed with a key that is not in the database."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from cosell.core.errors import Misconfigured
from cosell.store import open_store
from cosell.wiring.keyring import LiveSecrets, SealedKeyring, find_key
from cosell.wiring.world import FairDice, WallClock

SECRET = "0.AVYA-refresh-token-0123456789"


async def test_what_is_put_comes_back_and_is_not_in_the_database_in_clear(tmp_path: Path) -> None:
    store = open_store(tmp_path / "x.db", environment="x", dice=FairDice())
    ring = SealedKeyring(store, Fernet.generate_key(), clock=WallClock(), live=LiveSecrets())
    assert await ring.get("token") is None
    await ring.put("token", SECRET)
    assert await ring.get("token") == SECRET
    await store.aclose()
    assert all(SECRET.encode() not in file.read_bytes() for file in tmp_path.iterdir())


async def test_a_secret_sealed_with_another_key_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = open_store(tmp_path / "x.db", environment="x", dice=FairDice())
    live = LiveSecrets()
    await SealedKeyring(store, Fernet.generate_key(), clock=WallClock(), live=live).put("token", SECRET)
    other = SealedKeyring(store, Fernet.generate_key(), clock=WallClock(), live=live)
    with pytest.raises(Misconfigured, match="sealed with another key"):
        await other.get("token")
    await store.aclose()


def test_a_new_key_lies_beside_the_database_for_its_owner_only(tmp_path: Path) -> None:
    key = find_key(tmp_path, "staging", {})
    file = tmp_path / "staging.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert find_key(tmp_path, "staging", {}) == key == file.read_bytes().strip()


def test_a_key_from_the_environment_leaves_no_file(tmp_path: Path) -> None:
    given = Fernet.generate_key()
    assert find_key(tmp_path, "staging", {"COSELL_KEY": f" {given.decode()}\n"}) == given
    assert list(tmp_path.iterdir()) == []


def test_a_key_from_a_mounted_file_is_taken(tmp_path: Path) -> None:
    given = Fernet.generate_key()
    (tmp_path / "mounted").write_bytes(given)
    assert find_key(tmp_path, "staging", {"COSELL_KEY_FILE": str(tmp_path / "mounted")}) == given


@pytest.mark.parametrize("text", ["", "short", "x" * 44, "é" * 44])
def test_what_is_no_key_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Misconfigured, match="COSELL_KEY does not hold a key") as caught:
        find_key(tmp_path, "staging", {"COSELL_KEY": text})
    assert "cosell init --key" in caught.value.advice


def test_a_key_file_that_is_named_and_missing_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="does not exist"):
        find_key(tmp_path, "staging", {"COSELL_KEY_FILE": str(tmp_path / "absent")})
    assert list(tmp_path.iterdir()) == []


def test_live_secrets_become_stars_the_lines_of_a_key_included() -> None:
    live = LiveSecrets()
    live.add("-----BEGIN KEY-----\nMIIEvQIBADANBg\n-----END KEY-----\n")
    rotating = ["first-token"]
    live.also(lambda: rotating)
    assert live.redact("x MIIEvQIBADANBg y first-token z") == "x *** y *** z"
    rotating[:] = ["second-token"]
    assert live.redact("first-token second-token") == "first-token ***"


def test_a_longer_secret_is_starred_before_the_shorter_one_inside_it() -> None:
    live = LiveSecrets()
    live.add("abcdef")
    live.add("abcdefghi")
    assert live.redact("abcdefghi") == "***"
