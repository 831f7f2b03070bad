"""Lists: filters, order, counts, pages, expansion (dataverse-api.md 2.3)."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.dataverse.drafting import choices

from .dynamics import ALL_NOTES, NOWHERE, REFERRAL, Dynamics, Json

TOTAL = "@Microsoft.Dynamics.CRM.totalrecordcount"


async def planted(dynamics: Dynamics) -> dict[str, str]:
    """Two accounts, three deals, two notes; the ids by name."""
    many = Column("cosell_helptypes", "Help types", "multipicklist", choices=choices("A|B|C", 1))
    dynamics.org.schema.add_column("opportunity", many)
    contact = await dynamics.create("contacts", firstname="Ada", lastname="Moreau")
    primary = {"primarycontactid@odata.bind": f"/contacts({contact})"}
    contoso = await dynamics.create("accounts", name="Contoso", **primary)
    fabrikam = await dynamics.create("accounts", name="Fabrikam")
    made: Json = {"Contoso": contoso, "Fabrikam": fabrikam, "Ada": contact}
    for name, account, value, probability, day, helps in (
        ("Alpha", contoso, 100, 10, "2026-06-01", "1,2"),
        ("beta", contoso, 200, 50, "2026-12-31", "3"),
        ("Gamma 100%", fabrikam, None, None, "2027-01-31", None),
    ):
        made[name] = await dynamics.deal(
            name=name,
            estimatedvalue=value,
            closeprobability=probability,
            estimatedclosedate=day,
            cosell_helptypes=helps,
            cosell_syncwithpartnercenter=name == "beta",
            **{
                "customerid_account@odata.bind": f"/accounts({account})",
                "parentaccountid@odata.bind": f"/accounts({account})",
            },
        )
    for subject in ("First call", "Second call"):
        bind = {"objectid_opportunity@odata.bind": f"/opportunities({made['Alpha']})"}
        await dynamics.create("annotations", subject=subject, **bind)
    return made


FILTERS = [
    ("name eq 'alpha'", ["Alpha"]),
    ("name ne 'ALPHA'", ["beta", "Gamma 100%"]),
    ("name gt 'b'", ["beta", "Gamma 100%"]),
    ("'alpha' eq name", ["Alpha"]),
    ("estimatedvalue ge 100 and estimatedvalue lt 200", ["Alpha"]),
    ("200 le estimatedvalue", ["beta"]),
    ("estimatedvalue eq null", ["Gamma 100%"]),
    ("estimatedvalue ne null", ["Alpha", "beta"]),
    ("estimatedvalue eq 1.0e2", ["Alpha"]),
    ("not (name eq 'alpha' or name eq 'beta')", ["Gamma 100%"]),
    ("name eq 'alpha' or name eq 'beta' and closeprobability eq 10", ["Alpha"]),
    ("name eq 'BETA' or 'alpha' eq name", ["Alpha", "beta"]),
    ("(name eq 'alpha' or name eq 'beta') and closeprobability eq 10", ["Alpha"]),
    (
        "closeprobability eq 10 or closeprobability eq 50 or closeprobability eq null",
        ["Alpha", "beta", "Gamma 100%"],
    ),
    ("parentaccountid/name eq 'contoso' or parentaccountid/name eq 'nobody'", ["Alpha", "beta"]),
    ("not (name eq 'alpha' or name eq 'beta')", ["Gamma 100%"]),
    ("estimatedvalue eq estimatedvalue_base", ["Alpha", "beta", "Gamma 100%"]),
    ("estimatedvalue gt closeprobability", ["Alpha", "beta"]),
    ("contains(name,'ET')", ["beta"]),
    ("startswith(name,'g')", ["Gamma 100%"]),
    ("endswith(name,'A')", ["Alpha", "beta"]),
    ("not contains(name,'a%a')", ["beta"]),
    ("contains(name,'a') eq false", []),
    ("contains(name,'[gk]amma')", ["Gamma 100%"]),
    ("startswith(name,'_lph')", ["Alpha"]),
    ("contains(name,'100[%]')", ["Gamma 100%"]),
    ("parentaccountid/name eq 'contoso'", ["Alpha", "beta"]),
    ("customerid_account/primarycontactid/fullname eq 'ada moreau'", ["Alpha", "beta"]),
    ("customerid_contact/fullname ne null", []),
    ("Opportunity_Annotation/any(n:contains(n/subject,'second'))", ["Alpha"]),
    ("Opportunity_Annotation/any()", ["Alpha"]),
    ("Opportunity_Annotation/all(n:startswith(n/subject,'first'))", ["beta", "Gamma 100%"]),
    ("parentaccountid/opportunity_parent_account/any(o:o/name eq 'Gamma 100%')", ["Gamma 100%"]),
    ("statecode eq 0 and statuscode eq 1", ["Alpha", "beta", "Gamma 100%"]),
    ("cosell_syncwithpartnercenter eq true", ["beta"]),
    ("estimatedclosedate gt 2026-06-01", ["beta", "Gamma 100%"]),
    ("estimatedclosedate le 2026-06-01T10:00:00Z", ["Alpha"]),
    ("createdon ge 2020-01-01", ["Alpha", "beta", "Gamma 100%"]),
    ("createdon lt 2020-01-01T00:00:00+02:00", []),
    ("Microsoft.Dynamics.CRM.In(PropertyName='name',PropertyValues=['alpha','beta'])", ["Alpha", "beta"]),
    ("Microsoft.Dynamics.CRM.In(PropertyName=@p1,PropertyValues=@p2)", ["Alpha", "beta"]),
    (
        "Microsoft.Dynamics.CRM.NotIn(PropertyName='closeprobability',PropertyValues=['10','50'])",
        ["Gamma 100%"],
    ),
    ('Microsoft.Dynamics.CRM.Between(PropertyName="estimatedvalue",PropertyValues=["150","250"])', ["beta"]),
    ("Microsoft.Dynamics.CRM.NotBetween(PropertyName='estimatedvalue',PropertyValues=[150,250])", ["Alpha"]),
    (
        "Microsoft.Dynamics.CRM.ContainValues(PropertyName='cosell_helptypes',PropertyValues=['2','3'])",
        ["Alpha", "beta"],
    ),
    (
        "Microsoft.Dynamics.CRM.DoesNotContainValues(PropertyName='cosell_helptypes',PropertyValues=['2'])",
        ["beta", "Gamma 100%"],
    ),
    (
        "Microsoft.Dynamics.CRM.LastXHours(PropertyName='modifiedon',PropertyValue=4)",
        ["Alpha", "beta", "Gamma 100%"],
    ),
    ("Microsoft.Dynamics.CRM.OlderThanXMinutes(PropertyName='modifiedon',PropertyValue=4)", []),
    ("Microsoft.Dynamics.CRM.Today(PropertyName='createdon')", ["Alpha", "beta", "Gamma 100%"]),
    ("Microsoft.Dynamics.CRM.Tomorrow(PropertyName='createdon')", []),
    ("Microsoft.Dynamics.CRM.ThisMonth(PropertyName='createdon')", ["Alpha", "beta", "Gamma 100%"]),
    (
        "Microsoft.Dynamics.CRM.LastXYears(PropertyName='createdon',PropertyValue=1)",
        ["Alpha", "beta", "Gamma 100%"],
    ),
    ("Microsoft.Dynamics.CRM.Last7Days(PropertyName='createdon')", ["Alpha", "beta", "Gamma 100%"]),
    (
        "Microsoft.Dynamics.CRM.OnOrAfter(PropertyName='estimatedclosedate',PropertyValue='2026-12-31')",
        ["beta", "Gamma 100%"],
    ),
    (
        "Microsoft.Dynamics.CRM.OnOrBefore(PropertyName='estimatedclosedate',PropertyValue='2026-12-31')",
        ["Alpha", "beta"],
    ),
    ("Microsoft.Dynamics.CRM.On(PropertyName='estimatedclosedate',PropertyValue=2026-12-31)", ["beta"]),
    ("Microsoft.Dynamics.CRM.EqualUserId(PropertyName='ownerid')", ["Alpha", "beta", "Gamma 100%"]),
]


@pytest.mark.parametrize("start", range(0, len(FILTERS), 10))
async def test_filters_select_what_they_say(dynamics: Dynamics, start: int) -> None:
    await planted(dynamics)
    listed = quote('["Alpha","beta"]')
    aliases = f"@p1='name'&@p2={listed}"
    for where, names in FILTERS[start : start + 10]:
        path = f"opportunities?$select=name&$orderby=name&$filter={quote(where)}&{aliases}"
        reply = await dynamics.call("GET", path)
        assert [row["name"] for row in reply.rows] == names, where


async def test_ids_are_compared_bare_and_quoted(dynamics: Dynamics) -> None:
    made = await planted(dynamics)
    account = made["Contoso"]
    for where in (
        f"_parentaccountid_value eq {account}",
        f"_parentaccountid_value eq '{account}'",
        f"parentaccountid/accountid eq {account.upper()}",
        f"Microsoft.Dynamics.CRM.In(PropertyName='parentaccountid',PropertyValues=['{account}'])",
    ):
        assert await dynamics.names(where) == ["Alpha", "beta"], where
    wanted = [made["Alpha"], made["beta"]]
    where = f"Microsoft.Dynamics.CRM.In(PropertyName='opportunityid',PropertyValues={wanted})"
    assert await dynamics.names(where) == ["Alpha", "beta"]


async def test_an_apostrophe_is_doubled(dynamics: Dynamics) -> None:
    await dynamics.deal(name="O'Hara (100% sure), ok")
    assert await dynamics.names("name eq 'O''Hara (100% sure), ok'") == ["O'Hara (100% sure), ok"]


async def test_options_may_be_encoded_as_clients_like(dynamics: Dynamics) -> None:
    await planted(dynamics)
    for query in (
        "%24select=name&%24filter=name+eq+%27alpha%27",
        "$select=name&$filter=name%20eq%20%27alpha%27",
        "$filter=(name eq 'alpha')&$select=*",
    ):
        [row] = (await dynamics.call("GET", f"opportunities?{query}")).rows
        assert row["name"] == "Alpha"


async def test_wildcards_can_be_plain_letters(dynamics: Dynamics) -> None:
    await planted(dynamics)
    dynamics.org.settings.like_wildcards = False
    assert await dynamics.names("contains(name,'0%')") == ["Gamma 100%"]
    assert await dynamics.names("contains(name,'a%a')") == []


async def test_a_wildcard_range_that_runs_backwards_holds_nothing(dynamics: Dynamics) -> None:
    await planted(dynamics)
    assert await dynamics.names("contains(name,'[z-a]')") == []
    assert await dynamics.names("contains(name,'[')") == []


async def test_a_filter_nested_too_deeply_is_refused(dynamics: Dynamics) -> None:
    where = "(" * 3_000 + "name eq 'x'" + ")" * 3_000
    assert (await dynamics.refused(where)).status == 400


NONSENSE = [
    "",
    "name",
    "name eq",
    "name eq 'x' and",
    "(name eq 'x'",
    "name eq 'x')",
    "name is 'x'",
    "name eq 'x' name eq 'y'",
    "nonsense eq 1",
    "customerid eq null",
    "parentaccountid eq null",
    "parentaccountid/nonsense eq 1",
    "Opportunity_Annotation/subject eq 'x'",
    "Opportunity_Annotation/any(n:nonsense/subject eq 'x')",
    "name eq 5",
    "name eq true",
    "estimatedvalue eq 'x'",
    "statecode eq 'Open'",
    "cosell_syncwithpartnercenter eq 1",
    "estimatedclosedate eq 'yesterday'",
    "_ownerid_value eq 'Alex'",
    "name eq estimatedvalue",
    "'a' eq 'a'",
    "contains(estimatedvalue,'1')",
    "contains(name,1)",
    "name eq @missing",
    "Microsoft.Dynamics.CRM.In(PropertyName='name')",
    "Microsoft.Dynamics.CRM.In(PropertyName='nonsense',PropertyValues=['1'])",
    "Microsoft.Dynamics.CRM.In(PropertyValues=['1'])",
    "Microsoft.Dynamics.CRM.In(PropertyName='statuscode',PropertyValues=['x'])",
    "Microsoft.Dynamics.CRM.Between(PropertyName='estimatedvalue',PropertyValues=['1'])",
    "Microsoft.Dynamics.CRM.LastXHours(PropertyName='name',PropertyValue=4)",
    "Microsoft.Dynamics.CRM.ContainValues(PropertyName='name',PropertyValues=['1'])",
    "name eq 'x",
    "name eq \u20ac",
]


async def test_a_filter_that_makes_no_sense_is_refused(dynamics: Dynamics) -> None:
    for where in NONSENSE:
        assert (await dynamics.refused(where)).refusal == (400, "0x80060888"), where


@pytest.mark.parametrize(
    "path",
    [
        "opportunities?$apply=aggregate($count as n)",
        "opportunities?fetchXml=<fetch/>",
        "opportunities?$filter=tolower(name) eq 'x'",
        "opportunities?$filter=Microsoft.Dynamics.CRM.InFiscalYear(PropertyName='createdon',PropertyValue=2)",
    ],
)
async def test_what_the_sandbox_lacks_is_said_to_be_lacking(dynamics: Dynamics, path: str) -> None:
    reply = await dynamics.call("GET", path)
    assert reply.status == 501
    assert "the sandbox does not simulate" in reply.message


@pytest.mark.parametrize(
    "query",
    [
        "$skip=1",
        "$nonsense=1",
        "$top=-1",
        "$top=x",
        "$count=yes",
        "$orderby=nonsense",
        "$orderby=name up",
        "$orderby=name,,statecode",
        "$select=name&$select=statecode",
        "$skiptoken=x",
    ],
)
async def test_options_nobody_knows_are_refused(dynamics: Dynamics, query: str) -> None:
    assert (await dynamics.call("GET", f"opportunities?{query}")).refusal == (400, "0x80060888")


async def test_rows_are_sorted_up_and_down_and_through_lookups(dynamics: Dynamics) -> None:
    await planted(dynamics)
    for orderby, names in (
        ("name", ["Alpha", "beta", "Gamma 100%"]),
        ("name desc", ["Gamma 100%", "beta", "Alpha"]),
        ("estimatedvalue asc", ["Gamma 100%", "Alpha", "beta"]),
        ("estimatedvalue desc", ["beta", "Alpha", "Gamma 100%"]),
        ("parentaccountid/name desc,name desc", ["Gamma 100%", "beta", "Alpha"]),
    ):
        reply = await dynamics.get("opportunities", select="name", orderby=orderby)
        assert [row["name"] for row in reply.rows] == names, orderby


async def test_a_list_says_what_it_is(dynamics: Dynamics) -> None:
    await planted(dynamics)
    reply = await dynamics.get("opportunities", select="name", top="1", orderby="name")
    assert reply.json["@odata.context"] == f"{dynamics.root}/$metadata#opportunities(name)"
    assert reply.headers["Content-Type"] == ("application/json; odata.metadata=minimal; odata.streaming=true")
    [row] = reply.rows
    assert set(row) == {"@odata.etag", "name", "opportunityid"}


async def test_counts_stop_at_the_cap_and_say_so(dynamics: Dynamics) -> None:
    await planted(dynamics)
    reply = await dynamics.get("opportunities", select="name", count="true", headers=ALL_NOTES)
    assert (reply.json["@odata.count"], reply.json[TOTAL]) == (3, 3)
    assert reply.json[f"{TOTAL}limitexceeded"] is False
    dynamics.org.settings.largest_count = 2
    reply = await dynamics.get("opportunities", select="name", count="true", headers=ALL_NOTES)
    assert (reply.json["@odata.count"], reply.json[f"{TOTAL}limitexceeded"]) == (2, True)
    plain = await dynamics.get("opportunities", select="name", count="true")
    assert TOTAL not in plain.json
    assert (await dynamics.call("GET", "opportunities/$count")).raw == b"2"
    assert (await dynamics.get("opportunities/$count", filter="name eq 'beta'")).raw == b"1"


async def test_pages_keep_their_order_while_rows_change(dynamics: Dynamics) -> None:
    for number in range(6):
        await dynamics.deal(name=f"Deal {number % 2}", closeprobability=number)
    size = {"Prefer": "odata.maxpagesize=2"}
    options = {"select": "name,closeprobability", "orderby": "name desc,closeprobability"}
    reply = await dynamics.get("opportunities", headers=size, **options)
    seen = [row["closeprobability"] for row in reply.rows]
    first = reply.rows[0]["opportunityid"]
    await dynamics.call("DELETE", f"opportunities({first})")
    while link := reply.json.get("@odata.nextLink"):
        reply = await dynamics.call("GET", link, headers=size)
        seen += [row["closeprobability"] for row in reply.rows]
    assert seen == [1, 3, 5, 0, 2, 4]


@pytest.mark.parametrize(
    "orderby", ["estimatedvalue desc", "estimatedvalue", "createdon,_ownerid_value desc"]
)
async def test_pages_in_the_order_of_any_column_bring_every_row_once(
    dynamics: Dynamics, orderby: str
) -> None:
    for value in (None, 1, 1, 2.5, None, 7):
        await dynamics.deal(estimatedvalue=value)
    size = {"Prefer": "odata.maxpagesize=1"}
    reply = await dynamics.get("opportunities", select="estimatedvalue", orderby=orderby, headers=size)
    seen = [*reply.rows]
    while link := reply.json.get("@odata.nextLink"):
        reply = await dynamics.call("GET", link, headers=size)
        seen += reply.rows
    whole = await dynamics.get("opportunities", select="estimatedvalue", orderby=orderby)
    assert seen == whole.rows
    assert len({row["opportunityid"] for row in seen}) == 6


async def test_a_next_link_repeats_the_query_with_an_opaque_cookie(dynamics: Dynamics) -> None:
    await planted(dynamics)
    size = {"Prefer": "odata.maxpagesize=1"}
    reply = await dynamics.get("opportunities", select="name", filter="statecode eq 0", headers=size)
    link = reply.json["@odata.nextLink"]
    assert link.startswith(f"{dynamics.root}/opportunities?")
    assert "$skiptoken=%3Ccookie%20pagenumber=%222%22%20pagingcookie=%22" in link
    assert link.endswith("%20istracking=%22False%22%20/%3E")
    assert "filter=" in link
    without_size = await dynamics.call("GET", link)
    assert len(without_size.rows) == 2, "the page size travels in the header, not in the link"
    for rebuilt in (
        link.replace("istracking", "tracking"),
        link.replace("False", "True"),
        f"{link}&$orderby=name",
        link.replace("%25255B%252522", "%25255B12,%252522"),
    ):
        assert (await dynamics.call("GET", rebuilt)).refusal == (400, "0x80060888"), rebuilt


async def test_a_page_has_5000_rows_at_most(dynamics: Dynamics) -> None:
    dynamics.org.settings.largest_page = 2
    await planted(dynamics)
    for headers in ({}, {"Prefer": "odata.maxpagesize=5"}):
        reply = await dynamics.get("opportunities", headers=headers)
        assert len(reply.rows) == 2
        assert "@odata.nextLink" in reply.json
    top = await dynamics.get("opportunities", top="1")
    assert len(top.rows) == 1
    assert "@odata.nextLink" not in top.json
    assert (await dynamics.get("opportunities", headers={"Prefer": "odata.maxpagesize=0"})).status == 400


async def test_expansion_nests_sorts_filters_and_cuts(dynamics: Dynamics) -> None:
    made = await planted(dynamics)
    expand = (
        "customerid_account($select=name;$expand=primarycontactid($select=fullname)),"
        "customerid_contact($select=fullname),"
        "Opportunity_Annotation($select=subject;$orderby=subject desc;$top=1;$filter=endswith(subject,'l'))"
    )
    row = await dynamics.row(f"opportunities({made['Alpha']})", select="name", expand=expand)
    assert row["customerid_account"]["name"] == "Contoso"
    assert row["customerid_account"]["primarycontactid"]["fullname"] == "Ada Moreau"
    assert row["customerid_contact"] is None
    assert [note["subject"] for note in row["Opportunity_Annotation"]] == ["Second call"]
    expected = (
        "#opportunities(name,customerid_account(name,primarycontactid(fullname)),"
        "customerid_contact(fullname),Opportunity_Annotation(subject))/$entity"
    )
    assert row["@odata.context"].endswith(expected)


async def test_an_expanded_collection_is_paged_by_a_link_of_its_own(dynamics: Dynamics) -> None:
    made = await planted(dynamics)
    size = {"Prefer": "odata.maxpagesize=1"}
    expand = "Opportunity_Annotation($select=subject;$orderby=subject)"
    reply = await dynamics.get(f"opportunities({made['Alpha']})", expand=expand, headers=size)
    [first] = reply.json["Opportunity_Annotation"]
    link = reply.json["Opportunity_Annotation@odata.nextLink"]
    [second] = (await dynamics.call("GET", link, headers=size)).rows
    assert (first["subject"], second["subject"]) == ("First call", "Second call")


@pytest.mark.parametrize(
    "expand",
    [
        "nonsense",
        "customerid",
        "parentaccountid($select=nonsense)",
        "parentaccountid($top=1)",
        "parentaccountid($select=name",
        "Opportunity_Annotation($skip=1)",
        "ownerid($select=fullname)",
        "parentaccountid($filter=name eq 'x')",
    ],
)
async def test_an_expansion_that_makes_no_sense_is_refused(dynamics: Dynamics, expand: str) -> None:
    deal = await dynamics.deal()
    reply = await dynamics.get(f"opportunities({deal})", expand=expand)
    assert reply.refusal == (400, "0x80060888")


async def test_an_expanded_owner_is_a_principal_that_shows_only_its_id(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    row = await dynamics.row(
        f"opportunities({deal})", select="name", expand="ownerid,owninguser($select=fullname)"
    )
    assert row["ownerid"]["@odata.type"] == "#Microsoft.Dynamics.CRM.systemuser"
    assert row["ownerid"]["ownerid"] == dynamics.org.user_id
    assert row["owninguser"]["fullname"] == "# Cosell"


async def test_many_rows_are_read_by_their_keys_at_once(dynamics: Dynamics) -> None:
    for number in range(20):
        await dynamics.deal(**{REFERRAL: f"R-{number}"})
    wanted = ",".join(f"'r-{number}'" for number in range(0, 20, 2))
    where = f"Microsoft.Dynamics.CRM.In(PropertyName='{REFERRAL}',PropertyValues=[{wanted}])"
    assert len((await dynamics.get("opportunities", filter=where)).rows) == 10


async def test_an_address_that_is_too_long_is_refused(dynamics: Dynamics) -> None:
    where = " or ".join(f"opportunityid eq {NOWHERE}" for _ in range(700))
    assert (await dynamics.get("opportunities", filter=where)).status == 414
