"""The deals of the second partner: about two dozen, in its Partner Center, in Dynamics 365 or in both."""

from __future__ import annotations

from decimal import Decimal

from cosell.sandbox.shell.seed import people_2 as p
from cosell.sandbox.shell.seed.story import Deal, Fate, Presence, Prospect

RECORDS, CLAIMS, HARBOUR, SEED = "SOL-20001-AAA", "SOL-20002-BBB", "SOL-20003-CCC", "SOL-20004-DDD"

INBOUND = (
    Deal(
        "Digital twin for the Sandtor quay", p.ELBHAFEN, Decimal("320000"), "EUR", 90,
        "Customer wants to see berth conflicts a week ahead. Asked for a workshop in September.",
        (HARBOUR,), Fate.INBOUND, help="ProofOfConceptOrDemo", age_days=2,
    ),
    Deal(
        "港湾ヤード管理の近代化", p.KANSAI, Decimal("58000000"), "JPY", 160,
        "老朽化したヤード管理システムの置き換え。来期予算で検討中。",
        (HARBOUR,), Fate.INBOUND, help="CustomerTechnicalArchitecture", age_days=9,
    ),
    Deal(
        "Claims intake for hail season", p.PRAIRIE, Decimal("445000"), "USD", 55,
        "Needs to be live before April; the present intake form drops photos.",
        (CLAIMS,), Fate.INBOUND, help="WorkloadSpecificValueProposition", age_days=5,
    ),
    Deal(
        "Spørgsmål om sporbarhed", p.BREGNE, Decimal("60000"), "EUR", 70,
        "Kunden har udfyldt formularen og vil gerne ringes op.", (SEED,), Fate.LEAD, age_days=1,
    ),
    Deal(
        "Scanning of deed books", p.HALIFAX, Decimal("48000"), "CAD", 100,
        "Found us in the marketplace; about forty metres of shelves.", (RECORDS,), Fate.LEAD, age_days=3,
    ),
)  # fmt: skip

LINKED = (
    Deal(
        "Claims desk for motor insurance", p.VLTAVA, Decimal("6900000"), "CZK", 45,
        "Pilot se dvěma týmy dokončen, čeká se na schválení rozpočtu.", (CLAIMS,), Fate.ACCEPTED,
        Presence.LINKED, "QuotesOrLicensing", (3, 0), "Propose", visible=True, age_days=24,
    ),
    Deal(
        "Dock planning for the Molo Giano yard", p.LIGURE, Decimal("275000"), "EUR", 80,
        "Chiara presents it to the board on the first Thursday of the month.", (HARBOUR,), Fate.ACCEPTED,
        Presence.LINKED, "CustomerTechnicalArchitecture", (1,), "Develop", visible=True, age_days=17,
    ),
    Deal(
        "Seed to shelf, kiwifruit season", p.WAIKATO, Decimal("390000"), "NZD", 120,
        "Two packhouses first. The co-operative votes in spring.", (SEED,), Fate.WAITING,
        Presence.LINKED, "ProofOfConceptOrDemo", (2,), "Develop", visible=True, age_days=4,
    ),
    Deal(
        "Arquivo histórico em linha", p.TAGUS, Decimal("84000"), "EUR", 65,
        "Concurso já publicado; resposta até ao fim do mês.", (RECORDS,), Fate.PRIVATE,
        Presence.LINKED, None, (0,), "Propose", age_days=8,
    ),
    Deal(
        "Verftets dokumentarkiv", p.FJORD, Decimal("720000"), "NOK", 150,
        "Vil begynne med byggenummer 118.", (RECORDS, HARBOUR), Fate.PARTNER_LED, Presence.LINKED, None,
        (2,), "Qualify", visible=True, age_days=13,
    ),
    Deal(
        "Container damage claims", p.ELBHAFEN, Decimal("158000"), "EUR", -9,
        "Unterschrieben. Start in der übernächsten Woche.", (CLAIMS,), Fate.WON, Presence.LINKED,
        "GeneralOrOther", (0, 1), "Close", visible=True, age_days=61,
    ),
)  # fmt: skip

PARTNER_CENTER_ONLY = (
    Deal(
        "Økologisk lagerstyring", p.BREGNE, Decimal("91000"), "EUR", 85, "Kunden vil se en demo i maj.",
        (SEED,), Fate.WAITING, help="GeneralOrOther", sellers=(2,), age_days=3,
    ),
    Deal(
        "Registry of ship drawings", p.KANSAI, Decimal("12500000"), "JPY", 140, "図面約三万点の電子化。",
        (RECORDS,), Fate.PRIVATE, sellers=(3,), age_days=6,
    ),
    Deal(
        "Crop insurance claims", p.PRAIRIE, Decimal("230000"), "USD", 35,
        "Went to a competitor with a mobile app.", (CLAIMS,), Fate.LOST, sellers=(1,), age_days=44,
        reason="Chose another vendor",
    ),
)  # fmt: skip

DYNAMICS_ONLY = (
    Deal(
        "Harbour twin, container terminal", p.ELBHAFEN, Decimal("510000"), "EUR", 190,
        "Follows the quay, if the quay works.", (HARBOUR,), Fate.NOT_THERE, Presence.READY, "GeneralOrOther",
        (0, 3), "Qualify", visible=True,
    ),
    Deal(
        "Paperless policies", p.VLTAVA, Decimal("2100000"), "CZK", 75, "Navazuje na likvidaci škod.",
        (RECORDS,), Fate.NOT_THERE, Presence.READY, None, (3,), "Develop",
    ),
    Deal(
        "Cold store ledger", p.WAIKATO, Decimal("115000"), "NZD", 60, "Aroha would like weekly figures.",
        (SEED,), Fate.NOT_THERE, Presence.READY, None, (2,), "Develop", visible=True,
    ),
    Deal(
        "岸壁予約の平準化", p.KANSAI, Decimal("4200000"), "JPY", 95, "The account has no country yet.",
        (HARBOUR,), Fate.NOT_THERE, Presence.INCOMPLETE, "ProofOfConceptOrDemo", (2,), "Qualify",
    ),
    Deal(
        "Title search portal", p.HALIFAX, Decimal("76000"), "CAD", 110, "Kept to ourselves for now.", (),
        Fate.NOT_THERE, Presence.OFF, None, (1,), "Qualify",
    ),
    Deal(
        "Manutenzione gru", p.LIGURE, Decimal("42500"), "EUR", 20, "", (), Fate.NOT_THERE, Presence.OFF, None,
        (1,), "Propose",
    ),
)  # fmt: skip

DEALS = INBOUND + LINKED + PARTNER_CENTER_ONLY + DYNAMICS_ONLY

PROSPECTS = (
    Prospect("Records room for a notary chamber", p.TAGUS, Decimal("52000"), "EUR", 0, "Met at the fair."),
    Prospect("Fleet claims", p.PRAIRIE, Decimal("88000"), "USD", 1, "Called after the webinar."),
)
"""Leads that sellers keep in Dynamics 365 and nobody has shared."""
