"""The steps of an interactive sign-in: who is there, a second factor, consent; each asked for in turn."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from hmac import compare_digest

from cosell.sandbox.entra import refusals
from cosell.sandbox.entra.directory import Device, Directory, Question, Switches, Tenant, Visit
from cosell.sandbox.entra.refusals import Refusal

_VISIT_LIFE = 3600


class Step(StrEnum):
    """What a person is asked next; the names of the pages."""

    PASSWORD = "password"  # noqa: S105
    FACTOR = "factor"
    CONSENT = "consent"
    APPROVAL = "approval"
    """Consent is withheld from people; only an administrator could give it."""
    BLOCKED = "blocked"
    DONE = "done"


class Visits:
    """Leads people through the pages and remembers what they did there."""

    def __init__(self, tenant: Tenant, directory: Directory, switches: Switches) -> None:
        self._tenant, self._directory, self._switches = tenant, directory, switches

    def begin(self, question: Question, device: Device | None = None) -> tuple[str, Visit]:
        """Opens a visit; a browser that is signed in already is not asked who is there."""
        name, visit = self._directory.new_visit(question, device)
        if self._switches.browser_session and question.prompt != "login":
            visit.passed |= {Step.PASSWORD, Step.FACTOR}
        return name, visit

    def known(self, name: str) -> Visit | None:
        """The visit of this name, unless it went on for too long."""
        visit = self._directory.visits.get(name)
        return visit if visit is not None and self._directory.now() - visit.born < _VISIT_LIFE else None

    def refuse_silence(self, question: Question) -> None:
        """With `prompt=none` no page may be shown; raises what the application is told instead."""
        if question.prompt != "none":
            return
        if not self._switches.browser_session:
            raise refusals.nobody_signed_in()
        if not self._has_consent(question):
            told = refusals.not_consented(question.client_id)
            raise Refusal("consent_required", told.number, told.text)

    def next_step(self, visit: Visit) -> Step:
        """What is still to be asked."""
        if Step.PASSWORD not in visit.passed:
            return Step.PASSWORD
        if self._switches.mfa and Step.FACTOR not in visit.passed:
            return Step.FACTOR
        if self._switches.conditional_access == "blocked":
            return Step.BLOCKED
        if self._switches.conditional_access == "second_factor" and not self.has_factor(visit):
            return Step.BLOCKED
        if Step.CONSENT in visit.passed:
            return Step.DONE
        if self._switches.consent == "withheld":
            return Step.APPROVAL
        return Step.CONSENT if self._must_ask(visit) else Step.DONE

    def take(self, visit: Visit, step: Step, form: Mapping[str, str]) -> str:
        """Takes what a person filled in at a step; the complaint of the page, empty when all is well."""
        complaint = ""
        match step:
            case Step.PASSWORD:
                complaint = self._password(form)
            case Step.FACTOR:
                complaint = self._factor(form)
            case Step.CONSENT:
                self._directory.consented.add(visit.question.client_id)
            case _:
                return ""
        if not complaint:
            visit.passed.add(step)
        return complaint

    def has_factor(self, visit: Visit) -> bool:
        """Whether the person showed a second factor."""
        return self._switches.mfa and Step.FACTOR in visit.passed

    def _must_ask(self, visit: Visit) -> bool:
        if visit.device is not None:
            # Whoever was sent a strange code must see what they let in.
            return True
        return visit.question.prompt == "consent" or not self._has_consent(visit.question)

    def _has_consent(self, question: Question) -> bool:
        if self._switches.consent == "withheld":
            return False
        return self._switches.consent == "granted" or question.client_id in self._directory.consented

    def _password(self, form: Mapping[str, str]) -> str:
        who, password = form.get("username", "").strip(), form.get("password", "")
        if who.lower() != self._tenant.person.lower():
            return f"AADSTS50034: The user account {who} does not exist in this directory."
        if not compare_digest(password.encode(), self._tenant.password.encode()):
            return "AADSTS50126: Invalid username or password."
        return ""

    def _factor(self, form: Mapping[str, str]) -> str:
        if compare_digest(form.get("code", "").strip().encode(), self._tenant.second_factor.encode()):
            return ""
        return "AADSTS500121: Authentication failed during strong authentication request."
