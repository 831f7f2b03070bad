"""Deploys metadata over REST: one archive, one transaction, polled to its end (salesforce-api.md 12.2)."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from cosell.core.errors import CosellError, NotAllowed, Rejected, Retryable, Unavailable, Uncertain
from cosell.ports import Clock
from cosell.systems.salesforce.client import Answer, Client
from cosell.systems.salesforce.package_archive import zipped

PATH = "/metadata/deployRequest"
FIRST_LOOK, LAST_LOOK = 1.0, 10.0
"""Seconds between two looks, at first and at last."""
PATIENCE = 1800.0
"""Seconds after which a person should look into Salesforce itself."""
UNSEEN = 5
"""Looks in a row that may fail: the deploy goes on in Salesforce whether it is seen or not."""
ADMIN = "--as USERNAME, or --token env:NAME"
NO_RIGHT = (
    "Give the user the right «Modify Metadata Through Metadata API Functions», or install with the rights of "
    f"an administrator: {ADMIN}."
)
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Failure:
    """One part that Salesforce does not take, in its own words."""

    kind: str
    name: str
    problem: str

    def __str__(self) -> str:
        return f"{self.name}: {self.problem}" if self.name else self.problem


class Deployer:
    """Brings archives into one org."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client, self._clock = client, clock

    async def tried(self, content: Mapping[str, bytes]) -> Sequence[Failure]:
        """What a deploy of these files would fail for; changes nothing."""
        return await self._run(content, check_only=True)

    async def deploy(self, content: Mapping[str, bytes], *, ignore_warnings: bool = False) -> None:
        """Deploys the files, all or nothing. Raises Rejected with what Salesforce says of each part."""
        failures = await self._run(content, check_only=False, ignore_warnings=ignore_warnings)
        if failures:
            raise refused(failures)

    async def _run(
        self, content: Mapping[str, bytes], *, check_only: bool, ignore_warnings: bool = False
    ) -> Sequence[Failure]:
        options = _options(check_only=check_only, ignore_warnings=ignore_warnings)
        form, body = multipart(options, zipped(content))
        try:
            answer = await self._client.upload(PATH, body, form=form, purpose="deploy", safe=check_only)
        except Uncertain as why:
            raise unanswered(why.detail) from None
        if answer.status == 403:
            raise not_allowed(answer)
        if not answer.ok:
            raise answer.error(safe=check_only)
        return await self._ended(_identity(answer))

    async def _ended(self, deploy_id: str) -> Sequence[Failure]:
        """Looks until the deploy has come to its end."""
        path = f"{PATH}/{deploy_id}?includeDetails=true"
        began, pause, unseen = self._clock.monotonic(), FIRST_LOOK, 0
        while self._clock.monotonic() - began < PATIENCE:
            await self._clock.sleep(pause)
            pause = min(pause * 1.5, LAST_LOOK)
            try:
                result = _result(await self._client.call("GET", path, purpose="deploy"))
            except Retryable:
                unseen += 1
                if unseen >= UNSEEN:
                    raise
                continue
            unseen = 0
            if result.get("done") is True:
                return _failures(result)
        raise still_running(deploy_id)


def _options(*, check_only: bool, ignore_warnings: bool) -> Mapping[str, Any]:
    return {
        "deployOptions": {
            "allowMissingFiles": False,
            "autoUpdatePackage": False,
            "checkOnly": check_only,
            "ignoreWarnings": ignore_warnings,
            "performRetrieve": False,
            "purgeOnDelete": False,
            "rollbackOnError": True,
            "runTests": None,
            "singlePackage": True,
            "testLevel": "NoTestRun",
        }
    }


def multipart(options: Mapping[str, Any], archive: bytes) -> tuple[str, bytes]:
    """Content type and body of a deploy request."""
    boundary = f"cosell-{hashlib.sha256(archive).hexdigest()}"
    parts = (
        b'Content-Disposition: form-data; name="json"\r\nContent-Type: application/json\r\n\r\n'
        + orjson.dumps(options),
        b'Content-Disposition: form-data; name="file"; filename="deploy.zip"\r\n'
        b"Content-Type: application/zip\r\n\r\n" + archive,
    )
    mark = boundary.encode()
    body = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts) + b"--" + mark + b"--\r\n"
    return f"multipart/form-data; boundary={boundary}", body


def _identity(answer: Answer) -> str:
    found = answer.body.get("id") if isinstance(answer.body, dict) else None
    if not isinstance(found, str) or not found.isalnum():
        raise Unavailable("Salesforce answered nonsense.", detail="a deploy without id")
    return found


def _result(answer: Answer) -> Mapping[str, Any]:
    if not answer.ok:
        raise answer.error(safe=True)
    found = answer.body.get("deployResult") if isinstance(answer.body, dict) else None
    if not isinstance(found, dict):
        raise Unavailable("Salesforce answered nonsense.", detail="a deploy without result")
    return found


def _failures(result: Mapping[str, Any]) -> Sequence[Failure]:
    """Why a deploy that has ended failed; nothing where it did not."""
    if result.get("success") is True:
        return ()
    details = result.get("details")
    told = details.get("componentFailures") if isinstance(details, dict) else None
    entries = told if isinstance(told, list) else [told]
    found = [_failure(one) for one in entries if isinstance(one, dict)]
    if not found:
        said = result.get("errorMessage") or f"the deploy ended as {result.get('status')}"
        found = [Failure("", "", _tidy(said))]
    return found


def _failure(raw: Mapping[str, Any]) -> Failure:
    return Failure(
        str(raw.get("componentType") or ""), _tidy(raw.get("fullName") or ""), _tidy(raw.get("problem") or "")
    )


def _tidy(text: Any) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in str(text)[:1000]).split())[:400]


def refused(failures: Sequence[Failure]) -> Rejected:
    """What Salesforce does not take, each part with its reason."""
    more = len(failures) - _SHOWN
    told = "; ".join(str(one) for one in failures[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
    error = Rejected(
        f"Salesforce does not take the package. {told}",
        advice="Mend what is named and start again; what is there already is left alone.",
        code="deploy_refused",
    )
    error.did = "Nothing was changed: a deploy is carried out as a whole or not at all."
    return error


def not_allowed(answer: Answer) -> NotAllowed:
    """The right to change metadata is missing."""
    return NotAllowed(
        "This user may not change the metadata of Salesforce.",
        detail=answer.error(safe=True).detail,
        did="Nothing was changed.",
        advice=NO_RIGHT,
    )


def unanswered(detail: str) -> CosellError:
    """The deploy was sent, and nobody knows whether it arrived."""
    error = Uncertain("Salesforce did not answer the deploy; it may be running there.", detail=detail)
    error.did = "Nothing else was done."
    error.advice = "See Setup, Deployment Status; then start again: what is there already is left alone."
    return error


def still_running(deploy_id: str) -> CosellError:
    """The deploy takes longer than anybody should wait here."""
    return Retryable(
        f"Salesforce has not finished the deploy {deploy_id} within half an hour.",
        did="It goes on in Salesforce.",
        advice="See Setup, Deployment Status; then start again: what is there already is left alone.",
    )
