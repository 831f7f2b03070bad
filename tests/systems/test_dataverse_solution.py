"""Solution files and installations of one environment after the other, in a simulated Dynamics 365."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cosell.core.errors import Rejected
from cosell.core.records import RecordKind, Snapshot
from cosell.core.values import Solution, State
from cosell.crm.installing import Act, Wish
from cosell.sandbox.frame import Org
from cosell.systems.dataverse.checking import check
from cosell.systems.dataverse.options import COSELL, MICROSOFT, FieldNames, FixedToken, Options
from cosell.systems.dataverse.package import promotion
from cosell.systems.dataverse.package.files import solution_file
from cosell.systems.dataverse.package.model import PACKAGE
from cosell.systems.dataverse.system import Dataverse

from .dynamicsdesk import ORG
from .dynamicsfloor import creation, update
from .dynamicsyard import FORM, Yard, acts, yard


async def imported(*, managed: bool) -> Yard:
    here = yard()
    await promotion.imported(here.calls(), solution_file(PACKAGE, managed=managed))
    # The index of a key is built a moment later.
    here.frame.clock.advance(60)
    here.line.writes.clear()
    return here


def system(here: Yard, fields: FieldNames = COSELL) -> Dataverse:
    """The connector, with the rights its application user was given."""
    token = FixedToken(here.org.access_token)
    options = Options(ORG, here.org.client_id, token, tenant=here.org.tenant, fields=fields)
    return Dataverse(options, transport=here.line, clock=here.clock)


@pytest.mark.parametrize("managed", [False, True])
async def test_a_file_brings_all_that_the_connector_asks_for(managed: bool) -> None:
    """dataverse-api.md 5.2."""
    here = await imported(managed=managed)
    steps = await here.plan()
    assert acts(steps, Act.BLOCKED, Act.CHANGE) == {}
    # A file cannot know who the application user is.
    assert list(acts(steps, Act.CREATE)) == ["role Cosell Connector of the application user"]
    await here.install()
    access = here.access()
    assert (await access.schema()).missing == ()
    assert [one.name for one in await check(access) if not one.ok] == []


async def test_installer_and_file_make_the_same() -> None:
    by_calls = yard()
    await by_calls.install()
    by_file = await imported(managed=False)
    for name in ("opportunity", "lead", *(one.name for one in PACKAGE.tables)):
        made, brought = (one.org.schema.tables[name] for one in (by_calls, by_file))
        assert set(made.columns) == set(brought.columns), name
        assert {(key.name, key.columns) for key in made.keys} == {
            (key.name, key.columns) for key in brought.keys
        }
        for column in made.columns:
            one, other = made.columns[column], brought.columns[column]
            assert (one.kind, one.length, one.label) == (other.kind, other.length, other.label), column
    roles = [one for one in by_file.rows("role") if one["name"] == PACKAGE.role.name]
    assert [one["roleid"] for one in roles] == [PACKAGE.role.id]


async def test_a_managed_solution_goes_as_a_whole_and_only_with_its_data() -> None:
    here = await imported(managed=True)
    await here.install(Wish(page=FORM))
    kept = await here.uninstall()
    assert "managed" in acts(kept, Act.KEEP)["solution CosellConnector"]
    assert "cosell_audit" in here.org.schema.tables["opportunity"].columns
    await here.uninstall(Wish(data=True))
    assert "cosell_audit" not in here.org.schema.tables["opportunity"].columns
    assert "cosell_solutiondetail" not in here.org.schema.tables


async def test_what_a_managed_solution_lacks_is_not_made_piece_by_piece() -> None:
    here = yard()
    addition = PACKAGE.addition("opportunity")
    smaller = replace(addition, columns=tuple(one for one in addition.columns if "audit" not in one.name))
    older = replace(PACKAGE, version="0.9.0.0", additions=(smaller, PACKAGE.addition("lead")))
    older = replace(older, section=replace(older.section, columns=()))
    await promotion.imported(here.calls(), solution_file(older, managed=True))
    blocked = acts(await here.plan(), Act.BLOCKED)
    assert "managed" in blocked["opportunity.cosell_audit"]


async def test_what_was_tested_in_staging_is_what_production_gets() -> None:
    """product.md J-2, INS-10."""
    staging, production = yard(), yard()
    await staging.install()
    await promotion.promote(staging.calls(), production.calls())
    production.frame.clock.advance(60)
    steps = await production.plan()
    assert "managed" in acts(steps, Act.KEEP)["solution CosellConnector"]
    assert acts(steps, Act.BLOCKED) == {}


@pytest.mark.parametrize("kind", [RecordKind.OPPORTUNITY, RecordKind.LEAD])
async def test_with_the_rights_of_the_role_a_deal_is_made_and_won(kind: RecordKind) -> None:
    """reliability.md 12: the role is enough, whatever the connector does."""
    here = yard()
    await here.install()
    connector = system(here)
    made = await connector.create(creation(kind=kind))
    assert (await connector.find(made.partner_id or "")) != []
    if kind is RecordKind.OPPORTUNITY:
        told = made.values["solutions"]
        assert told == (Solution("SOL-10001-AAA", Decimal(2), Decimal("99.5")), Solution("SOL-10002-BBB"))
        assert made.values["help"] == "ProofOfConceptOrDemo"
        one_less = (Solution("SOL-10001-AAA", Decimal(2), Decimal("99.5")),)
        change = update(made, notes="Signed.", state=State.WON, solutions=one_less)
        (written,) = (await connector.update_many([change])).values()
        assert isinstance(written, Snapshot), written
        assert written.values["state"] is State.WON
    await connector.aclose()


async def test_deals_of_microsofts_connector_go_on_with_their_columns() -> None:
    """product.md J-13: no new referral for a deal that has one; help and visibility stay as they are."""
    here = yard(Org.MICROSOFT)
    await here.install(Wish(adopt=True))
    account = here.org.as_seller.create("account", {"name": "Contoso", "address1_country": "NL"})
    start = "msft_microsoftpartnercenter"
    here.org.as_seller.create(
        "opportunity",
        {
            "name": "Old deal",
            "customerid": ("account", account),
            f"{start}referralsync": True,
            f"{start}referralidentifier": "0f1e2d3c-0000-4000-8000-0000000000aa",
            f"{start}help": 299_600_003,
            f"{start}referralvisible": True,
        },
    )
    connector = system(here, fields=MICROSOFT)
    (found,) = await connector.find("0f1e2d3c-0000-4000-8000-0000000000aa")
    assert found.enrolled
    assert found.values["help"] == "QuotesOrLicensing"
    assert found.values["visible"] is True
    made = await connector.create(creation())
    row = here.org.as_seller.get("opportunity", made.id)
    assert row[f"{start}referralidentifier"] == made.partner_id
    assert row["cosell_stamp"] == "w1"
    with pytest.raises(Rejected, match="already"):
        await connector.create(creation())
    await connector.aclose()


async def test_a_key_that_two_records_break_says_so_and_is_built_once_they_do_not() -> None:
    here = yard()
    await here.install()
    definitions = "EntityDefinitions(LogicalName='opportunity')"
    await here.calls().remove(f"{definitions}/Keys(LogicalName='cosell_opportunityreferralkey')")
    account = here.org.as_seller.create("account", {"name": "Contoso"})
    twins = [
        here.org.as_seller.create(
            "opportunity",
            {"name": name, "cosell_referralidentifier": "R-1", "customerid": ("account", account)},
        )
        for name in ("One", "Two")
    ]
    with pytest.raises(Rejected, match="same value"):
        await here.install()
    here.org.as_seller.update("opportunity", twins[0], {"cosell_referralidentifier": None})
    changed = acts(await here.plan(), Act.CHANGE)
    assert list(changed) == ["opportunity: key cosell_opportunityreferralkey"]
    await here.install()
    assert (await here.access().schema()).keyed


async def test_a_choice_gets_the_answers_it_lacks_and_keeps_those_of_others() -> None:
    here = yard()
    await here.install()
    columns = here.org.schema.tables["opportunity"].columns
    help_column = columns["cosell_howcanmicrosofthelp"]
    own = replace(help_column.choices[0], value=727_000_900, label="Something of ours")
    columns[help_column.name] = replace(help_column, choices=(*help_column.choices[:4], own))
    changed = acts(await here.plan(), Act.CHANGE)
    assert "General or Other" in changed["opportunity.cosell_howcanmicrosofthelp"]
    await here.install()
    values = [one.value for one in here.org.schema.tables["opportunity"].columns[help_column.name].choices]
    assert set(values) == {*range(727_000_000, 727_000_006), 727_000_900}


async def test_a_language_that_is_added_later_gets_its_names() -> None:
    here = yard()
    await here.install()
    here.org.settings.languages = frozenset({1033, 1042, 1028})
    changed = acts(await here.plan(), Act.CHANGE)
    assert "1042" in changed["opportunity.cosell_audit"]
    await here.install()
    assert acts(await here.plan(), Act.CHANGE) == {}
    assert (await here.access().schema()).opportunity["audit"].label == "Audit"
