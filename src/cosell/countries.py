"""Countries by code or by name in any common language; what is not surely one country is none.

The fast path, two letters that are a code, needs nothing. Names need the CLDR territory lists of Babel,
which are read once, when the first name is met.
"""

from __future__ import annotations

import pickle
import unicodedata
from functools import lru_cache

_CODES = (
    "AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT "
    "BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH "
    "ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT "
    "HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS "
    "LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI "
    "NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG "
    "SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG "
    "UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"
)
ALPHA2 = frozenset(_CODES.split())
"""The officially assigned codes of ISO 3166-1."""

_LOCALES = (
    "en de fr es it pt pt_PT nl sv nb nn da fi is pl cs sk sl hr sr sr_Latn bs mk bg ro hu el tr ru uk et lv "
    "lt ca eu gl ga ja ko zh zh_Hant th vi id ms fil hi bn ta te mr gu kn ml ur fa ar he sw af sq hy ka az kk"
)

# Spoken of as countries, or as businesses write them, and absent from CLDR. England and its like are here
# because a deal in England surely is one in the United Kingdom.
_ALIASES = {
    "usa": "US",
    "us of a": "US",
    "united states of america": "US",
    "the united states": "US",
    "the united states of america": "US",
    "etats-unis d'amerique": "US",
    "vereinigte staaten von amerika": "US",
    "estados unidos de america": "US",
    "stati uniti d'america": "US",
    "uk": "GB",
    "great britain": "GB",
    "britain": "GB",
    "england": "GB",
    "scotland": "GB",
    "wales": "GB",
    "northern ireland": "GB",
    "united kingdom of great britain and northern ireland": "GB",
    "grossbritannien": "GB",
    "republic of ireland": "IE",
    "eire": "IE",
    "holland": "NL",
    "the netherlands": "NL",
    "federal republic of germany": "DE",
    "bundesrepublik deutschland": "DE",
    "brd": "DE",
    "uae": "AE",
    "republic of korea": "KR",
    "korea, republic of": "KR",
    "south korea": "KR",
    "north korea": "KP",
    "people's republic of china": "CN",
    "mainland china": "CN",
    "prc": "CN",
    "hong kong": "HK",
    "macau": "MO",
    "macao": "MO",
    "taiwan": "TW",
    "russian federation": "RU",
    "czech republic": "CZ",
    "slovak republic": "SK",
    "viet nam": "VN",
    "ivory coast": "CI",
    "burma": "MM",
    "swaziland": "SZ",
    "cape verde": "CV",
    "macedonia": "MK",
    "turkey": "TR",
    "vatican": "VA",
    "palestine": "PS",
    "iran, islamic republic of": "IR",
    "moldova, republic of": "MD",
    "tanzania, united republic of": "TZ",
    "venezuela, bolivarian republic of": "VE",
    "bolivia, plurinational state of": "BO",
    "대한민국": "KR",
    "中华人民共和国": "CN",
    "アメリカ": "US",
    "アメリカ合衆国": "US",
    "イギリス": "GB",
}
# One language's short name for one of two countries that others tell apart.
_AMBIGUOUS = ("congo", "kongo", "konqo", "korea", "virgin islands", "saint martin", "america")
_TOO_LONG = 80


def code_of(text: str) -> str | None:
    """The ISO 3166-1 alpha-2 code of a code or name; None where it is not surely one country."""
    if len(text) == 2 and text in ALPHA2:
        return text
    cleaned = text.strip()
    if len(cleaned) > _TOO_LONG:
        return None
    upper = cleaned.upper()
    return upper if upper in ALPHA2 else _looked_up(cleaned)


@lru_cache(maxsize=2048)
def _looked_up(cleaned: str) -> str | None:
    names = _names()
    key = _key(cleaned)
    if len(key) == 2 and key.upper() in ALPHA2:
        return key.upper()
    if len(key) == 3 and key.isascii() and (code := _alpha3().get(key.upper())):
        return code
    return names.get(key) or names.get(key.removeprefix("the "))


def _key(name: str) -> str:
    """The name without case, accents, dots and doubled spaces: how two spellings of it meet."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", name).casefold())
    kept = (c for c in apart if unicodedata.category(c) not in ("Mn", "Cf") and c not in ".*")
    return " ".join("".join(kept).replace("’", "'").replace("&", " and ").split())


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    """Names of every language that mean one country; a name two countries bear is left out."""
    found: dict[str, set[str]] = {}
    for language in _LOCALES.split():
        for code, name in _territories(language).items():
            if code in ALPHA2 and isinstance(name, str):
                found.setdefault(_key(name), set()).add(code)
    names = {key: codes.pop() for key, codes in found.items() if len(codes) == 1 and key}
    for key in _AMBIGUOUS:
        names.pop(key, None)
    return names | {_key(alias): code for alias, code in _ALIASES.items()}


def _territories(language: str) -> dict[str, object]:
    """One language's names. Babel's own loader would keep 70 MB of other things about 65 languages."""
    from babel.localedata import exists, resolve_locale_filename

    if not exists(language):
        return {}
    with open(resolve_locale_filename(language), "rb") as packed:
        territories = pickle.load(packed).get("territories", {})  # noqa: S301 - a file of the package itself
    return territories if isinstance(territories, dict) else {}


@lru_cache(maxsize=1)
def _alpha3() -> dict[str, str]:
    """Alpha-2 by alpha-3."""
    from babel.core import get_global

    aliases = get_global("territory_aliases")
    return {
        old: new[0]
        for old, new in aliases.items()
        if len(old) == 3 and old.isalpha() and len(new) == 1 and new[0] in ALPHA2
    }
