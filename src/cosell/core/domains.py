"""The domains a company is known by; those where anybody can have an address tell nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable

_FREE = """
live.com msn.com ymail.com rocketmail.com icloud.com me.com mac.com aol.com web.de t-online.de freenet.de
mail.com proton.me protonmail.com pm.me tutanota.com zoho.com fastmail.com hey.com mail.ru yandex.ru
yandex.com bk.ru inbox.ru list.ru rambler.ru qq.com 163.com 126.com yeah.net sina.com sina.cn sohu.com
foxmail.com aliyun.com 139.com 189.cn naver.com hanmail.net daum.net kakao.com nate.com orange.fr
wanadoo.fr free.fr sfr.fr laposte.net libero.it virgilio.it tiscali.it alice.it terra.com.br uol.com.br
bol.com.br ig.com.br seznam.cz wp.pl onet.pl o2.pl interia.pl ziggo.nl kpnmail.nl planet.nl telenet.be
skynet.be bluewin.ch btinternet.com virginmedia.com sky.com comcast.net verizon.net att.net sbcglobal.net
cox.net rogers.com bigpond.com rediffmail.com
"""
FREE_MAIL = frozenset(_FREE.split())
_FREE_IN_EVERY_LAND = frozenset(("gmail", "googlemail", "outlook", "hotmail", "yahoo", "gmx"))
"""Domains of mail providers, and names under which they are in many countries: they tell nothing about whose
company it is."""
_DOMAIN = re.compile(r"[^\W_]([\w-]*[^\W_])?(\.[^\W_]([\w-]*[^\W_])?)+\Z")


def telling_domains(emails: Iterable[str], *, not_of: Iterable[str] = ()) -> frozenset[str]:
    """The domains of these addresses that tell whose company it is, those of `not_of` left out."""
    ours = {domain_of(one) for one in not_of}
    return frozenset(found for one in emails if (found := domain_of(one)) and found not in ours)


def domain_of(email: str) -> str | None:
    """The domain of an address; None where anybody can have one there, or where it is none."""
    local, at, domain = email.strip().casefold().rpartition("@")
    return _telling(domain) if at and local else None


def domain_of_site(url: str) -> str | None:
    """The domain of a website as people write it, without `www`."""
    host = re.sub(r"^[a-z][a-z0-9+.-]*://", "", url.strip().casefold())
    host = re.split(r"[/?#:\s]", host.rpartition("@")[2], maxsplit=1)[0]
    return _telling(host.removeprefix("www."))


def _telling(domain: str) -> str | None:
    domain = domain.rstrip(".")
    usable = len(domain) <= 253 and _DOMAIN.match(domain) is not None
    free = domain in FREE_MAIL or domain.partition(".")[0] in _FREE_IN_EVERY_LAND
    return domain if usable and not free else None
