"""The customers of the second partner; as invented as those of the first."""

from __future__ import annotations

from cosell.sandbox.shell.seed.story import Contact, Customer

ELBHAFEN = Customer(
    "Elbhafen Umschlag GmbH & Co. KG", "Am Sandtorkai 41", "Hamburg", "Hamburg", "20457", "DE",
    "251to1000employees",
    (
        Contact("Wiebke", "Petersen", "w.petersen@elbhafen.example", "+49 40 5550 401", "Leiterin IT"),
        Contact("Hauke", "Lührs", "h.luehrs@elbhafen.example", "+49 40 5550 402", "Hafenbetrieb"),
    ),
)  # fmt: skip
BREGNE = Customer(
    "Bregne Økologi ApS", "Nørrebrogade 118", "København", "Hovedstaden", "2200", "DK", "51to250employees",
    (Contact("Søren", "Ågård", "soeren@bregne-oeko.example", "+45 33 55 50 12", "Indkøbschef"),),
)  # fmt: skip
VLTAVA = Customer(
    "Vltavská pojišťovna, a.s.", "Na Příkopě 33", "Praha", "Praha", "110 00", "CZ", "1001to5000employees",
    (Contact("Eliška", "Dvořáková", "e.dvorakova@vltavska.example", "+420 255 550 411", "Ředitelka IT"),),
)  # fmt: skip
LIGURE = Customer(
    "Cantieri Ligure S.p.A.", "Via al Molo Giano 9", "Genova", "GE", "16128", "IT", "251to1000employees",
    (Contact("Chiara", "Parodi", "c.parodi@cantieri-ligure.example", "+39 010 5550 422", "CIO"),),
)  # fmt: skip
TAGUS = Customer(
    "Arquivo Municipal do Tejo", "Rua da Junqueira 230", "Lisboa", "Lisboa", "1300-346", "PT",
    "51to250employees",
    (Contact("Inês", "Magalhães", "ines.magalhaes@arquivo-tejo.example", "+351 21 555 0433",
            "Chefe de Divisão"),),
)  # fmt: skip
PRAIRIE = Customer(
    "Prairie Mutual Insurance Company", "515 N State St", "Des Moines", "IA", "50309", "US",
    "5001to10000employees",
    (
        Contact("Marcus", "Ellery", "mellery@prairiemutual.example", "+1 515 555 0144", "VP Claims"),
        Contact("Yolanda", "Reyes", "yreyes@prairiemutual.example", "+1 515 555 0145", "IT Architect"),
    ),
)  # fmt: skip
WAIKATO = Customer(
    "Waikato Growers Co-operative", "14 Te Rapa Road", "Hamilton", "Waikato", "3200", "NZ",
    "251to1000employees",
    (Contact("Aroha", "Te Whare", "aroha@waikatogrowers.example", "+64 7 555 0455", "Head of Supply"),),
)  # fmt: skip
KANSAI = Customer(
    "関西港湾サービス株式会社", "住之江区南港北 2-1-10", "大阪", "大阪府", "559-0034", "JP",
    "1001to5000employees",
    (Contact("健一", "田中", "k.tanaka@kansai-kowan.example", "+81 6 5550 0466", "情報企画課長"),),
)  # fmt: skip
FJORD = Customer(
    "Fjordkraft Verft AS", "Skuteviksbodene 20", "Bergen", "Vestland", "5035", "NO", "51to250employees",
    (Contact("Ingrid", "Bjørnstad", "ingrid@fjordverft.example", "+47 55 55 04 77", "Daglig leder"),),
)  # fmt: skip
HALIFAX = Customer(
    "Bluenose Title & Records Inc.", "1809 Barrington St", "Halifax", "NS", "B3J 3K8", "CA",
    "51to250employees",
    (Contact("Geneviève", "Comeau", "g.comeau@bluenosetitle.example", "+1 902 555 0488", "Registrar"),),
)  # fmt: skip
