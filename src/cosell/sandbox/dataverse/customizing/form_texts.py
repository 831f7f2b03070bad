"""The main forms and the view of a fresh environment, with a section the customer made (sheet 5.1)."""

from __future__ import annotations

import uuid

TEXT = "{4273EDBD-AC1D-40d3-9FB2-095C621B552D}"
LOOKUP = "{270BD3DB-D9AF-4782-9025-509E298DEC0A}"
CHOICE = "{3EF39988-22BB-4f0b-BBBE-64B5A3748AEE}"
MEMO = "{E0DECE4B-6FC8-4a8f-A065-082708572369}"
_HOME = uuid.UUID("5c7b0000-0000-4000-8000-00000000da7d")


def _id(*names: str) -> str:
    return f"{{{uuid.uuid5(_HOME, '/'.join(names))}}}"


def _cell(place: str, column: str, label: str, kind: str) -> str:
    return (
        f'<row><cell id="{_id(place, column)}"><labels><label description="{label}" languagecode="1033" />'
        f'</labels><control id="{column}" classid="{kind}" datafieldname="{column}" disabled="false" />'
        "</cell></row>"
    )


def _section(place: str, name: str, label: str, rows: str) -> str:
    return (
        f'<section name="{name}" showlabel="true" showbar="false" id="{_id(place, name)}" columns="11">'
        f'<labels><label description="{label}" languagecode="1033" /></labels><rows>{rows}</rows></section>'
    )


def _form(place: str, tab: str, *columns: str) -> str:
    width = f"{100 // len(columns)}%"
    made = "".join(
        f'<column width="{width}"><sections>{sections}</sections></column>' for sections in columns
    )
    return (
        f'<form><tabs><tab name="{tab}" id="{_id(place, tab)}" verticallayout="true" expanded="true">'
        '<labels><label description="Summary" languagecode="1033" /></labels>'
        f"<columns>{made}</columns></tab></tabs></form>"
    )


_DEAL = "opportunity"
OPPORTUNITY_FORM = _form(
    _DEAL,
    "Summary",
    _section(
        _DEAL,
        "opportunity_information",
        "Opportunity Information",
        _cell(_DEAL, "name", "Topic", TEXT)
        + _cell(_DEAL, "parentcontactid", "Contact", LOOKUP)
        + _cell(_DEAL, "parentaccountid", "Account", LOOKUP)
        + _cell(_DEAL, "purchasetimeframe", "Purchase Timeframe", CHOICE)
        + _cell(_DEAL, "description", "Description", MEMO),
    ),
    _section(_DEAL, "fab_review", "Fabrikam deal review", _cell(_DEAL, "stepname", "Reviewed in step", TEXT)),
)
ACCOUNT_FORM = _form(
    "account",
    "SUMMARY_TAB",
    _section("account", "ACCOUNT_INFORMATION", "Account Information", _cell("account", "name", "Name", TEXT)),
)
OPEN_FETCH = (
    '<fetch version="1.0" mapping="logical"><entity name="opportunity"><attribute name="name" />'
    '<attribute name="estimatedvalue" /><filter type="and"><condition attribute="statecode" operator="eq"'
    ' value="0" /></filter></entity></fetch>'
)
OPEN_LAYOUT = (
    '<grid name="resultset" object="3" jump="name" select="1" icon="1" preview="1">'
    '<row name="result" id="opportunityid"><cell name="name" width="300" />'
    '<cell name="estimatedvalue" width="125" /></row></grid>'
)
