"""The environment behind the API: sellers, drift of the schema, transactions, reset."""

from __future__ import annotations

import pytest

from cosell.sandbox.dataverse import DataverseError, PlugIn
from cosell.sandbox.dataverse.columns import Key
from cosell.sandbox.dataverse.drafting import decimal, money, text

from .dynamics import NOWHERE, REFERRAL, Dynamics


def test_sellers_write_as_themselves(dynamics: Dynamics) -> None:
    sellers = dynamics.org.as_seller
    account = sellers.create("account", {"name": "Contoso"})
    deal = sellers.create(
        "opportunity",
        {
            "name": "Floor",
            "estimatedvalue": 12.5,
            "customerid": account,
            "cosell_syncwithpartnercenter": True,
        },
        user="Ines Castro",
    )
    row = sellers.get("opportunity", deal)
    [ines] = [one for one in sellers.rows("systemuser") if one["fullname"] == "Ines Castro"]
    assert row["createdby"] == ("systemuser", ines["systemuserid"])
    assert row["ownerid"] == ("systemuser", ines["systemuserid"])
    assert row["customerid"] == ("account", account)
    assert (row["estimatedvalue"], row["description"]) == (12.5, None)
    sellers.update("opportunity", deal, {"customerid": None, "name": "Ground floor"}, user="Alex Moreau")
    row = sellers.get("opportunity", deal)
    assert (row["customerid"], row["name"]) == (None, "Ground floor")
    sellers.update("opportunity", deal, {"customerid": ("account", account)})
    sellers.delete("opportunity", deal)
    assert sellers.rows("opportunity") == []


def test_sellers_close_reopen_and_qualify(dynamics: Dynamics) -> None:
    sellers = dynamics.org.as_seller
    deal = sellers.create("opportunity", {"name": "Floor", "estimatedvalue": 10})
    sellers.win(deal, revenue=12, on="2026-05-31")
    row = sellers.get("opportunity", deal)
    assert (row["statecode"], row["actualvalue"], row["actualclosedate"]) == (1, 12.0, "2026-05-31")
    sellers.reopen(deal)
    sellers.lose(deal, status=5)
    assert sellers.get("opportunity", deal)["statuscode"] == 5
    lead = sellers.create("lead", {"subject": "Cloud", "lastname": "Moreau", "companyname": "Contoso"})
    made = sellers.qualify(lead, contact=False)
    assert set(made) == {"account", "opportunity"}
    assert sellers.get("opportunity", made["opportunity"])["originatingleadid"] == ("lead", lead)


def test_a_refused_act_of_a_seller_leaves_nothing(dynamics: Dynamics) -> None:
    sellers = dynamics.org.as_seller
    with pytest.raises(DataverseError, match="0x80044331"):
        sellers.create("account", {"name": "x" * 161})
    with pytest.raises(DataverseError, match="0x80040217"):
        sellers.get("account", NOWHERE)
    with pytest.raises(DataverseError, match="0x80060888"):
        sellers.create("nonsense", {})
    with pytest.raises(DataverseError, match="0x80060888"):
        sellers.create("opportunity", {"customerid": NOWHERE})
    with pytest.raises(DataverseError, match="0x80040217"):
        sellers.create("account", {"name": "x"}, user="Nobody")
    assert sellers.rows("account") == []


async def test_a_renamed_column_keeps_its_values_and_its_key(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(**{REFERRAL: "R-1"})
    dynamics.org.schema.rename_column(
        "opportunity", REFERRAL, "msft_microsoftpartnercenterreferralidentifier"
    )
    gone = await dynamics.get("opportunities", select=REFERRAL)
    assert gone.refusal == (400, "0x80060888")
    row = await dynamics.row("opportunities(msft_microsoftpartnercenterreferralidentifier='R-1')")
    assert row["opportunityid"] == deal


async def test_a_dropped_column_takes_its_values_and_its_key_along(dynamics: Dynamics) -> None:
    await dynamics.deal(**{REFERRAL: "R-1"})
    column = dynamics.org.schema.column("opportunity", REFERRAL)
    dynamics.org.schema.drop_column("opportunity", REFERRAL)
    assert (await dynamics.call("GET", f"opportunities({REFERRAL}='R-1')")).status == 400
    dynamics.org.schema.add_column("opportunity", column)
    [row] = (await dynamics.get("opportunities", select=REFERRAL)).rows
    assert row[REFERRAL] is None


async def test_columns_and_keys_come_and_change(dynamics: Dynamics) -> None:
    schema = dynamics.org.schema
    schema.add_column("opportunity", text("new_code", "Code", 5), *money("new_fee", "Fee"))
    schema.add_key("opportunity", Key("new_key", "Code key", ("new_code", REFERRAL)))
    deal = await dynamics.deal(new_code="A", new_fee=5, **{REFERRAL: "R-1"})
    row = await dynamics.row(f"opportunities(new_code='A',{REFERRAL}='R-1')")
    assert (row["opportunityid"], row["new_fee_base"]) == (deal, 5)
    schema.change_column("opportunity", "new_code", length=1)
    assert (await dynamics.patch(f"opportunities({deal})", {"new_code": "AB"})).refusal == (400, "0x80044331")
    schema.drop_key("opportunity", "new_key")
    assert (await dynamics.call("GET", f"opportunities(new_code='A',{REFERRAL}='R-1')")).status == 400
    schema.drop_table("cosell_solutiondetail")
    assert (await dynamics.get("cosell_solutiondetails")).status == 404


async def test_an_organization_may_come_from_microsofts_connector(dynamics: Dynamics) -> None:
    """Section 7."""
    dynamics.org.schema.install_microsoft_columns()
    deal = await dynamics.deal(
        msft_microsoftpartnercenterreferralsync=True,
        msft_microsoftpartnercenterreferralidentifier="R-1",
        msft_coselltype=299_600_000,
    )
    row = await dynamics.row(f"opportunities({deal})")
    assert row["msft_microsoftpartnercenterreferralidentifier"] == "R-1"
    key = await dynamics.call("GET", "opportunities(msft_microsoftpartnercenterreferralidentifier='R-1')")
    assert key.refusal == (400, "0x80060890")


def test_standard_columns_stay(dynamics: Dynamics) -> None:
    with pytest.raises(ValueError, match="standard column"):
        dynamics.org.schema.drop_column("opportunity", "name")


async def test_a_key_may_hold_a_lookup(dynamics: Dynamics) -> None:
    """Section 2.3: a lookup part is written as ``_x_value=guid``."""
    key = Key("pair", "Pair", ("cosell_opportunityid", "cosell_solutionidentifier"))
    dynamics.org.schema.add_key("cosell_opportunitysolution", key)
    deal = await dynamics.deal()
    path = f"cosell_opportunitysolutions(_cosell_opportunityid_value={deal},cosell_solutionidentifier='S-1')"
    for quantity in (1.5, 2):
        assert (await dynamics.patch(path, {"cosell_quantity": quantity})).status == 204
    row = await dynamics.row(path)
    assert (row["_cosell_opportunityid_value"], row["cosell_quantity"]) == (deal, 2)
    bind = {"cosell_OpportunityId@odata.bind": f"/opportunities({deal})"}
    twin = {**bind, "cosell_solutionidentifier": "s-1"}
    assert (await dynamics.call("POST", "cosell_opportunitysolutions", twin)).refusal == (412, "0x80060892")
    nowhere = path.replace(deal, NOWHERE)
    assert (await dynamics.call("GET", nowhere)).refusal == (404, "0x80060891")
    assert (await dynamics.patch(nowhere, {"cosell_quantity": 1})).refusal == (404, "0x80040217")


@pytest.mark.parametrize(
    ("column", "value", "written"),
    [
        ("closeprobability", 40, "40"),
        ("opportunityratingcode", 3, "3"),
        ("estimatedclosedate", "2026-05-31", "2026-05-31"),
        ("new_factor", 1.5, "1.50"),
    ],
)
async def test_a_key_may_hold_numbers_days_and_choices(
    dynamics: Dynamics, column: str, value: object, written: str
) -> None:
    """Section 5.1: the column types keys allow."""
    dynamics.org.schema.add_column("opportunity", decimal("new_factor", "Factor"))
    dynamics.org.schema.add_key("opportunity", Key("new_key", "New key", (column,)))
    deal = await dynamics.deal(**{column: value})
    assert (await dynamics.row(f"opportunities({column}={written})"))["opportunityid"] == deal
    for wrong in (f"'{written}'", "x", "1-", ""):
        assert (await dynamics.call("GET", f"opportunities({column}={wrong})")).status == 400


async def test_a_reset_returns_to_the_first_day(dynamics: Dynamics) -> None:
    user, organization = dynamics.org.user_id, dynamics.org.organization_id
    await dynamics.deal()
    dynamics.org.settings.closed_rows_read_only = False
    dynamics.org.schema.drop_column("opportunity", "cosell_audit")
    dynamics.org.reset()
    assert (dynamics.org.user_id, dynamics.org.organization_id) == (user, organization)
    assert (await dynamics.get("opportunities", select="cosell_audit")).rows == []
    assert dynamics.org.settings.closed_rows_read_only is True


async def test_a_slow_transaction_that_fails_is_gone(dynamics: Dynamics) -> None:
    deal = await dynamics.deal(name="Before")
    slow = dynamics.org.open_transaction()
    slow.delete("opportunity", deal)

    def fail() -> None:
        with slow:
            slow.create("account", {"name": "x" * 161})

    with pytest.raises(DataverseError):
        fail()
    assert (await dynamics.row(f"opportunities({deal})"))["name"] == "Before"
    with pytest.raises(ValueError, match="over"):
        slow.commit()


async def test_a_slow_transaction_loses_a_race_for_a_key(dynamics: Dynamics) -> None:
    slow = dynamics.org.open_transaction()
    slow.create("opportunity", {"name": "Slow", REFERRAL: "R-1"})
    await dynamics.deal(name="Quick", **{REFERRAL: "R-1"})
    with pytest.raises(DataverseError, match="0x80060892"):
        slow.commit()
    assert await dynamics.names("statecode eq 0") == ["Quick"]


async def test_a_deletion_of_a_slow_transaction_shows_after_it(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    _, link = await dynamics.tracked()
    with dynamics.org.open_transaction() as slow:
        slow.delete("opportunity", deal)
        assert (await dynamics.call("GET", f"opportunities({deal})")).status == 200
    assert (await dynamics.call("GET", f"opportunities({deal})")).status == 404
    [gone] = (await dynamics.changes(link))[0]
    assert gone["id"] == deal


@pytest.mark.parametrize("way", ["filter", "function"])
async def test_a_plug_in_of_the_organization_may_object(dynamics: Dynamics, way: str) -> None:
    """Section 9."""
    text = "Deals above a million need an approval."
    big = "estimatedvalue gt 1000000 and parentaccountid/name ne 'Contoso'"
    condition = big if way == "filter" else lambda row: row.get("estimatedvalue", 0) > 1_000_000
    dynamics.org.settings.plugins = (PlugIn("opportunity", condition, text),)
    deal = await dynamics.deal(estimatedvalue=5)
    reply = await dynamics.patch(f"opportunities({deal})", {"estimatedvalue": 2_000_000})
    assert (reply.refusal, reply.message) == ((400, "0x80040265"), text)
    assert (await dynamics.row(f"opportunities({deal})"))["estimatedvalue"] == 5
    with pytest.raises(DataverseError, match="approval"):
        dynamics.org.as_seller.create("opportunity", {"name": "Big", "estimatedvalue": 2_000_000})


async def test_a_flow_touches_a_row_without_changing_it(dynamics: Dynamics) -> None:
    deal = await dynamics.deal()
    before = await dynamics.row(f"opportunities({deal})")
    _, link = await dynamics.tracked()
    dynamics.org.as_seller.touch("opportunity", deal, user=dynamics.org.user_id)
    [after] = (await dynamics.changes(link))[0]
    changed = {name for name in before if before[name] != after.get(name)} - {"@odata.context"}
    assert changed == {"@odata.etag", "versionnumber"}


async def test_what_rows_refer_to_with_restraint_stays(dynamics: Dynamics) -> None:
    prices = await dynamics.create("pricelevels", name="Standard")
    await dynamics.deal(**{"pricelevelid@odata.bind": f"/pricelevels({prices})"})
    assert (await dynamics.call("DELETE", f"pricelevels({prices})")).status == 400
    [organization] = (await dynamics.get("organizations")).rows
    path = f"organizations({organization['organizationid']})"
    assert (await dynamics.call("DELETE", path)).status == 400
    assert (await dynamics.call("POST", "organizations", {"name": "Another"})).status == 400


async def test_currencies_are_matched_by_their_iso_code(dynamics: Dynamics) -> None:
    [euro] = (await dynamics.get("transactioncurrencies", filter="isocurrencycode eq 'eur'")).rows
    assert (euro["currencysymbol"], euro["currencyprecision"], euro["statecode"]) == ("€", 2, 0)
    reply = await dynamics.get("transactioncurrencies", select="exchangerate")
    assert b'"exchangerate":0.9200000000' in reply.raw
