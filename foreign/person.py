"""A person at the sign-in pages of the sandbox, with nothing but an HTTP client for a browser."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import requests


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action, self.fields = "", dict[str, str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action") or ""
        elif tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""


class Person:
    """Somebody who knows what the description of the sandbox says they know."""

    def __init__(self, entra: dict[str, Any]) -> None:
        self._typed = {
            "password": {"username": entra["person"], "password": entra["password"]},
            "factor": {"code": entra["second_factor"]},
        }

    def sign_in(self, url: str, *, deliver: bool = False, cancel_at: str = "") -> requests.Response:
        """Goes through all pages; the answer that leads back, which `deliver` follows to the application."""
        with requests.Session() as browser:
            answer = browser.get(url, allow_redirects=False, timeout=10)
            return self._go_on(browser, answer, deliver=deliver, cancel_at=cancel_at)

    def type_code(self, where: str, code: str, *, cancel_at: str = "") -> None:
        """Types the code of a device and signs in."""
        with requests.Session() as browser:
            answer = browser.post(where, {"otc": code}, allow_redirects=False, timeout=10)
            self._go_on(browser, answer, deliver=False, cancel_at=cancel_at)

    def _go_on(
        self, browser: requests.Session, answer: requests.Response, *, deliver: bool, cancel_at: str
    ) -> requests.Response:
        while (page := _read(answer)).fields.get("step"):
            step = page.fields["step"]
            choice = "cancel" if step == cancel_at else "go"
            form = {**page.fields, "answer": choice, **self._typed.get(step, {})}
            answer = browser.post(urljoin(answer.url, page.action), form, allow_redirects=False, timeout=10)
        if deliver and answer.status_code == 302:
            browser.get(answer.headers["location"], timeout=10)
        elif deliver:
            browser.post(page.action, page.fields, timeout=10)
        return answer


def told(answer: requests.Response) -> dict[str, str]:
    """What an application learns from the browser that comes back."""
    if answer.status_code == 302:
        return dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    return _read(answer).fields


def _read(answer: requests.Response) -> _Reading:
    reading = _Reading()
    reading.feed(answer.text)
    return reading
