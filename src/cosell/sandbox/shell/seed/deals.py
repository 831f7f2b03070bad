"""The deals of the seed: about two dozen, in every state a deal can be in, on either side or on both."""

from __future__ import annotations

from decimal import Decimal

from cosell.sandbox.shell.seed import people as p
from cosell.sandbox.shell.seed.story import Crm, Deal, Fate

INBOUND = (
    Deal(
        "Factory monitoring for the Nürnberg plant", p.MUELLER, Decimal("184000"), "EUR", 75,
        "Plant manager saw the demo at the fair. Wants a pilot on two lines before the summer shutdown.",
        ("SOL-40217-KTR",), Fate.INBOUND, help="ProofOfConceptOrDemo",
    ),
    Deal(
        "倉庫データ基盤の刷新", p.SAKURA, Decimal("24500000"), "JPY", 120,
        "既存のオンプレミス環境を Azure へ移行したい。年度末までに見積りが必要。",
        ("SOL-15974-MQF", "SOL-52880-ZPA"), Fate.INBOUND, help="CustomerTechnicalArchitecture", age_days=11,
    ),
    Deal(
        "Contact centre for 14 stores", p.BLUE_MESA, Decimal("92500.50"), "USD", 45,
        "Customer is unhappy with the present phone system; contract ends in ten weeks.",
        ("SOL-70921-LNC",), Fate.INBOUND, help="QuotesOrLicensing", age_days=4,
    ),
    Deal(
        "Panneaux solaires: prévision de production", p.OCEANE, Decimal("131000"), "EUR", 150,
        "Le client demande une démonstration à Nantes.", ("SOL-15974-MQF",), Fate.INBOUND, age_days=1,
        help="GeneralOrOther",
    ),
)  # fmt: skip

LINKED = (
    Deal(
        "Planning data platform", p.GRACHTENHUIS, Decimal("240000"), "EUR", 60,
        "Migration of the planning warehouse; steering group meets every second Tuesday.",
        ("SOL-15974-MQF", "SOL-52880-ZPA"), Fate.ACCEPTED, Crm.LINKED, "CustomerTechnicalArchitecture",
        (0, 1), "Proposal/Price Quote", visible=True, age_days=20,
    ),
    Deal(
        "물류 데이터 분석 도입", p.HANBIT, Decimal("310000000"), "KRW", 95,
        "서울 물류센터 두 곳에서 시범 운영 후 전사 확대 예정.", ("SOL-34104-EBB",), Fate.ACCEPTED, Crm.LINKED,
        "WorkloadSpecificValueProposition", (3,), "Value Proposition", visible=True, age_days=9,
    ),
    Deal(
        "Identity Shield for 6,000 staff", p.PACIFIC, Decimal("410000"), "USD", 30,
        "Security review passed. Waiting for the licence count.", ("SOL-61345-WGD",), Fate.ACCEPTED,
        Crm.LINKED,
        "PostSalesCustomerSuccess", (2, 0), "Negotiation/Review", visible=True, age_days=33,
    ),
    Deal(
        "Canteiro conectado", p.SAO_JOAO, Decimal("780000"), "BRL", 110,
        "Piloto em três obras; decisão em comitê no próximo mês.", ("SOL-40217-KTR", "SOL-15974-MQF"),
        Fate.WAITING, Crm.LINKED, "ProofOfConceptOrDemo", (2,), "Needs Analysis", visible=True, age_days=3,
    ),
    Deal(
        "Catch-to-shelf traceability", p.ONEILL, Decimal("38000"), "EUR", 50,
        "Small but quick. Síle decides alone.", ("SOL-34104-EBB",), Fate.PRIVATE, Crm.LINKED, None, (0,),
        "Qualification", age_days=6,
    ),
    Deal(
        "Modernizacja raportowania", p.LODZ, Decimal("520000"), "PLN", 140,
        "Klient prosi o plan na trzy etapy.", ("SOL-15974-MQF",), Fate.PARTNER_LED, Crm.LINKED, None, (1,),
        "Value Proposition", visible=True, age_days=15,
    ),
    Deal(
        "Ferry telemetry", p.GOTEBORG, Decimal("990000"), "SEK", -6,
        "Signed on board. Kick-off in the first week of next month.", ("SOL-40217-KTR",), Fate.WON,
        Crm.LINKED,
        "GeneralOrOther", (1, 0), "Closed Won", visible=True, age_days=58,
    ),
)  # fmt: skip

PARTNER_CENTER_ONLY = (
    Deal(
        "Atölye stok takibi", p.CINI, Decimal("640000"), "TRY", 80,
        "Müşteri önce küçük bir deneme istiyor.", ("SOL-34104-EBB",), Fate.WAITING, help="GeneralOrOther",
        sellers=(2,), age_days=2,
    ),
    Deal(
        "Στόλος: πρόβλεψη συντήρησης", p.AIGAIO, Decimal("155000"), "EUR", 100,
        "Πιλοτικό σε δύο πλοία.", ("SOL-40217-KTR",), Fate.PRIVATE, sellers=(1,), age_days=5,
    ),
    Deal(
        "晴光工廠數據平台", p.QINGGUANG, Decimal("9800000"), "TWD", 130,
        "客戶希望先看到新北廠的試點成果。", ("SOL-15974-MQF", "SOL-40217-KTR", "SOL-52880-ZPA"),
        Fate.PARTNER_LED, sellers=(3,), age_days=7,
    ),
    Deal(
        "Solar yard access control", p.NAIROBI, Decimal("4100000"), "KES", 40,
        "Microsoft seller asked twice; the customer did not call back.", ("SOL-61345-WGD",), Fate.WE_DECLINED,
        help="GeneralOrOther", age_days=12, reason="Customer didn't respond",
    ),
    Deal(
        "Ward analytics", p.SUNFLOWER, Decimal("18500000"), "INR", 90,
        "Four hospitals, one data model.", ("SOL-34104-EBB",), Fate.MICROSOFT_DECLINED,
        help="WorkloadSpecificValueProposition", sellers=(0,), age_days=10,
        reason="No Microsoft seller directly manages this customer",
    ),
    Deal(
        "Puesta en la nube de planos", p.ANDES, Decimal("67000"), "USD", 35,
        "Quieren empezar antes del verano.", ("SOL-52880-ZPA",), Fate.EXPIRED, help="QuotesOrLicensing",
        age_days=16,
    ),
    Deal(
        "Schadenportal für Makler", p.UETLIBERG, Decimal("275000"), "CHF", 20,
        "Ausschreibung läuft bis Monatsende.", ("SOL-70921-LNC",), Fate.LOST, sellers=(1,), age_days=40,
        reason="Chose another vendor",
    ),
)  # fmt: skip

SALESFORCE_ONLY = (
    Deal(
        "Identity Shield, phase two", p.GRACHTENHUIS, Decimal("88000"), "EUR", 170,
        "Follows the data platform.",
        ("SOL-61345-WGD",), Fate.NOT_THERE, Crm.READY, "General or Other", (0, 1), "Needs Analysis",
        visible=True,
    ),
    Deal(
        "Retail insights for the web shop", p.BLUE_MESA, Decimal("61200.75"), "USD", 65,
        "Dolores wants weekly figures by region.", ("SOL-34104-EBB",), Fate.NOT_THERE, Crm.READY, None, (2,),
        "Qualification",
    ),
    Deal(
        "Reporting Łódź, etap drugi", p.LODZ, Decimal("210000"), "PLN", 200, "", ("SOL-15974-MQF",),
        Fate.NOT_THERE, Crm.READY, None, (1,), "Prospecting", visible=True,
    ),
    Deal(
        "Berth planning", p.AIGAIO, Decimal("47000"), "EUR", 85, "The account has no country yet.",
        ("SOL-40217-KTR",), Fate.NOT_THERE, Crm.INCOMPLETE, "Proof Of Concept or Demo", (1,), "Qualification",
    ),
    Deal(
        "Solar yard, second attempt", p.NAIROBI, Decimal("3900000"), "KES", 90, "Kept to ourselves for now.",
        (), Fate.NOT_THERE, Crm.OFF, None, (2,), "Prospecting",
    ),
    Deal(
        "Service desk renewal", p.PACIFIC, Decimal("54000"), "USD", 15, "", (), Fate.NOT_THERE, Crm.OFF, None,
        (0,), "Negotiation/Review",
    ),
    Deal(
        "Werkstattplanung Süd", p.MUELLER, Decimal("29900"), "EUR", 240, "", ("SOL-40217-KTR",),
        Fate.NOT_THERE,
        Crm.OFF, None, (1,), "Prospecting",
    ),
)  # fmt: skip

DEALS = INBOUND + LINKED + PARTNER_CENTER_ONLY + SALESFORCE_ONLY
