"""The switches of the simulated environment: what differs between organizations, and what nobody knows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Settings:
    """Assign to an attribute at any time, it holds from the next request on.

    The numbers name sections of the API sheet; "unknown" means that no source says how the product behaves.
    """

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
