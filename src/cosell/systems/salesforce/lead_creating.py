"""Creates a lead in one call, under the unique key that refuses a second one (INV-3)."""

from __future__ import annotations

from cosell.core.errors import CosellError, Rejected, Uncertain
from cosell.core.records import Snapshot
from cosell.ports import Creation
from cosell.systems.salesforce.access import Access
from cosell.systems.salesforce.client import Answer, Part, query_part, refers
from cosell.systems.salesforce.sending import READ_BACK, in_steps, patch


async def create(access: Access, creation: Creation) -> Snapshot:
    """Creates the lead and reads it back; Rejected as `exists` where it is there."""
    tools = await access.tools()
    if tools.leads is None:
        raise Rejected("Leads cannot be kept in this org.", code="no_leads", advice="See cosell doctor.")
    reader, writer = tools.leads
    read_back = query_part(reader.by_referral(creation.partner_id), READ_BACK)
    answer = await _sent(access, writer.creation(creation), read_back)
    found = await access.snapshots([answer], tools)
    if not found:
        raise Uncertain("Salesforce took the new lead and does not show it.", detail="no read-back")
    return found[0]


async def _sent(access: Access, part: Part, read_back: Part) -> Answer:
    """One call, unless a text would be taken for a reference inside it; then the row goes by itself."""
    if not refers(part.body):
        return (await in_steps(access, [part], [], read_back))[READ_BACK]
    await patch(access, part)
    try:
        return (await access.client.reads([read_back], purpose="create"))[READ_BACK]
    except CosellError as why:
        raise Uncertain("Salesforce took the new lead and does not show it.", detail=why.code) from None
