"""`cosell connect` against vendors over TLS: proven before kept, sealed, and never shown (J-1, J-8)."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from cosell.crm.certificates import make, private_part, public_part
from cosell.sandbox.shell.verbs import Control
from cosell.wiring.ageing import warn
from cosell.wiring.alerts import standing
from tests.process.linked import Desk, secure_sandbox
from tests.process.plant import until


@pytest.fixture(scope="module")
def secure() -> Iterator[Control]:
    with secure_sandbox() as control:
        yield control


@pytest.fixture
def desk(
    secure: Control, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Desk:
    secure.reset(empty=True)
    return Desk(tmp_path, secure, capsys, monkeypatch)


def entra(desk: Desk, **switches: Any) -> None:
    desk.control.switch("entra", **switches)


# --- Partner Center --------------------------------------------------------------------------------


def test_a_person_signs_in_once_in_the_browser_and_the_sync_can_begin(desk: Desk) -> None:
    """Partner-center-api.md 1.2: the authorisation code with a second factor, kept as a refresh token."""
    desk.begin("salesforce")
    pages = desk.signs_in_when_asked(
        {"username": "ada.jansen@contoso.example", "password": "sandbox", "code": "246810"}
    )
    said = desk.partner_center()
    assert said.code == 0, said.words
    assert "You are signed in" in pages[0]
    assert "ada.jansen@contoso.example" in said.words
    assert desk.salesforce().code == 0
    settings = tomllib.loads(desk.text)
    assert settings["partner_center"]["refresh_token"] == "sealed:partner_center.refresh_token"
    assert settings["partner_center"]["client_secret"] == "sealed:partner_center.client_secret"
    assert settings["salesforce"]["private_key"] == "sealed:salesforce.private_key"
    doctor = desk.cosell("doctor", "--json").json["data"]["findings"]
    assert {one["name"]: one["ok"] for one in doctor}["partner_center: sign-in"] is True


def test_a_machine_without_a_browser_shows_a_code_for_another_device(desk: Desk) -> None:
    """Partner-center-api.md 1.2: the device code works, too."""
    desk.begin("salesforce")
    entra(desk, device_approves_itself=True, device_interval=0)
    said = desk.partner_center("--device")
    assert said.code == 0, said.words
    assert re.search(r"enter the code [0-9A-F]{9}", said.words)


@pytest.mark.parametrize("form", ["v1", "v2"])
def test_both_forms_of_the_endpoint_sign_a_person_in(desk: Desk, form: str) -> None:
    """Partner-center-api.md 1.2: a resource as documented, a scope as observed."""
    desk.begin("salesforce")
    entra(desk, browser_session=True, consent="granted")
    desk.signs_in_when_asked()
    assert desk.partner_center(entra_form=form).code == 0


def test_an_application_without_a_secret_signs_a_person_in(desk: Desk) -> None:
    """A public client proves itself by its code challenge alone."""
    desk.begin("salesforce")
    entra(desk, browser_session=True, consent="granted")
    desk.signs_in_when_asked()
    said = desk.partner_center(client_secret="")
    assert said.code == 0, said.words
    assert "client_secret" not in tomllib.loads(desk.text)["partner_center"]


def test_a_person_who_never_comes_back_is_told_of_the_other_way(desk: Desk) -> None:
    """A policy of the tenant stops people on its own page, from which no browser returns."""
    desk.begin("salesforce")
    desk.monkeypatch.setattr("cosell.cli.signing_in.webbrowser.open", lambda _: True)
    desk.monkeypatch.setattr("cosell.wiring.loopback.PATIENCE", 0.5)
    said = desk.partner_center()
    assert said.code == 4
    assert "cosell connect partner-center --device" in said.words


def test_a_sign_in_without_a_second_factor_is_refused_before_anything_is_kept(desk: Desk) -> None:
    """Partner-center-api.md 1.2: 401 with 900421, and the `amr` claim that tells beforehand."""
    desk.begin("salesforce")
    before = desk.text
    token = desk.control.sign_in("entra", mfa=False)["refresh_token"]
    desk.monkeypatch.setenv("WEAK", token)
    said = desk.partner_center(refresh_token="env:WEAK")
    assert said.code == 4
    assert "second factor" in said.words or "multi-factor" in said.words
    assert desk.text == before
    assert "by the settings file alone" not in desk.seen[-1]


def test_consent_that_only_an_administrator_can_give_says_so(desk: Desk) -> None:
    desk.begin("salesforce")
    entra(desk, consent="withheld")
    said = desk.partner_center(refresh_token="env:REFRESH_TOKEN")
    assert said.code != 0
    assert "Nobody consented" in said.words or "lapsed" in said.words


def test_a_missing_role_is_explained_with_who_can_give_it(desk: Desk) -> None:
    """Partner-center-api.md 1.3: Referrals admin."""
    desk.begin("salesforce")
    desk.control.fail("partner_center", status=403)
    said = desk.partner_center(refresh_token="env:REFRESH_TOKEN")
    assert said.code == 4
    assert "Referrals admin" in said.words


def test_a_role_that_may_not_register_webhooks_is_no_obstacle(desk: Desk) -> None:
    """Partner-center-api.md 1.3, 7.1: other roles register; polling needs none of them."""
    desk.begin("salesforce")
    desk.control.fail("webhooks", status=403, times=2)
    said = desk.partner_center(refresh_token="env:REFRESH_TOKEN")
    assert said.code == 0, said.words
    assert "Billing admin" in said.words


# --- the CRMs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "says"),
    [
        ({"client_id": "3MVG9wrong"}, "does not know the app's consumer key"),
        ({"username": "nobody@example.com"}, "not approved for the app"),
    ],
)
def test_salesforce_s_refusals_become_sentences(desk: Desk, answers: dict[str, str], says: str) -> None:
    """Salesforce-api.md 2.3."""
    desk.begin("salesforce")
    before = desk.text
    said = desk.salesforce(**answers)
    assert said.code != 0
    assert says in said.words
    assert desk.text == before


def test_salesforce_signs_in_with_its_secret_and_warns_of_its_last_day(desk: Desk) -> None:
    """Salesforce-api.md 2.2: client credentials."""
    desk.begin("salesforce")
    desk.monkeypatch.setenv("SF_SECRET", desk.told["salesforce"]["client_secret"])
    answers = {"login": "client_credentials", "client_secret": "env:SF_SECRET", "ends": "2099-12-31"}
    assert desk.salesforce(**answers).code == 0
    assert desk.partner_center(refresh_token="env:REFRESH_TOKEN").code == 0
    listed = desk.cosell("connections", "--json").json["data"]["connections"]
    (credential,) = next(one for one in listed if one["system"] == "salesforce")["credentials"]
    assert credential["name"] == "client_secret"
    assert credential["days_left"] > 20_000


def test_dynamics_tells_its_tenant_by_itself(desk: Desk) -> None:
    """Dataverse-api.md 1.4, 1.5: the environment is the one thing to know."""
    desk.begin("dynamics")
    said = desk.dynamics()
    assert said.code == 0, said.words
    table = tomllib.loads(desk.text)["dynamics"]
    assert table["credential"] == "sealed:dynamics.credential"
    assert "client_secret" not in table
    assert "tenant" not in table


def test_dynamics_without_an_application_user_says_whose_move_it_is(desk: Desk) -> None:
    """Dataverse-api.md 1.2: 403 0x80072560."""
    desk.begin("dynamics")
    desk.control.revoke("dataverse")
    said = desk.dynamics()
    assert said.code == 4
    assert "application user" in said.words


def test_a_certificate_made_here_is_uploaded_and_then_proven(desk: Desk) -> None:
    """Dataverse-api.md 1.1: a certificate instead of a secret; what was begun is taken up again."""
    desk.begin("dynamics")
    first = desk.dynamics(credential="new")
    assert first.code == 4
    assert "Certificates & secrets" in first.words
    assert "does not know the certificate" in first.words
    certificate = next(desk.folder.glob("cosell-dynamics-*.crt")).read_text()
    assert "PRIVATE" not in certificate
    desk.control.register_certificate(certificate, "dataverse")
    again = desk.connect("dynamics")
    assert again.code == 0, again.words
    assert "Going on with the answers of last time" in again.words


# --- the file, the script, the dialogue ------------------------------------------------------------


def test_the_file_is_changed_in_the_lines_concerned_alone(desk: Desk) -> None:
    desk.begin("dynamics")
    before = desk.text.splitlines()
    said = desk.dynamics()
    after = desk.text.splitlines()
    assert len(before) == len(after)
    changed = [new for old, new in zip(before, after, strict=True) if old != new]
    assert {line.partition("=")[0].strip("# ") for line in changed} == {
        "url",
        "client_id",
        "credential",
        "client_secret",
        "authority",
    }
    assert all(f"+{line}" in said.err for line in changed)


def test_an_edit_of_the_file_while_a_person_signs_in_is_kept(desk: Desk) -> None:
    """A sign-in takes minutes, in which an editor or the other connection may save the same file."""
    desk.begin("salesforce")
    pages = desk.signs_in_when_asked(
        {"username": "ada.jansen@contoso.example", "password": "sandbox", "code": "246810"},
        meanwhile=lambda: desk.file.write_text(f"# edited meanwhile\n{desk.text}", "utf-8"),
    )
    said = desk.partner_center()
    assert said.code == 0, said.words
    assert "You are signed in" in pages[0]
    assert desk.text.startswith("# edited meanwhile\n")
    assert (
        tomllib.loads(desk.text)["partner_center"]["refresh_token"] == "sealed:partner_center.refresh_token"
    )


def test_a_secret_in_clear_on_the_command_line_is_refused(desk: Desk) -> None:
    """INV-13: it would stay in the shell's history."""
    desk.begin("dynamics")
    said = desk.dynamics(credential="marked-secret-in-clear")
    assert said.code == 2
    assert "marked-secret-in-clear" not in said.out + said.err


def test_what_a_script_left_out_is_named_with_how_to_say_it(desk: Desk) -> None:
    desk.begin("dynamics")
    said = desk.connect("dynamics", url=desk.told["dataverse"]["url"])
    assert said.code == 2
    assert "--answer client_id=" in said.words


def test_a_person_is_asked_and_told_what_is_wrong_at_once(desk: Desk) -> None:
    desk.begin("dynamics")
    dataverse = desk.told["dataverse"]
    typed = iter(
        [
            "http://not-safe.example.com",
            dataverse["url"],
            dataverse["client_id"],
            dataverse["client_secret"],
            "",
        ]
    )
    asked: list[tuple[str, bool]] = []

    def prompt(text: str, **options: Any) -> Any:
        asked.append((text, options.get("hide_input", False)))
        return next(typed)

    desk.monkeypatch.setattr("cosell.cli.asking.typer.prompt", prompt)
    desk.monkeypatch.setattr("cosell.cli.asking.typer.confirm", lambda *_, **__: True)
    authority = desk.told["second_account"]["entra"]["authority"]
    said = desk.cosell("connect", "dynamics", "--answer", f"authority={authority}")
    assert said.code == 0, said.words
    assert "must begin with https://" in said.words
    hidden = [text for text, unseen in asked if unseen]
    assert hidden == ["What does the application sign in with?"]
    assert dataverse["client_secret"] not in said.out + said.err


def test_a_key_under_a_password_is_opened_once_and_then_sealed(desk: Desk) -> None:
    """Dataverse-api.md 1.1: a certificate of one's own, in a file with a password."""
    desk.begin("dynamics")
    pem = make("of one's own")
    desk.control.register_certificate(public_part(pem), "dataverse")
    key = serialization.load_pem_private_key(private_part(pem).encode(), None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"sesame"),
    )
    desk.secret("own.pem", locked.decode() + public_part(pem))
    desk.monkeypatch.setenv("PASSWORD", "sesame")
    desk.monkeypatch.setenv("WRONG", "open")
    wrong = desk.dynamics(credential="file:own.pem", certificate_password="env:WRONG")
    assert "does not open the private key" in wrong.words
    said = desk.dynamics("--leave", credential="file:own.pem", certificate_password="env:PASSWORD")
    assert said.code == 0, said.words
    assert tomllib.loads(desk.text)["dynamics"]["credential"] == "sealed:dynamics.credential"


def test_left_secrets_stay_where_they_are(desk: Desk) -> None:
    desk.begin("dynamics")
    assert desk.dynamics("--leave").code == 0
    assert tomllib.loads(desk.text)["dynamics"]["credential"] == "env:DYNAMICS_SECRET"


# --- replacing -------------------------------------------------------------------------------------


def test_a_secret_is_replaced_by_a_certificate_without_a_restart(desk: Desk) -> None:
    """J-8: entered, proven, switched, forgotten; the settings file stays as it is."""
    desk.begin("dynamics")
    assert desk.dynamics().code == 0
    text = desk.text
    assert desk.connect("dynamics", "--rotate", credential="new").code == 4
    certificate = next(desk.folder.glob("cosell-dynamics-*.crt")).read_text()
    desk.control.register_certificate(certificate, "dataverse")
    assert desk.connect("dynamics", "--rotate").code == 0
    assert desk.connect("dynamics", "--switch").code == 0
    for one in desk.control.secrets("dataverse")["secrets"]:
        desk.control.end_secret(one["key_id"], "dataverse")
    assert desk.connect("dynamics", "--forget-old").code == 0
    assert desk.text == text


def test_a_process_that_runs_takes_the_next_credential_up_without_a_restart(desk: Desk) -> None:
    """J-8: while `cosell run` works, both connections get another secret, and the old ones are removed."""
    desk.begin("dynamics")
    assert desk.dynamics().code == 0
    assert desk.second_account().code == 0
    pace = desk.text.replace("# poll_partner_center = 60.0", "poll_partner_center = 0.5")
    desk.file.write_text(pace.replace("# poll_crm = 60.0", "poll_crm = 0.5"))

    def arrives(name: str) -> None:
        made = desk.control.new_referral(system="partner_center_2", name=name)
        assert made
        until(lambda: name in str(desk.control.deals("dataverse")))

    with desk.running() as run:
        arrives("Before the switch")
        for system, word in (("dataverse", "dynamics"), ("entra_2", "partner-center")):
            old = [one["key_id"] for one in desk.control.secrets(system)["secrets"]]
            desk.monkeypatch.setenv("NEXT", desk.control.new_secret(system)["secret"])
            name = "credential" if word == "dynamics" else "client_secret"
            assert desk.connect(word, "--rotate", "--switch", **{name: "env:NEXT"}).code == 0
            for key in old:
                desk.control.end_secret(key, system)
            desk.control.expire_sessions(system)
            arrives(f"After the switch of {word}")
        assert run.process.poll() is None
        assert run.status["alerts"] == []
    log = (desk.folder / "stderr").read_text()
    assert "Traceback" not in log
    assert os.environ["NEXT"] not in log
    assert desk.told["second_account"]["entra"]["client_secret"] not in log


def test_a_client_secret_of_partner_center_is_replaced_beside_the_sign_in(desk: Desk) -> None:
    desk.begin("salesforce")
    assert desk.partner_center(refresh_token="env:REFRESH_TOKEN").code == 0
    desk.monkeypatch.setenv("NEXT", desk.control.new_secret("entra")["secret"])
    assert desk.connect("partner-center", "--rotate", client_secret="env:NEXT").code == 0
    said = desk.connect("partner-center", "--switch")
    assert said.code == 0, said.words
    assert "client_secret" in said.words


def test_a_person_s_sign_in_is_replaced_by_a_new_one(desk: Desk) -> None:
    """Partner-center-api.md 1.2, J-8: the next refresh token stands beside the one in use."""
    desk.begin("salesforce")
    assert desk.partner_center(refresh_token="env:REFRESH_TOKEN").code == 0
    entra(desk, browser_session=True, consent="granted")
    desk.signs_in_when_asked()

    async def turns(env: Any) -> Any:
        return (await env.connections.read("partner_center")).credentials["refresh_token"]

    assert desk.salesforce().code == 0
    before = desk.inside(turns)
    assert desk.connect("partner-center", "--rotate").code == 0
    waiting = desk.inside(turns)
    assert waiting.current == before.current
    assert waiting.next is not None
    assert desk.connect("partner-center", "--switch").code == 0
    after = desk.inside(turns)
    assert after.old == before.current
    assert after.current != before.current


def test_replacing_a_secret_takes_its_warning_away_at_once(desk: Desk) -> None:
    desk.begin("dynamics")
    assert desk.dynamics(ends="2020-01-01").code == 0
    assert desk.second_account().code == 0

    async def warned(env: Any) -> Any:
        await warn(env)
        return await standing(env.store)

    (alert,) = desk.inside(warned)
    assert alert.code == "credential_ends.dynamics.credential.1"
    desk.monkeypatch.setenv("NEXT", desk.control.new_secret("dataverse")["secret"])
    said = desk.connect("dynamics", "--rotate", "--switch", credential="env:NEXT", ends="2099-01-01")
    assert said.code == 0, said.words
    assert desk.cosell("status", "--json").json["data"]["alerts"] == []


def test_a_next_credential_that_does_not_work_is_not_kept(desk: Desk) -> None:
    desk.begin("dynamics")
    assert desk.dynamics().code == 0
    desk.monkeypatch.setenv("WRONG", "no-secret-of-anybody")
    assert desk.connect("dynamics", "--rotate", credential="env:WRONG").code == 4
    said = desk.connect("dynamics", "--switch")
    assert said.code == 1
    assert "nothing to switch to" in said.words


# --- nothing leaks ---------------------------------------------------------------------------------


def test_no_secret_is_in_any_output_or_file(desk: Desk) -> None:
    """INV-13: marked secrets are looked for in everything that was said and written."""
    desk.begin("salesforce")
    entra(desk, browser_session=True, consent="granted")
    desk.signs_in_when_asked()
    secrets = [
        desk.told["entra"]["client_secret"],
        desk.told["salesforce"]["private_key_pem"].splitlines()[5],
    ]
    assert desk.partner_center().code == 0
    assert desk.salesforce().code == 0
    (desk.folder / "salesforce.key").unlink()
    for words in (
        ("connections",),
        ("connections", "--json"),
        ("status",),
        ("doctor",),
        ("doctor", "--json"),
    ):
        desk.cosell(*words)

    async def token(env: Any) -> str:
        kept = await env.connections.read("partner_center")
        return str(kept.credentials["refresh_token"].current.value)

    secrets.append(desk.inside(token))
    assert all(len(one) > 20 for one in secrets)
    everything = [text.encode() for text in desk.seen]
    everything += [file.read_bytes() for file in desk.folder.rglob("*") if file.is_file()]
    for secret in secrets:
        assert not any(secret.encode() in one for one in everything)


def test_signing_in_again_keeps_the_application_s_secret(desk: Desk) -> None:
    desk.begin("salesforce")
    entra(desk, browser_session=True, consent="granted")
    desk.signs_in_when_asked()
    assert desk.partner_center().code == 0
    text = desk.text
    desk.monkeypatch.delenv("CLIENT_SECRET")
    said = desk.connect("partner-center")
    assert said.code == 0, said.words
    assert desk.text == text


def test_salesforce_takes_a_key_pair_made_here(desk: Desk) -> None:
    """Salesforce-api.md 2.1, 2.2: the certificate is uploaded to the app, the key stays sealed."""
    desk.begin("salesforce")
    first = desk.salesforce(private_key="new")
    assert first.code != 0
    assert "upload this certificate" in first.words
    desk.control.register_certificate(
        next(desk.folder.glob("cosell-salesforce-*.crt")).read_text(), "salesforce"
    )
    said = desk.connect("salesforce")
    assert said.code == 0, said.words
    assert tomllib.loads(desk.text)["salesforce"]["private_key"] == "sealed:salesforce.private_key"
