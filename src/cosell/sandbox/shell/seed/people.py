"""Who appears in the seed: the partner's sellers, and its customers.

Every person and company is invented; mail domains end in the reserved ``.example``.
"""

from __future__ import annotations

from cosell.sandbox.shell.seed.story import Contact, Customer, Seller

SELLERS = (
    Seller("Ada", "Jansen", "ada.jansen@contoso.example", "Account Executive", "+31 20 555 0110"),
    Seller("Jonas", "Brückner", "jonas.brueckner@contoso.example", "Sales Manager", "+49 30 5550 120"),
    Seller("Amélie", "Dubois", "amelie.dubois@contoso.example", "Account Executive", "+33 1 55 50 01 30"),
    Seller("Kenji", "Watanabe", "kenji.watanabe@contoso.example", "Solution Consultant", "+81 3 5550 0140"),
)
FABRIKAM_SELLERS = (
    Seller("Noor", "Haddad", "noor.haddad@fabrikam.example", "Account Executive", "+49 40 5550 310"),
    Seller("Matteo", "Bianchi", "matteo.bianchi@fabrikam.example", "Sales Manager", "+39 02 5550 320"),
    Seller("Freya", "Sørensen", "freya.sorensen@fabrikam.example", "Account Executive", "+45 33 55 50 33"),
    Seller("Tomás", "Kovář", "tomas.kovar@fabrikam.example", "Solution Consultant", "+420 255 550 340"),
)
"""The sellers of the second partner."""

GRACHTENHUIS = Customer(
    "Grachtenhuis Logistiek B.V.", "Keizersgracht 812", "Amsterdam", "Noord-Holland", "1017 EE", "NL",
    "251to1000employees",
    (
        Contact("Sanne", "de Wit", "sanne.dewit@grachtenhuis.example", "+31 20 555 0101", "IT Director"),
        Contact("Joris", "van 't Hof", "joris.vanthof@grachtenhuis.example", "+31 20 555 0102",
            "Head of Planning"),
    ),
)  # fmt: skip
MUELLER = Customer(
    "Müller & Söhne Präzisionstechnik GmbH", "Lötzener Straße 14", "Nürnberg", "Bayern", "90402", "DE",
    "1001to5000employees",
    (Contact("Jürgen", "Weiß", "j.weiss@mueller-soehne.example", "+49 911 5550 210", "Leiter Produktion"),),
)  # fmt: skip
SAKURA = Customer(
    "さくら精密工業株式会社", "港区芝浦 3-9-1", "東京", "東京都", "108-0023", "JP", "1001to5000employees",
    (Contact("美咲", "佐藤", "misaki.sato@sakura-seimitsu.example", "+81 3 5550 0111", "情報システム部長"),),
)  # fmt: skip
HANBIT = Customer(
    "한빛물류 주식회사", "강남대로 372", "서울", "서울특별시", "06236", "KR", "251to1000employees",
    (Contact("지훈", "김", "jihoon.kim@hanbit-logis.example", "+82 2 555 0133", "물류혁신팀장"),),
)  # fmt: skip
SAO_JOAO = Customer(
    "Construções São João Ltda.", "Avenida Paulista 2064", "São Paulo", "SP", "01310-200", "BR",
    "251to1000employees",
    (Contact("Antônio", "Gonçalves", "antonio@construcoes-saojoao.example", "+55 11 5555 0144",
            "Diretor de TI"),),
)  # fmt: skip
BLUE_MESA = Customer(
    "Blue Mesa Outfitters, Inc.", "1480 Arapahoe St", "Denver", "CO", "80202", "US", "1001to5000employees",
    (
        Contact("Dolores", "Whitaker", "d.whitaker@bluemesa.example", "+1 303 555 0155", "VP Digital"),
        Contact("Sam", "O'Rourke", "sam.orourke@bluemesa.example", "+1 303 555 0156", "Procurement"),
    ),
)  # fmt: skip
PACIFIC = Customer(
    "Pacific Cedar Hospitals", "2200 Alder Way", "Portland", "OR", "97205", "US", "5001to10000employees",
    (Contact("Renée", "Castellanos", "rcastellanos@pacificcedar.example", "+1 503 555 0160", "CIO"),),
)  # fmt: skip
ONEILL = Customer(
    "O'Neill & Daughters Seafood", "7 Quay Street", "Galway", "Co. Galway", "H91 C8PN", "IE",
    "51to250employees",
    (Contact("Síle", "O'Neill", "sile@oneill-daughters.example", "+353 91 555 017", "Managing Director"),),
)  # fmt: skip
OCEANE = Customer(
    "Océane Énergies Renouvelables", "18 quai de la Fosse", "Nantes", "Pays de la Loire", "44000", "FR",
    "251to1000employees",
    (Contact("Zoé", "Lefèvre", "zoe.lefevre@oceane-energies.example", "+33 2 55 50 01 80", "Directrice SI"),),
)  # fmt: skip
LODZ = Customer(
    "Łódzkie Zakłady Papiernicze S.A.", "ul. Piotrkowska 301", "Łódź", "łódzkie", "93-004", "PL",
    "1001to5000employees",
    (Contact("Małgorzata", "Wójcik", "m.wojcik@lzp-papier.example", "+48 42 555 01 90", "Dyrektor IT"),),
)  # fmt: skip
GOTEBORG = Customer(
    "Göteborgs Färjerederi AB", "Skeppsbron 4", "Göteborg", "Västra Götaland", "411 21", "SE",
    "51to250employees",
    (Contact("Åsa", "Lindström", "asa.lindstrom@gbgfarja.example", "+46 31 555 02 00", "Driftchef"),),
)  # fmt: skip
CINI = Customer(
    "İstanbul Çini Atölyesi A.Ş.", "Sultanahmet Mah. 21", "İstanbul", "İstanbul", "34122", "TR",
    "10to50employees",
    (Contact("Ayşe", "Yıldırım", "ayse.yildirim@istanbulcini.example", "+90 212 555 02 10", "Genel Müdür"),),
)  # fmt: skip
AIGAIO = Customer(
    "Αιγαίο Ναυτιλιακή Α.Ε.", "Ακτή Μιαούλη 85", "Πειραιάς", "Αττική", "185 38", "GR", "251to1000employees",
    (Contact("Ελένη", "Παπαδάκη", "e.papadaki@aigaio-shipping.example", "+30 21 0555 0220", "Υπεύθυνη ΙΤ"),),
)  # fmt: skip
QINGGUANG = Customer(
    "台灣晴光電子股份有限公司", "中山路二段 118 號", "新北市", "新北市", "235", "TW", "1001to5000employees",
    (Contact("雅婷", "陳", "yating.chen@qingguang.example", "+886 2 5555 0230", "資訊長"),),
)  # fmt: skip
NAIROBI = Customer(
    "Nairobi Solar Works Ltd", "Ngong Road 55", "Nairobi", "Nairobi County", "00100", "KE",
    "51to250employees",
    (Contact("Wanjirũ", "Kamau", "wanjiru@nairobisolar.example", "+254 20 555 0240", "Head of Operations"),),
)  # fmt: skip
SUNFLOWER = Customer(
    "Sunflower Hospitals Pvt. Ltd.", "14 Residency Road", "Bengaluru", "Karnataka", "560025", "IN",
    "5001to10000employees",
    (Contact("Ananya", "Krishnamurthy", "ananya.k@sunflower-hospitals.example", "+91 80 5555 0250", "CTO"),),
)  # fmt: skip
ANDES = Customer(
    "Ingeniería Ñandú S.A.", "Av. Corrientes 1543", "Buenos Aires", "CABA", "C1042AAB", "AR",
    "51to250employees",
    (Contact("Iñaki", "Muñoz", "inaki.munoz@nandu-ing.example", "+54 11 5555 0260", "Gerente de Sistemas"),),
)  # fmt: skip
UETLIBERG = Customer(
    "Üetliberg Versicherungen AG", "Bahnhofstrasse 77", "Zürich", "ZH", "8001", "CH", "1001to5000employees",
    (Contact("Reto", "Kägi", "reto.kaegi@uetliberg-vers.example", "+41 44 555 02 70", "Leiter Informatik"),),
)  # fmt: skip
