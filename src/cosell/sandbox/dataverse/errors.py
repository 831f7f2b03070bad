"""The refusals of Dataverse: codes of the sheet's section 9, bodies of its section 2.10."""

from __future__ import annotations

import uuid
from functools import lru_cache
from typing import Any

import orjson

from cosell.sandbox.frame import Answer

JSON = "application/json; odata.metadata=minimal"
MEMBER = "0x80060888"
"""Unknown segments and properties."""
_PRIVILEGES = uuid.UUID("5c7b0000-0000-4000-8000-00000000da7b")
HELP = "http://go.microsoft.com/fwlink/?LinkID=398563&error=Microsoft.Crm.CrmException:"


class DataverseError(Exception):
    """A refusal: the HTTP status, the code and the text."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status, self.code, self.message = status, code, message
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self, *, details: bool = False) -> dict[str, Any]:
        """The JSON body; with `details` the annotations a caller may ask for (2.10)."""
        inside: dict[str, Any] = {"code": self.code, "message": self.message}
        if details:
            inside |= {
                "@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus": "0",
                "@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode": "0",
                "@Microsoft.PowerApps.CDS.HelpLink": f"{HELP}{self.code.removeprefix('0x')}",
                "@Microsoft.PowerApps.CDS.TraceText": self.message,
                "@Microsoft.PowerApps.CDS.InnerError.Message": self.message,
            }
        return {"error": inside}


def refusal(status: int, code: str, message: str) -> DataverseError:
    return DataverseError(status, code, message)


def bad_request(message: str, code: str = "0x80060888") -> DataverseError:
    """A request that cannot be understood."""
    return DataverseError(400, code, message)


def invalid(message: str) -> DataverseError:
    """A value that cannot be taken (invalid argument)."""
    return DataverseError(400, "0x80040203", message)


def no_segment(name: str) -> DataverseError:
    return DataverseError(404, MEMBER, f"Resource not found for the segment '{name}'.")


def no_property(name: str, type_name: str) -> DataverseError:
    return DataverseError(400, MEMBER, f"Could not find a property named '{name}' on type '{type_name}'.")


def no_row(table: str, row_id: str) -> DataverseError:
    return DataverseError(404, "0x80040217", f"{table} With Id = {row_id} Does Not Exist")


def not_allowed(method: str) -> DataverseError:
    text = f"The requested resource does not support http method '{method}'."
    return DataverseError(405, "", text, Allow="GET, POST, PATCH, DELETE, PUT")


def not_simulated(what: str) -> DataverseError:
    """What the product has and the sandbox has not."""
    return DataverseError(501, "0x80060888", f"the sandbox does not simulate {what}")


def version_mismatch() -> DataverseError:
    text = "The version of the existing record doesn't match the RowVersion property provided."
    return DataverseError(412, "0x80060882", text)


def no_privilege(user_id: str, privilege: str, depth: str = "") -> DataverseError:
    """The refusal that names the user and the privilege."""
    text = (
        f"Principal user (Id={user_id}, type=8) is missing {privilege} privilege"
        f" (Id={privilege_id(privilege)}){depth}"
    )
    return DataverseError(403, "0x80040220", text)


@lru_cache(maxsize=8_192)
def privilege_id(name: str) -> str:
    """The id of a privilege, the same for the same name in every environment."""
    return str(uuid.uuid5(_PRIVILEGES, name.lower()))


def _answer(status: int, code: str, message: str) -> Answer:
    body = orjson.dumps({"error": {"code": code, "message": message}})
    return Answer(status, body, {"content-type": JSON, "odata-version": "4.0"})


def ready_answers() -> dict[str, Answer]:
    """Vendor answers by name, for injecting as faults; throttling has its own."""
    html = {"content-type": "text/html"}
    crash = "An unexpected error occurred from ISV code. (ErrorType = ClientError) Unexpected exception"
    user = "00000000-0000-0000-0000-000000000000"
    expired = "Version stamp associated with the client has expired. Please perform a full sync."
    return {
        "UNAUTHORIZED": Answer(401, b"HTTP Error 401 - Unauthorized: Access is denied", html),
        "NOT_A_MEMBER": _answer(403, "0x80072560", "The user is not a member of the organization."),
        "NO_ROLES": _answer(403, "0x80042f09", f"The user with id {user} has not been assigned any roles."),
        "PRIVILEGE_DENIED": _answer(403, "0x80040220", no_privilege(user, "prvWriteOpportunity").message),
        "ACCESS_DENIED": _answer(403, "0x80048306", "Access to the record is denied."),
        "NOT_ON_BEHALF": _answer(
            403, "0x8004a110", f"User (id={user}) cannot act on behalf of another user."
        ),
        "VERSION_MISMATCH": _answer(412, "0x80060882", version_mismatch().message),
        "DUPLICATE_RECORD": _answer(412, "0x80040237", "A record with matching key values already exists."),
        "DUPLICATES_FOUND": _answer(
            500,
            "0x80040333",
            "A record was not created or updated because a duplicate of the current record already exists.",
        ),
        "TOKEN_EXPIRED": _answer(400, "0x80044352", expired),
        "PLUGIN_ABORTED": _answer(400, "0x80040265", "This deal may not be changed: ask the sales desk."),
        "PLUGIN_CRASHED": _answer(500, "0x80040224", crash),
        "UNEXPECTED": _answer(500, "0x80040216", "An unexpected error occurred."),
        "TOO_LARGE": Answer(413, b"Request Entity Too Large", html),
        "BAD_GATEWAY": Answer(502, b"<html><body>Bad Gateway</body></html>", html),
        "UNAVAILABLE": Answer(503, b"<html><body>The service is unavailable.</body></html>", html),
        "GATEWAY_TIMEOUT": Answer(504, b"<html><body>Gateway Timeout</body></html>", html),
    }
