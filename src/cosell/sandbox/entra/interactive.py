"""The pages on which a person signs in: for an application that waits for a code, or for a device."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cosell.sandbox.entra import pages, refusals
from cosell.sandbox.entra.asking import Reader, as_json, form
from cosell.sandbox.entra.clients import Asked, Clients
from cosell.sandbox.entra.directory import Application, Device, Directory, Question, Switches, Tenant, Visit
from cosell.sandbox.entra.grants import Grants
from cosell.sandbox.entra.mint import PARTNER_CENTER
from cosell.sandbox.entra.redirects import answer_at, is_registered, origin
from cosell.sandbox.entra.refusals import Refusal
from cosell.sandbox.entra.visiting import Step, Visits

_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}\Z", re.ASCII)
_MODES = ("query", "form_post", "fragment")
_ACTION = "/common/login"
_GONE = "This sign-in took too long or was not begun here. Go back to the application and begin anew."


class Interactive:
    """Serves authorize, devicecode and the pages behind both."""

    def __init__(
        self,
        tenant: Tenant,
        directory: Directory,
        clients: Clients,
        grants: Grants,
        switches: Switches,
        reader: Reader,
        base_url: str,
    ) -> None:
        self._tenant, self._directory, self._clients = tenant, directory, clients
        self._grants, self._switches, self._reader = grants, switches, reader
        self._base_url, self._visits = base_url, Visits(tenant, directory, switches)

    def routes(self) -> list[Route]:
        """Where people and their browsers come."""
        return [
            Route("/{tenant}/oauth2/authorize", self._authorize_v1),
            Route("/{tenant}/oauth2/v2.0/authorize", self._authorize_v2),
            Route(_ACTION, self._go_on, methods=["POST"]),
            Route("/{tenant}/oauth2/devicecode", self._device_v1, methods=["POST"]),
            Route("/{tenant}/oauth2/v2.0/devicecode", self._device_v2, methods=["POST"]),
            Route("/devicelogin", self._device_page, methods=["GET"]),
            Route("/devicelogin", self._device_named, methods=["POST"]),
            Route(pages.STYLE, pages.style),
        ]

    async def _authorize_v1(self, request: Request) -> Response:
        return self._authorize(request, version=1)

    async def _authorize_v2(self, request: Request) -> Response:
        return self._authorize(request, version=2)

    def _authorize(self, request: Request, *, version: int) -> Response:
        asked = Asked(dict(request.query_params), "", version)
        try:
            self._reader.check_tenant(request)
            application = self._clients.named(asked.need("client_id"))
            target = asked.need("redirect_uri")
            if not is_registered(target, self._redirects(application)):
                raise refusals.wrong_redirect(target, application.client_id)
        except Refusal as refusal:
            # Whoever cannot be proved to be the application is told nothing: a page for the person.
            return _trouble("Sorry, but we're having trouble signing you in", refusal)
        mode, state = asked.get("response_mode") or "query", asked.get("state")
        fallback = Question(application.client_id, "", "", target, state, "query")
        try:
            question = self._question(asked, application, target, mode)
            self._visits.refuse_silence(question)
        except Refusal as refusal:
            return self._go_back(fallback, self._told(refusal))
        return self._show(*self._visits.begin(question))

    def _question(self, asked: Asked, application: Application, target: str, mode: str) -> Question:
        if asked.need("response_type") != "code":
            text = f"The response_type '{asked.get('response_type')}' is not served; only code is."
            raise Refusal("unsupported_response_type", 700054, text)
        challenge = asked.get("code_challenge")
        method = asked.get("code_challenge_method") or ("plain" if challenge else "")
        if mode not in _MODES or method not in ("", "plain", "S256"):
            raise Refusal(
                "invalid_request", 90014, "The response_mode or code_challenge_method is not known."
            )
        if challenge and not _CHALLENGE.match(challenge):
            raise Refusal("invalid_request", 501461, "The code_challenge has an invalid length or character.")
        return Question(
            client_id=application.client_id,
            audience=self._grants.audience(asked, PARTNER_CENTER),
            scope=asked.get("scope"),
            redirect_uri=target,
            state=asked.get("state"),
            response_mode=mode,
            challenge=challenge,
            method=method,
            nonce=asked.get("nonce"),
            prompt=asked.get("prompt"),
            login_hint=asked.get("login_hint"),
        )

    async def _go_on(self, request: Request) -> Response:
        """A page came back filled in."""
        filled = await form(request)
        name = filled.get("visit", "")
        visit = self._visits.known(name)
        step = self._visits.next_step(visit) if visit else Step.DONE
        if visit is None or filled.get("step") != step:
            return pages.print_page("trouble.html", status=400, heading="Begin anew", sentence=_GONE)
        if filled.get("answer") == "cancel":
            del self._directory.visits[name]
            return self._declined(visit)
        return self._show(name, visit, self._visits.take(visit, step, filled), filled.get("username", ""))

    def _show(self, name: str, visit: Visit, complaint: str = "", username: str = "") -> Response:
        """The page of the next step, or the end of the visit."""
        step, question = self._visits.next_step(visit), visit.question
        if step is Step.DONE:
            del self._directory.visits[name]
            return self._finished(visit)
        if step is Step.BLOCKED:
            return _trouble("You cannot access this right now", refusals.blocked())
        return pages.print_page(
            f"{step}.html",
            goes_to=origin(question.redirect_uri) if question.redirect_uri else "",
            action=_ACTION,
            visit=name,
            complaint=complaint,
            username=username or question.login_hint,
            application=self._clients.named(question.client_id),
            tenant=self._tenant,
            audience=question.audience,
            device=visit.device,
        )

    def _finished(self, visit: Visit) -> Response:
        mfa = self._visits.has_factor(visit)
        if visit.device is not None:
            visit.device.approved, visit.device.mfa = True, mfa
            return _said("You have signed in", "You may close this page; your device goes on by itself.")
        code = self._directory.new_code(visit.question, mfa=mfa)
        return self._go_back(visit.question, {"code": code, "session_state": self._directory.new_id()})

    def _declined(self, visit: Visit) -> Response:
        if visit.device is not None:
            visit.device.declined = True
            return _said("You have not signed in", "The device was told so. You may close this page.")
        return self._go_back(visit.question, self._told(refusals.declined()))

    def _told(self, refusal: Refusal) -> dict[str, str]:
        """What an application learns of a refusal from its reply address."""
        body = self._reader.body(refusal)
        return {name: str(body[name]) for name in ("error", "error_description", "error_uri")}

    def _go_back(self, question: Question, answer: dict[str, str]) -> Response:
        answer = answer | ({"state": question.state} if question.state else {})
        target = question.redirect_uri
        if question.response_mode == "form_post":
            application = self._clients.named(question.client_id)
            return pages.print_page(
                "post.html", goes_to=origin(target), action=target, answer=answer, application=application
            )
        return RedirectResponse(answer_at(target, answer, mode=question.response_mode), status_code=302)

    def _redirects(self, application: Application) -> list[str]:
        return [*application.redirects, *self._directory.redirects.get(application.client_id, ())]

    async def _device_v1(self, request: Request) -> Response:
        return await self._device(request, version=1)

    async def _device_v2(self, request: Request) -> Response:
        return await self._device(request, version=2)

    async def _device(self, request: Request, *, version: int) -> Response:
        try:
            asked = await self._reader.asked(request, version=version)
            application = self._clients.named(asked.need("client_id"))
            audience = self._grants.audience(asked, PARTNER_CENTER)
        except Refusal as refusal:
            return self._reader.refused(refusal)
        question = Question(application.client_id, audience, asked.get("scope"))
        device_code, user_code = self._directory.new_device(question)
        where = f"{self._base_url}/devicelogin"
        life, interval = 900, self._switches.device_interval
        return as_json(
            {
                "user_code": user_code,
                "device_code": device_code,
                "verification_uri" if version == 2 else "verification_url": where,
                "expires_in": life if version == 2 else str(life),
                "interval": interval if version == 2 else str(interval),
                "message": (
                    f"To sign in, use a web browser to open the page {where} and enter the code {user_code} "
                    "to authenticate."
                ),
            }
        )

    async def _device_page(self, request: Request) -> Response:
        return pages.print_page("device.html", code=request.query_params.get("otc", ""), complaint="")

    async def _device_named(self, request: Request) -> Response:
        code = (await form(request)).get("otc", "")
        device: Device | None = self._directory.device_of(code)
        if device is None:
            complaint = "That code didn't work. Check the code and try again."
            return pages.print_page("device.html", status=400, code=code, complaint=complaint)
        return self._show(*self._visits.begin(device.question, device))


def _trouble(heading: str, refusal: Refusal) -> Response:
    sentence = f"AADSTS{refusal.number}: {refusal.text}"
    return pages.print_page("trouble.html", status=refusal.status, heading=heading, sentence=sentence)


def _said(heading: str, sentence: str) -> Response:
    return pages.print_page("told.html", heading=heading, sentence=sentence)
