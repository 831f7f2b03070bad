"""The Metadata API over SOAP: layouts are listed, read and written (reference 12.1).

The reference says no more than that it is SOAP; envelope, faults and results are those that public clients
(jsforce, simple-salesforce) send and read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.sax.saxutils import escape, quoteattr

from starlette.requests import Request
from starlette.responses import Response

from cosell.sandbox.salesforce.errors import SalesforceError
from cosell.sandbox.salesforce.markup import METADATA, Node, XmlTrouble, parse, written
from cosell.sandbox.salesforce.metadata.deployments import NO_RIGHT
from cosell.sandbox.salesforce.metadata.layouts import check_layout
from cosell.sandbox.salesforce.metadata.trouble import Trouble
from cosell.sandbox.salesforce.org import Actor, Org, wire_moment
from cosell.sandbox.salesforce.quota import Quota
from cosell.sandbox.salesforce.sessions import Sessions

ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
MOST = 10
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_ILLEGAL = "Invalid Session ID found in SessionHeader: Illegal Session"


class Fault(Exception):
    """A refusal of the whole call."""

    def __init__(self, code: str, text: str, *, space: str = "sf") -> None:
        super().__init__(text)
        self.code, self.text = f"{space}:{code}", f"{code}: {text}" if space == "sf" else text


class Soap:
    """`POST /services/Soap/m/{version}`."""

    def __init__(self, org: Org, sessions: Sessions, quota: Quota) -> None:
        self._org, self._sessions, self._quota = org, sessions, quota
        self._acts: dict[str, Callable[[Node], str]] = {
            "listMetadata": self._list,
            "readMetadata": self._read,
            "updateMetadata": self._update,
        }

    async def answer(self, request: Request) -> Response:
        """One call; a fault comes with the status 500."""
        try:
            return _reply(200, self._done(request, await request.body()))
        except Fault as fault:
            code, text = escape(fault.code), escape(fault.text)
            told = f"<faultcode>{code}</faultcode><faultstring>{text}</faultstring>"
            return _reply(500, f"<soapenv:Fault>{told}</soapenv:Fault>")

    def _done(self, request: Request, raw: bytes) -> str:
        if "soapaction" not in request.headers:
            raise Fault("Client", "SOAPAction HTTP header missing", space="soapenv")
        self._check_version(str(request.path_params["version"]))
        try:
            top = parse(raw)
        except XmlTrouble as wrong:
            raise Fault("Client", wrong.problem, space="soapenv") from None
        call = self._call_in(top)
        act = self._acts.get(call.tag)
        if act is None or call.space != METADATA:
            text = f"No operation available for request {{{call.space}}}{call.tag}"
            raise Fault("Client", text, space="soapenv")
        return f"<{call.tag}Response>{act(call)}</{call.tag}Response>"

    def _check_version(self, version: str) -> None:
        number = version.removesuffix(".0")
        if not number.isdigit() or not 31 <= int(number) <= self._org.settings.newest_version:
            raise Fault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")

    def _call_in(self, top: Node) -> Node:
        """The one call in an envelope, of somebody who may make it."""
        body = top.find("Body")
        if top.tag != "Envelope" or top.space != ENVELOPE or body is None or len(body.children) != 1:
            raise Fault("Client", "The message is no SOAP envelope with one call", space="soapenv")
        header = top.find("Header") or Node("Header")
        session = next((one for one in header.all("SessionHeader") if one.space == METADATA), None)
        token = (session.value("sessionId") if session else None) or ""
        user = self._sessions.user_of(f"Bearer {token}")
        if user is None:
            raise Fault("INVALID_SESSION_ID", _ILLEGAL)
        try:
            self._quota.spend()
        except SalesforceError as refused:
            raise Fault(refused.code, str(refused.entries[0]["message"])) from None
        if not self._org.rights(Actor(user, secured=True)).may("ModifyMetadata"):
            raise Fault("INSUFFICIENT_ACCESS", NO_RIGHT)
        return body.children[0]

    def _list(self, call: Node) -> str:
        queries = list(call.all("queries"))
        if not 0 < len(queries) <= 3:
            raise Fault("EXCEEDED_ID_LIMIT", "listMetadata takes one to three queries")
        told = ""
        for query in queries:
            _check_type(query.value("type"))
            for name in self._names():
                told += f"<result>{self._properties(name)}</result>"
        return told

    def _properties(self, name: str) -> str:
        at = wire_moment(self._org.schema_changed_at).replace("+0000", "Z")
        file = f"layouts/{name.replace(' ', '%20')}.layout"
        by, who = self._org.administrator, "Sana Admin"
        texts = {
            "createdById": by,
            "createdByName": who,
            "createdDate": at,
            "fileName": file,
            "fullName": name,
            "id": "",
            "lastModifiedById": by,
            "lastModifiedByName": who,
            "lastModifiedDate": at,
            "manageableState": "unmanaged",
            "type": "Layout",
        }
        return "".join(f"<{key}>{escape(value)}</{key}>" for key, value in texts.items())

    def _names(self) -> list[str]:
        return sorted(name for kind, name in self._org.documents if kind == "Layout")

    def _read(self, call: Node) -> str:
        _check_type(call.value("type"))
        names = [one.text for one in call.all("fullNames")]
        _check_count(names)
        return f"<result>{''.join(self._records(names))}</result>"

    def _records(self, names: list[str]) -> Iterator[str]:
        for name in names:
            found = self._org.documents.get(("Layout", name))
            if found is None:
                yield '<records xsi:nil="true"/>'
            else:
                inside = "".join(written(one) for one in found.children if one.tag != "fullName")
                yield f'<records xsi:type="Layout"><fullName>{escape(name)}</fullName>{inside}</records>'

    def _update(self, call: Node) -> str:
        given = list(call.all("metadata"))
        _check_count(given)
        for one in given:
            _check_type(one.kind)
        return "".join(f"<result>{self._updated(one)}</result>" for one in given)

    def _updated(self, node: Node) -> str:
        name = node.value("fullName") or ""
        try:
            if ("Layout", name) not in self._org.documents:
                raise Trouble(f"no Layout named {name} found")
            check_layout(self._org.schema, name, node)
        except Trouble as trouble:
            unknown = " named " in trouble.problem and trouble.problem.endswith(" found")
            code = "INVALID_CROSS_REFERENCE_KEY" if unknown else "FIELD_INTEGRITY_EXCEPTION"
            errors = f"<message>{escape(trouble.problem)}</message><statusCode>{code}</statusCode>"
            return f"<errors>{errors}</errors>{_full(name)}<success>false</success>"
        self._org.documents["Layout", name] = Node("Layout", children=node.children)
        return f"{_full(name)}<success>true</success>"


def _full(name: str) -> str:
    return f"<fullName>{escape(name)}</fullName>"


def _check_type(kind: str | None) -> None:
    if kind is None:
        raise Fault("INVALID_TYPE", "xsi:type must be specified")
    if kind != "Layout":
        raise Fault("INVALID_TYPE", f"This type of metadata is not available here: {kind}")


def _check_count(given: list[str] | list[Node]) -> None:
    if len(given) > MOST:
        raise Fault("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST} records")


def _reply(status: int, body: str) -> Response:
    spaces = f"xmlns:soapenv={quoteattr(ENVELOPE)} xmlns={quoteattr(METADATA)} xmlns:xsi={quoteattr(_XSI)}"
    spaces += f" xmlns:sf={quoteattr(METADATA)}"
    text = f"<soapenv:Envelope {spaces}><soapenv:Body>{body}</soapenv:Body></soapenv:Envelope>"
    return Response('<?xml version="1.0" encoding="UTF-8"?>' + text, status, media_type="text/xml")
