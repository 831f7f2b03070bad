"""GET of the collection: filters, order, pages, next links, role, index lag."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from contextlib import suppress
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from cosell.sandbox.partner_center import Switches, odata
from cosell.sandbox.partner_center.errors import Refusal

from .microsoft import Json, Microsoft, example, private_deal


def seed(microsoft: Microsoft, count: int) -> list[Json]:
    """So many deals made in the portal, the oldest first."""
    create = microsoft.partner_center.referrals.create_outbound_in_portal
    return [create(private_deal(name=f"Deal {number}")) for number in range(count)]


def ids(referrals: list[Json]) -> list[str]:
    return [one["id"] for one in referrals]


async def test_each_documented_query_is_answered(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1, the six documented examples."""
    (own,) = seed(microsoft, 1)
    inbound = microsoft.partner_center.referrals.create_inbound(private_deal(type="Shared"))
    email = own["team"][0]["email"]
    expected = [
        ({"filter": f"engagementId eq '{own['engagementId']}'"}, [own]),
        ({"filter": "status eq 'New' and qualification eq 'SalesQualified'"}, [inbound]),
        ({"filter": "customerProfile/address/country eq 'NL' and direction eq 'Incoming'"}, [inbound]),
        (
            {
                "top": "10",
                "filter": "(type eq 'Shared' and direction eq 'Incoming')",
                "orderby": "createdDateTime desc",
            },
            [inbound],
        ),
        ({"top": "10", "filter": "(direction eq 'Incoming' and substatus eq 'Pending')"}, [inbound]),
        (
            {
                "filter": "status eq 'Active' and direction eq 'Outgoing' and type eq 'Independent' "
                f"and team/any(t:t/email eq '{email}')",
                "orderby": "createdDateTime desc",
            },
            [own],
        ),
    ]
    for options, found in expected:
        assert ids(await microsoft.listed(**options)) == ids(found), options


@pytest.mark.parametrize(
    "query",
    [
        "?%24filter=status%20eq%20%27Active%27",
        "?$filter=status+eq+'Active'",
        "?$filter=status%20eq%20'Active'",
        "/?$filter=(status eq 'Active')".replace(" ", "%20"),
        "?$FILTER=Status%20eq%20'Active'",
        "?api-version=1&$filter=status%20eq%20'Active'",
    ],
)
async def test_every_url_form_of_a_filter_is_read(microsoft: Microsoft, query: str) -> None:
    """The wire forms public clients send."""
    (own,) = seed(microsoft, 1)
    url = URL(microsoft.referrals_url + query, encoded=True)
    reply = await microsoft.ask("GET", url, token=microsoft.token)  # type: ignore[arg-type]
    assert ids(reply.json["value"]) == [own["id"]]


@pytest.mark.parametrize(
    "text",
    [
        "status eq New",
        "status",
        "status eq",
        "eq 'New'",
        "(status eq 'New'",
        "status eq 'New')",
        "status eq 'New",
        "status eq 'New' 'x'",
        "status like 'New'",
        "status gt 'New'",
        "engagementId eq 65edc0b5-0000-4000-8000-000000000001",
        "name eq 'Deal 1'",
        "externalReferenceId eq '1'",
        "id eq '1'",
        "createdDateTime ge 2026-01-01T00:00:00Z",
        "updatedDateTime ge '2026-01-01T00:00:00Z'",
        "updatedDateTime ge 2026-13-01T00:00:00Z",
        "updatedDateTime ge yesterday",
        "contains(status, 'N')",
        "team/any(t:t/firstName eq 'Ada')",
        "team/all(t:t/email eq 'x')",
        "customerProfile/team/any(t:t/email eq 'x')",
        "team/any(t:x/email eq 'y')",
        "status in ('New')",
        "(" * 60 + "status eq 'New'" + ")" * 60,
        "status eq 'New' && type eq 'Shared'",
    ],
)
async def test_what_the_filter_does_not_support_is_refused(microsoft: Microsoft, text: str) -> None:
    """partner-center-api.md 2.1: documented operands and operators only."""
    assert (await microsoft.refused(filter=text))["target"] == "$filter"


async def test_or_ne_and_not_are_understood_unless_the_switch_is_off(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1: not shown anywhere."""
    seed(microsoft, 2)
    microsoft.partner_center.referrals.create_inbound(private_deal(type="Shared"))
    for text, count in (
        ("status eq 'New' or status eq 'Active'", 3),
        ("status ne 'New'", 2),
        ("not (status eq 'New')", 2),
        ("status eq 'New' and type eq 'Shared' or status eq 'Closed'", 1),
    ):
        assert len(await microsoft.listed(filter=text)) == count
    microsoft.partner_center.switches.filter_or = False
    for text in ("status eq 'New' or status eq 'Active'", "status ne 'New'", "not (status eq 'New')"):
        await microsoft.refused(filter=text)


async def test_a_quote_is_written_twice(microsoft: Microsoft) -> None:
    person = {**private_deal()["team"][0], "email": "o'brien@contoso.example"}
    own = await microsoft.post(private_deal(team=[person]))
    found = await microsoft.listed(filter="team/any(m: m/email eq 'O''Brien@contoso.example')")
    assert ids(found) == [own["id"]]


async def test_changes_since_a_moment_in_every_order(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1 and 12: `ge` on updatedDateTime."""
    made = seed(microsoft, 5)
    microsoft.partner_center.referrals.edit(made[1]["id"], {"salesStage": "40"})
    since = (await microsoft.get(made[3]["id"]))["updatedDateTime"]
    for orderby, order in (
        ("updatedDateTime asc", [3, 4, 1]),
        ("updatedDateTime desc", [1, 4, 3]),
        ("createdDateTime", [1, 3, 4]),
        ("createdDateTime desc", [4, 3, 1]),
    ):
        found = await microsoft.listed(filter=f"updatedDateTime ge {since}", orderby=orderby)
        assert ids(found) == [made[place]["id"] for place in order]
    assert len(await microsoft.listed(filter=f"updatedDateTime gt {since}")) == 2
    assert len(await microsoft.listed(filter=f"updatedDateTime lt {since}")) == 2
    assert len(await microsoft.listed(filter=f"updatedDateTime eq {since}")) == 1


async def test_comparisons_may_be_unsupported(microsoft: Microsoft) -> None:
    """partner-center-api.md 12."""
    microsoft.partner_center.switches.filter_comparisons = False
    await microsoft.refused(filter="updatedDateTime ge 2026-01-01T00:00:00Z")


async def test_an_offset_whose_plus_was_not_encoded_is_refused(microsoft: Microsoft) -> None:
    await microsoft.refused(filter="updatedDateTime ge 2026-01-01T00:00:00 00:00")
    assert await microsoft.listed(filter="updatedDateTime ge 2026-01-01T00:00:00+00:00") == []


@pytest.mark.parametrize(
    "options",
    [
        {"orderby": "name"},
        {"orderby": "createdDateTime up"},
        {"top": "-1"},
        {"top": "ten"},
        {"skiptoken": "nonsense"},
        {"skiptoken": "W10"},
        {"skiptoken": "é"},
        {"skiptoken": urlsafe_b64encode(b'["","","",null,0,[1]]').decode()},
        {"search": "x"},
        {"select": "id,colour"},
    ],
)
async def test_options_that_make_no_sense_are_refused(microsoft: Microsoft, options: dict[str, str]) -> None:
    seed(microsoft, 1)
    await microsoft.refused(**options)


async def test_select_cuts_the_referral(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1."""
    seed(microsoft, 1)
    (found,) = await microsoft.listed(select="ID, status,customerProfile")
    assert list(found) == ["id", "status", "customerProfile"]


async def test_a_page_has_a_hundred_and_says_how_to_go_on(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1 and 11 row 8: the documented next link is wrong in two ways."""
    made = seed(microsoft, 101)
    reply = await microsoft.call("GET", params={"$orderby": "createdDateTime"})
    page = reply.json
    assert (page["@odata.count"], len(page["value"])) == (100, 100)
    link = urlsplit(page["@odata.nextLink"])
    assert (link.scheme, link.path) == ("http", "/v1.0/referrals")
    assert list(parse_qs(link.query)) == ["$skiptoken"]
    rest = (await microsoft.call("GET", f"?{quote(link.query, safe='$=')}")).json
    assert ids(rest["value"]) == [made[100]["id"]]
    assert "@odata.nextLink" not in rest
    followed = await microsoft.ask("GET", page["@odata.nextLink"], token=microsoft.token)
    assert followed.json["value"] == rest["value"]


async def test_a_good_next_link_and_one_to_a_foreign_host(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1: a client must not follow a link to another host."""
    seed(microsoft, 3)
    microsoft.partner_center.switches.page_size = 2
    microsoft.partner_center.switches.next_link = "good"
    page = (await microsoft.call("GET")).json
    assert page["@odata.nextLink"].startswith(microsoft.referrals_url + "?$skiptoken=")
    microsoft.partner_center.switches.next_link = "foreign"
    page = (await microsoft.call("GET")).json
    assert urlsplit(page["@odata.nextLink"]).hostname == "api.partner.microsoft.com"


async def pages(microsoft: Microsoft, **options: str) -> list[list[str]]:
    """The ids of every page, following the next links."""
    params = {f"${name}": value for name, value in options.items()}
    page = (await microsoft.call("GET", params=params)).json
    found = [ids(page["value"])]
    while "@odata.nextLink" in page:
        page = (await microsoft.ask("GET", page["@odata.nextLink"], token=microsoft.token)).json
        found.append(ids(page["value"]))
    return found


@pytest.mark.parametrize("paging", ["key", "offset"])
@pytest.mark.parametrize("field", ["createdDateTime", "updatedDateTime"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
async def test_pages_hold_everything_once_in_order(
    microsoft: Microsoft, paging: str, field: str, direction: str
) -> None:
    made = seed(microsoft, 7)
    microsoft.partner_center.referrals.edit(made[0]["id"], {"salesStage": "40"})
    microsoft.partner_center.switches.page_size = 3
    microsoft.partner_center.switches.paging = paging  # type: ignore[assignment]
    found = await pages(microsoft, orderby=f"{field} {direction}", filter="status eq 'Active'")
    expected = ids(made) if field == "createdDateTime" else [*ids(made)[1:], made[0]["id"]]
    everything = [one for page in found for one in page]
    assert everything == (expected if direction == "asc" else expected[::-1])
    assert [len(page) for page in found] == [3, 3, 1]


async def test_items_move_under_a_reader_who_pages_by_offset(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1: the stability of skip tokens is unknown."""
    made = seed(microsoft, 4)
    switches = microsoft.partner_center.switches
    switches.page_size, switches.paging = 2, "offset"
    page = (await microsoft.call("GET", params={"$orderby": "updatedDateTime"})).json
    microsoft.partner_center.referrals.edit(made[0]["id"], {"salesStage": "40"})
    rest = (await microsoft.ask("GET", page["@odata.nextLink"], token=microsoft.token)).json
    assert made[2]["id"] not in ids(page["value"] + rest["value"])


async def test_top_asks_for_other_pages_up_to_a_cap(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1 and 8: 200 was seen, the maximum is unknown."""
    seed(microsoft, 5)
    assert [len(page) for page in await pages(microsoft, top="2")] == [2, 2, 1]
    microsoft.partner_center.switches.top_cap = 3
    assert [len(page) for page in await pages(microsoft, top="200")] == [3, 2]
    assert await pages(microsoft, top="0") == [[]]


async def test_top_as_a_total_when_the_switch_says_so(microsoft: Microsoft) -> None:
    seed(microsoft, 8)
    switches = microsoft.partner_center.switches
    switches.top_means, switches.top_cap = "total", 3
    assert [len(page) for page in await pages(microsoft, top="2")] == [2]
    assert [len(page) for page in await pages(microsoft, top="7")] == [3, 3, 1]


async def test_skip_leaves_out_the_first(microsoft: Microsoft) -> None:
    made = seed(microsoft, 4)
    assert ids(await microsoft.listed(skip="3")) == [made[3]["id"]]


async def test_the_count_may_mean_the_page_or_all_or_be_missing(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1."""
    seed(microsoft, 3)
    switches = microsoft.partner_center.switches
    switches.page_size = 2
    assert (await microsoft.call("GET")).json["@odata.count"] == 2
    switches.count = "total"
    assert (await microsoft.call("GET")).json["@odata.count"] == 3
    switches.count = "absent"
    assert "@odata.count" not in (await microsoft.call("GET")).json


async def test_a_new_deal_may_reach_the_lists_late(microsoft: Microsoft) -> None:
    """partner-center-api.md 12: after POST 1 list the engagement, which may not show it yet."""
    microsoft.partner_center.switches.index_lag = 30
    own = await microsoft.post(private_deal())
    by_engagement = f"engagementId eq '{own['engagementId']}'"
    assert await microsoft.listed(filter=by_engagement) == []
    assert (await microsoft.get(own["id"]))["id"] == own["id"]
    microsoft.frame.clock.advance(31)
    assert ids(await microsoft.listed(filter=by_engagement)) == [own["id"]]


async def test_a_referrals_user_sees_only_the_deals_that_hold_them(microsoft: Microsoft) -> None:
    """partner-center-api.md 1.3 and 11 row 9."""
    foreign = {**private_deal()["team"][0], "email": "bo.smit@contoso.example"}
    mine = await microsoft.post(example("example-create-cosell-step1-own"))
    second = {**example("example-create-cosell-step2-microsoft"), "engagementId": mine["engagementId"]}
    theirs = await microsoft.post(second)
    other = await microsoft.post(private_deal(team=[foreign]))
    microsoft.partner_center.switches.role = "referrals-user"
    assert ids(await microsoft.listed()) == [mine["id"], theirs["id"]]
    reply = await microsoft.call("GET", f"/{other['id']}")
    assert reply.status == 403
    assert reply.json == example("example-error-403")
    microsoft.partner_center.switches.role_email = "BO.SMIT@contoso.example"
    assert ids(await microsoft.listed()) == [other["id"]]


async def test_further_operands_can_be_allowed(microsoft: Microsoft) -> None:
    """partner-center-api.md 2.1: filters on externalReferenceId are mentioned nowhere."""
    own = await microsoft.post(private_deal(externalReferenceId="006A"))
    microsoft.partner_center.switches.filter_operands = ["externalReferenceId", "trackingInfo/microsoftMsxId"]
    assert ids(await microsoft.listed(filter="externalReferenceId eq '006A'")) == [own["id"]]
    assert ids(await microsoft.listed(filter="trackingInfo/microsoftMsxId eq null")) == [own["id"]]


async def test_the_related_link_leads_to_the_engagement(microsoft: Microsoft) -> None:
    """partner-center-api.md 9, trap 8: the link is not escaped."""
    own = await microsoft.post(private_deal())
    link = own["links"]["relatedReferrals"]["uri"]
    assert "$filter=engagementId eq '" in link
    reply = await microsoft.ask("GET", link, token=microsoft.token)
    assert ids(reply.json["value"]) == [own["id"]]


WORDS = st.sampled_from(
    [
        *("status", "updatedDateTime", "team/any", "t", "t/email", "eq", "ge", "and", "or", "not", "null"),
        *("'New'", "''", "'", "(", ")", ":", ",", "2026-01-01T00:00:00Z", "2026-99-99", "/", "$"),
    ]
)


@given(st.lists(WORDS | st.text(max_size=5), max_size=15))
def test_any_filter_is_understood_or_refused(words: list[str]) -> None:
    with suppress(Refusal):
        odata.parse(" ".join(words), Switches()).test()
