"""A seller who works in Dynamics 365."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from cosell.sandbox.dataverse.settings import PlugIn

from .sellers import Row, Seller


class DynamicsSeller(Seller):
    """A seller in Dynamics 365, who wins and loses deals by the actions and not by a column."""

    system = "dataverse"
    account = "partner_center_2"
    nowhere = "7f9a0000-0000-4000-8000-0000000000ff"
    bunches = "/$batch"
    tables: ClassVar[Mapping[str, str]] = {
        "account": "account",
        "opportunity": "opportunity",
        "contact": "contact",
        "user": "systemuser",
        "solution": "cosell_opportunitysolution",
    }
    words: ClassVar[Mapping[str, Mapping[str, str]]] = {
        "account": {
            "id": "accountid",
            "street": "address1_line1",
            "city": "address1_city",
            "postal_code": "address1_postalcode",
            "country": "address1_country",
        },
        "opportunity": {
            "id": "opportunityid",
            "account": "customerid",
            "value": "estimatedvalue",
            "currency": "transactioncurrencyid",
            "close_date": "estimatedclosedate",
            "notes": "description",
            "sync": "cosell_syncwithpartnercenter",
            "referral_id": "cosell_referralidentifier",
            "link": "cosell_referrallink",
            "help": "cosell_howcanmicrosofthelp",
            "visible": "cosell_visibletomicrosoft",
            "microsoft_id": "cosell_microsoftcrmidentifier",
            "program": "cosell_referralprogram",
            "audit": "cosell_audit",
            "owner": "ownerid",
        },
        "contact": {
            "id": "contactid",
            "first": "firstname",
            "last": "lastname",
            "email": "emailaddress1",
            "phone": "telephone1",
            "account": "parentcustomerid",
        },
        "user": {
            "id": "systemuserid",
            "first": "firstname",
            "last": "lastname",
            "email": "internalemailaddress",
            "phone": "address1_telephone1",
        },
        "solution": {
            "id": "cosell_opportunitysolutionid",
            "deal": "cosell_opportunityid",
            "solution": "cosell_solutionidentifier",
            "quantity": "cosell_quantity",
            "price": "cosell_price",
            "name": "cosell_name",
        },
    }
    reasons: ClassVar[Mapping[str, int]] = {"active": 1, "on_hold": 2}
    states: ClassVar[Mapping[tuple[int, int], str]] = {(0, 2): "on_hold", (1, 3): "won"}

    @property
    def people(self) -> Any:
        return self.sandbox.dataverse.as_seller

    @property
    def simulator(self) -> Any:
        return self.sandbox.dataverse

    @property
    def partner_center(self) -> Any:
        return self.sandbox.partner_center_2

    @property
    def entra(self) -> Any:
        return self.sandbox.entra_2

    def add_contact(self, deal: str, **fields: Any) -> str:
        """Makes the person the primary contact, which is the one tie a form shows by default."""
        account = self.row("opportunity", deal)["account"]
        made = self.create("contact", {"account": account, **fields})
        self.people.update("opportunity", deal, {"parentcontactid": made})
        return made

    def contacts(self, deal: str) -> list[Row]:
        primary = self.people.get("opportunity", deal)["parentcontactid"]
        return [] if primary is None else [self.row("contact", primary.id)]

    def expire_sign_in(self) -> None:
        self.entra.expire_access_tokens()

    def forbid_more_than(self, value: int, message: str) -> None:
        rule = PlugIn("opportunity", f"estimatedvalue gt {value}", message)
        self.sandbox.dataverse.settings.plugins = (rule,)

    def add_product(self, deal: str, price: int) -> None:
        prices = self.people.create("pricelevel", {"name": "Standard"})
        self.people.update("opportunity", deal, {"pricelevelid": prices})
        line = {"opportunityid": deal, "productdescription": "Line", "quantity": 1, "priceperunit": price}
        self.people.create("opportunityproduct", {**line, "isproductoverridden": True})
        self.people.update("opportunity", deal, {"isrevenuesystemcalculated": True})

    def let_referral_ids_repeat(self) -> None:
        schema = self.sandbox.dataverse.schema
        for key in list(schema.table("opportunity").keys):
            schema.drop_key("opportunity", key.name)

    def create(self, kind: str, fields: Mapping[str, Any]) -> str:
        closing = fields.get("state") if kind == "opportunity" else None
        if closing not in ("won", "lost"):
            return super().create(kind, fields)
        made = super().create(kind, {key: value for key, value in fields.items() if key != "state"})
        self.update(kind, made, {"state": closing})
        return made

    def update(self, kind: str, row_id: str, fields: Mapping[str, Any]) -> None:
        """Changes a row; a deal is won and lost by the action, and reopened before it is changed."""
        fields = dict(fields)
        state = fields.get("state") if kind == "opportunity" else None
        if state in ("active", "on_hold") and self.people.get("opportunity", row_id)["statecode"]:
            self.people.reopen(row_id)
        if state in ("won", "lost"):
            fields.pop("state")
        if fields:
            super().update(kind, row_id, fields)
        if state == "won":
            self.people.win(row_id)
        elif state == "lost":
            self.people.lose(row_id)

    def currency(self, code: str) -> str:
        found = self.people.rows("transactioncurrency")
        return str(next(one["transactioncurrencyid"] for one in found if one["isocurrencycode"] == code))

    def _own(self, kind: str, fields: Mapping[str, Any]) -> dict[str, Any]:
        fields = dict(fields)
        if kind == "opportunity":
            if state := fields.pop("state", None):
                fields["statuscode"] = self.reasons.get(state, state)
            if code := fields.pop("currency", None):
                fields["currency"] = self.currency(code)
            if isinstance(label := fields.get("help"), str):
                fields["help"] = self._choice(label)
        if kind == "user":
            fields = {"domainname": fields["email"], "isdisabled": False, **fields}
        return super()._own(kind, fields)

    def _told(self, kind: str, row: Row) -> Row:
        told = dict(super()._told(kind, row))
        told["name"] = told.get("name") or told.get("cosell_name")
        for word in ("account", "owner", "deal"):
            if told.get(word) is not None:
                told[word] = told[word].id
        if kind == "opportunity":
            told["state"] = self._state(told)
            if told["currency"] is not None:
                money = self.people.get("transactioncurrency", told["currency"].id)
                told["currency"] = money["isocurrencycode"]
        return told

    def _state(self, row: Row) -> str:
        pair = (row["statecode"], row["statuscode"])
        return self.states.get(pair, "lost" if pair[0] == 2 else "active")

    def _choice(self, label: str) -> int:
        column = self.simulator.schema.column("opportunity", self.words["opportunity"]["help"])
        return int(next(one.value for one in column.choices if one.label == label))
