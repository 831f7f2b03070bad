"""The uncertainty switches of the Partner Center simulator: what Microsoft leaves unsaid, both ways.

Every default is either the documented behaviour or, where nothing is documented, the one that is
hardest on a careless client without refusing a careful one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(slots=True)
class Switches:
    """What may be true of the real API; each comment names the question (partner-center-api.md 11, 12)."""

    # The answer to an edit of a closed referral.
    terminal_refusal: Literal[400, 409] = 400
    # "documented": http, no /engagements, only $skiptoken; "good": absolute and right; "foreign": the same
    # as documented but on Microsoft's own host, which a client must never follow.
    next_link: Literal["documented", "good", "foreign"] = "documented"
    page_size: int = 100
    top_cap: int = 200
    # "page": $top asks for smaller or larger pages and a next link may follow; "total": OData's meaning.
    top_means: Literal["page", "total"] = "page"
    # "key": a skip token stands behind the last item seen; "offset": items move under the reader.
    paging: Literal["key", "offset"] = "key"
    count: Literal["page", "total", "absent"] = "page"
    # gt, ge, lt, le in $filter; or, ne, not in $filter.
    filter_comparisons: bool = True
    filter_or: bool = True
    # Further operands of $filter, such as externalReferenceId, id, trackingInfo/microsoftMsxId.
    filter_operands: list[str] = field(default_factory=list)
    # Share of If-Match requests answered 412 although the tag is fresh.
    spurious_412_put: float = 0.0
    spurious_412_patch: float = 0.0
    put_without_if_match: Literal[400, 412] = 400
    etag_header: bool = True
    # Whether a POST that asks for help creates Microsoft's deal by itself.
    one_post_cosell: bool = False
    # "table": who may do what by the transitions of 4.2; "pairs": any legal pair of 4.1 from an open state.
    transitions: Literal["table", "pairs"] = "table"
    closing_as_error: bool = False
    reason_required: bool = False
    name_patchable: bool = False
    contacts_freeze_after_share: bool = True
    marketplace_intent_required: bool = False
    catalogue_solutions_only: bool = False
    # Dotted path -> value, put on every answer: properties and enum members of a later version.
    extra_properties: dict[str, Any] = field(default_factory=dict)
    new_enum_values: dict[str, str] = field(default_factory=dict)
    deal_value_form: Literal["number", "string"] = "number"
    role: Literal["referrals-admin", "referrals-user"] = "referrals-admin"
    role_email: str = ""
    # Whether a related event names Microsoft's referral or the partner's own one.
    related_event_id: Literal["related", "own"] = "related"
    # Seconds until a new referral appears in lists; reading it by id works at once.
    index_lag: float = 0.0
    # Whether Microsoft's seller, and Microsoft's CRM id, are shown in the partner's own referral too.
    seller_in_own_team: bool = False
    msx_id_on_own: bool = False
