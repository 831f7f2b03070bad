"""The switches of the simulated environment: what differs between organizations, and what nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class PlugIn:
    """Refuses a write of `table` when `condition` is true of the row as it would be stored.

    The condition is a function of the stored row, or the text of a `$filter` such as
    ``"statecode eq 1 and actualvalue eq null"``.
    """

    table: str
    condition: Callable[[Mapping[str, Any]], bool] | str
    message: str


@dataclass(slots=True)
class Settings:
    """Assign to an attribute at any time, it holds from the next request on.

    The numbers name sections of the API sheet; "unknown" means that no source says how the product behaves.
    """

    plugins: tuple[PlugIn, ...] = ()
    """9: custom logic of the organization, answered with 0x80040265."""
    application_user: bool = True
    """1.5: whether the environment has a user for the connector's application."""
    application_roles: bool = True
    """1.5: whether that user has any security role."""
    missing_privileges: frozenset[str] = frozenset()
    """1.3: privileges the role lacks, such as ``prvReadOpportunity``; case aside."""
    limited_read: frozenset[str] = frozenset()
    """4.1: logical names of tables the role may read, but not at organization depth."""
    may_impersonate: bool = True
    """1.3: whether the role holds prvActOnBehalfOfAnotherUser."""
    closed_rows_read_only: bool = True
    """3, unknown: whether a won or lost opportunity refuses changes until it is reopened."""
    reopening_takes_values: bool = False
    """3, unknown: whether the request that reopens an opportunity may change other columns as well."""
    reopening_clears_actuals: bool = False
    """3, unknown: whether reopening empties actualvalue and actualclosedate."""
    reopening_open_refused: bool = True
    """3: ``statecode: 0`` for an open opportunity is refused with 0x8004051a."""
    qualifying_copies_custom_columns: bool = False
    """6, unknown: whether the opportunity made by QualifyLead takes over custom columns of the same name."""
    read_only_columns_refused: bool = True
    """2.2, unknown: whether a value for a read-only column is refused; off ignores it."""
    required_columns_enforced: bool = False
    """6, inferred off: whether a create without an ApplicationRequired column is refused."""
    null_clears_lookups: bool = True
    """2.2, inferred: whether ``x@odata.bind: null`` clears a lookup; off refuses it."""
    client_chosen_ids: bool = True
    """2.5, inferred: whether a create may name its primary key in the body."""
    entity_id_with_representation: bool = False
    """2.5: whether a create that answers with the row also sends OData-EntityId."""
    location_on_create: bool = True
    """2.5: whether a create sends Location beside OData-EntityId."""
    existing_key_code: str = ""
    """2.7: the code of the 412 for ``If-None-Match: *``; empty in the documentation, 0x80040237 inferred."""
    lost_upsert_races: int = 0
    """2.7: how many of the next creating upserts by alternate key find that a twin of theirs was faster."""
    key_violation_status: int = 412
    """2.7, inferred: the status of a violated alternate key; 400 is possible."""
    old_member_code: bool = False
    """9: older organizations answer unknown properties with code 0x0."""
    expired_token_status: int = 400
    """4.1, unknown: the status of an expired delta token; 410 is possible."""
    untracked_tables: frozenset[str] = frozenset()
    """4.1: tables for which change tracking is switched off, beside those the schema says."""
    unguarded_tables: frozenset[str] = frozenset()
    """2.7: tables without optimistic concurrency, beside those the schema says."""
    largest_page: int = 5_000
    """2.3: rows of a page when the caller asks for no other number, and the most there can be."""
    largest_count: int = 5_000
    """2.3: where ``$count=true`` stops counting."""
    like_wildcards: bool = True
    """2.3: whether ``% _ []`` are wildcards in contains, startswith and endswith."""
    longest_address: int = 32_768
    """2.11, inferred: the longest URL outside a batch."""
    largest_body: int = 134_217_728
    """2.11: beyond it 413."""
    batch_takes_lf: bool = False
    """2.8: whether lines of a batch may end in a line feed alone; the product asks for CRLF."""
    batch_tells_status_of_failure: bool = False
    """2.8, unknown: whether a failed batch has the status of the failed part instead of 400."""
    requests_limit: int | None = 6_000
    """2.11: requests of one user within the window; None: as many as they like."""
    execution_seconds_limit: float | None = 1_200.0
    """2.11: combined seconds of one user's requests within the window."""
    concurrency_limit: int | None = 52
    """2.11: requests of one user served at the same moment."""
    limits_window: float = 300.0
    seconds_charged_per_request: float | None = None
    """2.11: what each request counts for; None: what it really takes."""
    throttle_next: int = 0
    """2.11: how many of the next requests are sent away whatever was used."""
    throttle_facet: Literal["requests", "time", "concurrency"] = "requests"
    """2.11: the reason those requests are told."""
    retry_after_seconds: int = 5
    """2.11: the wait that is asked for when no call of the window tells it."""
    retry_after_growth: int = 5
    """2.11, the step is unknown: how much longer each further refused request makes the wait."""
    parallelism_hint: int = 4
    """2.1: the x-ms-dop-hint of every answer."""
    webhook_ports_restricted: bool = False
    """4.3: whether a webhook may be reached at ports 80 and 443 only, as in the product."""
    webhook_delay: float = 0.0
    """4.3: seconds before a webhook is called."""
    webhook_retry_seconds: float = 1.0
    """4.3, unknown: seconds between the two calls of a webhook that answered 502, 503 or 504."""
    duplicate_rules: frozenset[str] = frozenset(
        {"account.name", "contact.emailaddress1", "lead.emailaddress1"}
    )
    """2.1: the columns whose equal values make rows duplicates, for callers who ask for detection."""
    duplicates_found_status: int = 500
    """9: the status of 0x80040333; 500 in the documentation's example, 412 is possible."""
    languages: frozenset[int] = frozenset()
    """5.1: the language packs that are switched on beside English (1033), which is the base language."""
    foreign_labels_refused: bool = True
    """5.1, unknown: whether a label in a language that is not switched on is refused; off passes it over."""
    longest_label: int = 255
    """5.1, unknown: characters of a display name."""
    longest_schema_name: int = 50
    """5.1, inferred: characters of the name of a table, a column, a key or a choice, prefix included."""
    customization_locks: int = 0
    """5.1: how many of the next changes of definitions find that another one is running."""
    customization_lock_status: int = 429
    """5.1, unknown: the status of such a refusal; 503 and 400 are told of as well."""
    key_index_seconds: float = 1.0
    """5.1: how long the index of a new alternate key takes."""
    new_forms_need_publishing: bool = False
    """5.1, unknown: whether a form or view that was just created is read only after it was published."""
    locked_columns: frozenset[str] = frozenset()
    """1.3: columns such as ``opportunity.name`` that the application may read and not write."""
    metadata_lag_seconds: float = 0.0
    """2.1: how long definitions read without ``Consistency: Strong`` may be old; up to 30 in the product."""
