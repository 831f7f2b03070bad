"""The switches of the simulated org: what an administrator could set up differently."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

Condition = Callable[[Mapping[str, Any]], bool]

LOGIN = "https://login.salesforce.com"
TEST_LOGIN = "https://test.salesforce.com"


@dataclass(frozen=True, slots=True)
class ValidationRule:
    """Refuses a write of `sobject` when `condition` is true of the row as it would be stored.

    The condition is a function of the row or the text of a SOQL WHERE clause, such as
    ``"StageName = 'Closed Won' AND Amount = null"``. The message is shown at `field`, or at the page.
    """

    sobject: str
    condition: Condition | str
    message: str
    field: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateRule:
    """Finds rows of `sobject` that agree in all `fields` with a row about to be created.

    An alert rule (`block` false) lets the write pass when the caller sends ``allowSave=true``.
    """

    sobject: str
    fields: tuple[str, ...]
    name: str = "Standard_Duplicate_Rule"
    message: str = "You're creating a duplicate record. We recommend you use an existing record instead."
    block: bool = False


@dataclass(slots=True)
class Settings:
    """What differs from org to org; assign to an attribute at any time, it holds from the next request on.

    Field names are written ``Object.Field``. The defaults are an Enterprise org with several currencies.
    """

    multi_currency: bool = True
    currencies: tuple[str, ...] = ("USD", "EUR", "GBP", "JPY", "CHF", "AUD", "CAD", "INR", "SEK", "KRW")
    corporate_currency: str = "USD"
    state_country_picklists: bool = False
    opportunity_teams: bool = True
    notes: bool = True
    products: bool = True
    unique_referral_id: bool = True
    """Off: the referral id is an External ID that is not unique, and upserts by it may be ambiguous."""
    restricted_picklists: frozenset[str] = frozenset({"Opportunity.How_can_Microsoft_help__c"})
    validation_rules: tuple[ValidationRule, ...] = ()
    duplicate_rules: tuple[DuplicateRule, ...] = ()
    hidden_fields: frozenset[str] = frozenset()
    """Fields the integration user does not see at all."""
    readonly_fields: frozenset[str] = frozenset()
    """Fields the integration user sees and may not write."""
    lead_field_mapping: tuple[tuple[str, str], ...] = ()
    """What conversion copies beside the standard fields: a field of the lead, and one of the opportunity."""
    view_all_data: bool = False
    """Whether the integration user may upsert by an external id that is not unique (trap 4)."""
    daily_api_calls: int = 100_000
    session_seconds: float | None = None
    """The session length by the sandbox clock; None: sessions end only by ``expire_sessions``."""
    user_approved: bool = True
    admin_approved: bool = True
    run_as_user: bool = True
    app_installed: bool = True
    audiences: tuple[str, ...] = (LOGIN, TEST_LOGIN)
    """Accepted besides the org's own address."""
    jwt_skew_seconds: float = 180.0
    jwt_longest_seconds: float = 300.0
    rotate_refresh_tokens: bool = False
    upsert_honours_conditions: bool = False
    """Unknown of the vendor: whether upsert by external id looks at If-Unmodified-Since. Off is the trap."""
    update_only_miss_status: int = 404
    languages: frozenset[str] = frozenset({"ko", "zh_TW", "de"})
    """The languages of the Translation Workbench; none: it is off."""
    deploy_looks: int = 1
    """How often a deploy is seen at work before it is over."""
    deploy_seconds: float = 5.0
    """When a deploy is carried out that nobody looks at."""
    trim_text: bool = True
    cursor_seconds: float = 900.0
    open_cursors: int = 10
    replication_ids_limit: int = 600_000
    delete_log_days: float = 15.0
    newest_version: int = 68

    def fingerprint(self) -> Hashable:
        """Equal as long as nothing changed that shows in the schema."""
        return (
            self.multi_currency,
            tuple(self.currencies),
            self.corporate_currency,
            self.state_country_picklists,
            self.opportunity_teams,
            self.notes,
            self.products,
            self.unique_referral_id,
            frozenset(self.restricted_picklists),
            frozenset(self.hidden_fields),
            frozenset(self.readonly_fields),
        )
