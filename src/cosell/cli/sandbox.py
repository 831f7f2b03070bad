"""The sandbox from the command line: serve it, and do in it what sellers, Microsoft and bad luck do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cosell.cli.acting import do
from cosell.cli.administering import field, quota
from cosell.cli.options import Json, Url

sandbox = typer.Typer(
    help="Serve the sandbox, or change something in the one that runs.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

Deal = Annotated[str, typer.Argument(metavar="DEAL", help="The id of a referral, an opportunity or a lead.")]
Pairs = Annotated[
    list[str] | None, typer.Argument(metavar="[NAME=VALUE]...", help="What to set, such as amount=90000.")
]
By = Annotated[str | None, typer.Option("--by", metavar="WHO", help="Who does it, where that is a choice.")]
Times = Annotated[int, typer.Option("--times", min=1, help="How many.")]


@sandbox.callback()
def serve(
    context: typer.Context,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    base_port: Annotated[int, typer.Option("--base-port", metavar="N", help="First port.")] = 8800,
    tls: Annotated[bool, typer.Option("--tls", help="Serve https under a test authority.")] = False,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of the deals.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Begin without deals.")] = False,
    org: Annotated[
        str, typer.Option("--org", metavar="ready|bare|microsoft", help="What is installed in the CRMs.")
    ] = "ready",
    papers: Annotated[
        str | None,
        typer.Option("--papers", metavar="FOLDER", help="Where to put what administrators hand over."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Serve simulated Partner Center, Entra ID, Salesforce and Dynamics 365, each on its port, until Ctrl-C.

    \b
    Examples:
      cosell sandbox
      cosell sandbox --base-port 9800 --tls --json
      cosell sandbox --tls --org bare --papers papers
      cosell sandbox edit 006Hs00000AAAAA amount=90000
    """
    if context.invoked_subcommand is None:
        from cosell.cli import serving, speaking

        def serve_wanted() -> speaking.Answer:
            installed = serving.org_named(org)
            return serving.serve(
                serving.Wanted(host, base_port, tls, seed, empty, installed, as_json, papers)
            )

        speaking.speak(serve_wanted, as_json=as_json)


def _named(pairs: list[str] | None) -> dict[str, Any]:
    from cosell.cli import moving

    return moving.named(pairs or [])


@sandbox.command()
def deals(
    system: Annotated[
        str | None, typer.Argument(metavar="[SYSTEM]", help="Such as dataverse; every system without.")
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """List the deals of every system.

    \b
    Examples:
      cosell sandbox deals
      cosell sandbox deals salesforce
    """
    do(lambda control: control.deals(system), url=url, as_json=as_json)


@sandbox.command()
def deal(deal: Deal, url: Url = None, as_json: Json = False) -> None:
    """Show one deal in full.

    \b
    Examples:
      cosell sandbox deal 006Hs00000AAAAA
    """
    do(lambda control: control.deal(deal), url=url, as_json=as_json, full=True)


@sandbox.command()
def new(
    kind: Annotated[
        str, typer.Argument(metavar="inbound|referral|opportunity|lead", help="Who makes it, and where.")
    ],
    pairs: Pairs = None,
    system: Annotated[
        str | None, typer.Option("--system", help="Such as partner_center_2 or dataverse; else the first.")
    ] = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make a deal: Microsoft sends one, a colleague makes a referral, a seller an opportunity or a lead.

    \b
    Examples:
      cosell sandbox new inbound
      cosell sandbox new inbound --system partner_center_2 name="Harbour analytics"
      cosell sandbox new opportunity name="Data estate" account=Acme country=NL amount=50000 sync=true
      cosell sandbox new lead --system dataverse name="Records room" company=Acme last_name=Ng
    """
    from cosell.cli import moving

    do(lambda control: moving.make(control, kind, _named(pairs), system=system), url=url, as_json=as_json)


@sandbox.command()
def edit(deal: Deal, pairs: Pairs = None, by: By = None, url: Url = None, as_json: Json = False) -> None:
    """Change a deal as a person would: an opportunity or lead in its CRM, a referral in Partner Center.

    \b
    Examples:
      cosell sandbox edit 006Hs00000AAAAA amount=90000
      cosell sandbox edit a2000000-0000-4000-8000-000000000001 value=90000
    """
    do(lambda control: control.edit(deal, by=by, **_named(pairs)), url=url, as_json=as_json)


@sandbox.command()
def accept(deal: Deal, by: By = None, url: Url = None, as_json: Json = False) -> None:
    """Accept a referral as whoever was asked.

    \b
    Examples:
      cosell sandbox accept a2000000-0000-4000-8000-000000000001
    """
    do(lambda control: control.accept(deal, by=by), url=url, as_json=as_json)


@sandbox.command()
def decline(
    deal: Deal,
    reason: Annotated[str | None, typer.Option("--reason", help="Why.")] = None,
    by: By = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Decline a referral as whoever was asked.

    \b
    Examples:
      cosell sandbox decline a2000000-0000-4000-8000-000000000001
    """
    do(lambda control: control.decline(deal, reason=reason, by=by), url=url, as_json=as_json)


@sandbox.command()
def close(
    deal: Deal,
    outcome: Annotated[str, typer.Argument(metavar="won|lost", help="How it ended.")],
    reason: Annotated[str | None, typer.Option("--reason", help="Why.")] = None,
    by: By = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Close a referral in Partner Center, or an opportunity in Dynamics 365.

    \b
    Examples:
      cosell sandbox close a2000000-0000-4000-8000-000000000001 won
    """
    do(lambda control: control.close(deal, outcome, reason=reason, by=by), url=url, as_json=as_json)


@sandbox.command()
def expire(deal: Deal, url: Url = None, as_json: Json = False) -> None:
    """Let the deadline of an unanswered referral pass.

    \b
    Examples:
      cosell sandbox expire a2000000-0000-4000-8000-000000000001
    """
    do(lambda control: control.expire(deal), url=url, as_json=as_json)


@sandbox.command()
def advance(
    span: Annotated[str, typer.Argument(metavar="SPAN", help="Such as 90s, 15m, 2h or 14d.")],
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Move the sandbox clock forward.

    \b
    Examples:
      cosell sandbox advance 14d
    """
    do(lambda control: control.advance(span), url=url, as_json=as_json)


@sandbox.command()
def drop(times: Times = 1, url: Url = None, as_json: Json = False) -> None:
    """Lose the next webhook events.

    \b
    Examples:
      cosell sandbox drop --times 3
    """
    do(lambda control: control.drop_events(times), url=url, as_json=as_json)


@sandbox.command()
def duplicate(times: Times = 1, url: Url = None, as_json: Json = False) -> None:
    """Send the next webhook events twice.

    \b
    Examples:
      cosell sandbox duplicate --times 3
    """
    do(lambda control: control.duplicate_events(times), url=url, as_json=as_json)


@sandbox.command()
def slow(
    seconds: Annotated[float, typer.Argument(metavar="SECONDS", help="0 ends it.")],
    system: Annotated[str, typer.Option("--system", help="One system; all without.")] = "*",
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make a system answer late, or all of them.

    \b
    Examples:
      cosell sandbox slow 2 --system salesforce
      cosell sandbox slow 0
    """
    do(lambda control: control.slow(seconds, system=system), url=url, as_json=as_json)


@sandbox.command()
def fail(
    system: Annotated[
        str,
        typer.Argument(metavar="SYSTEM", help="partner_center, webhooks, entra, salesforce, dataverse, ..."),
    ],
    pairs: Pairs = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Make the next requests to a system fail.

    \b
    Examples:
      cosell sandbox fail partner_center status=503 times=3
      cosell sandbox fail salesforce kind=lose
    """
    do(lambda control: control.fail(system, **_named(pairs)), url=url, as_json=as_json)


@sandbox.command()
def heal(url: Url = None, as_json: Json = False) -> None:
    """Take back every failure that has not happened yet.

    \b
    Examples:
      cosell sandbox heal
    """
    do(lambda control: control.heal(), url=url, as_json=as_json)


@sandbox.command()
def switch(
    system: Annotated[str | None, typer.Argument(metavar="[SYSTEM]", help="All without.")] = None,
    pairs: Pairs = None,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show the switches of the simulators, or turn some of one.

    \b
    Examples:
      cosell sandbox switch
      cosell sandbox switch partner_center page_size=5
    """
    do(lambda control: control.switch(system, **_named(pairs)), url=url, as_json=as_json)


@sandbox.command()
def calls(
    forget: Annotated[bool, typer.Option("--forget", help="Begin the count anew afterwards.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Show how often every system was called.

    \b
    Examples:
      cosell sandbox calls --forget
    """
    do(lambda control: control.calls(forget=forget), url=url, as_json=as_json)


@sandbox.command()
def reset(
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Another seed.")] = None,
    empty: Annotated[bool, typer.Option("--empty", help="Begin without deals.")] = False,
    url: Url = None,
    as_json: Json = False,
) -> None:
    """Forget everything and begin again.

    \b
    Examples:
      cosell sandbox reset --seed 7
    """
    do(lambda control: control.reset(seed=seed, empty=empty or None), url=url, as_json=as_json)


for command in (field, quota):
    sandbox.command()(command)
