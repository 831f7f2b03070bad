"""Why a field or a deal stands where it stands: every code with its sentence, its fix and who acts.

The same entry feeds the Audit field, `cosell explain`, the log and the docs.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Who(StrEnum):
    """Whose move it is."""

    NOBODY = "nobody"
    SELLER = "seller"
    PARTNER_MANAGER = "partner manager"
    CRM_ADMIN = "CRM admin"
    REFERRALS_ADMIN = "referrals admin"
    ENTRA_ADMIN = "Entra admin"
    OPERATOR = "operator"
    MICROSOFT = "Microsoft support"


@dataclass(frozen=True, slots=True)
class Text:
    """What a reason says to people."""

    says: str
    fix: str = ""
    who: Who = Who.NOBODY
    troubled: bool = False
    """The opportunity carries the ✘ mark while this stands."""


class Reason(StrEnum):
    """A stable code; part of the JSON output."""

    UNCHANGED = "unchanged"
    EQUAL = "equal"
    NOT_READ = "not_read"
    NOT_THERE = "not_there"
    CREATE_ONLY = "create_only"
    CHANGED_IN_PARTNER_CENTER = "changed_in_partner_center"
    CHANGED_IN_CRM = "changed_in_crm"
    CHANGED_IN_BOTH = "changed_in_both"
    CONFLICT_PARTNER_CENTER_WINS = "conflict_partner_center_wins"
    CONFLICT_CRM_WINS = "conflict_crm_wins"
    FIRST_MEETING = "first_meeting"
    RESOLVED = "resolved"
    IMPLIED = "implied"
    CONFLICT = "conflict"
    FIRST_MEETING_DIFFERS = "first_meeting_differs"
    AWAITING_ACCEPTANCE = "awaiting_acceptance"
    CONSENT_MISSING = "consent_missing"
    NOT_VISIBLE = "not_visible"
    FLOW_OFF = "flow_off"
    DOUBT = "doubt"
    RESTORED = "restored"
    BY_PERSON = "by_person"
    REJECTED = "rejected"
    UNKNOWN_CHOICE = "unknown_choice"
    DRIFT = "schema_drift"
    BRAKE = "brake"
    DRY_RUN = "dry_run"
    ONE_DIRECTION = "one_direction"
    NOT_UPDATABLE = "not_updatable"
    FROZEN = "frozen"
    TERMINAL = "terminal"
    TRANSITION = "transition"
    IRREVERSIBLE = "irreversible"
    VALUE_NEEDED = "value_needed"
    UNREADABLE = "unreadable"
    # of a whole link
    CAREFUL = "careful"
    INCOMPLETE = "incomplete"
    SYNC_OFF = "sync_off"
    LEAD = "lead"
    NO_LEADS = "no_leads"
    LEAD_UNSENT = "lead_unsent"
    CONVERT_LEAD = "convert_lead"
    LEAD_WITHOUT_OPPORTUNITY = "lead_without_opportunity"
    LEAD_CLOSED = "lead_closed"
    CLOSED_BEFORE = "closed_before"
    UNKNOWN_OPPORTUNITY = "unknown_opportunity"
    UNKNOWN_REFERRAL = "unknown_referral"
    TWINS = "twins"
    DELETED = "deleted"
    CUSTOMER_UNCLEAR = "customer_unclear"
    CREATE_UNANSWERED = "create_unanswered"
    STRUGGLING = "struggling"
    FAULT = "fault"


TEXTS: dict[Reason, Text] = {
    Reason.UNCHANGED: Text("Neither side changed it."),
    Reason.EQUAL: Text("Both sides say the same."),
    Reason.NOT_READ: Text("It was not part of this look; nothing suggests a change."),
    Reason.NOT_THERE: Text("One side has no such field."),
    Reason.CREATE_ONLY: Text("It travels only when the other half is created."),
    Reason.CHANGED_IN_PARTNER_CENTER: Text("It changed in Partner Center."),
    Reason.CHANGED_IN_CRM: Text("It changed in the CRM."),
    Reason.CHANGED_IN_BOTH: Text("Both sides changed different entries; both changes are kept."),
    Reason.CONFLICT_PARTNER_CENTER_WINS: Text("Both sides changed it; by its rule Partner Center wins."),
    Reason.CONFLICT_CRM_WINS: Text("Both sides changed it; by its rule the CRM wins."),
    Reason.FIRST_MEETING: Text("The two records met for the first time; the first-meeting rule decided."),
    Reason.RESOLVED: Text("A person decided."),
    Reason.IMPLIED: Text("Asking Microsoft for help makes the deal visible to Microsoft."),
    Reason.CONFLICT: Text(
        "Both sides changed it, and its rule leaves the choice to a person.",
        "Choose a side: cosell resolve LINK FIELD --take crm|partner_center.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.FIRST_MEETING_DIFFERS: Text(
        "The two records met for the first time and differ here.",
        "Choose a side: cosell resolve LINK FIELD --take crm|partner_center.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.AWAITING_ACCEPTANCE: Text(
        "Microsoft's deal is not accepted yet; this edit is kept and goes out after acceptance.",
        "Accept by moving the opportunity out of on hold.",
        Who.SELLER,
    ),
    Reason.CONSENT_MISSING: Text(
        "This step cannot be undone, and no person is known to have wanted it.",
        "Make the change on the opportunity yourself, or: cosell resolve LINK FIELD --take crm.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.NOT_VISIBLE: Text(
        "Microsoft can only be asked once the deal is visible to it, and that step was refused.",
        "See what holds «visible»; the question then goes by itself.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.FLOW_OFF: Text("The flow that carries it is switched off; the change is kept.", "", Who.OPERATOR),
    Reason.DOUBT: Text(
        "A write went unanswered and the value changed since; which edit is newer cannot be known.",
        "Choose a side: cosell resolve LINK FIELD --take crm|partner_center.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.RESTORED: Text(
        "What the connector remembers of this deal is older than the deal, as after a restore, and the two "
        "sides differ here; which edit is newer cannot be known.",
        "Choose a side: cosell resolve LINK FIELD --take crm|partner_center.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.BY_PERSON: Text(
        "A person put it on hold.", "Release it: cosell hold LINK --release.", Who.OPERATOR
    ),
    Reason.REJECTED: Text(
        "The other side refuses this value.",
        "Correct the value, which is tried at once; or mend the rule over there, and: cosell sync LINK.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.UNKNOWN_CHOICE: Text(
        "The other side does not offer this value.",
        "Add it there to its list of choices, or choose another; what waits then goes by itself.",
        Who.CRM_ADMIN,
        troubled=True,
    ),
    Reason.DRIFT: Text(
        "The field that holds it is out of reach there; its rule alone is paused, and the change is kept.",
        "Mend the field that cosell status names; what waits then goes by itself.",
        Who.CRM_ADMIN,
    ),
    Reason.BRAKE: Text(
        "Too many changes at once; the brake stopped them before anything was written.",
        "Look at cosell plan, then: cosell hold --release-brake.",
        Who.OPERATOR,
    ),
    Reason.DRY_RUN: Text(
        "Dry run is on: what should be written is planned, and nothing is written.",
        "Look at cosell plan; then set environment.dry_run to false, start again, and: cosell sync --all.",
        Who.OPERATOR,
    ),
    Reason.ONE_DIRECTION: Text("By its rule changes of this side stay on this side."),
    Reason.NOT_UPDATABLE: Text(
        "The other side publishes no way to change it after creation.",
        "Change it there by hand.",
        Who.SELLER,
    ),
    Reason.FROZEN: Text("Partner Center freezes it once the deal is shared with Microsoft."),
    Reason.TERMINAL: Text(
        "The referral is closed for good; Partner Center accepts no more changes.",
        "For a mistaken close a new deal is the only way.",
        Who.PARTNER_MANAGER,
    ),
    Reason.TRANSITION: Text("Partner Center knows no step from its present status to this one."),
    Reason.IRREVERSIBLE: Text("What Microsoft has seen cannot be taken back.", "", Who.NOBODY),
    Reason.VALUE_NEEDED: Text(
        "It may not be empty or zero on the other side; the last good value stays there.",
        "Give a value.",
        Who.SELLER,
    ),
    Reason.UNREADABLE: Text("The value cannot be understood.", "Correct it where it stands.", Who.SELLER),
    Reason.CAREFUL: Text(
        "The connector's database is older than the two systems, as after a restore; until every deal was "
        "compared anew, nothing is made and nothing is believed. It goes on by itself."
    ),
    Reason.INCOMPLETE: Text(
        "Something is missing before the deal can be sent.",
        "Its Audit field and cosell explain name each missing thing.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.SYNC_OFF: Text("Sync with Partner Center is off.", "Switch it on to share the deal.", Who.SELLER),
    Reason.LEAD: Text("It is a lead, and only co-sell opportunities are synced."),
    Reason.NO_LEADS: Text(
        "It is a lead that nobody accepted yet, and the CRM lets the connector keep no leads.",
        "Accept it in Partner Center, and it arrives as an opportunity; or see cosell doctor.",
        Who.PARTNER_MANAGER,
    ),
    Reason.LEAD_UNSENT: Text(
        "A lead of the CRM's own is not sent; what it is converted to can be.",
        "Convert it, and switch Sync with Partner Center on.",
        Who.SELLER,
    ),
    Reason.CONVERT_LEAD: Text(
        "It is accepted in Partner Center, and here it still is a lead.",
        "Convert the lead to an opportunity; the sync goes on there by itself.",
        Who.SELLER,
    ),
    Reason.LEAD_WITHOUT_OPPORTUNITY: Text(
        "The lead was converted without an opportunity, so nothing is left to keep in step.",
        "Make an opportunity and put the lead's Referral Identifier on it.",
        Who.SELLER,
    ),
    Reason.LEAD_CLOSED: Text(
        "The referral was closed before its lead was converted; the opportunity goes on without it."
    ),
    Reason.CLOSED_BEFORE: Text("It was closed before the two systems ever met; nothing is carried."),
    Reason.UNKNOWN_OPPORTUNITY: Text(
        "The referral names an opportunity that the CRM does not have.",
        "Correct the CRM id in Partner Center, or: cosell resolve LINK link --take partner_center.",
        Who.PARTNER_MANAGER,
    ),
    Reason.UNKNOWN_REFERRAL: Text(
        "The opportunity names a referral that Partner Center does not show us.",
        "Correct or empty the Referral Identifier.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.TWINS: Text(
        "More than one record claims to be this deal.",
        "Keep one; empty the Referral Identifier or the CRM id on the others.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.DELETED: Text("One of the two records is gone; the other is left as it is."),
    Reason.CUSTOMER_UNCLEAR: Text(
        "The CRM has accounts that may be this customer, and it is not clear which.",
        "Say whose deal it is: cosell resolve LINK --account ID, or --new-account for a new one.",
        Who.SELLER,
        troubled=True,
    ),
    Reason.CREATE_UNANSWERED: Text(
        "Creating the other half went unanswered three times.",
        "Look whether it exists; then: cosell sync LINK.",
        Who.OPERATOR,
        troubled=True,
    ),
    Reason.STRUGGLING: Text("It failed many times in a row and is still tried.", "", Who.OPERATOR),
    Reason.FAULT: Text(
        "Something unforeseen happened while working on this deal.", "See the log.", Who.OPERATOR
    ),
}


def text(code: str) -> Text:
    """The words for a code; a code of a newer version shows itself."""
    try:
        return TEXTS[Reason(code)]
    except ValueError:
        return Text(code)
