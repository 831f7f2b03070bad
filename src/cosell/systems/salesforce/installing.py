"""Brings the package into an org and takes it out again (design.md decision 7)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from xml.etree.ElementTree import Element

from cosell.core.errors import CosellError, NotAllowed, Rejected
from cosell.crm.installing import Act, Admin, Step, Wish
from cosell.http import Transport
from cosell.ports import Clock
from cosell.systems.salesforce import inventory, pages, rights
from cosell.systems.salesforce.deploying import Failure, refused
from cosell.systems.salesforce.install_plan import Plan, planned
from cosell.systems.salesforce.inventory import Inventory
from cosell.systems.salesforce.needs import Need, needs
from cosell.systems.salesforce.options import Options
from cosell.systems.salesforce.package_archive import files, removal
from cosell.systems.salesforce.package_source import LANGUAGES, PERMISSION_SET, Part
from cosell.systems.salesforce.two_users import TwoUsers
from cosell.systems.salesforce.uninstall_plan import Removal, groups, removed

Told = Callable[[Step], None]
_ASSIGN = f"permission set {PERMISSION_SET} for the connector's user"
_BY_HAND = "Setup, Users, the connector's user, Permission Set Assignments: add «Cosell Connector»."


class SalesforceInstaller:
    """The installer of one org."""

    def __init__(self, options: Options, admin: Admin, *, transport: Transport, clock: Clock) -> None:
        self._options = options
        self._users = TwoUsers(options, admin, transport=transport, clock=clock)

    def secrets(self) -> Iterable[str]:
        """What must not be seen in any log."""
        return self._users.secrets()

    async def plan(self, wish: Wish) -> Sequence[Step]:
        """What `install` would do now; reads only."""
        _, plan = await self._planned(wish)
        page, _ = await self._page(wish, plan.fields)
        return [*plan.steps, page]

    async def install(self, wish: Wish, told: Told) -> Sequence[Step]:
        """Deploys what is missing, gives the connector's user its rights, and looks at the outcome."""
        found, plan = await self._planned(wish)
        if plan.blocked:
            raise _blocked(plan.steps)
        done = _Told(told)
        kept = [one for one in plan.steps if one.act in (Act.KEEP, Act.BY_HAND)]
        done.all(kept)
        left_out = await self._deployed(found, plan)
        done.all(left_out.get(one.what, one) for one in plan.steps if one not in kept and one.what != _ASSIGN)
        if plan.assign:
            await self._assigned()
            done.all([Step(_ASSIGN, Act.CREATE)])
        if len(kept) < len(plan.steps):
            await self._looked_over(wish)
        page, layout = await self._page(wish, plan.fields)
        if layout is not None:
            await self._users.pieces.update("Layout", layout)
        done.all([page])
        return done.steps

    async def removal(self, wish: Wish) -> Sequence[Step]:
        """What `uninstall` would do now; what holds data stays unless the wish says otherwise."""
        plan = await self._removal(wish)
        return [*await self._page_back(wish, plan.fields, write=False), *plan.steps]

    async def uninstall(self, wish: Wish, told: Told) -> Sequence[Step]:
        """Takes away what shows fields, then fields and objects, then the rights."""
        plan = await self._removal(wish)
        done = _Told(told)
        done.all(await self._page_back(wish, plan.fields, write=True))
        deployer = self._users.deployer
        for members in groups(plan):
            await deployer.deploy(removal(members, self._options.api_version), ignore_warnings=True)
        if plan.assignment:
            await self._deleted(plan.assignment)
        if plan.rights:
            members = {"PermissionSet": [PERMISSION_SET]}
            await deployer.deploy(removal(members, self._options.api_version), ignore_warnings=True)
        done.all(plan.steps)
        return done.steps

    async def settings(self, wish: Wish) -> Mapping[str, str]:
        """The names of fields and objects that the org has instead of ours."""
        _, plan = await self._planned(wish)
        return plan.names

    async def aclose(self) -> None:
        """Lets go of connections."""
        await self._users.aclose()

    # --- looking -----------------------------------------------------------------------------------

    async def _planned(self, wish: Wish) -> tuple[Inventory, Plan]:
        found = await self._inventory(adopt=wish.adopt)
        return found, planned(found, self._needs, self._options, wish)

    async def _removal(self, wish: Wish) -> Removal:
        return removed(await self._inventory(adopt=False), self._needs, wish)

    @property
    def _needs(self) -> Sequence[Need]:
        return needs(self._options.fields, self._options.lead_fields if self._options.leads else None)

    async def _inventory(self, *, adopt: bool) -> Inventory:
        users, options = self._users, self._options
        await users.sign_in()
        return await inventory.taken(
            users.own, users.admin, users.id, options.fields, leads=options.leads, adopt=adopt
        )

    async def _looked_over(self, wish: Wish) -> None:
        """Raises NotAllowed where the connector's user does not see what was installed."""
        found, plan = await self._planned(wish)
        wanted = rights.composed(rights.called(found, plan.fields, self._options), found, self._options)
        hidden = rights.lacking(wanted, found)
        if hidden:
            raise NotAllowed(
                f"Everything is installed, but the connector's user does not see: {', '.join(hidden)}.",
                did="What was installed stays.",
                advice="A user may see only what the licence allows: it needs one for opportunities.",
            )

    # --- doing -------------------------------------------------------------------------------------

    async def _deployed(self, found: Inventory, plan: Plan) -> Mapping[str, Step]:
        """Deploys what the plan makes; answers the steps that the org could not take, for its languages."""
        wanted = list(plan.parts)
        if plan.rights is not None:
            present = None
            if found.permission_set is not None:
                present = await self._users.pieces.read("PermissionSet", PERMISSION_SET)
            wanted.append(rights.joined(plan.rights, present))
        if not wanted:
            return {}
        translations, without = list(plan.translations), dict[str, Step]()
        for _ in range(len(LANGUAGES) + 1):
            content = files([*wanted, *translations], self._options.api_version)
            failures = await self._users.deployer.tried(content)
            if not failures:
                await self._users.deployer.deploy(content)
                return without
            translations, fresh = _without(translations, failures)
            without |= fresh
            if not fresh:
                break
        raise refused(failures)

    async def _assigned(self) -> None:
        """Gives the permission set to the connector's user."""
        permission_set = await inventory.permission_set(self._users.admin)
        body = {"AssigneeId": self._users.id, "PermissionSetId": permission_set}
        answer = await self._users.admin.call(
            "POST", "/sobjects/PermissionSetAssignment", purpose="assign", body=body
        )
        if answer.ok:
            return
        why = answer.error(safe=False)
        if why.code == "exists":
            return
        raise _unassigned(why)

    async def _deleted(self, assignment: str) -> None:
        path = f"/sobjects/PermissionSetAssignment/{assignment}"
        answer = await self._users.admin.call("DELETE", path, purpose="assign", safe=False)
        if not answer.ok and answer.status != 404:
            raise answer.error(safe=False)

    # --- the page ------------------------------------------------------------------------------------

    async def _page(self, wish: Wish, fields: Mapping[str, str]) -> tuple[Step, Element | None]:
        """The step for the page layout, and the layout as it is to be; None where it stays."""
        if not wish.page:
            return pages.by_hand(), None
        layout = await pages.read(self._users.pieces, wish.page)
        after, diff = pages.changed(layout, pages.adding(fields))
        return pages.step(wish.page, diff), after if diff else None

    async def _page_back(self, wish: Wish, fields: Mapping[str, str], *, write: bool) -> Sequence[Step]:
        """Takes our section off the page layout, where one was named."""
        if not wish.page:
            return []
        layout = await pages.read(self._users.pieces, wish.page)
        after, diff = pages.changed(layout, pages.taking(fields))
        if diff and write:
            await self._users.pieces.update("Layout", after)
        return [pages.step(wish.page, diff)]


class _Told:
    """Tells each step as it is done, and keeps them."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self.steps: list[Step] = []

    def all(self, steps: Iterable[Step]) -> None:
        for step in steps:
            self.steps.append(step)
            self._told(step)


def _without(
    translations: Sequence[Part], failures: Sequence[Failure]
) -> tuple[list[Part], Mapping[str, Step]]:
    """The translations without those of languages that failures name, and the steps to say so."""
    problems = {
        tag: one.problem
        for one in failures
        for tag in LANGUAGES
        if one.name.partition(".")[0].endswith(f"-{tag}") or one.name == "CustomObjectTranslation"
    }
    gone = {tag for tag in problems if any(part.owner.endswith(f"-{tag}") for part in translations)}
    kept = [part for part in translations if not part.owner.endswith(tuple(f"-{tag}" for tag in gone))]
    return kept, {f"translations {tag}": _no_language(tag, problems[tag]) for tag in gone}


def _no_language(tag: str, problem: str) -> Step:
    why = (
        f"The org does not take {LANGUAGES[tag]} («{problem}»), so labels and help stay English there. Where "
        "people use it: add it in Setup, Translation Language Settings, and deploy objectTranslations of the "
        "files that `cosell package salesforce --out FOLDER` writes."
    )
    return Step(f"translations {tag}", Act.BY_HAND, why)


def _blocked(steps: Iterable[Step]) -> CosellError:
    told = " ".join(f"{one.what}: {one.detail}" for one in steps if one.act is Act.BLOCKED)
    error = Rejected(
        f"Something in Salesforce stands in the way. {told}",
        advice="Decide what is named, then start again.",
        code="blocked",
    )
    error.did = "Nothing was changed."
    return error


def _unassigned(why: CosellError) -> CosellError:
    return NotAllowed(
        "The permission set is installed, but this user may not assign it.",
        detail=why.detail,
        did="What was installed stays.",
        advice=f"{_BY_HAND} Or start again with the rights of an administrator: --as USERNAME.",
    )
