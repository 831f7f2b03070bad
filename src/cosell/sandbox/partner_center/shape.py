"""The referral as it stands on the wire: every property a client may send, and the full answer."""

from __future__ import annotations

from typing import Any

from cosell.sandbox.partner_center.kinds import Choice, Flag, Free, Items, Kind, Moment, Number, Text, Thing

MOST_SOLUTIONS = 50
MOST_MEMBERS = 50

STATUSES = ("None", "New", "Active", "Closed")
SUBSTATUSES = ("None", "Pending", "Received", "Accepted", "Won", "Lost", "Declined", "Expired", "Error")
NO_HELP = "Unknown"
HELP_CODES = (
    NO_HELP,
    "GeneralOrOther",
    "CustomerTechnicalArchitecture",
    "ProofOfConceptOrDemo",
    "QuotesOrLicensing",
    "PostSalesCustomerSuccess",
    "WorkloadSpecificValueProposition",
)
SIZES = (
    "1to50employees",
    "51to500employees",
    "Morethan500employees",
    "1to9employees",
    "10to50employees",
    "51to250employees",
    "251to1000employees",
    "1001to5000employees",
    "5001to10000employees",
    "10001to20000employees",
    "Morethan20000employees",
)


class _Preference:
    """Contact preferences, which are there even when nobody gave them."""

    _thing = Thing({"locale": Text(), "disableNotifications": Flag(True)})

    def bind(self, raw: Any, target: str) -> Any:
        return self._thing.bind(raw, target)


class _Person:
    """A seller or a customer contact; the two validation marks only exist on marketplace leads."""

    _thing = Thing(
        {
            "firstName": Text(),
            "lastName": Text(),
            "phoneNumber": Text(),
            "email": Text(),
            "title": Text(),
            "contactPreference": _Preference(),
        }
    )
    _marks = ("emailValidationStatus", "phoneValidationStatus")

    def bind(self, raw: Any, target: str) -> Any:
        person = self._thing.bind(raw, target)
        if person is not None and isinstance(raw, dict):
            person |= {mark: raw[mark] for mark in self._marks if isinstance(raw.get(mark), str)}
        return person


MEMBER: Kind = _Person()
TEAM = Items(MEMBER, MOST_MEMBERS)
SOLUTION = Thing(
    {
        "id": Text(),
        "name": Text(),
        "type": Choice(("None", "Category", "Name")),
        "price": Number(),
        "quantity": Number(),
        "currency": Text(),
        "publisherName": Text(),
        "solutionType": Text(),
        "closingDateTime": Moment(),
    }
)
SOLUTIONS = Items(SOLUTION, MOST_SOLUTIONS)
_TAG = Thing({"id": Text()})
ATTRIBUTES = Items(Thing({"type": Text(), "id": Text()}))

CUSTOMER = Thing(
    {
        "name": Text(),
        "size": Choice(SIZES),
        "isMatchingComplete": Flag(False),
        "address": Thing(
            {
                "addressLine1": Text(),
                "addressLine2": Text(),
                "city": Text(),
                "state": Text(),
                "postalCode": Text(),
                "country": Text(),
                "region": Text(),
            }
        ),
        "team": TEAM,
        "ids": Items(Thing({"profileType": Choice(("Duns", "External")), "id": Text()})),
    }
)
CONSENT = Thing(
    {
        "consentToToShareInfoWithOthers": Flag(),
        "consentToContact": Flag(),
        "consentToMicrosoftToContactSpecificPartners": Flag(),
        "consentToShareReferralWithMicrosoftSellers": Flag(),
    }
)
DETAILS = Thing(
    {
        "notes": Text(),
        "dealValue": Number(),
        "currency": Text(),
        "closingDateTime": Moment(),
        "customerRequestedContact": Flag(),
        "customerAction": Text(),
        "incentiveLevel": Text(),
        "requirements": Thing(
            {
                "industries": Items(_TAG),
                "products": Items(_TAG),
                "services": Items(_TAG),
                "solutions": SOLUTIONS,
                "offers": Items(Free()),
                "salesPlays": Items(Free()),
                "additionalRequirements": Thing(
                    {"iot": Free(), "attributes": ATTRIBUTES}, absent_is_null=True
                ),
            }
        ),
    }
)
INVITE = Thing(
    {
        "notes": Text(),
        "assistanceRequestCode": Choice(HELP_CODES, NO_HELP),
        "invitedMpnId": Text(),
        "invitedBy": Thing({"organizationId": Text(), "organizationName": Text()}),
    },
    absent_is_null=True,
)
TRACKING: tuple[str, ...] = (
    "microsoftMsxId",
    "microsoftUSFedOpportunityId",
    "microsoftUSFedLeadId",
    "migratedPSCDealId",
    "migratedPSCPartnerDealId",
)
# All a client may send with POST; the rest of a referral belongs to the server.
REQUEST = Thing(
    {
        "engagementId": Text(),
        "name": Text(),
        "externalReferenceId": Text(),
        "status": Choice(STATUSES),
        "substatus": Choice(SUBSTATUSES),
        "statusReason": Text(),
        "qualification": Choice(("None", "Direct", "MarketingQualified", "SalesQualified")),
        "type": Choice(("Shared", "Independent")),
        "campaignId": Text(),
        "salesStage": Text(),
        "referralProgram": Text(),
        "target": Items(
            Thing({"type": Choice(("None", "BusinessProfileLocation", "SolutionProfile")), "id": Text()})
        ),
        "customerProfile": CUSTOMER,
        "consent": CONSENT,
        "details": DETAILS,
        "team": TEAM,
        "inviteContext": INVITE,
    }
)


def bound(raw: Any) -> dict[str, Any]:
    """What a client sent with POST or PUT, in canonical spelling and complete."""
    thing = REQUEST.bind({} if raw is None else raw, "")
    return {} if thing is None else thing


def kind_at(path: tuple[str, ...]) -> tuple[Kind, tuple[str, ...]] | None:
    """The kind of the value at a path of the request form, and the path in canonical spelling."""
    kind: Kind = REQUEST
    spelled: list[str] = []
    for step in path:
        if not isinstance(kind, Thing):
            return None
        name = next((one for one in kind.fields if one.lower() == step.lower()), None)
        if name is None:
            return None
        spelled.append(name)
        kind = kind.fields[name]
    return kind, tuple(spelled)
