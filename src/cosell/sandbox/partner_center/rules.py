"""What Partner Center demands of a deal, of its people and of its solutions (2.3, 3.2, 3.3, 4.4)."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from cosell.sandbox.frame import JsonObject
from cosell.sandbox.partner_center.documents import value_at
from cosell.sandbox.partner_center.errors import invalid
from cosell.sandbox.partner_center.shape import NO_HELP
from cosell.sandbox.partner_center.switches import Switches

INTENT = "CustomerMarketplaceIntent"
_OWN_SOLUTION = re.compile(r"SOL-[0-9]+-[A-Z]{3,}\Z", re.ASCII)
_GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.ASCII | re.IGNORECASE)
_CATEGORY = re.compile(r"[A-Za-z0-9]+\Z", re.ASCII)
_COUNTRY = re.compile(r"[A-Z]{2}\Z", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}\Z", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\Z")
_NEEDED_OF_A_MEMBER = ("firstName", "lastName", "phoneNumber", "email")
_NEEDED_TEXTS = (
    "name",
    "customerProfile.name",
    "customerProfile.address.addressLine1",
    "customerProfile.address.city",
    "customerProfile.address.country",
    "details.currency",
    "details.closingDateTime",
)


def check_sections(raw: Any) -> None:
    """Refuses a request without one of the four sections the reference calls required."""
    if not isinstance(raw, dict):
        raise invalid("referral", "A referral is expected.")
    given = {name.lower() for name, value in raw.items() if value is not None}
    for name in ("type", "customerProfile", "consent", "details"):
        if name.lower() not in given:
            raise invalid(name, f"The property {name} is required.")


def check_deal(deal: JsonObject, switches: Switches, catalogue: Collection[str]) -> None:
    """Refuses a deal that lacks anything Partner Center demands of every deal."""
    for path in _NEEDED_TEXTS:
        if not _filled(value_at(deal, path.split("."))):
            raise invalid(path, f"The property {path} is required.")
    check_country(deal["customerProfile"]["address"]["country"])
    check_value(deal["details"]["dealValue"], "details.dealValue")
    check_currency(deal["details"]["currency"], "details.currency")
    check_solutions(deal["details"]["requirements"]["solutions"], switches, catalogue)
    check_team(deal["team"], "team")
    for place, contact in enumerate(deal["customerProfile"]["team"]):
        check_member(contact, f"customerProfile.team[{place}]")
    _check_consent(deal)
    _check_help(deal)
    _check_intent(deal, switches)


def _filled(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def check_country(country: str) -> None:
    if not _COUNTRY.match(country):
        raise invalid("customerProfile.address.country", "A country code of two letters is expected.")


def check_value(value: Any, target: str) -> None:
    if value is None or value <= 0:
        raise invalid(target, "A value greater than zero is required.")


def check_currency(currency: Any, target: str) -> None:
    if not _filled(currency) or not _CURRENCY.match(currency):
        raise invalid(target, "A currency code of three letters is expected.")


def check_solutions(solutions: list[JsonObject], switches: Switches, catalogue: Collection[str]) -> None:
    target = "details.requirements.solutions"
    if not solutions:
        raise invalid(target, "Solution ID is required.")
    for place, solution in enumerate(solutions):
        check_solution(solution, f"{target}[{place}]", switches, catalogue)


def check_solution(solution: JsonObject, target: str, switches: Switches, catalogue: Collection[str]) -> None:
    """Refuses an id that has no known form, or a kind that does not fit it."""
    name = solution["id"]
    if not _filled(name):
        raise invalid(f"{target}.id", "Solution ID is required.")
    if solution["type"] is None or solution["type"] == "None":
        raise invalid(f"{target}.type", "Name or Category is expected.")
    if solution["type"] == "Category":
        fits = _CATEGORY.match(name) is not None
    else:
        fits = bool(_OWN_SOLUTION.match(name) or _GUID.match(name))
    unlisted = name.startswith("SOL-") and name not in catalogue
    if not fits or (switches.catalogue_solutions_only and unlisted):
        raise invalid(f"{target}.id", f"No solution has the id {name}.")


def check_team(team: list[JsonObject], target: str) -> None:
    if not team:
        raise invalid(target, "At least one person is required.")
    for place, member in enumerate(team):
        check_member(member, f"{target}[{place}]")


def check_member(member: JsonObject, target: str) -> None:
    for name in _NEEDED_OF_A_MEMBER:
        if not _filled(member[name]):
            raise invalid(f"{target}.{name}", f"The property {name} is required of every person.")
    if not _EMAIL.match(member["email"]):
        raise invalid(f"{target}.email", "An e-mail address is expected.")


def asks_for_help(deal: JsonObject) -> bool:
    invite = deal["inviteContext"]
    return invite is not None and invite["assistanceRequestCode"] != NO_HELP


def is_shared(deal: JsonObject) -> bool:
    return deal["consent"]["consentToShareReferralWithMicrosoftSellers"] is True


def addresses_microsoft(deal: JsonObject) -> bool:
    return any(
        one["type"] == "BusinessProfileLocation" and (one["id"] or "").lower() == "msft"
        for one in deal["target"]
    )


def _check_consent(deal: JsonObject) -> None:
    if deal["consent"]["consentToToShareInfoWithOthers"] is not True:
        raise invalid(
            "consent.consentToToShareInfoWithOthers", "A deal needs the consent to share its contacts."
        )
    if (asks_for_help(deal) or addresses_microsoft(deal)) and not is_shared(deal):
        raise invalid(
            "consent.consentToShareReferralWithMicrosoftSellers",
            "A deal that asks Microsoft for help must be visible to Microsoft sellers.",
        )


def _check_help(deal: JsonObject) -> None:
    if asks_for_help(deal) and not deal["customerProfile"]["team"]:
        raise invalid("customerProfile.team", "Asking for help needs a customer contact.")


def _check_intent(deal: JsonObject, switches: Switches) -> None:
    extra = deal["details"]["requirements"]["additionalRequirements"] or {"attributes": []}
    has_intent = any(one["type"] == INTENT and one["id"] for one in extra["attributes"])
    if switches.marketplace_intent_required and not has_intent:
        raise invalid(
            "details.requirements.additionalRequirements.attributes",
            "The marketplace purchase intent of the customer is required.",
        )
