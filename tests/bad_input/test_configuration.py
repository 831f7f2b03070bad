"""Every wrong settings file is refused in plain sentences (reliability.md 8.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from cosell.config import parse_settings, read, rules
from cosell.core.errors import Misconfigured
from cosell.systems.salesforce.settings import SalesforceSettings
from tests.bad_input.settings_texts import GOOD, spoiled, with_more


def refusal(text: str) -> str:
    """The sentence a wrong text is refused with."""
    with pytest.raises(Misconfigured) as caught:
        rules(parse_settings(text))
    message = caught.value.message
    assert "Traceback" not in message
    assert "pydantic" not in message.lower()
    assert len(message) < 1000
    return message


def test_a_small_good_file_is_read_with_every_default() -> None:
    settings = parse_settings(GOOD)
    assert settings.web.port == 8080
    assert isinstance(settings.crm, SalesforceSettings)
    assert settings.crm.fields.sync == "Sync_with_Partner_Center__c"
    assert settings.flows.repair


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            with_more("[pace]\npoll_crmm = 5"),
            "There is no setting [pace] poll_crmm. Did you mean «poll_crm»?",
        ),
        (with_more("[paec]\npoll_crm = 5"), "There is no setting [paec]. Did you mean «pace»?"),
        (spoiled("tenant =", "tennant ="), "Did you mean «tenant»?"),
        (spoiled('client_id = "app"\n', ""), "[partner_center] client_id is missing."),
        (spoiled('"contoso.example"', '""'), "[partner_center] tenant must not be empty."),
        (spoiled('"contoso.example"', '" x "'), "must not have spaces around it"),
        (spoiled('"contoso.example"', "5"), "[partner_center] tenant must be text in quotes, not 5."),
        (spoiled('"contoso.example"', "[]"), "must be text in quotes, not a list."),
        (spoiled('"contoso.example"', '"fill in"'), "is still to be filled in."),
        (with_more("[flows]\nrepair = 'no'"), "[flows] repair must be true or false, not 'no'."),
        (with_more("[flows]\nrepair = 0"), "must be true or false, not 0."),
        (with_more("[pace]\nconcurrency = 1.5"), "must be a whole number, not 1.5."),
        (with_more("[pace]\nconcurrency = 0"), "must be at least 1."),
        (with_more("[pace]\npoll_crm = 'often'"), "must be a number, not 'often'."),
        (with_more("[pace]\npoll_crm = '5'"), "must be a number, not '5'."),
        (with_more("[pace]\npoll_crm = 0"), "must be more than 0."),
        (with_more("[pace]\npoll_crm = nan"), "[pace] poll_crm must be"),
        (with_more("[pace]\npoll_crm = inf"), "[pace] poll_crm must be at most"),
        (with_more("[pace]\npoll_crm = 2026-11-30"), "must be a number"),
        (with_more("[pace]\nsweep_at = '2:30'"), "[pace] sweep_at must be a time of day such as 02:30"),
        (with_more("[pace]\nsweep_at = '24:00'"), "must be a time of day such as 02:30, or empty."),
        (with_more("[pace]\nsweep_at = '02:30:00'"), "must be a time of day such as 02:30"),
        (with_more("[pace]\nsweep_at = '٠٢:٣٠'"), "must be a time of day such as 02:30"),
        (with_more("[pace]\nsweep_at = 02:30:00"), "[pace] sweep_at must be text in quotes"),
        (with_more("[web]\nport = 65536"), "[web] port must be at most 65535."),
        (with_more("[web]\nport = 010"), "is not readable TOML"),
        (with_more("pace = 5"), "There is no setting [salesforce] pace."),
        (f"mapping = 5\n{GOOD}", "[mapping] must be a table, not 5."),
        (f"pace = 5\n{GOOD}", "[pace] must be a table, not 5."),
        (with_more("[web]\nport = 1\nport = 2"), "is not readable TOML: cannot overwrite a value"),
        (with_more("[environment]\nname = 'twice'"), "is not readable TOML: cannot declare"),
        (with_more("a: &anchor [*anchor]"), "is not readable TOML"),
        (with_more("x = !!python/object:os.system"), "is not readable TOML"),
        (with_more("x = " + "[" * 5000), "is not readable TOML"),
        (with_more("\x00"), "is not readable TOML"),
        ("", "[environment] is missing."),
        (
            spoiled('kind = "staging"', 'kind = "prod"'),
            "must be 'sandbox', 'staging' or 'production', not 'prod'.",
        ),
        (spoiled('name = "staging"', 'name = "../../etc"'), "[environment] name has an unfit form"),
        (with_more("[environment.x]\ny = 1"), "There is no setting [environment] x."),
        (with_more('[web]\npublic_url = "https://a.example/path?x=1"'), "leave ? and # away"),
        (with_more('[web]\npublic_url = "https://a.example/../x"'), "may have a path of letters"),
        (with_more('[web]\npublic_url = "https://a.example/a//b"'), "may have a path of letters"),
        (with_more('[web]\npublic_url = "https://a.example/%2e"'), "may have a path of letters"),
        (with_more('[web]\npublic_url = "https://u:p@a.example"'), "must not hold a user name or password"),
        (with_more('[web]\npublic_url = "https://a.example:99999"'), "must have a port between 1 and 65535"),
        (with_more('[web]\npublic_url = "http://a.example"'), "must begin with https://"),
        (
            with_more('[web]\npublic_url = "ftp://a.example"'),
            "must be an address such as https://example.com",
        ),
        (with_more('[web]\npublic_url = "a.example"'), "must be an address such as https://example.com"),
        (with_more('[salesforce.fields]\nsync = "Sync; DROP"'), "[salesforce.fields] sync has an unfit form"),
        (
            with_more('[salesforce.stages]\nactive = "A"\non_hold = ["A"]'),
            "«A» means both active and on hold",
        ),
        (spoiled('username = "sync@contoso.example"\n', ""), "needs username as well"),
        (
            spoiled('username = "', 'login = "client_credentials"\nusername = "'),
            'login = "client_credentials" needs client_secret as well',
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_should_be(text: str, said: str) -> None:
    assert said in refusal(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (with_more("[mapping.nmae]\nconflict = 'ask'"), "Did you mean «name»?"),
        (with_more("[mapping.name]\nconflct = 'ask'"), "Did you mean «conflict»?"),
        (with_more("[mapping.name]\nconflict = 'nwest'"), "Did you mean «newest»?"),
        (with_more("[mapping.name]\nconflict = 'crm'"), "no way to rename a deal"),
        (with_more("[mapping.microsoft_id]\nupdate = 'both'"), "Only Microsoft sets this field"),
        (with_more("[mapping.currency]\nupdate = 'inward'"), "let both travel the same way"),
        (with_more("[mapping]\nname = 5"), "[mapping] name must be a table"),
        (with_more("[mapping]\nfile = 5"), "must be the path of a TOML file"),
        (with_more("[mapping]\nfile = 'absent.toml'"), "There is no file"),
        (
            with_more("[mapping]\nfile = 'x.toml'\n[mapping.name]\nfirst = 'ask'"),
            "names a file and holds rules",
        ),
        (with_more("[mapping.name]\nconflict = { a = 1 }"), "is not one of"),
    ],
)
def test_a_wrong_mapping_is_refused_with_the_nearest_right_word(text: str, said: str) -> None:
    assert said in refusal(text)


def test_several_mistakes_are_named_at_once_and_not_without_end() -> None:
    text = with_more("[pace]\n" + "\n".join(f"mistake_{n} = 1" for n in range(20)))
    assert "And 15 more." in refusal(text)


@pytest.mark.parametrize("kind", ["partner_center", "salesforce"])
def test_a_connection_of_another_environment_is_refused(kind: str) -> None:
    """reliability.md 8.5: staging pointed at production."""
    text = GOOD.replace(f'[{kind}]\nenvironment = "staging"', f'[{kind}]\nenvironment = "production"')
    assert refusal(text) == f"This environment is staging, but [{kind}] is tagged production."


def test_a_production_sign_in_is_refused_in_staging_although_the_tags_agree() -> None:
    assert "signs in to production" in refusal(spoiled("https://test.", "https://login."))


@pytest.mark.parametrize("host", ["https://test.salesforce.com", "https://a--b.sandbox.my.salesforce.com"])
def test_a_salesforce_sandbox_is_refused_in_production(host: str) -> None:
    text = GOOD.replace('"staging"', '"production"').replace("https://test.salesforce.com", host)
    assert "signs in to a Salesforce sandbox" in refusal(text)


def test_the_sandbox_environment_never_reaches_the_real_systems() -> None:
    text = GOOD.replace('"staging"', '"sandbox"')
    assert "This environment is sandbox, but [salesforce] login_url points at" in refusal(text)


def test_production_never_uses_a_simulator() -> None:
    text = GOOD.replace('"staging"', '"production"').replace(
        "https://test.salesforce.com", "http://127.0.0.1:8804"
    )
    assert "points at this machine" in refusal(text)


# --- the file itself ---------------------------------------------------------------------------------


def test_a_byte_order_mark_and_tabs_and_windows_line_ends_are_taken(tmp_path: Path) -> None:
    file = tmp_path / "cosell.toml"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").replace(" = ", "\t=\t").encode())
    assert read(file).environment.name == "staging"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (GOOD.encode("utf-16"), "is not UTF-8 text"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"#" * 1_100_000, "is larger than 1 MB"),
    ],
)
def test_a_file_that_is_no_settings_file_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "cosell.toml"
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match=said):
        read(file)


def test_a_missing_file_is_refused_with_the_command_that_writes_one(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as caught:
        read(tmp_path / "absent.toml")
    assert "There is no file" in caught.value.message
    assert "cosell init" in caught.value.advice


def test_a_directory_is_not_a_file(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="is a directory, not a file"):
        read(tmp_path)


def test_a_path_that_cannot_be_a_path_is_refused() -> None:
    with pytest.raises(Misconfigured, match="no usable path"):
        read(Path("a\x00b"))


def test_a_mapping_file_lies_beside_the_settings_file(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text("[close_date]\nconflict = 'ask'\n", "utf-8")
    (tmp_path / "cosell.toml").write_text(with_more("[mapping]\nfile = 'mapping.toml'"), "utf-8")
    assert rules(read(tmp_path / "cosell.toml"))["close_date"].conflict == "ask"
