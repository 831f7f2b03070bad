"""What a system owes over HTTP: tokens, statuses, bodies, redirects, secrets, and its own check."""

from __future__ import annotations

import logging

import orjson
import pytest

from cosell.core.errors import CosellError, Rejected, Retryable, SignedOut, Unavailable, Uncertain
from cosell.core.fields import FIELDS
from cosell.core.records import Snapshot
from cosell.http.outward import MAX_BODY
from cosell.sandbox.frame import Answer
from cosell.wiring.quality import quality_of

from .bench import HttpBench, To
from .records import creation, firm, made, sample, write
from .trouble import named, outcome, outcome_of_read, outcome_of_write, warm
from .watching import MANY, news

JSON = {"content-type": "application/json"}
STATUSES = (
    *(300, 301, 302, 303, 304, 307, 308),
    *(400, 401, 402, 403, 404, 405, 406, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 420),
    *(421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499),
    *(500, 501, 502, 503, 504, 505, 507, 508, 509, 511, 520, 522, 524, 530, 598, 599),
)
NONSENSE = (b"", b"<html>", b"{", b"[[[", b"null", b"\xff\xfe", b'{"value":5}', b"7")
LOST_TRACK = frozenset({500, 502, 504})
"""Statuses with which a server admits not to know what became of a request."""


def parts(secret: str) -> list[str]:
    """The secret, or pieces of it: half of one is not to be seen either."""
    return [secret[at : at + 32] for at in range(0, max(1, len(secret) - 31), 16)]


async def calm(bench: HttpBench, seen: Snapshot) -> None:
    """The trouble is over, and the connection has found its way back."""
    bench.calm()
    assert isinstance(await outcome_of_read(bench, seen.id), Snapshot)


class Wire:
    """Over HTTP."""

    # --- tokens ----------------------------------------------------------------------------------

    async def test_a_token_that_expires_between_two_pages_costs_nothing(self, bench: HttpBench) -> None:
        known = await bench.person_makes(MANY)
        page = await bench.system.changes(None)
        bench.expire_tokens()
        rest, _ = await news(bench, page.cursor) if page.more else ([], "")
        assert {*(one.id for one in page.snapshots), *rest} >= set(known)

    @pytest.mark.parametrize("at", [1, 2, 3, 4])
    async def test_a_token_that_expires_in_the_middle_of_a_look_costs_nothing(
        self, bench: HttpBench, at: int
    ) -> None:
        known = await bench.person_makes(MANY)
        await warm(bench)
        bench.expire_tokens_at(at)
        found, _ = await news(bench, None)
        assert set(found) >= set(known)

    async def test_a_write_under_an_expired_token_is_carried_out_once(self, bench: HttpBench) -> None:
        seen = await warm(bench)
        bench.expire_tokens()
        assert isinstance(await outcome_of_write(bench, seen), Snapshot)

    async def test_a_sign_in_that_is_refused_for_good_is_said_and_not_tried_for_ever(
        self, bench: HttpBench
    ) -> None:
        seen = await warm(bench)
        for _ in range(2):
            bench.answer(Answer(401), "read")
        before = bench.arrivals()
        assert isinstance(named(await outcome_of_read(bench, seen.id)), SignedOut)
        assert bench.arrivals() - before <= 3

    # --- statuses --------------------------------------------------------------------------------

    async def test_every_status_of_the_outcome_table_means_what_it_says(self, bench: HttpBench) -> None:
        seen = await warm(bench)
        wrong = {}
        for name, row in bench.outcomes.items():
            ways: tuple[tuple[To, type[CosellError]], ...] = (("read", row.read), ("write", row.write))
            for to, kind in ways:
                again = 2 if row.answer.status == 401 else 1
                for _ in range(again):
                    bench.answer(row.answer, to)
                found = named(await outcome(bench, to, seen))
                await calm(bench, seen)
                if type(found) is not kind:
                    wrong[f"{name}, {to}"] = type(found).__name__
        assert wrong == {}

    @pytest.mark.parametrize("to", ["read", "write"])
    async def test_a_status_nobody_documents_ends_in_an_error_for_people(
        self, bench: HttpBench, to: To
    ) -> None:
        """And a server that lost track of a write is never taken at its word that nothing happened."""
        seen = await warm(bench)
        for status in STATUSES:
            for _ in range(2 if status == 401 else 1):
                bench.answer(Answer(status, b"<html>what?</html>", {"content-type": "text/html"}), to)
            found = named(await outcome(bench, to, seen))
            if to == "write" and status in LOST_TRACK:
                assert not isinstance(found, Retryable), status
            await calm(bench, seen)

    async def test_a_redirect_is_refused(self, bench: HttpBench) -> None:
        """Its target is never asked: our token would go there (reliability.md 8.2)."""
        seen = await warm(bench)
        for status in (301, 302, 303, 307, 308):
            for to in ("read", "write"):
                before = bench.arrivals()
                bench.answer(Answer(status, b"", {"location": "/elsewhere"}), to)
                named(await outcome(bench, to, seen))
                assert bench.arrivals() - before == 1

    # --- bodies ----------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"{", b"[[[", b"null", b"\xff\xfe", b'{"value":5}', b"7"]
    )
    async def test_a_malformed_body_is_an_outage_to_a_read_and_a_doubt_to_a_write(
        self, bench: HttpBench, body: bytes
    ) -> None:
        seen = await warm(bench)
        bench.answer(Answer(200, body, JSON), "read")
        assert type(named(await outcome_of_read(bench, seen.id))) is Unavailable
        bench.answer(Answer(200, body, JSON), "write")
        found = await outcome_of_write(bench, seen)
        # An accepted write whose answer is empty may be taken for done, but then its version is unknown.
        if isinstance(found, Snapshot):
            assert body == b""
            assert found.version is None
            assert not found.complete
        else:
            assert type(named(found)) is Uncertain

    async def test_a_truncated_body_is_an_outage(self, bench: HttpBench) -> None:
        seen = await warm(bench)
        bench.garble()
        assert type(named(await outcome_of_read(bench, seen.id))) is Unavailable
        assert isinstance(await outcome_of_read(bench, seen.id), Snapshot)

    async def test_a_huge_body_is_cut_off(self, bench: HttpBench) -> None:
        seen = await warm(bench)
        empty = b'{"value":[],"records":[],"totalSize":0,"done":true,"more":"%b"}'
        bench.answer(Answer(200, empty % (b"x" * MAX_BODY), JSON), "read")
        assert type(named(await outcome_of_read(bench, seen.id))) is Unavailable

    async def test_a_slow_body_is_given_up(self, bench: HttpBench) -> None:
        seen = await warm(bench)
        bench.dawdle()
        assert type(named(await outcome_of_read(bench, seen.id))) is Unavailable

    # --- what must not leave, what must not be sent --------------------------------------------------

    async def test_declared_read_only_fields_are_refused_before_sending(self, bench: HttpBench) -> None:
        record_id = (await made(bench)).id
        can = bench.system.capabilities
        for key in sorted(FIELDS.keys() - can.updatable - {"microsoft_state"}):
            seen = await firm(bench, record_id)
            before, arrivals = bench.stored(record_id), bench.arrivals()
            answer = await write(bench, seen, {key: sample(bench, key)[0]})
            assert isinstance(answer, Rejected), key
            assert answer.fields == (key,)
            assert bench.stored(record_id) == before
            assert bench.arrivals() == arrivals, f"{key} was sent"

    async def test_secrets_are_absent_from_logs_and_errors(
        self, bench: HttpBench, caplog: pytest.LogCaptureFixture
    ) -> None:
        """INV-13: also where the other side repeats what it was sent."""
        caplog.set_level(logging.DEBUG)
        seen = await warm(bench)
        errors: list[CosellError] = []
        echo = " ".join(sorted(bench.shown()))
        bodies = (
            {"error": {"code": echo, "message": echo, "target": echo}},
            [{"errorCode": echo, "message": echo, "fields": [echo]}],
            {"error": echo, "error_description": echo},
            {"statusCode": 429, "message": echo},
        )
        for status in (400, 403, 404, 409, 429, 500):
            for body in bodies:
                for to in ("read", "write"):
                    answer = Answer(status, orjson.dumps(body), {**JSON, "x-echo": "x"})
                    bench.answer(answer, to)
                    errors.append(named(await outcome(bench, to, seen)))
                await calm(bench, seen)
        secrets = {*bench.secrets(), *bench.private()}
        assert len(secrets) > 1
        told = [f"{one!r} {one.message} {one.detail} {one.did} {one.advice} {one.code}" for one in errors]
        told.append(caplog.text + repr([record.__dict__ for record in caplog.records]))
        told.append(repr(bench.system) + repr(vars(bench.system)))
        leaked = {
            secret[:12] for secret in secrets if any(part in text for part in parts(secret) for text in told)
        }
        assert leaked == set()

    # --- the connection itself ---------------------------------------------------------------------

    async def test_a_good_connection_has_nothing_to_mend_and_the_check_changes_nothing(
        self, bench: HttpBench
    ) -> None:
        (record_id,) = await bench.person_makes()
        before = bench.stored(record_id)
        findings = await bench.system.check()
        assert [one for one in findings if not one.ok] == []
        assert findings
        assert bench.stored(record_id) == before

    @pytest.mark.parametrize("what", ["permission", "field", "licence"])
    async def test_the_check_names_what_is_missing(self, bench: HttpBench, what: str) -> None:
        if what not in bench.lacks:
            pytest.skip(f"declares that no {what} can be missing")
        await bench.system.check()
        lack = bench.lacks[what]
        lack.take()
        troubles = [one for one in await bench.system.check() if not one.ok]
        naming = [one for one in troubles if lack.names in f"{one.name} {one.message} {one.advice}"]
        assert naming, troubles
        assert all(one.advice for one in naming)

    async def test_setup_then_remove_leaves_nothing_behind(self, bench: HttpBench) -> None:
        entry = quality_of(bench.quality).rules["setup-and-remove"]
        if entry.exempt:
            pytest.skip(f"declares no set-up of its own: {entry.comment}")
        setup = bench.unprepared()
        before = setup.traces()
        await setup.install()
        assert setup.traces() != before
        await setup.remove()
        assert setup.traces() == before

    async def test_a_deal_that_lacks_something_is_refused_by_name(self, bench: HttpBench) -> None:
        wanted = creation(bench)
        values = {key: value for key, value in wanted.values.items() if key not in ("name", "close_date")}
        with pytest.raises(Rejected) as caught:
            await bench.system.create(type(wanted)(wanted.write_id, wanted.partner_id, values, wanted.marks))
        assert caught.value.fields
