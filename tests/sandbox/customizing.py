"""What tests of definitions have in common: an installer in words, and the bodies it sends."""

from __future__ import annotations

from typing import Any

from .dynamics import Dynamics, Json, Reply

CRM = "Microsoft.Dynamics.CRM"
OPPORTUNITY = "EntityDefinitions(LogicalName='opportunity')"
SOLUTION = "NorthwindCosell"
IN_SOLUTION = {"MSCRM.SolutionUniqueName": SOLUTION}


def words(text: str, **others: str) -> Json:
    """A label; `others` are languages such as ``_1042="..."``."""
    found = {1033: text, **{int(name[1:]): one for name, one in others.items()}}
    return {
        "@odata.type": f"{CRM}.Label",
        "LocalizedLabels": [
            {"@odata.type": f"{CRM}.LocalizedLabel", "Label": one, "LanguageCode": language}
            for language, one in found.items()
        ],
    }


def column(kind: str, name: str, **more: Any) -> Json:
    """The definition of a column, as section 5.1 writes it."""
    return {
        "@odata.type": f"{CRM}.{kind}AttributeMetadata",
        "SchemaName": name,
        "DisplayName": words(name),
        "RequiredLevel": {"Value": "None"},
        **more,
    }


def text(name: str, length: int = 100, **more: Any) -> Json:
    return column("String", name, MaxLength=length, FormatName={"Value": "Text"}, **more)


def picklist(name: str, *labels: str, first: int = 847_770_000, kind: str = "Picklist") -> Json:
    options = [{"Value": first + place, "Label": words(one)} for place, one in enumerate(labels)]
    made = {"@odata.type": f"{CRM}.OptionSetMetadata", "IsGlobal": False, "OptionSetType": "Picklist"}
    return column(kind, name, OptionSet={**made, "Options": options})


def table(name: str, primary: str, **more: Any) -> Json:
    return {
        "@odata.type": f"{CRM}.EntityMetadata",
        "SchemaName": name,
        "DisplayName": words(name),
        "DisplayCollectionName": words(f"{name}s"),
        "OwnershipType": "UserOwned",
        "HasActivities": False,
        "HasNotes": False,
        "IsActivity": False,
        "ChangeTrackingEnabled": True,
        "Attributes": [text(primary, 200, IsPrimaryName=True)],
        **more,
    }


def lookup(name: str, there: str, here: str, column_name: str, **cascade: str) -> Json:
    return {
        "@odata.type": f"{CRM}.OneToManyRelationshipMetadata",
        "SchemaName": name,
        "ReferencedEntity": there,
        "ReferencedAttribute": f"{there}id",
        "ReferencingEntity": here,
        "CascadeConfiguration": {"Delete": "RemoveLink", **cascade},
        "Lookup": column("Lookup", column_name),
    }


class Installer:
    """Sends what an installer sends, with an administrator's token, into one solution."""

    def __init__(self, served: Dynamics) -> None:
        self.api = served.as_admin()

    async def package(self) -> None:
        """The publisher `nw` and the solution of the tests."""
        publisher = await self.api.create(
            "publishers",
            friendlyname="Northwind",
            uniquename="northwind",
            customizationprefix="nw",
            customizationoptionvalueprefix=84_777,
        )
        bind = {"publisherid@odata.bind": f"/publishers({publisher})"}
        names = {"friendlyname": "Northwind co-sell", "uniquename": SOLUTION, "version": "1.0.0.0"}
        await self.api.create("solutions", **names, **bind)

    async def post(self, path: str, body: Json, **headers: str) -> Reply:
        return await self.api.call("POST", path, body, headers={**IN_SOLUTION, **headers})

    async def made(self, path: str, body: Json) -> str:
        """The id of a definition that must be accepted."""
        reply = await self.post(path, body)
        assert reply.status == 204, reply.raw
        return reply.row_id

    async def add(self, *columns: Json, table: str = "opportunity") -> None:
        for one in columns:
            await self.made(f"EntityDefinitions(LogicalName='{table}')/Attributes", one)

    async def key(self, name: str, *columns: str, table: str = "opportunity") -> Reply:
        body = {"SchemaName": name, "DisplayName": words(name), "KeyAttributes": list(columns)}
        return await self.post(f"EntityDefinitions(LogicalName='{table}')/Keys", body)
