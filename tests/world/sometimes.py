"""Situations that must have happened in a run, else the run proves little about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable


class Sometimes:
    """Counts situations; a name that is not on the list is a mistake."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def happened(self, name: str, times: int = 1) -> None:
        if name not in SITUATIONS:
            raise KeyError(f"«{name}» is not on the list of situations")
        self.seen[name] += times


def never(seen: Counter[str]) -> list[str]:
    """The situations of the list that did not happen."""
    return [name for name in SITUATIONS if not seen[name]]


def total(all_seen: Iterable[Counter[str]]) -> Counter[str]:
    summed: Counter[str] = Counter()
    for one in all_seen:
        summed.update(one)
    return summed


SITUATIONS: dict[str, str] = {
    "request lost": "a write never arrived and nobody said so",
    "answer lost": "a write was applied and its answer was lost",
    "applied late": "a write was applied after its client gave up",
    "late refused": "a write arrived late and its precondition no longer held",
    "batch torn": "one request carried several writes and only some were applied",
    "read failed": "a read was not answered",
    "throttled with wait": "429 with Retry-After",
    "throttled without wait": "429 without",
    "unavailable": "503",
    "stale": "a precondition refused a write because the record had changed",
    "moody stale": "a precondition refused a write although nothing had changed",
    "rejected": "the other side refused the values of one record",
    "signed out": "requests were refused until somebody signed in",
    "slow transaction": "a change became visible later than its own time stamp",
    "write waited for a lock": "a write met a record that somebody else was changing",
    "page skipped": "a poll left a changed record out",
    "page repeated": "a poll brought a record it had brought before",
    "swept": "a sweep began to compare every link",
    "webhook lost": "an event was not delivered",
    "webhook doubled": "an event was delivered twice",
    "webhook late": "an event came much later than its change",
    "webhook unknown": "an event named a record nobody has",
    "index lag": "a search did not see a record that existed",
    "half a second": "a record was read while its whole-second version could still hide a change",
    "normalised": "a server stored something else than it was sent",
    "killed before an answer": "the process died with a write on its way",
    "killed": "the process died",
    "killed with an intent": "the process died with an open journal row",
    "two processes": "two processes worked on one database",
    "swap or lease lost": "the store refused work of somebody who no longer held the key",
    "update settled as landed": "a restart or a doubt ended with: it had arrived",
    "update settled as standing there": "a doubt ended with: its value is there, whoever brought it",
    "update settled as absent": "a restart or a doubt ended with: it had not arrived",
    "sent again": "an open write was sent once more, verbatim",
    "create adopted": "an unanswered create was found instead of repeated",
    "referral created": "an opportunity was introduced to Partner Center",
    "opportunity created": "a referral was introduced to the CRM",
    "Microsoft invited": "the second referral of a co-sell deal was made",
    "adopted": "two existing records became one link",
    "stubs joined": "two keys turned out to be one deal",
    "twins": "several records claimed to be one deal",
    "edit in the gap": "a person edited between our read and our write",
    "both sides edited": "both sides changed one field since they agreed",
    "conflict held": "a conflict was left to a person",
    "first meeting held": "two existing records differed and were left to a person",
    "hold resolved": "a person decided a held field",
    "awaiting acceptance": "an edit waited for the acceptance of the deal",
    "accepted by the seller": "the seller's stage accepted Microsoft's deal",
    "closed by the seller": "the seller's stage closed a deal",
    "consent missing": "a one-way step waited because no person had wanted it",
    "incomplete": "a deal lacked something before it could be sent",
    "doubt held": "nobody could say which edit came last",
    "restored": "an older copy of the database took the place of the present one",
    "found to be older": "a record carried a write of ours that the database did not know",
    "held after a restore": "a field waited for a person, since nobody could say which edit was lost",
    "brake": "too many changes at once were stopped",
    "customer known": "a new deal came for a customer whose account was there",
    "customer unclear": "a new deal waited because it was not clear whose it is",
    "deleted": "one half of a deal vanished",
    "lead": "a referral was a lead and was left alone",
    "lead brought": "a lead nobody accepted arrived in the CRM as a lead",
    "lead without a person": "a lead could not be made, for it named nobody",
    "lead to convert": "a lead was accepted in Partner Center and waits to be converted",
    "lead converted": "a person made an opportunity of a lead",
    "link followed": "a link went on with the opportunity its lead became",
    "conversion accepted": "converting a lead accepted its referral",
    "lead declined": "a disqualified lead declined its referral",
    "feed began anew": "the CRM forgot where the feed had been, and told everything again",
    "field lost": "an administrator took a field away, or locked it",
    "unknown field met": "a request named a field the CRM does not know any more",
    "drift held": "a change waited for a field that was out of reach",
    "closed for good": "an edit met a referral in a final state",
}
