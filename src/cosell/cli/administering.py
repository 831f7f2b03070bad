"""What an administrator of a CRM does in the sandbox, from the command line."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cosell.cli.acting import do
from cosell.cli.options import Json, Url


def field(
    system: Annotated[str, typer.Argument(metavar="SYSTEM", help="salesforce or dataverse.")],
    name: Annotated[
        str | None, typer.Argument(metavar="[TABLE.FIELD]", help="Such as Opportunity.Audit__c.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Delete it with its values.")] = False,
    rename: Annotated[str | None, typer.Option("--rename", metavar="NAME", help="Its new name.")] = None,
    hide: Annotated[bool, typer.Option("--hide", help="Take the right to see it.")] = False,
    lock: Annotated[bool, typer.Option("--lock", help="Take the right to write it.")] = False,
    retype: Annotated[str | None, typer.Option("--retype", metavar="TYPE", help="Such as Number.")] = None,
    require: Annotated[bool, typer.Option("--require", help="Make it required.")] = False,
    add_value: Annotated[str | None, typer.Option("--add-value", help="A new value to choose.")] = None,
    remove_value: Annotated[str | None, typer.Option("--remove-value", help="One less to choose.")] = None,
    rename_value: Annotated[
        str | None, typer.Option("--rename-value", metavar="OLD=NEW", help="Another name for a value.")
    ] = None,
    restore: Annotated[bool, typer.Option("--restore", help="Make it what it was.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Change a field of a CRM as its administrator does, and take it back; without a field, list the changed.

    \b
    Examples:
      cosell sandbox field salesforce Opportunity.Audit__c --remove
      cosell sandbox field salesforce Opportunity.Audit__c --restore
      cosell sandbox field salesforce Opportunity.StageName --rename-value "On Hold=Parked"
      cosell sandbox field dataverse opportunity.cosell_audit --hide
    """
    wishes: dict[str, Any] = {"remove": remove, "rename": rename, "hide": hide, "lock": lock}
    wishes |= {"retype": retype, "require": require, "add_value": add_value, "restore": restore}
    wishes |= {"remove_value": remove_value}
    if rename_value is not None:
        wishes["rename_value"], _, wishes["to"] = rename_value.partition("=")
    asked = {key: value for key, value in wishes.items() if value not in (None, False)}
    if name is None:
        do(lambda control: control.fields(system), url=url, as_json=as_json)
    else:
        do(lambda control: control.field(system, name, **asked), url=url, as_json=as_json)


def quota(
    left: Annotated[int, typer.Option("--left", min=0, help="How many calls are left today.")] = 0,
    restore: Annotated[bool, typer.Option("--restore", help="Give the usual number back.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Use up the calls Salesforce allows a day, as another integration would.

    \b
    Examples:
      cosell sandbox quota --left 10
      cosell sandbox quota --restore
    """
    do(lambda control: control.quota(left=left, restore=restore), url=url, as_json=as_json)
