"""Single rows: values, reading, creating, properties, references (dataverse-api.md 2.2 to 2.6)."""

from __future__ import annotations

from typing import Any

import pytest

from cosell.sandbox.dataverse.columns import Column
from cosell.sandbox.dataverse.drafting import choices

from .dynamics import ALL_NOTES, DEAL, NOWHERE, REFERRAL, WITH_ROW, Dynamics, Json

FORMATTED = "OData.Community.Display.V1.FormattedValue"
LOGICAL = "Microsoft.Dynamics.CRM.lookuplogicalname"
ASSOCIATED = "Microsoft.Dynamics.CRM.associatednavigationproperty"


async def currency(dynamics: Dynamics, code: str) -> str:
    [row] = (await dynamics.get("transactioncurrencies", filter=f"isocurrencycode eq '{code}'")).rows
    return str(row["transactioncurrencyid"])


async def test_a_create_answers_with_the_address_alone(dynamics: Dynamics) -> None:
    reply = await dynamics.call("POST", "opportunities", DEAL)
    assert (reply.status, reply.raw) == (204, b"")
    assert reply.headers["OData-EntityId"] == f"{dynamics.root}/opportunities({reply.row_id})"
    assert reply.headers["Location"] == reply.headers["OData-EntityId"]
    assert reply.headers["OData-Version"] == "4.0"
    dynamics.org.settings.location_on_create = False
    assert "Location" not in (await dynamics.call("POST", "opportunities", DEAL)).headers


async def test_a_create_with_representation_answers_with_the_selected_row(dynamics: Dynamics) -> None:
    path = "opportunities?$select=opportunityid,versionnumber"
    reply = await dynamics.call("POST", path, DEAL, headers=WITH_ROW)
    assert reply.status == 201
    assert set(reply.json) == {"@odata.context", "@odata.etag", "opportunityid", "versionnumber"}
    assert isinstance(reply.json["versionnumber"], int)
    assert reply.json["@odata.etag"] == f'W/"{reply.json["versionnumber"]}"'
    assert reply.headers["Preference-Applied"] == "return=representation"
    assert "OData-EntityId" not in reply.headers
    dynamics.org.settings.entity_id_with_representation = True
    assert "OData-EntityId" in (await dynamics.call("POST", path, DEAL, headers=WITH_ROW)).headers


async def test_the_documented_create_of_an_integration_is_taken(dynamics: Dynamics) -> None:
    """The example of section 2.5, with the connector's own column names."""
    account = await dynamics.create("accounts", name="Contoso")
    contact = await dynamics.create("contacts", lastname="Moreau")
    euro = await currency(dynamics, "EUR")
    helps = Column("cosell_helptypes", "Help types", "multipicklist", choices=choices("A|B|C", 727_000_000))
    dynamics.org.schema.add_column("opportunity", helps)
    body = {
        "name": "Contoso: cloud migration",
        "description": "...",
        "estimatedvalue": 125000.00,
        "estimatedclosedate": "2026-05-31",
        "isrevenuesystemcalculated": False,
        "transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro})",
        "customerid_account@odata.bind": f"/accounts({account})",
        "parentcontactid@odata.bind": f"/contacts({contact})",
        REFERRAL: "R-1",
        "cosell_syncwithpartnercenter": True,
        "cosell_helptypes": "727000002, 727000000",
    }
    wishes = {"Prefer": 'return=representation,odata.include-annotations="*"'}
    reply = await dynamics.call("POST", "opportunities", body, headers=wishes)
    assert reply.status == 201
    assert reply.json["cosell_helptypes"] == "727000000,727000002"
    assert reply.json[f"estimatedvalue@{FORMATTED}"] == "€125,000.00"
    both = 'return=representation,odata.include-annotations="*"'
    assert reply.headers["Preference-Applied"] == both


async def test_values_come_back_in_their_documented_forms(dynamics: Dynamics) -> None:
    helps = Column("cosell_helptypes", "Help types", "multipicklist", choices=choices("A|B|C", 1))
    dynamics.org.schema.add_column("opportunity", helps)
    account = await dynamics.create("accounts", name="Contoso")
    deal = await dynamics.deal(
        description="",
        estimatedvalue=20000,
        closeprobability=40,
        cosell_syncwithpartnercenter=True,
        cosell_helptypes="3, 1",
        **{"parentaccountid@odata.bind": f"accounts({account})"},
    )
    reply = await dynamics.get(f"opportunities({deal})")
    row = reply.json
    assert row["description"] is None, "empty text is null"
    assert b'"estimatedvalue":20000.0000' in reply.raw, "money keeps its scale"
    assert row["closeprobability"] == 40
    assert row["cosell_syncwithpartnercenter"] is True
    assert row["cosell_helptypes"] == "1,3"
    assert row["estimatedclosedate"] == "2027-01-31"
    assert row["statecode"] == 0
    assert row["_parentaccountid_value"] == account
    assert row["_parentcontactid_value"] is None
    assert row["createdon"].endswith("Z")
    assert len(row["createdon"]) == len("2026-05-31T14:03:22Z")


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("opportunityratingcode", 9, "0x8004431a"),
        ("closeprobability", 101, "0x8004432f"),
        ("estimatedvalue", 1_000_000_000_001, "0x80040317"),
        ("name", 5, "0x80040203"),
        ("estimatedvalue", "20000", "0x80040203"),
        ("estimatedclosedate", "31.1.2027", "0x80040203"),
        ("estimatedclosedate", "2027-02-30", "0x80040203"),
        ("estimatedclosedate", "2027-01-31T00:00:00Z", "0x80040203"),
        ("cosell_syncwithpartnercenter", 1, "0x80040203"),
        ("opportunityratingcode", "2", "0x80040203"),
        ("statuscode", 3, "0x80048408"),
        ("statuscode", 77, "0x80048408"),
        ("nonsense", 1, "0x80060888"),
        ("createdon", "2026-01-01T00:00:00Z", "0x80040203"),
    ],
)
async def test_a_value_that_does_not_fit_is_refused(
    dynamics: Dynamics, column: str, value: Any, code: str
) -> None:
    reply = await dynamics.call("POST", "opportunities", {**DEAL, column: value})
    assert reply.refusal == (400, code)
    assert (await dynamics.get("opportunities")).rows == []


async def test_a_decimal_outside_its_range_is_refused(dynamics: Dynamics) -> None:
    reply = await dynamics.call("POST", "cosell_opportunitysolutions", {"cosell_quantity": 10**12})
    assert reply.refusal == (400, "0x80044330")


async def test_choices_are_refused_when_unknown_or_too_many(dynamics: Dynamics) -> None:
    many = choices("|".join(str(one) for one in range(200)), 1)
    dynamics.org.schema.add_column("account", Column("new_many", "Many", "multipicklist", choices=many))
    unknown = await dynamics.call("POST", "accounts", {"new_many": "1,900"})
    assert unknown.refusal == (400, "0x8004431a")
    everything = ",".join(str(one) for one in range(1, 152))
    assert (await dynamics.call("POST", "accounts", {"new_many": everything})).status == 400
    assert (await dynamics.call("POST", "accounts", {"new_many": [1, 2]})).status == 400
    assert (await dynamics.call("POST", "accounts", {"new_many": everything[:-4]})).status == 204


async def test_an_unknown_property_has_another_code_in_old_organizations(dynamics: Dynamics) -> None:
    dynamics.org.settings.old_member_code = True
    reply = await dynamics.call("POST", "opportunities", {"nonsense": 1})
    assert reply.refusal == (400, "0x0")
    text = "Could not find a property named 'nonsense' on type 'Microsoft.Dynamics.CRM.opportunity'."
    assert reply.message == text


async def test_read_only_columns_can_be_passed_over_instead(dynamics: Dynamics) -> None:
    dynamics.org.settings.read_only_columns_refused = False
    deal = await dynamics.deal(versionnumber=1, createdon="2001-01-01T00:00:00Z")
    assert (await dynamics.row(f"opportunities({deal})"))["versionnumber"] > 1


async def test_required_columns_are_the_business_of_forms_unless_switched(dynamics: Dynamics) -> None:
    assert (await dynamics.call("POST", "contacts", {"firstname": "Ada"})).status == 204
    dynamics.org.settings.required_columns_enforced = True
    reply = await dynamics.call("POST", "contacts", {"firstname": "Ada"})
    assert reply.refusal == (400, "0x80040200")


@pytest.mark.parametrize(
    "form", ["/accounts({})", "accounts({})", "{root}/accounts({})", "/api/data/v9.2/accounts({})"]
)
async def test_a_bind_takes_every_form_of_address(dynamics: Dynamics, form: str) -> None:
    account = await dynamics.create("accounts", name="Contoso")
    address = form.replace("{root}", dynamics.root).replace("{}", account)
    deal = await dynamics.deal(**{"parentaccountid@odata.bind": address})
    assert (await dynamics.row(f"opportunities({deal})"))["_parentaccountid_value"] == account


async def test_a_bind_takes_an_alternate_key(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(**{REFERRAL: "R-1"})
    bind = {"cosell_OpportunityId@odata.bind": f"/opportunities({REFERRAL}='R-1')"}
    made = await dynamics.create("cosell_opportunitysolutions", **bind)
    row = await dynamics.row(f"cosell_opportunitysolutions({made})")
    assert row["_cosell_opportunityid_value"] == deal


@pytest.mark.parametrize(
    ("address", "status"),
    [
        (f"/accounts({NOWHERE})", 404),
        ("/contacts", 400),
        ("", 400),
        ("$1", 404),
        ("http://[", 400),
        ("https://elsewhere.example/", 400),
        (7, 400),
        (f"/transactioncurrencies({NOWHERE})", 400),
        (f"/nonsense({NOWHERE})", 404),
    ],
)
async def test_a_bind_that_leads_nowhere_is_refused(dynamics: Dynamics, address: Any, status: int) -> None:
    body = {**DEAL, "parentaccountid@odata.bind": address}
    assert (await dynamics.call("POST", "opportunities", body)).status == status


async def test_null_clears_a_lookup_unless_switched_off(dynamics: Dynamics) -> None:
    account = await dynamics.create("accounts", name="Contoso")
    deal = await dynamics.deal(**{"parentaccountid@odata.bind": f"/accounts({account})"})
    path, clear = f"opportunities({deal})", {"parentaccountid@odata.bind": None}
    dynamics.org.settings.null_clears_lookups = False
    assert (await dynamics.patch(path, clear)).status == 400
    dynamics.org.settings.null_clears_lookups = True
    assert (await dynamics.patch(path, clear)).status == 204
    assert (await dynamics.row(path))["_parentaccountid_value"] is None


async def test_select_brings_the_key_and_the_currency_of_money(dynamics: Dynamics) -> None:
    """Section 2.3, the documented example."""
    deal = await dynamics.deal(estimatedvalue=20000)
    reply = await dynamics.get(f"opportunities({deal})", select="name,estimatedvalue")
    assert list(reply.json) == [
        "@odata.context",
        "@odata.etag",
        "name",
        "estimatedvalue",
        "_transactioncurrencyid_value",
        "opportunityid",
    ]
    context = f"{dynamics.root}/$metadata#opportunities(name,estimatedvalue)/$entity"
    assert reply.json["@odata.context"] == context
    assert reply.headers["Content-Type"] == "application/json; odata.metadata=minimal"


async def test_without_select_every_column_comes_nulls_too(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    row = await dynamics.row(f"opportunities({deal})")
    columns = dynamics.org.schema.table("opportunity").columns
    assert {one.wire for one in columns.values()} <= set(row)


@pytest.mark.parametrize("select", ["nonsense", "customerid", "Name", "name,,statecode"])
async def test_select_of_what_is_no_property_is_refused(dynamics: Dynamics, select: str) -> None:
    deal = await dynamics.deal()
    reply = await dynamics.get(f"opportunities({deal})", select=select)
    assert reply.refusal == (400, "0x80060888")


async def test_a_missing_row_and_a_missing_set_are_404(dynamics: Dynamics) -> None:
    reply = await dynamics.call("GET", f"accounts({NOWHERE})")
    assert reply.refusal == (404, "0x80040217")
    assert reply.message == f"account With Id = {NOWHERE} Does Not Exist"
    reply = await dynamics.call("GET", "nonsense")
    assert reply.refusal == (404, "0x80060888")
    assert reply.message == "Resource not found for the segment 'nonsense'."
    assert (await dynamics.call("GET", "Accounts")).status == 404


async def test_annotations_tell_labels_names_and_tables(dynamics: Dynamics) -> None:
    """Section 2.4."""
    account = await dynamics.create("accounts", name="Contoso")
    deal = await dynamics.deal(
        estimatedvalue=20000, **{"customerid_account@odata.bind": f"/accounts({account})"}
    )
    row = (await dynamics.get(f"opportunities({deal})", headers=ALL_NOTES)).json
    assert row[f"estimatedvalue@{FORMATTED}"] == "$20,000.00"
    assert row[f"statecode@{FORMATTED}"] == "Open"
    assert row[f"estimatedclosedate@{FORMATTED}"] == "1/31/2027"
    assert row[f"_customerid_value@{FORMATTED}"] == "Contoso"
    assert row[f"_customerid_value@{LOGICAL}"] == "account"
    assert row[f"_customerid_value@{ASSOCIATED}"] == "customerid_account"
    names = list(row)
    assert names.index(f"statecode@{FORMATTED}") + 1 == names.index("statecode")


async def test_annotations_come_as_they_are_asked_for(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    only = {"Prefer": f'odata.include-annotations="{LOGICAL}"'}
    reply = await dynamics.get(f"opportunities({deal})", headers=only)
    assert reply.json[f"_ownerid_value@{LOGICAL}"] == "systemuser"
    assert not any(FORMATTED in name for name in reply.json)
    assert reply.headers["Preference-Applied"] == f'odata.include-annotations="{LOGICAL}"'
    wild = {"Prefer": 'odata.include-annotations="OData.Community.Display.*"'}
    row = (await dynamics.get(f"opportunities({deal})", headers=wild)).json
    assert any(FORMATTED in name for name in row)
    assert not any(LOGICAL in name for name in row)


async def test_labels_of_many_choices_are_parted_by_semicolons(dynamics: Dynamics) -> None:
    many = Column("new_many", "Many", "multipicklist", choices=choices("Red|Green|Blue", 1))
    dynamics.org.schema.add_column("account", many)
    account = await dynamics.create("accounts", new_many="1,3")
    row = (await dynamics.get(f"accounts({account})", headers=ALL_NOTES)).json
    assert row[f"new_many@{FORMATTED}"] == "Red; Blue"


async def test_single_properties_are_read_written_and_cleared(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    path = f"opportunities({deal})"
    reply = await dynamics.call("GET", f"{path}/name")
    assert reply.json["value"] == DEAL["name"]
    assert (await dynamics.call("GET", f"{path}/name/$value")).raw == b"Factory floor"
    assert (await dynamics.call("PUT", f"{path}/name", {"value": "New"})).status == 204
    assert (await dynamics.call("GET", f"{path}/name")).json["value"] == "New"
    assert (await dynamics.call("DELETE", f"{path}/name")).status == 204
    assert (await dynamics.call("GET", f"{path}/name")).status == 204
    assert (await dynamics.call("GET", f"{path}/nonsense")).refusal == (404, "0x80060888")
    assert (await dynamics.call("PUT", f"{path}/name", {})).status == 400
    assert (await dynamics.call("POST", f"{path}/name", {})).status == 405
    assert (await dynamics.call("GET", f"{path}/name/nonsense")).status == 404
    raw = (await dynamics.call("GET", f"{path}/isrevenuesystemcalculated/$value")).raw
    assert raw == b"false"
    assert (await dynamics.call("DELETE", f"opportunities({NOWHERE})/name")).status == 404


async def test_references_are_set_read_and_removed(dynamics: Dynamics) -> None:
    """Section 2.2."""
    account = await dynamics.create("accounts", name="Contoso")
    deal = await dynamics.deal()
    path = f"opportunities({deal})/parentaccountid"
    assert (await dynamics.call("GET", f"{path}/$ref")).status == 204
    wanted = {"@odata.id": f"{dynamics.root}/accounts({account})"}
    assert (await dynamics.call("PUT", f"{path}/$ref", wanted)).status == 204
    assert (await dynamics.call("GET", f"{path}/$ref")).json["@odata.id"] == wanted["@odata.id"]
    assert (await dynamics.call("GET", f"{path}?$select=name")).json["name"] == "Contoso"
    assert (await dynamics.call("DELETE", f"{path}/$ref")).status == 204
    assert (await dynamics.row(f"opportunities({deal})"))["_parentaccountid_value"] is None
    assert (await dynamics.call("GET", path)).status == 204
    assert (await dynamics.call("POST", path, {})).status == 405


async def test_a_lookup_is_bound_once(dynamics: Dynamics) -> None:
    account = await dynamics.create("accounts", name="Contoso")
    contact = await dynamics.create("contacts", lastname="Moreau")
    both = {
        "customerid_account@odata.bind": f"/accounts({account})",
        "customerid_contact@odata.bind": f"/contacts({contact})",
    }
    reply = await dynamics.call("POST", "opportunities", {**DEAL, **both})
    assert reply.refusal == (400, "0x80040203")


async def test_collections_of_a_row_are_listed_filled_and_linked(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    notes = f"opportunities({deal})/Opportunity_Annotation"
    assert (await dynamics.call("POST", notes, {"subject": "First"})).status == 204
    loose = await dynamics.create("annotations", subject="Second")
    wanted = {"@odata.id": f"annotations({loose})"}
    assert (await dynamics.call("POST", f"{notes}/$ref", wanted)).status == 204
    listed = await dynamics.get(notes, select="subject", orderby="subject desc")
    assert [row["subject"] for row in listed.rows] == ["Second", "First"]
    assert (await dynamics.call("GET", f"{notes}/$count")).raw == b"2"
    assert (await dynamics.call("DELETE", f"{notes}({loose})/$ref")).status == 204
    assert (await dynamics.call("GET", f"{notes}/$count")).raw == b"1"
    again = await dynamics.call("DELETE", f"{notes}({loose})/$ref")
    assert again.refusal == (404, "0x80040217")
    account = {"@odata.id": f"accounts({await dynamics.create('accounts', name='Contoso')})"}
    assert (await dynamics.call("POST", f"{notes}/$ref", account)).status == 400
    assert (await dynamics.call("PATCH", notes, {})).status == 405
    assert (await dynamics.call("GET", f"{notes}?$deltatoken=1")).status == 400
    assert len((await dynamics.call("GET", f"{notes}/$ref")).json["value"]) == 1


async def test_a_deep_insert_makes_parents_and_children_or_nothing(dynamics: Dynamics) -> None:
    """Section 2.5."""
    nested: Json = {
        **DEAL,
        "parentaccountid": {"name": "Contoso", "primarycontactid": {"lastname": "Moreau"}},
        "Opportunity_Annotation": [{"subject": "One"}, {"subject": "Two"}],
    }
    deal = await dynamics.create("opportunities", **nested)
    expand = "parentaccountid($select=name;$expand=primarycontactid($select=lastname)),Opportunity_Annotation"
    row = await dynamics.row(f"opportunities({deal})", expand=expand, select="name")
    assert row["parentaccountid"]["primarycontactid"]["lastname"] == "Moreau"
    assert {note["subject"] for note in row["Opportunity_Annotation"]} == {"One", "Two"}
    bad = {**nested, "Opportunity_Annotation": [{"subject": "x" * 501}]}
    assert (await dynamics.call("POST", "opportunities", bad)).refusal == (400, "0x80044331")
    assert len((await dynamics.get("accounts")).rows) == 1
    late = {"parentaccountid": {"name": "Fabrikam"}}
    assert (await dynamics.patch(f"opportunities({deal})", late)).status == 400


async def test_a_conditional_read_is_304_while_nothing_changed(dynamics: Dynamics) -> None:
    """Section 2.3; never with an expand or annotations."""
    deal = await dynamics.deal()
    path = f"opportunities({deal})"
    tag = (await dynamics.get(path)).headers["ETag"]
    known = {"If-None-Match": tag}
    unchanged = await dynamics.call("GET", path, headers=known)
    assert (unchanged.status, unchanged.raw) == (304, b"")
    assert (await dynamics.call("GET", path, headers={**known, **ALL_NOTES})).status == 200
    expanded = f"{path}?$expand=owninguser($select=fullname)"
    assert (await dynamics.call("GET", expanded, headers=known)).status == 200
    await dynamics.patch(path, {"name": DEAL["name"]})
    assert (await dynamics.call("GET", path, headers=known)).status == 200
    dynamics.org.settings.unguarded_tables = frozenset({"opportunity"})
    now = {"If-None-Match": (await dynamics.get(path)).headers["ETag"]}
    assert (await dynamics.call("GET", path, headers=now)).status == 200


async def test_an_update_of_the_same_values_still_moves_the_version(dynamics: Dynamics) -> None:
    """Section 2.6."""
    deal = await dynamics.deal()
    before = await dynamics.row(f"opportunities({deal})")
    dynamics.frame.clock.advance(5)
    await dynamics.patch(f"opportunities({deal})", {"name": DEAL["name"]})
    after = await dynamics.row(f"opportunities({deal})")
    assert after["versionnumber"] > before["versionnumber"]
    assert after["modifiedon"] > before["modifiedon"]
    assert after["createdon"] == before["createdon"]
    assert after["_modifiedby_value"] == dynamics.org.user_id


async def test_a_migrated_row_keeps_the_day_of_its_creation(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(overriddencreatedon="2020-02-03")
    row = await dynamics.row(f"opportunities({deal})")
    assert row["createdon"] == "2020-02-03T00:00:00Z"
    assert row["overriddencreatedon"] == dynamics.frame.clock.now().date().isoformat()
    assert (await dynamics.patch(f"opportunities({deal})", {"overriddencreatedon": None})).status == 400


async def test_a_row_is_deleted_once(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    assert (await dynamics.call("DELETE", f"opportunities({deal})")).status == 204
    assert (await dynamics.call("DELETE", f"opportunities({deal})")).refusal == (404, "0x80040217")


async def test_money_is_told_in_the_currency_of_the_row_and_in_the_base(dynamics: Dynamics) -> None:
    """Section 2.2 and 6."""
    base, yen = await currency(dynamics, "USD"), await currency(dynamics, "JPY")
    deal = await dynamics.deal(estimatedvalue=99.999)
    row = await dynamics.row(f"opportunities({deal})")
    assert row["_transactioncurrencyid_value"] == base, "nobody named one"
    assert (row["estimatedvalue"], row["estimatedvalue_base"]) == (100.0, 100.0)
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({yen})"}
    await dynamics.patch(f"opportunities({deal})", {**bind, "estimatedvalue": 15150.4})
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["estimatedvalue"], row["estimatedvalue_base"]) == (15150.0, 100.0)
    await dynamics.patch(f"opportunities({deal})", {"estimatedvalue": None})
    row = await dynamics.row(f"opportunities({deal})")
    assert (row["estimatedvalue"], row["estimatedvalue_base"]) == (None, None)
    fixed = await dynamics.patch(f"opportunities({deal})", {"estimatedvalue_base": 5})
    assert fixed.status == 400


async def test_a_row_goes_to_another_owner_by_bind(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    seller = next(
        one for one in dynamics.org.as_seller.rows("systemuser") if one["fullname"] == "Alex Moreau"
    )
    team = dynamics.org.as_seller.rows("team")[0]["teamid"]
    path = f"opportunities({deal})"
    await dynamics.patch(path, {"ownerid@odata.bind": f"/systemusers({seller['systemuserid']})"})
    row = await dynamics.row(path)
    assert row["_owninguser_value"] == row["_ownerid_value"] == seller["systemuserid"]
    await dynamics.patch(path, {"ownerid@odata.bind": f"/teams({team})"})
    row = (await dynamics.get(path, headers=ALL_NOTES)).json
    assert row[f"_ownerid_value@{LOGICAL}"] == "team"
    assert (row["_owninguser_value"], row["_owningteam_value"]) == (None, team)
    assert (await dynamics.patch(path, {"ownerid@odata.bind": None})).status == 400


async def test_a_connection_is_seen_from_both_ends(dynamics: Dynamics) -> None:
    """Section 6: the platform writes a mirrored second row."""
    deal = await dynamics.deal()
    contact = await dynamics.create("contacts", lastname="Moreau")
    made = await dynamics.create(
        "connections",
        **{
            "record1id_opportunity@odata.bind": f"/opportunities({deal})",
            "record2id_contact@odata.bind": f"/contacts({contact})",
        },
    )
    rows = (await dynamics.get("connections")).rows
    assert len(rows) == 2
    mirror = next(row for row in rows if row["connectionid"] != made)
    assert (mirror["_record1id_value"], mirror["_record2id_value"]) == (contact, deal)
    await dynamics.call("DELETE", f"connections({made})")
    assert (await dynamics.get("connections")).rows == []


async def test_deleting_a_customer_takes_its_deals_and_a_parent_account_only_lets_go(
    dynamics: Dynamics,
) -> None:
    """Section 6."""
    account = await dynamics.create("accounts", name="Contoso")
    theirs = await dynamics.deal(**{"customerid_account@odata.bind": f"/accounts({account})"})
    note = await dynamics.create(
        "annotations", **{"objectid_opportunity@odata.bind": f"/opportunities({theirs})"}
    )
    below = await dynamics.deal(**{"parentaccountid@odata.bind": f"/accounts({account})"})
    before = (await dynamics.row(f"opportunities({below})"))["versionnumber"]
    assert (await dynamics.call("DELETE", f"accounts({account})")).status == 204
    assert (await dynamics.call("GET", f"opportunities({theirs})")).status == 404
    assert (await dynamics.call("GET", f"annotations({note})")).status == 404
    row = await dynamics.row(f"opportunities({below})")
    assert row["_parentaccountid_value"] is None
    assert row["versionnumber"] > before


async def test_product_lines_take_the_value_over_and_hold_the_currency(dynamics: Dynamics) -> None:
    """Section 3, last paragraph."""
    prices = await dynamics.create("pricelevels", name="Standard")
    deal = await dynamics.deal(estimatedvalue=5)
    line = {
        "productdescription": "Hours",
        "quantity": 3,
        "priceperunit": 100,
        "opportunityid@odata.bind": f"/opportunities({deal})",
    }
    assert (await dynamics.call("POST", "opportunityproducts", line)).refusal == (400, "0x80040203")
    await dynamics.patch(f"opportunities({deal})", {"pricelevelid@odata.bind": f"/pricelevels({prices})"})
    hours = await dynamics.create("opportunityproducts", **line)
    assert (await dynamics.row(f"opportunities({deal})"))["estimatedvalue"] == 5
    await dynamics.patch(f"opportunities({deal})", {"isrevenuesystemcalculated": True, "estimatedvalue": 7})
    assert (await dynamics.row(f"opportunities({deal})"))["estimatedvalue"] == 300
    await dynamics.patch(f"opportunityproducts({hours})", {"quantity": 2.5})
    assert (await dynamics.row(f"opportunities({deal})"))["estimatedvalue"] == 250
    euro = await currency(dynamics, "EUR")
    bind = {"transactioncurrencyid@odata.bind": f"/transactioncurrencies({euro})"}
    assert (await dynamics.patch(f"opportunities({deal})", bind)).refusal == (400, "0x80048479")


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"name": NaN}', b'"text"', b"\xff"])
async def test_a_body_that_is_no_json_object_is_refused(dynamics: Dynamics, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    reply = await dynamics.call("POST", "opportunities", headers=headers, data=body)
    assert reply.refusal == (400, "0x80060888")


async def test_a_type_that_is_not_the_tables_is_refused(dynamics: Dynamics) -> None:
    right = {**DEAL, "@odata.type": "#Microsoft.Dynamics.CRM.opportunity"}
    assert (await dynamics.call("POST", "opportunities", right)).status == 204
    wrong = {**DEAL, "@odata.type": "Microsoft.Dynamics.CRM.account"}
    assert (await dynamics.call("POST", "opportunities", wrong)).status == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "opportunities"),
        ("DELETE", "opportunities"),
        ("PUT", f"opportunities({NOWHERE})"),
        ("POST", "WhoAmI"),
    ],
)
async def test_a_method_that_does_not_fit_is_405(dynamics: Dynamics, method: str, path: str) -> None:
    assert (await dynamics.call(method, path, {})).status == 405
