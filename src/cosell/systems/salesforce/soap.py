"""Reads and updates single pieces of metadata; there is no way to read one over REST (salesforce-api.md 12).

The envelope is the one public clients send: the token in a `SessionHeader`, every fault with status 500.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, register_namespace, tostring

from cosell.core.errors import CosellError, NotAllowed, Rejected, SignedOut, Unavailable, Uncertain
from cosell.http import Reply
from cosell.systems.salesforce.client import Client
from cosell.systems.salesforce.deploying import NO_RIGHT
from cosell.systems.salesforce.metadata import NAMESPACE, element, every, parsed, said

_ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
_INSTANCE = "http://www.w3.org/2001/XMLSchema-instance"
_TYPE = f"{{{_INSTANCE}}}type"
_NO_RIGHT = ("INSUFFICIENT_ACCESS", "API_DISABLED", "API_CURRENTLY_DISABLED")
for _prefix, _name in (("soapenv", _ENVELOPE), ("xsi", _INSTANCE)):
    register_namespace(_prefix, _name)


class Pieces:
    """The metadata of one org, piece by piece."""

    def __init__(self, client: Client, version: str) -> None:
        self._client = client
        self._path = f"/services/Soap/m/{version}"

    async def read(self, kind: str, name: str) -> Element | None:
        """One piece as it stands; None where there is none of that name."""
        asked = element("readMetadata", ("type", kind), ("fullNames", name))
        answer = await self._call(asked, "read metadata", safe=True)
        for found in every(answer, "readMetadataResponse", "result", "records"):
            if said(found, "fullName"):
                found.attrib.pop(_TYPE, None)
                return found
        return None

    async def update(self, kind: str, piece: Element) -> None:
        """Replaces one piece. Raises Rejected with what Salesforce says against it."""
        wanted = Element("metadata", {_TYPE: kind})
        wanted.extend(piece)
        answer = await self._call(element("updateMetadata", wanted), "update metadata", safe=False)
        results = list(every(answer, "updateMetadataResponse", "result"))
        if results and all(said(one, "success") == "true" for one in results):
            return
        told = "; ".join(said(one, "message")[:400] for one in every(answer, *_ERRORS))
        raise Rejected(
            f"Salesforce does not take the change of {said(piece, 'fullName')}. {told}".strip(),
            advice="Make the change by hand in Setup.",
            code="update_refused",
        )

    async def _call(self, asked: Element, purpose: str, *, safe: bool) -> Element:
        reply = await self._client.soap(
            self._path, lambda token: _envelope(token, asked), purpose=purpose, safe=safe
        )
        body = _body(reply, safe)
        fault = body.find("Fault")
        if fault is not None:
            raise _refused(said(fault, "faultcode"), said(fault, "faultstring"), safe=safe)
        if not reply.ok:
            raise reply.nonsense("no SOAP answer")
        return body


_ERRORS = ("updateMetadataResponse", "result", "errors")


def _envelope(token: str, asked: Element) -> bytes:
    header = Element(f"{{{_ENVELOPE}}}Header")
    header.append(element("SessionHeader", ("sessionId", token)))
    body = Element(f"{{{_ENVELOPE}}}Body")
    body.append(asked)
    for one in (*header, *body):
        one.set("xmlns", NAMESPACE)
    root = Element(f"{{{_ENVELOPE}}}Envelope")
    root.extend((header, body))
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{tostring(root, encoding="unicode")}'.encode()


def _body(reply: Reply, safe: bool) -> Element:
    try:
        found = parsed(reply.body).find("Body")
    except ValueError:
        found = None
    if found is None:
        if reply.status == 403:
            raise NotAllowed("This user may not use Salesforce's metadata service.", advice=NO_RIGHT)
        kind = Unavailable if safe else Uncertain
        raise kind("Salesforce answered nonsense.", detail=f"status {reply.status}: no SOAP answer")
    return found


def _refused(code: str, text: str, *, safe: bool) -> CosellError:
    name = code.rpartition(":")[2]
    detail = f"SOAP fault {code[:80]}"
    if name.startswith(_NO_RIGHT):
        return NotAllowed(
            "This user may not change the metadata of Salesforce.", detail=detail, advice=NO_RIGHT
        )
    if name in ("INVALID_SESSION_ID", "INVALID_LOGIN"):
        return SignedOut("Salesforce does not accept the sign-in any more.", detail=detail)
    if name in ("UNKNOWN_EXCEPTION", "SERVER_UNAVAILABLE"):
        kind = Unavailable if safe else Uncertain
        return kind("Salesforce failed to answer.", detail=detail)
    return Rejected(f"Salesforce refuses: {' '.join(text.split())[:300]}", detail=detail, code="soap_fault")
