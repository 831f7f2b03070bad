"""Into a simulated org and out again, as its administrator would see it."""

from __future__ import annotations

import pytest

from cosell.core.errors import CosellError, Misconfigured, NotAllowed, Rejected, Uncertain
from cosell.core.fields import HELP_LABELS
from cosell.core.values import Solution
from cosell.crm.installing import Act, Admin, Wish
from cosell.sandbox.frame import Org as Kind
from cosell.sandbox.salesforce.fields import flag, pick, text
from cosell.systems.salesforce.needs import needs
from cosell.systems.salesforce.options import ClientSecret, FieldNames, FixedToken, LeadFields, Stages

from .installs import Yard, acts, changing, yard
from .salesfloor import creation, update

SOLUTION, CATALOGUE = "Microsoft_Partner_Center_Solution__c", "Microsoft_Solution_Detail__c"
SET = "permission set Cosell_Connector"
MINE = f"{SET} for the connector's user"
STAGES = Stages(active=("Qualification",), on_hold=("Prospecting",))


def deploys(there: Yard) -> int:
    """Deploys begun, checks among them."""
    return sum(n for (_, how, path), n in there.frame.calls.items() if how == "POST" and "deploy" in path)


# --- in ----------------------------------------------------------------------------------------------


async def test_a_bare_org_gets_every_field_the_settings_name() -> None:
    async with yard() as there:
        steps = await there.install()
        made = {what for what, act in acts(steps).items() if act is Act.CREATE}
        assert {need.part for need in needs(FieldNames(), None)} <= made
        assert {SOLUTION, CATALOGUE, SET, MINE, "translations ko", "translations zh_TW"} <= made
        assert not any(what.startswith("Lead.") for what in made)
        # Each step is told as it is done, and all of them are.
        assert there.told == list(steps)


async def test_what_is_installed_is_enough_to_keep_a_deal_in_step() -> None:
    """The connector's user has no rights but those of the permission set."""
    async with yard(stages=STAGES) as there:
        with pytest.raises(NotAllowed):
            await there.system().prepare()
        await there.install()
        system = there.system()
        assert [one.name for one in await system.check() if not one.ok] == []
        assert (system.capabilities.create, system.capabilities.stamp) == ("by_key", True)
        made = await system.create(creation())
        assert made.values["solutions"] == creation().values["solutions"]
        assert made.values["contacts"] == creation().values["contacts"]
        there.frame.clock.advance(5)
        seen = (await system.get_many([made.id]))[made.id]
        assert not isinstance(seen, CosellError)
        fewer = update(seen, solutions=(Solution("SOL-10001-AAA"),), help="GeneralOrOther", notes="New.")
        written = (await system.update_many([fewer]))["w1"]
        assert not isinstance(written, CosellError)
        assert len(there.rows(SOLUTION)) == 1


async def test_a_second_run_changes_nothing_and_deploys_nothing() -> None:
    async with yard() as there:
        await there.install()
        before = deploys(there)
        assert changing(await there.installer().plan(Wish())) == {}
        assert changing(await there.install()) == {}
        assert deploys(there) == before == 2


async def test_a_plan_changes_nothing() -> None:
    async with yard() as there:
        first = await there.installer().plan(Wish())
        assert await there.installer().plan(Wish()) == first
        assert not [key for key in there.frame.calls if key[1] not in ("GET", "POST")]
        assert deploys(there) == 0


async def test_leads_get_their_fields_and_rights_once_they_are_synced() -> None:
    async with yard(leads=True, stages=STAGES) as there:
        await there.install(leads=False)
        steps = await there.installer().plan(Wish())
        assert {what for what in changing(steps) if what.startswith("Lead.")} == {
            need.part for need in needs(FieldNames(), LeadFields()) if need.sheet == "Lead"
        }
        await there.install()
        assert changing(await there.installer().plan(Wish())) == {}
        assert [one.name for one in await there.system().check() if not one.ok] == []


async def test_what_is_lost_of_an_installation_is_brought_back_alone() -> None:
    async with yard() as there:
        await there.install()
        there.org.schema.drop_field("Opportunity", "Cosell_Stamp__c")
        changes = changing(await there.install())
        assert changes.keys() == {
            *("Opportunity.Cosell_Stamp__c", SET, "translations ko", "translations zh_TW"),
        }
        assert changing(await there.installer().plan(Wish())) == {}


async def test_a_permission_set_that_was_taken_away_is_given_again() -> None:
    async with yard() as there:
        await there.install()
        (row,) = [one for one in there.rows("PermissionSetAssignment") if _is_ours(there, one)]
        there.org.as_seller.delete("PermissionSetAssignment", row["Id"])
        assert changing(await there.install()) == {MINE: Act.CREATE}


def _is_ours(there: Yard, assignment: dict[str, str]) -> bool:
    (ours,) = [one["Id"] for one in there.rows("PermissionSet") if one["Name"] == "Cosell_Connector"]
    return assignment["PermissionSetId"] == ours


@pytest.mark.parametrize("languages", [frozenset(), frozenset({"ko"})])
async def test_a_language_the_org_does_not_have_is_left_out_and_said(languages: frozenset[str]) -> None:
    async with yard() as there:
        there.org.settings.languages = languages
        done = acts(await there.install())
        assert done["translations zh_TW"] is Act.BY_HAND
        assert done["translations ko"] is (Act.CREATE if "ko" in languages else Act.BY_HAND)
        assert done["Opportunity.Cosell_Stamp__c"] is Act.CREATE
        (step,) = [one for one in there.told if one.what == "translations zh_TW"]
        assert "cosell package" in step.detail


# --- whose rights ------------------------------------------------------------------------------------


async def test_an_administrators_token_does_as_well_and_is_hidden() -> None:
    async with yard() as there:
        admin = Admin(token=there.org.admin_token)
        installer = there.installer(admin)
        await installer.install(Wish(), there.told.append)
        assert there.org.admin_token in set(installer.secrets())
        assert there.org.admin_token not in repr(admin)


async def test_without_the_right_nothing_is_changed_and_the_ways_are_named() -> None:
    async with yard() as there:
        with pytest.raises(NotAllowed) as refused:
            await there.installer(Admin()).install(Wish(), there.told.append)
        assert "--as" in refused.value.advice
        assert there.told == []


async def test_only_an_app_that_signs_in_by_jwt_can_become_somebody_else() -> None:
    async with yard() as there:
        installer = there.installer(login=ClientSecret(there.org.client_secret))
        with pytest.raises(Misconfigured, match="JWT"):
            await installer.plan(Wish())


async def test_a_token_that_has_ended_is_told() -> None:
    async with yard() as there:
        with pytest.raises(CosellError):
            await there.installer(Admin(token="00D!long_gone")).plan(Wish())


# --- what stands there already -----------------------------------------------------------------------


async def test_microsofts_fields_are_used_and_only_what_is_missing_is_made() -> None:
    async with yard(Kind.MICROSOFT) as there:
        wish = Wish(adopt=True)
        before = {one["Id"]: one for one in there.rows("Opportunity")}
        done = acts(await there.install(wish))
        assert done["Opportunity.Referral_visible_to_Microsoft_sellers__c"] is Act.KEEP
        assert done["Opportunity.Cosell_Stamp__c"] is Act.CREATE
        assert done["Opportunity.Referral_Identifier__c"] is Act.CHANGE
        names = await there.installer().settings(wish)
        assert names == {"fields.visible": "Referral_visible_to_Microsoft_sellers__c"}
        assert changing(await there.installer().plan(wish)) == {}
        after = {one["Id"]: one for one in there.rows("Opportunity")}
        assert {
            key: {k: v for k, v in after[key].items() if k in row} for key, row in before.items()
        } == before
        fields = there.named(visible=names["fields.visible"])
        system = there.system(fields=fields, stages=STAGES)
        assert [one.name for one in await system.check() if not one.ok] == []


async def test_without_the_wish_ours_come_beside_microsofts() -> None:
    async with yard(Kind.MICROSOFT) as there:
        (step,) = [
            one
            for one in await there.installer().plan(Wish())
            if one.what.endswith("visible_to_Microsoft__c")
        ]
        assert step.act is Act.CREATE
        assert "Referral_visible_to_Microsoft_sellers__c" in step.detail


async def test_fields_of_a_package_are_found_under_its_prefix_and_never_changed() -> None:
    async with yard(Kind.MICROSOFT) as there:
        for name in ("Referral_Identifier__c", "Audit__c", "Sync_with_Partner_Center__c"):
            there.org.schema.rename_field("Opportunity", name, f"msft__{name}")
        steps = await there.install(Wish(adopt=True))
        done = acts(steps)
        assert done["Opportunity.msft__Audit__c"] is Act.KEEP
        assert done["Opportunity.msft__Referral_Identifier__c"] is Act.BY_HAND
        names = await there.installer().settings(Wish(adopt=True))
        assert names["fields.audit"] == "msft__Audit__c"
        assert names["fields.referral_id"] == "msft__Referral_Identifier__c"
        assert changing(await there.installer().plan(Wish(adopt=True))) == {}


async def test_a_field_of_another_kind_stops_everything() -> None:
    async with yard() as there:
        there.org.schema.add_field("Opportunity", text("Sync_with_Partner_Center__c", "Sync", 10))
        (step,) = [one for one in await there.installer().plan(Wish()) if one.act is Act.BLOCKED]
        assert step.what == "Opportunity.Sync_with_Partner_Center__c"
        assert "string" in step.detail
        with pytest.raises(Rejected, match="stands in the way"):
            await there.install()
        assert deploys(there) == 0
        assert not [one for one in there.rows("PermissionSet") if one["Name"] == "Cosell_Connector"]


async def test_a_field_that_the_eyes_of_nobody_see_fails_the_check_and_nothing_is_made() -> None:
    """Describe shows neither user a field that no one was given a right to; the deploy then finds it."""
    async with yard() as there:
        there.org.schema.add_field("Opportunity", flag("Audit__c", "Audit"))
        there.org.settings.hidden_fields = frozenset({"Opportunity.Audit__c"})
        before = {*there.org.schema.object("Opportunity").fields}
        with pytest.raises(CosellError) as refused:
            await there.install()
        assert "Audit__c" in refused.value.message
        assert {*there.org.schema.object("Opportunity").fields} == before


async def test_answers_that_are_missing_are_added_to_those_that_are_there() -> None:
    async with yard() as there:
        own = pick(
            "How_can_Microsoft_help__c", "Wie hilft Microsoft?", "Quotes or Licensing|Something of ours"
        )
        there.org.schema.add_field("Opportunity", own)
        done = acts(await there.install())
        assert done["Opportunity.How_can_Microsoft_help__c"] is Act.CHANGE
        field = there.org.schema.field("Opportunity", "How_can_Microsoft_help__c")
        assert {one.value for one in field.choices} == {*HELP_LABELS.values(), "Something of ours"}
        assert field.label == "Wie hilft Microsoft?"
        assert changing(await there.installer().plan(Wish())) == {}


async def test_a_referral_id_that_accepts_doubles_becomes_unique_and_keeps_its_words() -> None:
    async with yard(Kind.MICROSOFT) as there:
        there.org.schema.change_field("Opportunity", "Referral_Identifier__c", label="Referral", length=200)
        await there.install()
        field = there.org.schema.field("Opportunity", "Referral_Identifier__c")
        assert (field.unique, field.external_id, field.label, field.length) == (True, True, "Referral", 200)


async def test_a_name_of_the_settings_that_is_missing_is_left_to_a_person() -> None:
    async with yard() as there:
        fields = there.named(help="Their_own_help__c", detail_object="")
        steps = await there.installer(fields=fields).plan(Wish())
        done = acts(steps)
        assert done["Opportunity.Their_own_help__c"] is Act.BY_HAND
        assert "Opportunity.How_can_Microsoft_help__c" not in done


async def test_a_field_that_is_not_wanted_is_not_made() -> None:
    async with yard() as there:
        steps = await there.install(fields=there.named(program=""))
        assert not [one for one in steps if "Program" in one.what]


# --- what goes wrong on the way ----------------------------------------------------------------------


async def test_a_deploy_whose_answer_is_lost_is_told_and_a_second_run_goes_on_from_there() -> None:
    async with yard() as there:
        there.fault("slow", "/deployRequest")  # the check, which arrives
        there.fault("lose", "/deployRequest")
        with pytest.raises(Uncertain) as unsure:
            await there.install()
        assert "Deployment Status" in unsure.value.advice
        there.frame.clock.advance(60)
        assert changing(await there.install()) == {MINE: Act.CREATE}


async def test_a_deploy_that_never_arrived_is_done_by_a_second_run() -> None:
    async with yard() as there:
        there.fault("slow", "/deployRequest")
        there.fault("drop", "/deployRequest")
        with pytest.raises(Uncertain):
            await there.install()
        assert changing(await there.install())[SET] is Act.CREATE
        assert changing(await there.installer().plan(Wish())) == {}


async def test_an_assignment_whose_answer_is_lost_is_found_done() -> None:
    async with yard() as there:
        there.fault("lose", "/sobjects/PermissionSetAssignment")
        with pytest.raises(Uncertain):
            await there.install()
        assert changing(await there.install()) == {}


async def test_a_removal_that_broke_off_goes_on_where_it_was() -> None:
    async with yard() as there:
        await there.install()
        there.fault("drop", "/sobjects/PermissionSetAssignment", method="DELETE")
        with pytest.raises(Uncertain):
            await there.installer().uninstall(Wish(data=True), there.told.append)
        done = acts(await there.installer().uninstall(Wish(data=True), there.told.append))
        assert done[SET] is Act.REMOVE
        assert changing(await there.installer().removal(Wish(data=True))) == {}


# --- out ---------------------------------------------------------------------------------------------


async def test_what_holds_data_stays_unless_it_is_meant_to_go() -> None:
    async with yard() as there:
        await there.install()
        done = acts(await there.installer().uninstall(Wish(), there.told.append))
        assert done["Opportunity.Referral_Identifier__c"] is Act.KEEP
        assert done[SOLUTION] is Act.KEEP
        assert done[SET] is done[MINE] is Act.REMOVE
        assert "referral_identifier__c" in there.org.schema.object("Opportunity").fields
        assert not [one for one in there.rows("PermissionSet") if one["Name"] == "Cosell_Connector"]
        # What stayed is found again.
        await there.install()
        assert changing(await there.installer().plan(Wish())) == {}


async def test_with_its_data_nothing_of_it_is_left() -> None:
    async with yard(leads=True) as there:
        bare = await there.installer().plan(Wish())
        await there.install()
        await there.installer().uninstall(Wish(data=True), there.told.append)
        assert await there.installer().plan(Wish()) == bare
        assert changing(await there.installer().removal(Wish(data=True))) == {}


async def test_what_microsoft_left_is_never_removed() -> None:
    async with yard(Kind.MICROSOFT) as there:
        await there.install()
        done = acts(await there.installer().uninstall(Wish(data=True), there.told.append))
        assert done["Opportunity.Referral_Identifier__c"] is Act.BY_HAND
        assert done["Opportunity.Cosell_Stamp__c"] is Act.REMOVE
        assert done[SOLUTION] is Act.KEEP
        assert done[f"{SOLUTION}.Quantity__c"] is Act.REMOVE
        kept = there.org.schema.object(SOLUTION).fields
        assert "solution_identifier__c" in kept
        assert "quantity__c" not in kept


async def test_an_object_to_which_others_added_fields_stays() -> None:
    async with yard() as there:
        await there.install()
        there.org.schema.add_field(CATALOGUE, text("Their_note__c", "Their note", 80))
        (grant,) = [one["Id"] for one in there.rows("PermissionSet") if one["Name"] == "Cosell_Connector"]
        right = {"ParentId": grant, "SobjectType": CATALOGUE, "Field": f"{CATALOGUE}.Their_note__c"}
        there.org.as_seller.create("FieldPermissions", {**right, "PermissionsRead": True})
        done = acts(await there.installer().uninstall(Wish(data=True), there.told.append))
        assert done[CATALOGUE] is Act.BY_HAND
        assert CATALOGUE.lower() in there.org.schema.objects


async def test_a_permission_set_that_others_have_too_is_left_to_a_person() -> None:
    async with yard() as there:
        await there.install()
        (grant,) = [one["Id"] for one in there.rows("PermissionSet") if one["Name"] == "Cosell_Connector"]
        other = next(one["Id"] for one in there.rows("User") if one["Id"] != there.org.user_id)
        row = {"AssigneeId": other, "PermissionSetId": grant}
        there.org.as_seller.create("PermissionSetAssignment", row)
        done = acts(await there.installer().uninstall(Wish(), there.told.append))
        assert done[SET] is Act.BY_HAND
        assert done[MINE] is Act.REMOVE


async def test_a_fixed_token_of_the_connection_itself_can_install_where_it_may() -> None:
    async with yard() as there:
        installer = there.installer(Admin(), login=FixedToken(there.org.admin_token))
        await installer.install(Wish(), there.told.append)
        assert changing(await installer.plan(Wish())) == {}
