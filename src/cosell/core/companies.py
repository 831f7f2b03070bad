"""A company's name as people write it, in forms that can be compared.

Two spellings of one name meet in `whole`; without their legal forms they meet in `bare`. The list is data:
what is missing from it costs a question to a person, never a wrong account.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache

# One line a form: what it is called here, and how it is written. The nameless ones distinguish nobody.
_FORMS = """
: & co, co, company, and co, und co, et cie, cie, y cia, e cia, cia
gmbh: gmbh, mbh, gesellschaft mit beschränkter haftung
ag: ag, aktiengesellschaft
kg: kg
ohg: ohg
gbr: gbr
ug: ug, ug haftungsbeschränkt
kgaa: kgaa
ek: e.K., eingetragener Kaufmann
ev: e.V.
eg: eG
se: SE
ltd: ltd, limited
plc: plc
llp: llp
lp: lp
inc: inc, incorporated
corp: corp, corporation
llc: llc, l.l.c.
pty: pty, proprietary
pvt: pvt, private
pte: pte
bv: B.V., besloten vennootschap
nv: N.V., naamloze vennootschap
vof: v.o.f.
bvba: bvba, sprl
srl: S.r.l., srl, srls
sa: S.A., société anonyme, sociedad anónima
sas: S.A.S., sasu
sarl: S.à r.l., sarl, eurl
snc: snc
spa: S.p.A.
sl: S.L., slu, sociedad limitada
sacv: S.A. de C.V., sapi de cv
srlcv: S. de R.L. de C.V.
lda: lda
ltda: ltda, limitada
oy: oy
oyj: oyj
ab: ab, aktiebolag
as: A/S, a.s., aksjeselskap
asa: asa
aps: ApS
hf: hf, ehf
spzoo: sp. z o.o., sp. z o. o., spółka z o.o., spółka z ograniczoną odpowiedzialnością
sro: s.r.o., spol. s r.o.
kft: kft
zrt: zrt, nyrt
doo: d.o.o.
dd: d.d.
eood: eood, ood
ooo: ооо, общество с ограниченной ответственностью
oao: оао, ао, пао, зао
tov: тов
ltdsti: ltd. şti., limited şirketi
anonim: anonim şirketi
bhd: bhd, sdn bhd
pt: pt
tbk: tbk
kk: K.K., kabushiki kaisha, 株式会社, 株
yk: 有限会社, 有
gk: G.K., godo kaisha, 合同会社, 合
jusik: 주식회사, 주
yuhan: 유한회사, 유
gongsi: 有限公司, 有限責任公司, 有限责任公司
gufen: 股份有限公司, 股份公司
"""
_IN_FRONT = "pt,ооо,оао,зао,пао,ао,тов,株式会社,株,有限会社,有,合同会社,合,주식회사,주,유한회사,유"
"""Forms that are written before the name; others there are part of it, as in «AG Insurance»."""
_ARTICLES = frozenset(
    ["the", "a", "an", "de", "het", "la", "le", "les", "el", "los", "il", "lo", "die", "der", "das"]
)

# Letters with a stroke or joined, which do not come apart into a letter and its mark.
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th"})
_SILENT = frozenset(".'’‘`´ʼ")
_LAST_ALPHABETIC = 0x530
"""Latin, Greek and Cyrillic end here; beyond, a mark can make another letter (か and が)."""
_CJK = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff]")
ALIKE = 0.87
"""The likeness from which on two names may be one."""


@dataclass(frozen=True, slots=True)
class Name:
    """One name in its forms."""

    whole: str
    """Without case, accents, punctuation and spaces."""
    bare: str
    """That without legal forms."""
    words: tuple[str, ...]
    """The words of `bare`."""
    forms: frozenset[str]
    """The legal forms, each under one name."""


@lru_cache(maxsize=4096)
def name_of(text: str) -> Name:
    """The forms of a name. Nothing of a name that is all legal form is taken away."""
    words = _words(text)
    whole = "".join(words) or "".join(text.casefold().split())
    bare, forms = _without_forms(words)
    if not bare:
        bare, forms = words, set()
    return Name(whole, "".join(bare) or whole, tuple(bare), frozenset(forms - {""}))


def folded(text: str) -> str:
    """The text without case, accents and punctuation, its words one space apart."""
    for _ in range(3):  # what compatibility forms bring out may itself have a case or an accent
        before, text = text, "".join(map(_letter, _composed(text)))
        if text == before:
            break
    return " ".join(text.split())


def likeness(one: Name, other: Name) -> float:
    """How alike two names are without their legal forms, from 0 to 1; other numbers are another name."""
    if _numbers(one.bare) != _numbers(other.bare):
        return 0.0
    pairs = [(one.bare, other.bare), ("".join(sorted(one.words)), "".join(sorted(other.words)))]
    return max(_ratio(*sorted(pair)) for pair in pairs)


def opening(text: str) -> str:
    """The beginning by which to search for a name as it is written: its first word that tells something."""
    wanted = next((word for word in name_of(text).words if word not in _ARTICLES), "")
    before = ""
    for found in re.finditer(r"\w+", unicodedata.normalize("NFC", text)):
        plain = folded(found[0]).replace(" ", "")
        if plain == wanted:
            return f"{before}{found[0]}"
        before = f"{before}{found[0]} " if plain in _ARTICLES else ""
    return wanted


def is_cjk(text: str) -> bool:
    """Whether words may stand in it without a space between them."""
    return _CJK.search(text) is not None


# --- letters and words -----------------------------------------------------------------------------


def _composed(text: str) -> str:
    wide = unicodedata.normalize("NFKC", text).casefold().translate(_PLAIN)
    return unicodedata.normalize("NFC", wide)


def _letter(letter: str) -> str:
    if letter in _SILENT:
        return ""
    if not letter.isascii():
        kind = unicodedata.category(letter)
        if kind == "Cf" or (kind == "Mn" and letter < "\u0370"):
            return ""
        base = unicodedata.normalize("NFD", letter)[0]
        if ord(base) < _LAST_ALPHABETIC:
            letter = base
    return letter if unicodedata.category(letter)[0] in "LNM" else " "


def _words(text: str) -> list[str]:
    """The words; letters that stand alone in a row are one word, so that B V is BV."""
    words: list[str] = []
    alone = False
    for word in folded(text).split():
        single = len(word) == 1 and word.isalpha() and ord(word) < _LAST_ALPHABETIC
        if single and alone:
            words[-1] += word
        else:
            words.append(word)
        alone = single
    return words


def _parsed(lines: str) -> dict[tuple[str, ...], str]:
    found = {}
    for line in lines.strip().splitlines():
        form, _, spellings = line.partition(":")
        found.update({tuple(_words(one)): form.strip() for one in spellings.split(",")})
    return found


_FORM = _parsed(_FORMS)
_FRONT: dict[tuple[str, ...], str] = {(word,): _FORM[(word,)] for word in _IN_FRONT.split(",")}
_LONGEST = max(map(len, _FORM))
_ATTACHED = sorted((key[0] for key in _FORM if len(key[0]) > 2 and is_cjk(key[0])), key=len, reverse=True)


def _without_forms(words: Sequence[str]) -> tuple[list[str], set[str]]:
    left, forms = list(words), set[str]()
    while left:
        size = next((n for n in range(_LONGEST, 0, -1) if n <= len(left) and tuple(left[-n:]) in _FORM), 0)
        if size:
            forms.add(_FORM[tuple(left[-size:])])
            del left[-size:]
        elif tuple(left[:1]) in _FRONT:
            forms.add(_FRONT[tuple(left[:1])])
            del left[0]
        elif not _detached(left, forms):
            break
    return left, forms


def _detached(left: list[str], forms: set[str]) -> bool:
    """Takes off a form that is written without a space before or after the name."""
    for form in _ATTACHED:
        if left[-1].endswith(form):
            left[-1] = left[-1].removesuffix(form)
        elif left[0].startswith(form):
            left[0] = left[0].removeprefix(form)
        else:
            continue
        forms.add(_FORM[(form,)])
        return True
    return False


def _numbers(text: str) -> list[str]:
    return sorted(re.findall(r"\d+", text))


def _ratio(one: str, other: str) -> float:
    if one == other:
        return 1.0
    matcher = SequenceMatcher(None, one, other, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return 0.0
    return matcher.ratio()
