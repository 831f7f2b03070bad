"""Whether deals of Partner Center would fit into a CRM: currencies, people, countries; for the doctor."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cosell.core.reasons import Who
from cosell.core.records import Snapshot
from cosell.core.values import Person
from cosell.ports import Finding

SHOWN = 5
"""Names shown of those that are missing."""


def currencies(sample: Sequence[Snapshot], known: Iterable[str], *, page: str) -> Finding | None:
    """PRE-12, PRE-19: whether the CRM keeps every currency that recent deals are in."""
    wanted = {str(one.values["currency"]) for one in sample if one.values.get("currency")}
    if not wanted:
        return None
    rows = ("PRE-12", "PRE-19", "TRB-1.4", "TRB-3.3")
    lacking = sorted(wanted - set(known))
    if not lacking:
        said = f"The CRM keeps every currency of recent deals: {', '.join(sorted(wanted))}."
        return Finding("currencies of deals", True, said, page=page, rows=rows)
    return Finding(
        "currencies of deals",
        False,
        f"Recent deals are in currencies the CRM does not keep: {', '.join(lacking)}.",
        "Activate them in the CRM; until then these deals wait, and nothing is converted.",
        page,
        rows,
        Who.CRM_ADMIN,
    )


def mailboxes(sample: Sequence[Snapshot]) -> frozenset[str]:
    """The e-mail addresses of our own people on recent deals, in lower case."""
    teams = (one.values.get("team") for one in sample)
    people = (person for team in teams if isinstance(team, tuple) for person in team)
    return frozenset(one.email.casefold() for one in people if isinstance(one, Person) and one.email)


def people(sample: Sequence[Snapshot], users: Iterable[str], *, page: str) -> Finding | None:
    """PRE-13: whether the people on recent deals are users of the CRM, by their e-mail addresses.

    The addresses themselves are shown: who is asked to add users has to know whom.
    """
    wanted = mailboxes(sample)
    if not wanted:
        return None
    rows = ("PRE-13", "TRB-1.4")
    lacking = sorted(wanted - {one.casefold() for one in users})
    if not lacking:
        said = f"All {len(wanted)} people on the team of recent deals are users of the CRM."
        return Finding("sales team", True, said, page=page, rows=rows)
    more = f" and {len(lacking) - SHOWN} more" if len(lacking) > SHOWN else ""
    return Finding(
        "sales team",
        True,
        f"On recent deals, but no users of the CRM: {', '.join(lacking[:SHOWN])}{more}.",
        "Add them as users with these addresses, or their deals belong to the connector's own user.",
        page,
        rows,
        Who.CRM_ADMIN,
    )


def countries(sample: Sequence[Snapshot], takes: Callable[[str], bool], *, page: str) -> Finding | None:
    """PRE-20: whether the CRM's field for the customer's country takes the countries of recent deals."""
    wanted = {str(one.values["country"]) for one in sample if one.values.get("country")}
    if not wanted:
        return None
    rows = ("PRE-20", "TRB-3.2", "TRB-3.6")
    lacking = sorted(code for code in wanted if not takes(code))
    if not lacking:
        said = f"The customers' countries of recent deals fit: {', '.join(sorted(wanted)[:20])}."
        return Finding("countries of deals", True, said, page=page, rows=rows)
    return Finding(
        "countries of deals",
        False,
        f"The CRM's field for the country has no value for: {', '.join(lacking)}.",
        "Add these countries to the field's values, or name another field for the country.",
        page,
        rows,
        Who.CRM_ADMIN,
    )
