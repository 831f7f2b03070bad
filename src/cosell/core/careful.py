"""What is still believed of a link whose base may be older than the world (INV-24, INV-11).

After a restore the database remembers an agreement that people and we ourselves have moved on from since.
Where both sides agree by now, that is the agreement. Where they differ, nobody can tell which edit is the
newer one: the side that stands as remembered may have been moved there and back. Such a field is left to the
rule of the first meeting where it names a side, and else to a person. Even an empty value is not filled in,
for somebody may have emptied it. The same holds for two records of which the database knows nothing and that
name each other: most likely it is their link that was lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from cosell.core import drift
from cosell.core.fields import FIELDS
from cosell.core.mapping import First, Rule
from cosell.core.plan import same_meaning
from cosell.core.reasons import Reason
from cosell.core.records import Hold, Link, Pair, RecordKind, Side, Snapshot
from cosell.core.values import Unreadable

MARK = "restored"
"""The hold of a link that was not looked at since the restore. No field is called so."""


def marked(link: Link, now: float) -> Link:
    """The link with nothing left in it that a write could rest on without two fresh reads.

    Consents and answers were given for what stood there then; a one-way step needs a new one (INV-6).
    """
    return replace(
        link,
        holds={**link.holds, MARK: Hold(Reason.CAREFUL, now)},
        consents={key: one for key, one in link.consents.items() if key not in FIELDS},
        resolutions={key: one for key, one in link.resolutions.items() if key not in FIELDS},
        partner_center_version=None,
        crm_version=None,
    )


def looked_at(
    rules: Mapping[str, Rule], link: Link, partner_center: Snapshot, crm: Snapshot, now: float
) -> Link:
    """The link with a base that may be trusted again, judged from complete reads of both sides."""
    base = dict(link.base)
    holds = {key: one for key, one in link.holds.items() if key != MARK}
    unread = drift.fields_of(partner_center.unread | crm.unread)
    for key, rule in rules.items():
        if key in unread:
            # What stood there in the lost time nobody can tell before the field is back.
            values = (partner_center.values.get(key), crm.values.get(key))
            holds[key] = Hold(Reason.RESTORED, now, *values)
            continue
        present = _present(key, partner_center, crm)
        if present is None:
            continue
        if _settled(key, rule, present, partner_center, crm):
            base[key] = present
        elif present == base.get(key) and key != "state":
            # A stage may stand as remembered and still wait for its second step, which is a one-way step.
            continue
        elif rule.first in (First.PARTNER_CENTER, First.CRM):
            base.pop(key, None)
        elif key not in base and _mute(rule, present):
            continue
        else:
            holds[key] = Hold(Reason.RESTORED, now, present.partner_center, present.crm)
    return replace(link, base=base, holds=holds)


def _present(key: str, partner_center: Snapshot, crm: Snapshot) -> Pair | None:
    """Both values; None where they say nothing about the past."""
    values = {one.side: one.values.get(key) for one in (partner_center, crm)}
    absent = [one for one in (partner_center, crm) if key not in one.values]
    untold = key == "state" and None in values.values()
    if untold or (absent and crm.kind is RecordKind.LEAD):
        return None
    if any(isinstance(one, Unreadable) for one in values.values()):
        return None
    return Pair(values[Side.PARTNER_CENTER], values[Side.CRM])


def _settled(key: str, rule: Rule, present: Pair, *reads: Snapshot) -> bool:
    """Whether there is nothing to decide: both mean the same, or the difference is nobody's problem."""
    if any(key not in one.values for one in reads):
        return True
    stays = not any(rule.update.carries_to(side) for side in Side)
    return stays or same_meaning(key, present.partner_center, present.crm)


def _mute(rule: Rule, present: Pair) -> bool:
    """Whether nothing can travel at a first meeting: what may go anywhere is empty."""
    sources = [side for side in Side if rule.update.carries_to(side.other)]
    return all(not present.of(side) for side in sources)
