"""Where a secret may lie, and what is said where it cannot be had from there (reliability.md 10)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import keyring
import pytest
from azure.identity import ClientSecretCredential
from cryptography.fernet import Fernet
from keyring.backend import KeyringBackend
from keyring.backends import fail

from cosell.core.errors import Misconfigured, NotAllowed, Unavailable
from cosell.sections import elsewhere
from cosell.sections.secrets import IN_CLEAR, Reference
from cosell.store import open_store
from cosell.wiring.connections import Connected, Connections, Kept, Turns
from cosell.wiring.credentials import Secrets
from cosell.wiring.keyring import LiveSecrets, SealedKeyring, find_key
from cosell.wiring.world import FairDice, WallClock
from tests.wiring.vault import Vault, vault

SECRET = "marked-secret-0123456789"
SETTING = "[salesforce] client_secret"


class Drawer(KeyringBackend):
    """The keyring of a desktop."""

    priority: Any = 1

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password


@pytest.fixture
def drawer() -> Iterator[Drawer]:
    before, made = keyring.get_keyring(), Drawer()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """A vault that this machine may read."""
    with vault(tmp_path) as made:
        wire = {"connection_verify": str(made.ca)}
        monkeypatch.setattr(
            elsewhere,
            "identity",
            lambda: ClientSecretCredential(
                "tenant", "app", "hush", authority=made.url, disable_instance_discovery=True, **wire
            ),
        )
        changed = elsewhere.WIRE | wire | {"verify_challenge_resource": False, "retry_total": 0}
        monkeypatch.setattr(elsewhere, "WIRE", changed)
        yield made


def fetch(text: str, **environ: str) -> str:
    return Reference.parse(text).fetch(SETTING, environ, Path())


# --- the keyring of the operating system -----------------------------------------------------------


def test_the_keyring_gives_what_a_person_entered_there(drawer: Drawer) -> None:
    drawer.set_password("cosell", "salesforce", SECRET)
    assert fetch("keyring:cosell/salesforce") == SECRET


def test_an_entry_that_is_missing_is_named_with_the_command_that_makes_it(drawer: Drawer) -> None:
    with pytest.raises(Misconfigured, match="holds no such entry") as caught:
        fetch("keyring:cosell/salesforce")
    assert "keyring set cosell salesforce" in caught.value.advice


def test_a_server_without_a_keyring_is_told_what_to_use_instead() -> None:
    before, absent = keyring.get_keyring(), cast(Any, fail).Keyring()
    keyring.set_keyring(absent)
    try:
        with pytest.raises(Misconfigured, match="this machine has none") as caught:
            fetch("keyring:cosell/salesforce")
    finally:
        keyring.set_keyring(before)
    assert "env:NAME" in caught.value.advice


@pytest.mark.parametrize(
    ("library", "text", "extra"),
    [
        ("keyring", "keyring:cosell/x", "cosell[keyring]"),
        ("azure.keyvault.secrets", "vault:https://v.vault.azure.net/secrets/x", "cosell[vault]"),
    ],
)
def test_a_part_that_is_not_installed_is_named(
    library: str, text: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(Misconfigured, match="not installed") as caught:
        fetch(text)
    assert extra in caught.value.advice


# --- the vault -------------------------------------------------------------------------------------


def test_a_vault_gives_its_newest_version_over_microsofts_own_library(safe: Vault) -> None:
    safe.kept["salesforce"] = SECRET
    assert fetch(f"vault:{safe.url}/secrets/salesforce") == SECRET
    safe.kept["salesforce"] = "the-next-one"
    assert fetch(f"vault:{safe.url}/secrets/salesforce/v1") == "the-next-one"
    assert safe.asked[-1] == "secrets/salesforce/v1"


def test_a_vault_that_holds_no_such_secret_or_refuses_us_says_whose_move_it_is(safe: Vault) -> None:
    with pytest.raises(Misconfigured, match="does not exist"):
        fetch(f"vault:{safe.url}/secrets/absent")
    safe.open = False
    with pytest.raises(NotAllowed, match="may not read") as caught:
        fetch(f"vault:{safe.url}/secrets/absent")
    assert "Key Vault Secrets User" in caught.value.advice


def test_a_vault_that_does_not_answer_is_tried_again(safe: Vault) -> None:
    with pytest.raises(Unavailable, match="does not answer"):
        fetch("vault:https://127.0.0.1:1/secrets/x")


# --- what is written in the file -------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "keyring:cosell",
        "vault:http://v.vault.azure.net/secrets/x",
        "vault:https://v.vault.azure.net/keys/x",
        "sealed:",
        "sealed:x",
        "sealed:../x.y",
        "hunter2:hunter2",
        SECRET,
    ],
)
def test_what_is_no_reference_is_refused_without_being_repeated(text: str) -> None:
    """INV-13: what was written may be the secret itself."""
    with pytest.raises(ValueError) as caught:
        Reference.parse(text)
    assert text not in str(caught.value)
    assert str(caught.value) == IN_CLEAR or "must have the form" in str(caught.value)


# --- the key that seals ----------------------------------------------------------------------------


def test_the_key_itself_may_lie_in_the_keyring_or_in_a_vault(
    drawer: Drawer, safe: Vault, tmp_path: Path
) -> None:
    key = Fernet.generate_key().decode()
    drawer.set_password("cosell", "key", key)
    safe.kept["key"] = key
    for place in ("keyring:cosell/key", f"vault:{safe.url}/secrets/key"):
        assert find_key(tmp_path, "x", {"COSELL_KEY_FROM": place}) == key.encode()
    assert not (tmp_path / "x.key").exists()


def test_a_key_in_clear_where_a_place_belongs_is_refused_without_being_repeated(tmp_path: Path) -> None:
    key = Fernet.generate_key().decode()
    with pytest.raises(Misconfigured, match="COSELL_KEY_FROM") as caught:
        find_key(tmp_path, "x", {"COSELL_KEY_FROM": key})
    assert key not in caught.value.message + caught.value.advice


# --- live credentials ------------------------------------------------------------------------------


def secrets_in(folder: Path, live: LiveSecrets, connections: Connections | None = None) -> Secrets:
    assert connections is None or isinstance(connections, Connections)
    return Secrets({}, folder, live, lambda: connections or pytest.fail("nothing is sealed here"))


async def test_a_file_is_read_anew_at_each_sign_in(tmp_path: Path) -> None:
    file, live = tmp_path / "secret", LiveSecrets()
    file.write_text("the-first-one")
    file.chmod(0o600)
    found = secrets_in(tmp_path, live).credential(SETTING, Reference.parse("file:secret"))
    assert found is not None
    assert await found.values() == ["the-first-one"]
    file.write_text("the-second-one")
    assert await found.values() == ["the-second-one"]
    assert live.redact("the-first-one the-second-one") == "*** ***"


def test_a_reference_that_leads_nowhere_is_said_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be read"):
        secrets_in(tmp_path, LiveSecrets()).credential(SETTING, Reference.parse("file:absent"))


async def test_sealed_values_come_in_order_and_lie_nowhere_in_clear(tmp_path: Path) -> None:
    live, store = LiveSecrets(), open_store(tmp_path / "x.db", environment="x", dice=FairDice())
    ring = SealedKeyring(store, find_key(tmp_path, "x", {}), clock=WallClock(), live=live)
    connections = Connections(ring)
    (tmp_path / "left-there").write_text("next-secret-left-in-its-file")
    (tmp_path / "left-there").chmod(0o600)
    turns = Turns(Kept(SECRET, since=1.0), Kept(place="file:left-there"), Kept(place="file:absent"))
    await connections.write("salesforce", Connected("me", "there", 1.0, {"client_secret": turns}))
    reference = Reference.parse("sealed:salesforce.client_secret")
    found = secrets_in(tmp_path, live, connections).credential(SETTING, reference)
    assert found is not None
    assert await found.values() == [SECRET, "next-secret-left-in-its-file"]
    kept = await connections.read("salesforce")
    assert kept is not None
    await connections.write("salesforce", kept.switched())
    assert await found.values() == ["next-secret-left-in-its-file", SECRET]
    await connections.write("salesforce", kept.switched().forgetful())
    assert await found.values() == ["next-secret-left-in-its-file"]
    assert SECRET in found.known()
    await store.aclose()
    assert all(SECRET.encode() not in file.read_bytes() for file in tmp_path.iterdir())


async def test_what_is_not_sealed_yet_is_named_with_the_command_that_seals_it(tmp_path: Path) -> None:
    store = open_store(tmp_path / "x.db", environment="x", dice=FairDice())
    ring = SealedKeyring(store, find_key(tmp_path, "x", {}), clock=WallClock(), live=LiveSecrets())
    reference = Reference.parse("sealed:partner_center.refresh_token")
    found = secrets_in(tmp_path, LiveSecrets(), Connections(ring)).credential(SETTING, reference)
    assert found is not None
    with pytest.raises(Misconfigured) as caught:
        await found.values()
    assert "cosell connect partner-center" in caught.value.advice
    await store.aclose()


def test_what_is_read_once_cannot_be_sealed(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be kept sealed"):
        secrets_in(tmp_path, LiveSecrets()).fetch("[dynamics] webhook_key", Reference.parse("sealed:a.b"))
