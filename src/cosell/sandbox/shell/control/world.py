"""The verbs that move the world around the deals: time, latency, faults, switches, calls, reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from cosell.sandbox.frame import SYSTEMS, Answer, Fault
from cosell.sandbox.shell import dials
from cosell.sandbox.shell.control.route import Verb
from cosell.sandbox.shell.wishes import Refused, Wish

if TYPE_CHECKING:
    from cosell.sandbox.shell.composition import Sandbox

KINDS = ("answer", "lose", "drop", "slow", "garble")
METHODS = ("*", "GET", "POST", "PATCH", "PUT", "DELETE", "HEAD")


def show_clock(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The time in the sandbox."""
    wish.done()
    return {"now": sandbox.frame.clock.now().isoformat()}


def move_clock(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Moves the sandbox clock forward; deadlines that pass on the way are met."""
    seconds = wish.seconds("advance")
    wish.done()
    sandbox.frame.clock.advance(seconds)
    sandbox.after_time_passed()
    return {"now": sandbox.frame.clock.now().isoformat(), "advanced_seconds": seconds}


def show_latency(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """How late every system answers, in seconds."""
    wish.done()
    return {"seconds": {system: sandbox.frame.delay_of(system) for system in SYSTEMS}}


def set_latency(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Makes one system, or all of them, answer late until told otherwise."""
    system = wish.text("system", "*", among=("*", *SYSTEMS))
    seconds = wish.seconds("seconds")
    wish.done()
    if system == "*":
        sandbox.frame.latency = seconds
        sandbox.frame.latencies.clear()
    else:
        sandbox.frame.latencies[system] = seconds
    return show_latency(sandbox, Wish({}))


def list_faults(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """The faults still waiting to happen, and the answers that can be asked for by name."""
    wish.done()
    return {
        "waiting": [_fault_shown(fault) for fault in sandbox.frame.faults],
        "named": {system: sorted(_named(sandbox, system)) for system in SYSTEMS},
    }


def add_fault(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Makes the next matching requests fail: refused, lost after the work, dropped, slow or garbled."""
    system = wish.text("system", among=SYSTEMS)
    fault = Fault(
        system,
        wish.text("kind", "answer", among=KINDS),
        wish.text("method", "*", among=METHODS),
        wish.text("path", ""),
        wish.whole("times", 1, least=1, most=100_000),
        wish.seconds("seconds", 0.0),
    )
    named, status = wish.text("fault", None), wish.whole("status", None, least=400, most=599)
    retry_after = wish.whole("retry_after", None, least=0, most=86400)
    wish.done()
    is_described = bool(named or status or retry_after is not None)
    if fault.kind == "answer" or (fault.kind == "lose" and is_described):
        fault.answer = _answer(sandbox, system, named, status, retry_after)
    elif is_described:
        raise Refused("“fault”, “status” and “retry_after” belong to the kinds “answer” and “lose”.")
    if fault.kind == "slow" and not fault.seconds:
        raise Refused("A slow answer needs “seconds”.")
    sandbox.frame.faults.append(fault)
    return _fault_shown(fault)


def clear_faults(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Takes back every fault that has not happened yet."""
    wish.done()
    count = len(sandbox.frame.faults)
    sandbox.frame.faults.clear()
    return {"taken_back": count}


def list_switches(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Every switch of every simulator with its position."""
    wish.done()
    return {system: dials.positions(board) for system, board in sandbox.switchboards().items()}


def show_switches(sandbox: Sandbox, wish: Wish, system: str) -> dict[str, Any]:
    """The switches of one simulator."""
    wish.done()
    return dials.positions(_board(sandbox, system))


def turn_switches(sandbox: Sandbox, wish: Wish, system: str) -> dict[str, Any]:
    """Sets switches of one simulator by name; all of them or none."""
    board, changes = _board(sandbox, system), wish.rest()
    if not changes:
        raise Refused('Name at least one switch, such as {"page_size": 2}.')
    dials.turn(board, changes)
    return dials.positions(board)


def list_calls(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """How often every address was called since the last reset of the count."""
    wish.done()
    calls = sorted(sandbox.frame.calls.items(), key=lambda item: (-item[1], item[0]))
    totals = {system: sum(n for (name, _, _), n in calls if name == system) for system in SYSTEMS}
    lines = [{"system": s, "method": m, "path": p, "count": n} for (s, m, p), n in calls]
    return {"total": sum(totals.values()), "systems": totals, "calls": lines}


def forget_calls(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Sets the count of calls to nothing and tells what it was."""
    told = list_calls(sandbox, wish)
    sandbox.frame.calls.clear()
    return told


def reset(sandbox: Sandbox, wish: Wish) -> dict[str, Any]:
    """Forgets everything and plants the seed again."""
    seed = wish.whole("seed", None, most=2**31)
    empty = wish.truth("empty", None)
    wish.done()
    sandbox.reset(seed=seed, empty=empty)
    return {"seed": sandbox.options.seed or 0, "empty": sandbox.options.empty}


def _named(sandbox: Sandbox, system: str) -> dict[str, Answer]:
    found: dict[str, Answer] = getattr(getattr(sandbox, system), "faults", {})
    return found


def _answer(
    sandbox: Sandbox, system: str, named: str | None, status: int | None, retry_after: int | None
) -> Answer:
    if named is None:
        return _plain_answer(system, status or 500, retry_after)
    if status is not None:
        raise Refused("Give either “fault” or “status”, not both.")
    answer = _named(sandbox, system).get(named)
    if answer is None:
        known = ", ".join(sorted(_named(sandbox, system))) or "none"
        raise Refused(f"{system} has no fault “{named}”; it has: {known}.")
    if retry_after is not None:
        return Answer(answer.status, answer.body, {**answer.headers, "retry-after": str(retry_after)})
    return answer


def _plain_answer(system: str, status: int, retry_after: int | None) -> Answer:
    message = f"The sandbox was told to answer {status}."
    code = "0x80040216" if system == "dataverse" else "generalException"
    body: Any = {"error": {"code": code, "message": message}}
    if system == "salesforce":
        body = [{"message": message, "errorCode": "UNKNOWN_EXCEPTION"}]
    elif system in ("entra", "entra_2"):
        body = {"error": "temporarily_unavailable", "error_description": message}
    headers = {"content-type": "application/json"}
    if retry_after is not None:
        headers["retry-after"] = str(retry_after)
    return Answer(status, orjson.dumps(body), headers)


def _fault_shown(fault: Fault) -> dict[str, Any]:
    shown = {name: getattr(fault, name) for name in ("system", "kind", "method", "path", "times", "seconds")}
    return {**shown, "status": fault.answer.status if fault.answer else None}


def _board(sandbox: Sandbox, system: str) -> Any:
    boards = sandbox.switchboards()
    if system not in boards:
        raise Refused(f"“{system}” has no switches; these have: {', '.join(boards)}.", status=404)
    return boards[system]


VERBS = (
    Verb("GET", "/control/clock", show_clock),
    Verb("POST", "/control/clock", move_clock, '{"advance": "14d"}'),
    Verb("GET", "/control/latency", show_latency),
    Verb("POST", "/control/latency", set_latency, '{"system": "salesforce", "seconds": 0.2}'),
    Verb("GET", "/control/faults", list_faults),
    Verb("POST", "/control/faults", add_fault, '{"system": "partner_center", "status": 503, "times": 3}'),
    Verb("DELETE", "/control/faults", clear_faults),
    Verb("GET", "/control/switches", list_switches),
    Verb("GET", "/control/switches/{system}", show_switches),
    Verb("POST", "/control/switches/{system}", turn_switches, '{"page_size": 5}'),
    Verb("GET", "/control/calls", list_calls),
    Verb("DELETE", "/control/calls", forget_calls),
    Verb("POST", "/control/reset", reset, '{"seed": 7, "empty": false}'),
)
