"""Which of the CRM's accounts is the customer of a deal: ranked, and chosen only where it is clear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Account:
    """One account of the CRM that may be the customer."""

    id: str
    name: str
    postal_code: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2; None where the record has none or one that cannot be read."""
    duns: str | None = None
    domains: frozenset[str] = frozenset()
    """Lower-case domains of its website and of its contacts' e-mail addresses."""
    created_at: datetime | None = None
