"""Plants the opportunities and leads of the seed in Dynamics 365."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from cosell.sandbox.dataverse import Dataverse
from cosell.sandbox.dataverse.catalogue.connector import CATALOGUE, SOLUTION
from cosell.sandbox.dataverse.fresh import SALES_TEAM, STAKEHOLDER
from cosell.sandbox.frame import Org
from cosell.sandbox.shell.dynamics_names import SOLUTIONS as SOLUTION_IDS
from cosell.sandbox.shell.dynamics_names import Names
from cosell.sandbox.shell.seed.story import Customer, Deal, Fate, Presence, Prospect, Seller
from cosell.sandbox.shell.seed.terms import HELP_LABELS, REFERRAL_LINK, Terms

# Units for one US dollar, which is the environment's base currency.
_CURRENCIES = (
    ("CZK", "Czech Koruna", "Kč", "22.9"),
    ("NZD", "New Zealand Dollar", "NZ$", "1.66"),
    ("NOK", "Norwegian Krone", "kr", "10.7"),
)
CHECKED = "✔ "
"""What Microsoft puts before the name of an opportunity that is in step."""
_HOME = uuid.UUID("0b3c0000-0000-4000-8000-00000000f0f0")


class InDataverse:
    """Does what sellers do in Dynamics 365; `names` are those of the solutions by their ids."""

    def __init__(self, dataverse: Dataverse, names: Mapping[str, str], sellers: Iterable[Seller]) -> None:
        self._seller, self._schema = dataverse.as_seller, dataverse.schema
        self._given, self._clock = dataverse.given, dataverse.frame.clock
        self._columns = Names(dataverse)
        self._unit = self._seller.rows("businessunit")[0]["businessunitid"]
        self._currencies = self._all_currencies()
        self._users = [self._user(seller) for seller in sellers]
        self._names = names
        known = names if self._columns.has(CATALOGUE) else {}
        self._catalogue = {key: self._in_catalogue(key, name) for key, name in known.items()}
        self._roles = {row["name"]: row["connectionroleid"] for row in self._seller.rows("connectionrole")}
        self._accounts: dict[str, str] = {}
        self._contacts: dict[str, list[str]] = {}
        self._to_win: set[str] = set()

    def opportunity(self, deal: Deal, terms: Terms) -> str:
        complete = deal.crm is not Presence.INCOMPLETE
        account = self._account(deal.customer, complete=complete)
        people = self._people(deal.customer) if complete else []
        row_id = self._seller.create(
            "opportunity",
            {
                "name": deal.name,
                "customerid": ("account", account),
                "parentaccountid": account,
                "parentcontactid": people[0] if people else None,
                "estimatedvalue": terms.number,
                "transactioncurrencyid": self._currencies[deal.currency],
                "estimatedclosedate": terms.closes,
                "description": deal.notes or None,
                "ownerid": ("systemuser", self._users[deal.sellers[0]]),
                "salesstage": self._choice("salesstage", deal.stage),
                **self._shared(deal),
            },
        )
        if self._columns.has(SOLUTION):
            for solution_id in deal.solutions:
                self._solution(row_id, solution_id, deal.currency)
        for contact_id in people[1:]:
            self._tie(row_id, "contact", contact_id, STAKEHOLDER)
        for place in deal.sellers[1:]:
            self._tie(row_id, "systemuser", self._users[place], SALES_TEAM)
        if deal.fate is Fate.WON:
            self._to_win.add(row_id)
        return row_id

    def link(self, row_id: str, referral_id: str, microsoft_id: str | None) -> None:
        fields = {
            "cosell_referralidentifier": referral_id,
            "cosell_referrallink": REFERRAL_LINK.format(referral_id),
            "cosell_microsoftcrmidentifier": microsoft_id,
        }
        if self._given is Org.MICROSOFT:
            fields |= self._traces(row_id)
        if named := self._columns.fields("opportunity", fields):
            self._seller.update("opportunity", row_id, named)
        if row_id in self._to_win:
            # A won opportunity takes no more changes.
            self._seller.win(row_id)

    def _shared(self, deal: Deal) -> dict[str, Any]:
        """What a seller says to Microsoft, where the environment has columns for it."""
        fields: dict[str, Any] = {
            "cosell_syncwithpartnercenter": deal.crm is not Presence.OFF,
            "cosell_visibletomicrosoft": deal.visible,
            "cosell_howcanmicrosofthelp": self._choice(
                "cosell_howcanmicrosofthelp", HELP_LABELS.get(deal.help or "")
            ),
        }
        if self._given is Org.MICROSOFT and deal.solutions:
            fields[SOLUTION_IDS] = ",".join(deal.solutions)
        return self._columns.fields("opportunity", fields)

    def _traces(self, row_id: str) -> dict[str, str | None]:
        """What Microsoft's own connector leaves on a deal: a mark before the name, a line in the audit."""
        name = str(self._seller.get("opportunity", row_id)["name"])
        at = self._clock.now().strftime("%Y-%m-%d %H:%M")
        line = f"{at} - Referral to CRM sync success"
        return {"name": f"{CHECKED}{name}"[:300], "cosell_audit": line}

    def prospect(self, prospect: Prospect, *, closes: str) -> None:
        """A lead that nobody has shared."""
        person, customer = prospect.customer.contacts[0], prospect.customer
        self._seller.create(
            "lead",
            {
                "subject": prospect.subject,
                "firstname": person.first,
                "lastname": person.last,
                "companyname": customer.name,
                "emailaddress1": person.email,
                "telephone1": person.phone,
                "jobtitle": person.title,
                **_address(customer, complete=True),
                "estimatedamount": float(prospect.value),
                "estimatedclosedate": closes,
                "transactioncurrencyid": self._currencies[prospect.currency],
                "description": prospect.notes,
                "leadsourcecode": 8,
                "ownerid": ("systemuser", self._users[prospect.seller]),
            },
        )

    def _choice(self, column: str, label: str | None) -> int | None:
        """The number behind a label of a choice of opportunities."""
        actual = self._columns.actual("opportunity", column)
        choices = () if actual is None else self._schema.column("opportunity", actual).choices
        return next((one.value for one in choices if one.label == label), None)

    def _solution(self, row_id: str, solution_id: str, currency: str) -> None:
        fields = {
            "cosell_opportunityid": row_id,
            "cosell_solutiondetailid": self._catalogue[solution_id],
            "cosell_solutionidentifier": solution_id,
            "cosell_name": self._names[solution_id],
            "transactioncurrencyid": self._currencies[currency],
        }
        self._seller.create(SOLUTION, fields)

    def _tie(self, row_id: str, kind: str, other_id: str, role: str) -> None:
        fields = {"record1id": ("opportunity", row_id), "record2id": (kind, other_id)}
        self._seller.create("connection", {**fields, "record2roleid": self._roles[role]})

    def _account(self, customer: Customer, *, complete: bool) -> str:
        if customer.name not in self._accounts:
            fields = {"name": customer.name, **_address(customer, complete=complete)}
            self._accounts[customer.name] = self._seller.create("account", fields)
        return self._accounts[customer.name]

    def _people(self, customer: Customer) -> list[str]:
        if customer.name not in self._contacts:
            self._contacts[customer.name] = [
                self._seller.create(
                    "contact",
                    {
                        "parentcustomerid": ("account", self._accounts[customer.name]),
                        "firstname": one.first,
                        "lastname": one.last,
                        "emailaddress1": one.email,
                        "telephone1": one.phone,
                        "jobtitle": one.title,
                    },
                )
                for one in customer.contacts
            ]
        return self._contacts[customer.name]

    def _in_catalogue(self, solution_id: str, name: str) -> str:
        fields = {"cosell_solutionidentifier": solution_id, "cosell_name": name}
        return self._seller.create(CATALOGUE, fields)

    def _all_currencies(self) -> dict[str, str]:
        """The currencies of the environment, with those the seed needs besides."""
        for code, name, symbol, rate in _CURRENCIES:
            fields = {"currencyname": name, "isocurrencycode": code, "currencysymbol": symbol}
            self._seller.create("transactioncurrency", {**fields, "exchangerate": float(rate)})
        rows = self._seller.rows("transactioncurrency")
        return {row["isocurrencycode"]: row["transactioncurrencyid"] for row in rows}

    def _user(self, seller: Seller) -> str:
        fields = {
            "firstname": seller.first,
            "lastname": seller.last,
            "internalemailaddress": seller.email,
            "address1_telephone1": seller.phone,
            "domainname": seller.email,
            "azureactivedirectoryobjectid": str(uuid.uuid5(_HOME, seller.email)),
            "businessunitid": self._unit,
        }
        return self._seller.create("systemuser", fields)


def _address(customer: Customer, *, complete: bool) -> dict[str, Any]:
    return {
        "address1_line1": customer.street,
        "address1_city": customer.city,
        "address1_stateorprovince": customer.state,
        "address1_postalcode": customer.postal_code,
        "address1_country": customer.country if complete else None,
    }
