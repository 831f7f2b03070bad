"""Single questions become plural calls, and one bad answer is nobody else's."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from cosell.core.errors import CosellError, Gone, Unavailable
from cosell.engine.bulk import Batch, Patience


class Server:
    """Answers each number with its double; what it was asked is kept."""

    def __init__(self) -> None:
        self.calls: list[list[int]] = []
        self.open = asyncio.Event()
        self.open.set()
        self.broken: CosellError | None = None

    async def send(self, items: Sequence[int]) -> Mapping[str, int | CosellError]:
        self.calls.append(list(items))
        await self.open.wait()
        if self.broken:
            raise self.broken
        answers: dict[str, int | CosellError] = {str(item): item * 2 for item in items if item >= 0}
        return answers | {str(item): Gone("It is gone.") for item in items if item == 13}


def batch(server: Server, *, size: int = 10, places: int = 2) -> Batch[int, int]:
    return Batch(server.send, key=str, size=size, places=lambda: places)


def crowded(server: Server, *, size: int, crowd: int) -> Batch[int, int]:
    """`crowd` links in hand, of which numbers from 100 on wait as good as for ever, and for anybody."""
    return Batch(
        server.send,
        key=str,
        size=size,
        places=lambda: 2,
        in_hand=lambda: crowd,
        patience=lambda number: Patience(0.02, 24) if number < 100 else Patience(3600.0, 1),
    )


async def test_what_is_asked_in_one_moment_travels_in_one_call() -> None:
    server = Server()
    asking = batch(server)
    assert await asyncio.gather(*(asking.ask(number) for number in range(5))) == [0, 2, 4, 6, 8]
    assert server.calls == [[0, 1, 2, 3, 4]]


async def test_more_than_a_call_carries_is_spread_and_no_more_calls_run_than_there_are_places() -> None:
    server = Server()
    server.open.clear()
    asking = batch(server, size=2, places=2)
    waiting = [asyncio.create_task(asking.ask(number)) for number in range(10)]
    for _ in range(5):
        await asyncio.sleep(0)
    assert len(server.calls) == 2
    server.open.set()
    assert sum(await asyncio.gather(*waiting)) == 90


async def test_one_bad_answer_reaches_only_the_one_who_asked() -> None:
    """INV-14."""
    asking = batch(Server())
    good, bad = await asyncio.gather(asking.ask(1), asking.ask(13), return_exceptions=True)
    assert good == 2
    assert isinstance(bad, Gone)


async def test_a_record_the_answer_leaves_out_is_no_answer() -> None:
    with pytest.raises(Unavailable):
        await batch(Server()).ask(-1)


async def test_a_call_that_fails_as_a_whole_fails_for_all_and_the_next_one_works() -> None:
    server = Server()
    asking = batch(server)
    server.broken = Unavailable("Down.")
    answers = await asyncio.gather(asking.ask(1), asking.ask(2), return_exceptions=True)
    assert all(isinstance(answer, Unavailable) for answer in answers)
    server.broken = None
    assert await asking.ask(3) == 6


async def test_in_a_backlog_a_patient_question_travels_with_those_that_follow() -> None:
    server = Server()
    asking = crowded(server, size=3, crowd=100)
    waiting = []
    for number in (100, 101, 102):
        waiting.append(asyncio.create_task(asking.ask(number)))
        await asyncio.sleep(0.03)
    assert list(await asyncio.gather(*waiting)) == [200, 202, 204]
    assert server.calls == [[100, 101, 102]]


async def test_one_impatient_question_takes_the_patient_ones_along() -> None:
    server = Server()
    asking = crowded(server, size=10, crowd=100)
    assert list(await asyncio.gather(*map(asking.ask, (100, 1, 101)))) == [200, 2, 202]
    assert server.calls == [[100, 1, 101]]


async def test_a_patient_question_waits_for_the_last_of_a_backlog_and_a_hasty_one_does_not() -> None:
    server = Server()
    asking = crowded(server, size=10, crowd=26)
    first = [asyncio.create_task(asking.ask(number)) for number in (100, 101, 102)]
    await asyncio.sleep(0.01)
    assert server.calls == []
    await asking.ask(1)
    await asyncio.gather(*first)
    assert server.calls == [[100, 101, 102, 1]]


async def test_a_patient_question_leaves_at_once_where_nobody_is_about_to_follow() -> None:
    server = Server()
    assert await crowded(server, size=10, crowd=1).ask(100) == 200


async def test_what_a_full_call_leaves_behind_keeps_its_patience() -> None:
    server = Server()
    asking = crowded(server, size=2, crowd=100)
    answers = [asyncio.create_task(asking.ask(number)) for number in (100, 101, 1)]
    assert await asyncio.gather(*answers) == [200, 202, 2]
    assert server.calls == [[100, 101], [1]]
