"""The deals of the seed: about two dozen, in every state a deal can be in, on either side or on both."""

from __future__ import annotations

from decimal import Decimal

from cosell.sandbox.shell.seed import people as p
from cosell.sandbox.shell.seed.story import Deal, Fate, Presence

FLEET, COLD_CHAIN, SHOP_FLOOR = "SOL-10001-AAA", "SOL-10002-BBB", "SOL-10003-CCC"
GRID, CARE = "SOL-10004-DDD", "SOL-10005-EEE"

INBOUND = (
    Deal(
        "Factory monitoring for the Nürnberg plant", p.MUELLER, Decimal("184000"), "EUR", 75,
        "Plant manager saw the demo at the fair. Wants a pilot on two lines before the summer shutdown.",
        (SHOP_FLOOR,), Fate.INBOUND, help="ProofOfConceptOrDemo",
    ),
    Deal(
        "倉庫データ基盤の刷新", p.SAKURA, Decimal("24500000"), "JPY", 120,
        "既存のオンプレミス環境を Azure へ移行したい。年度末までに見積りが必要。",
        (SHOP_FLOOR, COLD_CHAIN), Fate.INBOUND, help="CustomerTechnicalArchitecture", age_days=11,
    ),
    Deal(
        "Delivery fleet for 14 stores", p.BLUE_MESA, Decimal("92500.50"), "USD", 45,
        "Customer is unhappy with the present tracking system; contract ends in ten weeks.",
        (FLEET,), Fate.INBOUND, help="QuotesOrLicensing", age_days=4,
    ),
    Deal(
        "Panneaux solaires: prévision de production", p.OCEANE, Decimal("131000"), "EUR", 150,
        "Le client demande une démonstration à Nantes.", (GRID,), Fate.INBOUND, age_days=1,
        help="GeneralOrOther",
    ),
)  # fmt: skip

LINKED = (
    Deal(
        "Fleet planning for the canal depot", p.GRACHTENHUIS, Decimal("240000"), "EUR", 60,
        "Replaces three spreadsheets and a pager; the steering group meets every second Tuesday.",
        (FLEET, COLD_CHAIN), Fate.ACCEPTED, Presence.LINKED, "CustomerTechnicalArchitecture",
        (0, 1), "Proposal/Price Quote", visible=True, age_days=20,
    ),
    Deal(
        "물류 데이터 분석 도입", p.HANBIT, Decimal("310000000"), "KRW", 95,
        "서울 물류센터 두 곳에서 시범 운영 후 전사 확대 예정.", (COLD_CHAIN,), Fate.ACCEPTED, Presence.LINKED,
        "WorkloadSpecificValueProposition", (3,), "Value Proposition", visible=True, age_days=9,
    ),
    Deal(
        "Care scheduling for 6,000 staff", p.PACIFIC, Decimal("410000"), "USD", 30,
        "Security review passed. Waiting for the licence count.", (CARE,), Fate.ACCEPTED,
        Presence.LINKED,
        "PostSalesCustomerSuccess", (2, 0), "Negotiation/Review", visible=True, age_days=33,
    ),
    Deal(
        "Canteiro conectado", p.SAO_JOAO, Decimal("780000"), "BRL", 110,
        "Piloto em três obras; decisão em comitê no próximo mês.", (SHOP_FLOOR, FLEET),
        Fate.WAITING, Presence.LINKED, "ProofOfConceptOrDemo", (2,), "Needs Analysis",
        visible=True, age_days=3,
    ),
    Deal(
        "Catch-to-shelf traceability", p.ONEILL, Decimal("38000"), "EUR", 50,
        "Small but quick. Síle decides alone.", (COLD_CHAIN,), Fate.PRIVATE, Presence.LINKED, None, (0,),
        "Qualification", age_days=6,
    ),
    Deal(
        "Modernizacja raportowania", p.LODZ, Decimal("520000"), "PLN", 140,
        "Klient prosi o plan na trzy etapy.", (SHOP_FLOOR,), Fate.PARTNER_LED, Presence.LINKED, None, (1,),
        "Value Proposition", visible=True, age_days=15,
    ),
    Deal(
        "Ferry telemetry", p.GOTEBORG, Decimal("990000"), "SEK", -6,
        "Signed on board. Kick-off in the first week of next month.", (FLEET,), Fate.WON,
        Presence.LINKED,
        "GeneralOrOther", (1, 0), "Closed Won", visible=True, age_days=58,
    ),
)  # fmt: skip

PARTNER_CENTER_ONLY = (
    Deal(
        "Atölye stok takibi", p.CINI, Decimal("640000"), "TRY", 80,
        "Müşteri önce küçük bir deneme istiyor.", (SHOP_FLOOR,), Fate.WAITING, help="GeneralOrOther",
        sellers=(2,), age_days=2,
    ),
    Deal(
        "Στόλος: πρόβλεψη συντήρησης", p.AIGAIO, Decimal("155000"), "EUR", 100,
        "Πιλοτικό σε δύο πλοία.", (FLEET,), Fate.PRIVATE, sellers=(1,), age_days=5,
    ),
    Deal(
        "晴光工廠數據平台", p.QINGGUANG, Decimal("9800000"), "TWD", 130,
        "客戶希望先看到新北廠的試點成果。", (SHOP_FLOOR, COLD_CHAIN, GRID),
        Fate.PARTNER_LED, sellers=(3,), age_days=7,
    ),
    Deal(
        "Solar yard forecasting", p.NAIROBI, Decimal("4100000"), "KES", 40,
        "Microsoft seller asked twice; the customer did not call back.", (GRID,), Fate.WE_DECLINED,
        help="GeneralOrOther", age_days=12, reason="Customer didn't respond",
    ),
    Deal(
        "Ward rota planning", p.SUNFLOWER, Decimal("18500000"), "INR", 90,
        "Four hospitals, one rota.", (CARE,), Fate.MICROSOFT_DECLINED,
        help="WorkloadSpecificValueProposition", sellers=(0,), age_days=10,
        reason="No Microsoft seller directly manages this customer",
    ),
    Deal(
        "Planificación de la red eléctrica", p.ANDES, Decimal("67000"), "USD", 35,
        "Quieren empezar antes del verano.", (GRID,), Fate.EXPIRED, help="QuotesOrLicensing",
        age_days=16,
    ),
    Deal(
        "Flottenrisiko für Makler", p.UETLIBERG, Decimal("275000"), "CHF", 20,
        "Ausschreibung läuft bis Monatsende.", (FLEET,), Fate.LOST, sellers=(1,), age_days=40,
        reason="Chose another vendor",
    ),
)  # fmt: skip

SALESFORCE_ONLY = (
    Deal(
        "Cold chain, phase two", p.GRACHTENHUIS, Decimal("88000"), "EUR", 170,
        "Follows the fleet planning.",
        (COLD_CHAIN,), Fate.NOT_THERE, Presence.READY, "General or Other", (0, 1), "Needs Analysis",
        visible=True,
    ),
    Deal(
        "Returns fleet for the web shop", p.BLUE_MESA, Decimal("61200.75"), "USD", 65,
        "Dolores wants weekly figures by region.", (FLEET,), Fate.NOT_THERE, Presence.READY, None, (2,),
        "Qualification",
    ),
    Deal(
        "Hala Łódź, etap drugi", p.LODZ, Decimal("210000"), "PLN", 200, "", (SHOP_FLOOR,),
        Fate.NOT_THERE, Presence.READY, None, (1,), "Prospecting", visible=True,
    ),
    Deal(
        "Berth planning", p.AIGAIO, Decimal("47000"), "EUR", 85, "The account has no country yet.",
        (FLEET,), Fate.NOT_THERE, Presence.INCOMPLETE, "Proof Of Concept or Demo", (1,), "Qualification",
    ),
    Deal(
        "Solar yard, second attempt", p.NAIROBI, Decimal("3900000"), "KES", 90, "Kept to ourselves for now.",
        (), Fate.NOT_THERE, Presence.OFF, None, (2,), "Prospecting",
    ),
    Deal(
        "Service desk renewal", p.PACIFIC, Decimal("54000"), "USD", 15, "", (), Fate.NOT_THERE, Presence.OFF,
        None, (0,), "Negotiation/Review",
    ),
    Deal(
        "Werkstattplanung Süd", p.MUELLER, Decimal("29900"), "EUR", 240, "", (SHOP_FLOOR,),
        Fate.NOT_THERE,
        Presence.OFF, None, (1,), "Prospecting",
    ),
)  # fmt: skip

DEALS = INBOUND + LINKED + PARTNER_CENTER_ONLY + SALESFORCE_ONLY
