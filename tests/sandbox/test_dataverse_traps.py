"""The ten traps of dataverse-api.md section 0, as the sandbox sets them."""

from __future__ import annotations

import pytest

from .dynamics import ALL_NOTES, DEAL, NOWHERE, REFERRAL, WITH_ROW, Dynamics


async def test_a_patch_of_a_missing_row_creates_it_unless_if_match_forbids(dynamics: Dynamics) -> None:
    """Trap 1."""
    plain = await dynamics.patch(f"opportunities({NOWHERE})", DEAL)
    assert plain.status == 204
    assert (await dynamics.row(f"opportunities({NOWHERE})", select="name"))["name"] == DEAL["name"]
    guarded = await dynamics.patch(f"opportunities({NOWHERE[:-1]}2)", DEAL, If_Match="*")
    assert guarded.refusal == (404, "0x80040217")
    only_new = await dynamics.patch(f"opportunities({NOWHERE})", DEAL, If_None_Match="*")
    assert only_new.status == 412


@pytest.mark.parametrize(("state", "message"), [(1, "WinOpportunity"), (2, "LoseOpportunity")])
async def test_a_deal_is_not_closed_by_a_patch_of_its_state(
    dynamics: Dynamics, state: int, message: str
) -> None:
    """Trap 2."""
    deal = await dynamics.deal()
    reply = await dynamics.patch(f"opportunities({deal})", {"statecode": state})
    assert reply.refusal == (400, "0x80100005")
    assert message in reply.message
    assert (await dynamics.close(message, deal)).status == 204
    assert (await dynamics.row(f"opportunities({deal})"))["statecode"] == state


async def test_lookups_are_read_as_value_and_written_as_bind_in_the_case_of_their_schema(
    dynamics: Dynamics,
) -> None:
    """Trap 3."""
    account = await dynamics.create("accounts", name="Contoso")
    deal = await dynamics.deal(**{"customerid_account@odata.bind": f"/accounts({account})"})
    assert (await dynamics.row(f"opportunities({deal})"))["_customerid_value"] == account
    for wrong in (
        {"customerid@odata.bind": f"/accounts({account})"},
        {"CustomerId_account@odata.bind": f"/accounts({account})"},
        {"_customerid_value": account},
        {"customerid": account},
    ):
        assert (await dynamics.patch(f"opportunities({deal})", wrong)).refusal == (400, "0x80060888")
    solution = {"cosell_OpportunityId@odata.bind": f"/opportunities({deal})", "cosell_name": "Basket"}
    made = await dynamics.create("cosell_opportunitysolutions", **solution)
    row = await dynamics.row(f"cosell_opportunitysolutions({made})")
    assert row["_cosell_opportunityid_value"] == deal
    low = {"cosell_opportunityid@odata.bind": f"/opportunities({deal})"}
    reply = await dynamics.call("POST", "cosell_opportunitysolutions", low)
    assert reply.refusal == (400, "0x80060888")


async def test_pages_come_by_size_and_cookie_and_top_is_then_ignored(dynamics: Dynamics) -> None:
    """Trap 4."""
    ids = {await dynamics.deal(name=f"Deal {number}") for number in range(5)}
    skipped = await dynamics.get("opportunities", skip="1")
    assert skipped.status == 400
    assert "$skip is not supported" in skipped.message
    size = {"Prefer": "odata.maxpagesize=2"}
    reply = await dynamics.get("opportunities", select="name", top="1", headers=size)
    seen: set[str] = set()
    sizes = []
    while True:
        sizes.append(len(reply.rows))
        seen |= {row["opportunityid"] for row in reply.rows}
        link = reply.json.get("@odata.nextLink")
        if link is None:
            break
        reply = await dynamics.call("GET", link, headers=size)
    assert sizes == [2, 2, 1]
    assert seen == ids
    assert reply.headers["Preference-Applied"] == "odata.maxpagesize=2"


@pytest.mark.parametrize(
    ("option", "value"), [("filter", "statecode eq 0"), ("orderby", "name"), ("top", "3"), ("expand", "x")]
)
async def test_change_tracking_takes_no_option_but_select(
    dynamics: Dynamics, option: str, value: str
) -> None:
    """Trap 5, first half."""
    reply = await dynamics.get("opportunities", headers={"Prefer": "odata.track-changes"}, **{option: value})
    assert reply.status == 400
    text = f'The "{option}" query parameter isn\'t supported when Change Tracking is enabled.'
    assert reply.message == text


async def test_change_tracking_needs_the_whole_table_to_be_readable(dynamics: Dynamics) -> None:
    """Trap 5, second half."""
    dynamics.org.settings.limited_read = frozenset({"opportunity"})
    reply = await dynamics.get("opportunities", headers={"Prefer": "odata.track-changes"})
    assert reply.refusal == (403, "0x80040220")
    assert "prvReadOpportunity" in reply.message
    assert (await dynamics.get("opportunities")).status == 200


async def test_a_delta_token_dies_after_the_days_of_the_organization(dynamics: Dynamics) -> None:
    """Trap 6: an error, never a silent full read."""
    _, link = await dynamics.tracked()
    dynamics.frame.clock.advance(7 * 86_400)
    assert (await dynamics.call("GET", link)).status == 200
    dynamics.frame.clock.advance(1)
    assert (await dynamics.call("GET", link)).refusal == (400, "0x80044352")
    dynamics.org.settings.expired_token_status = 410
    assert (await dynamics.call("GET", link)).refusal == (410, "0x80044352")
    organization = dynamics.org.organization_id
    await dynamics.patch(f"organizations({organization})", {"expirechangetrackingindays": 30}, If_Match="*")
    assert (await dynamics.call("GET", link)).status == 200


@pytest.mark.parametrize(
    ("entity_set", "column", "length"),
    [
        ("opportunities", "description", 2_000),
        ("opportunities", "name", 300),
        ("accounts", "name", 160),
        ("contacts", "firstname", 50),
        ("contacts", "lastname", 50),
    ],
)
async def test_text_that_is_too_long_is_refused_by_its_length(
    dynamics: Dynamics, entity_set: str, column: str, length: int
) -> None:
    """Trap 7."""
    fits = await dynamics.call("POST", entity_set, {column: "x" * length})
    assert fits.status == 204
    reply = await dynamics.call("POST", entity_set, {column: "x" * (length + 1)})
    assert reply.refusal == (400, "0x80044331")
    assert f"'{column}' attribute" in reply.message
    assert f"'{length}'" in reply.message


@pytest.mark.parametrize("letter", list("/<>*%&:\\?+"))
@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_some_letters_cannot_stand_in_a_key(dynamics: Dynamics, letter: str, method: str) -> None:
    """Trap 8: the value may be stored, and never addressed."""
    if method == "GET":
        await dynamics.deal(**{REFERRAL: f"a{letter}b"})
    path = f"opportunities({REFERRAL}='a%{ord(letter):02X}b')"
    reply = await dynamics.call(method, path, DEAL if method == "PATCH" else None)
    assert reply.status == 400


async def test_a_key_told_twice_ends_the_create_of_an_upsert_multiple_only(dynamics: Dynamics) -> None:
    """Trap 9; in a single upsert the body's value wins on create and is ignored on update."""
    twice = {
        "@odata.type": "Microsoft.Dynamics.CRM.opportunity",
        "@odata.id": f"opportunities({REFERRAL}='R-1')",
        REFERRAL: "R-1",
        "name": "Told twice",
    }
    action = "opportunities/Microsoft.Dynamics.CRM.UpsertMultiple"
    assert (await dynamics.call("POST", action, {"Targets": [twice]})).refusal == (400, "0x80040216")
    await dynamics.deal(**{REFERRAL: "R-1"})
    assert (await dynamics.call("POST", action, {"Targets": [twice]})).status == 204
    single = {**DEAL, REFERRAL: "R-body"}
    await dynamics.patch(f"opportunities({REFERRAL}='R-url')", single)
    assert (await dynamics.get(f"opportunities({REFERRAL}='R-url')")).status == 404
    await dynamics.patch(f"opportunities({REFERRAL}='R-body')", {**DEAL, REFERRAL: "R-other"})
    assert (await dynamics.get(f"opportunities({REFERRAL}='R-body')")).status == 200


@pytest.mark.parametrize("kind", ["REQUESTS", "TIME", "CONCURRENCY"])
async def test_each_kind_of_429_tells_how_long_to_wait(dynamics: Dynamics, kind: str) -> None:
    """Trap 10."""
    answer = dynamics.org.faults[f"THROTTLED_{kind}"]
    assert answer.status == 429
    assert int(answer.headers["retry-after"]) > 0


async def test_the_representation_is_what_tells_the_new_version(dynamics: Dynamics) -> None:
    """Section 2.7: a plain 204 has no etag."""
    deal = await dynamics.deal()
    plain = await dynamics.patch(f"opportunities({deal})", {"name": "B"}, If_Match="*")
    assert "ETag" not in plain.headers
    told = await dynamics.call("PATCH", f"opportunities({deal})", {"name": "C"}, headers=WITH_ROW)
    assert told.status == 200
    assert told.headers["ETag"] == told.json["@odata.etag"]
    read = await dynamics.get(f"opportunities({deal})", headers=ALL_NOTES)
    assert read.json["@odata.etag"] == told.headers["ETag"]
