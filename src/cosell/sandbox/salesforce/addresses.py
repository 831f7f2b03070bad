"""Countries and states of addresses while State and Country picklists are on (reference 11.2, trap 7)."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.salesforce.countries import COUNTRIES, COUNTRY_CODES, STATES
from cosell.sandbox.salesforce.errors import refusal
from cosell.sandbox.salesforce.org import Org
from cosell.sandbox.salesforce.store import Row

PREFIXES = {
    "Account": (("Billing", "Billing "), ("Shipping", "Shipping ")),
    "Contact": (("Mailing", "Mailing "), ("Other", "Other ")),
    "Lead": (("", ""),),
}
_PARTS = ("Street", "City", "State", "PostalCode", "Country", "StateCode", "CountryCode")
_PROBLEM = (
    "There's a problem with this {}, even though it may appear correct. Please select a {}"
    " from the list of valid {}.: "
)
_CODES = ("StateCode", "CountryCode")


def settle_addresses(org: Org, sobject: str, row: Row, given: dict[str, Any]) -> None:
    """Gives every written country and state its code and label, or refuses it."""
    if not org.settings.state_country_picklists:
        return
    for prefix, label in PREFIXES.get(sobject, ()):
        _country(row, given, prefix, label)
        _state(row, given, prefix, label)


def _country(row: Row, given: dict[str, Any], prefix: str, label: str) -> None:
    text, coded = f"{prefix}Country", f"{prefix}CountryCode"
    if coded in given:
        code = given[coded]
    elif text in given:
        code = COUNTRY_CODES.get(given[text].lower(), "?") if given[text] else None
    else:
        return
    if code is not None and code not in COUNTRIES:
        raise refusal(400, "FIELD_INTEGRITY_EXCEPTION", _country_text(f"{label}Country"), [text])
    row[coded], row[text] = code, COUNTRIES[code] if code else None


def _state(row: Row, given: dict[str, Any], prefix: str, label: str) -> None:
    text, coded = f"{prefix}State", f"{prefix}StateCode"
    if not (coded in given or text in given):
        return
    states = STATES.get(row.get(f"{prefix}CountryCode") or "", {})
    if coded in given:
        code = given[coded]
    else:
        by_label = {name.lower(): code for code, name in states.items()}
        code = by_label.get(given[text].lower(), "?") if given[text] else None
    if code is not None and code not in states:
        raise refusal(400, "FIELD_INTEGRITY_EXCEPTION", _state_text(f"{label}State"), [text])
    row[coded], row[text] = code, states[code] if code else None


def _country_text(label: str) -> str:
    return _PROBLEM.format("country", "country/territory", "countries") + label


def _state_text(label: str) -> str:
    return _PROBLEM.format("state", "state", "states") + label


def whole_address(row: Row, prefix: str, *, codes: bool) -> dict[str, Any] | None:
    """The compound value of an address, null when no part is filled."""
    parts = [part for part in _PARTS if codes or part not in _CODES]
    names = {part[0].lower() + part[1:]: prefix + part for part in parts}
    if not any(row.get(name) for name in names.values()):
        return None
    made = {key: row.get(name) for key, name in names.items()}
    for part in ("geocodeAccuracy", "latitude", "longitude"):
        made[part] = row.get(prefix + part[0].upper() + part[1:])
    return dict(sorted(made.items()))
