"""A person with a browser at the sign-in pages of Entra ID: fills in forms and follows where they lead."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import aiohttp


class _Reading(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.action, self.fields, self.words = "", dict[str, str](), list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self.action = given.get("action") or ""
        elif tag == "input" and given.get("name"):
            self.fields[str(given["name"])] = given.get("value") or ""

    def handle_data(self, data: str) -> None:
        self.words.append(data.strip())


@dataclass(frozen=True, slots=True)
class Page:
    """What the browser shows."""

    url: str
    status: int
    action: str
    fields: dict[str, str]
    text: str
    headers: dict[str, str]

    @property
    def step(self) -> str:
        return self.fields.get("step", "")


@dataclass(slots=True)
class Person:
    """Somebody of the sandbox's directory, told what to type."""

    http: aiohttp.ClientSession
    username: str
    password: str = "sandbox"
    factor: str = "246810"
    ssl: Any = True
    seen: list[str] = field(default_factory=list)
    """The steps that were asked, in order."""

    async def open(self, url: str, form: dict[str, str] | None = None) -> Page | str:
        """A page, or the address on another site that the browser was sent to."""
        how: dict[str, Any] = {"allow_redirects": False, "ssl": self.ssl}
        asking = self.http.get(url, **how) if form is None else self.http.post(url, data=form, **how)
        async with asking as answer:
            if answer.status == 302:
                return answer.headers["Location"]
            reading = _Reading()
            reading.feed(await answer.text())
            text = " ".join(word for word in reading.words if word)
            headers = {name.lower(): value for name, value in answer.headers.items()}
            action = urljoin(url, reading.action) if reading.action else ""
            return Page(url, answer.status, action, reading.fields, text, headers)

    async def page(self, url: str) -> Page:
        """The page at an address that must be one."""
        found = await self.open(url)
        assert isinstance(found, Page), found
        return found

    async def press(self, page: Page, answer: str = "go", **typed: str) -> Page | str:
        """Fills a form in and sends it."""
        return await self.open(page.action, {**page.fields, "answer": answer, **typed})

    async def sign_in(self, url: str, *, cancel_at: str = "") -> Page | str:
        """Goes through all pages from an address on; the address the browser leaves to, or the last page."""
        return await self.go_on(await self.open(url), cancel_at=cancel_at)

    async def go_on(self, page: Page | str, *, cancel_at: str = "") -> Page | str:
        """Answers page after page."""
        while isinstance(page, Page) and page.step and page.status == 200:
            self.seen.append(page.step)
            if page.step == cancel_at:
                page = await self.press(page, "cancel")
                continue
            typed = {
                "password": {"username": self.username, "password": self.password},
                "factor": {"code": self.factor},
            }
            before = page.step
            page = await self.press(page, **typed.get(page.step, {}))
            if isinstance(page, Page) and page.step == before:
                return page
        return page

    async def type_code(self, where: str, code: str, *, cancel_at: str = "") -> Page | str:
        """Goes to the page of devices and types the code one shows."""
        page = await self.page(where)
        return await self.go_on(await self.press(page, otc=code), cancel_at=cancel_at)


def told(address: Page | str) -> dict[str, str]:
    """What an application reads out of the address its visitor comes back to."""
    assert isinstance(address, str), address
    parts = urlsplit(address)
    return dict(parse_qsl(parts.query or parts.fragment, keep_blank_values=True))
