"""Every command with its words. What a command does is loaded only when it is called."""

from __future__ import annotations

from typing import Annotated

import typer

from cosell.cli.audit import audit
from cosell.cli.installation import install, package, uninstall
from cosell.cli.mapping import mapping
from cosell.cli.options import Config, Json, LinkName
from cosell.cli.sandbox_access import sandbox
from cosell.cli.settings import settings
from cosell.cli.solutions import solutions
from cosell.cli.webhook import webhook

app = typer.Typer(
    name="cosell",
    help="Keeps Partner Center co-sell referrals and the opportunities of your CRM in two-way sync.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(mapping, name="mapping")
app.add_typer(audit, name="audit")
app.add_typer(webhook, name="webhook")
app.add_typer(solutions, name="solutions")
app.add_typer(settings, name="settings")
app.add_typer(sandbox, name="sandbox")
app.command()(install)
app.command()(uninstall)
app.command()(package)


@app.command()
def init(
    path: Annotated[str, typer.Argument(metavar="[PATH]", help="Where to write it.")] = "cosell.toml",
    crm: Annotated[str, typer.Option("--crm", help="The CRM to join: salesforce, dynamics.")] = "salesforce",
    kind: Annotated[
        str, typer.Option("--kind", metavar="production|staging|sandbox", help="What it is.")
    ] = "production",
    name: Annotated[str, typer.Option("--name", help="Its short name; else as its kind.")] = "",
    ca_file: Annotated[
        str, typer.Option("--ca-file", metavar="FILE", help="Further certificate authorities to trust, PEM.")
    ] = "",
    key: Annotated[bool, typer.Option("--key", help="Print a new key for COSELL_KEY instead.")] = False,
    as_json: Json = False,
) -> None:
    """Write a commented settings file; never overwrites one.

    \b
    Examples:
      cosell init
      cosell init --crm dynamics --kind staging staging.toml
      cosell init --key
    """
    from cosell.cli import beginning, speaking

    wanted = beginning.Beginning(crm, kind, name, ca_file)
    speaking.speak(lambda: beginning.init(path, wanted, key=key), as_json=as_json)


@app.command()
def connect(
    system: Annotated[
        str, typer.Argument(metavar="SYSTEM", help="partner-center, or the CRM: salesforce, dynamics.")
    ],
    answer: Annotated[
        list[str] | None,
        typer.Option(
            "--answer",
            "-a",
            metavar="NAME=VALUE",
            help="Answer one question beforehand, several times for several; a secret by reference only.",
        ),
    ] = None,
    non_interactive: Annotated[
        bool, typer.Option("--non-interactive", help="Ask nothing; what is missing is an error.")
    ] = False,
    all_questions: Annotated[
        bool, typer.Option("--all-questions", help="Ask also what nearly nobody has to change.")
    ] = False,
    leave: Annotated[
        bool, typer.Option("--leave", help="Leave secrets where they lie instead of keeping them sealed.")
    ] = False,
    device: Annotated[
        bool, typer.Option("--device", help="Partner Center: sign in on another device, with a code.")
    ] = False,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Partner Center: open the browser of this machine.")
    ] = True,
    redirect_port: Annotated[
        int,
        typer.Option(
            "--redirect-port", metavar="N", min=0, max=65535, help="Port the browser comes back to (any)."
        ),
    ] = 0,
    rotate: Annotated[
        bool, typer.Option("--rotate", help="Enter and prove the next credential; the one in use stays.")
    ] = False,
    switch: Annotated[
        bool, typer.Option("--switch", help="Use the next credential from now on, without a restart.")
    ] = False,
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="Forget the credential that was replaced.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Sign in to a system: asks, proves, then keeps the secrets sealed and writes the settings file.

    \b
    Examples:
      cosell connect partner-center
      cosell connect partner-center --device
      cosell connect salesforce --answer client_id=3MVG9 --answer private_key=new
      cosell connect dynamics --non-interactive --answer credential=env:DYNAMICS_SECRET
      cosell connect dynamics --rotate
      cosell connect dynamics --switch
    """
    from cosell.cli import answering, connecting, speaking

    wanted = answering.Wanted(
        system,
        answer or (),
        non_interactive,
        all_questions,
        leave,
        device,
        browser,
        redirect_port,
        rotate,
        switch,
        forget_old,
    )
    speaking.speak(lambda: speaking.wait(connecting.connect(config, wanted)), as_json=as_json)


@app.command()
def connections(config: Config = None, as_json: Json = False) -> None:
    """Show what is connected, as whom, since when, and how old its credentials are.

    \b
    Examples:
      cosell connections
      cosell connections --json
    """
    from cosell.cli import listing, speaking

    speaking.speak(lambda: speaking.wait(listing.connections(config)), as_json=as_json)


@app.command()
def run(
    config: Annotated[
        list[str] | None,
        typer.Option(
            "--config",
            metavar="PATH",
            help="A settings file, several times for several environments; else COSELL_CONFIG, else "
            "./cosell.toml.",
        ),
    ] = None,
    base_port: Annotated[
        int | None, typer.Option("--base-port", metavar="N", help="First port of the sandbox (8800).")
    ] = None,
    port: Annotated[
        int | None, typer.Option("--port", metavar="N", help="Port of the connector's own web (8080).")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", metavar="N", help="Seed of the sandbox.")] = None,
    log: Annotated[str, typer.Option("--log", metavar="words|json", help="Form of the log lines.")] = "words",
    as_json: Json = False,
) -> None:
    """Run the sync until Ctrl-C; without a settings file, together with the sandbox.

    \b
    Examples:
      cosell run
      cosell run --config production.toml --log json
      cosell run --config salesforce.toml --config dynamics.toml
      cosell run --base-port 9800 --port 9080
    """
    from cosell.cli import running, speaking

    wanted = running.Wanted(config or (), base_port, port, seed, log, as_json)
    speaking.speak(lambda: running.run(wanted), as_json=as_json)


@app.command()
def status(config: Config = None, as_json: Json = False) -> None:
    """Show flows, links by state, what waits, the last sweep, alerts, quota and the last event.

    \b
    Examples:
      cosell status
      cosell status --json
    """
    from cosell.cli import looking, speaking

    speaking.speak(lambda: speaking.wait(looking.status(config)), as_json=as_json)


@app.command()
def plan(
    link: Annotated[
        str | None, typer.Argument(metavar="[LINK]", help="One deal; all of them without.")
    ] = None,
    config: Config = None,
    pending: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 6 when something would be written.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Read both sides and show what would be written, field by field; writes nothing.

    \b
    Examples:
      cosell plan
      cosell plan 0069V00000XyZabQAF
      cosell plan --exit-code --json
    """
    from cosell.cli import planning, speaking

    speaking.speak(lambda: speaking.wait(planning.plan(config, link, pending=pending)), as_json=as_json)


@app.command()
def sync(
    link: Annotated[
        str | None, typer.Argument(metavar="[LINK]", help="One deal; with --all, leave it out.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Compare every link and repair.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Have a deal looked at now, or sweep: compare every link on both sides and repair what differs.

    Where nothing runs, the work is done here.

    \b
    Examples:
      cosell sync 0069V00000XyZabQAF
      cosell sync --all
    """
    from cosell.cli import deciding, speaking

    speaking.speak(lambda: speaking.wait(deciding.sync(config, link, every=every)), as_json=as_json)


@app.command()
def explain(link: LinkName, config: Config = None, as_json: Json = False) -> None:
    """Tell everything about one deal: for every field both values, base, rule, last write, and what next.

    \b
    Examples:
      cosell explain 0069V00000XyZabQAF
      cosell explain https://partner.microsoft.com/.../a2000000-0000-4000-8000-000000000001
    """
    from cosell.cli import explaining, speaking

    speaking.speak(lambda: speaking.wait(explaining.explain(config, link)), as_json=as_json)


@app.command()
def hold(
    link: Annotated[str | None, typer.Argument(metavar="[LINK]", help="The deal.")] = None,
    release: Annotated[bool, typer.Option("--release", help="End the hold.")] = False,
    release_brake: Annotated[
        bool, typer.Option("--release-brake", help="Let the changes pass that the brake stopped.")
    ] = False,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why; kept in the audit.")] = "",
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Keep a deal as it is on both sides; or end that.

    \b
    Examples:
      cosell hold 0069V00000XyZabQAF --note "price under discussion"
      cosell hold 0069V00000XyZabQAF --release
      cosell hold --release-brake
    """
    from cosell.cli import deciding, speaking

    wanted = deciding.Holding(link, release, release_brake, note)
    speaking.speak(lambda: speaking.wait(deciding.hold(config, wanted)), as_json=as_json)


@app.command()
def resolve(
    link: LinkName,
    field: Annotated[
        str | None, typer.Argument(metavar="[FIELD]", help="The field that is held, or «link».")
    ] = None,
    take: Annotated[
        str | None,
        typer.Option("--take", metavar="crm|partner_center", help="The side whose value is right."),
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ID", help="The CRM's account whose deal it is.")
    ] = None,
    new_account: Annotated[
        bool, typer.Option("--new-account", help="The customer has no account yet; one is made.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Decide a held field for one side, or whose deal it is; good only for the values shown now.

    \b
    Examples:
      cosell resolve 0069V00000XyZabQAF deal_value --take crm
      cosell resolve 0069V00000XyZabQAF close_date --take partner_center
      cosell resolve a2000000-0000-4000-8000-000000000001 --account 0019V00000AbCdeQAF
      cosell resolve a2000000-0000-4000-8000-000000000001 --new-account
    """
    from cosell.cli import customers, speaking

    wanted = customers.Answered(field, take, account, new_account)
    speaking.speak(lambda: speaking.wait(customers.resolve(config, link, wanted)), as_json=as_json)


@app.command()
def backup(
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE]", help="Where to write it; else ENVIRONMENT-TIME.backup here."),
    ] = None,
    with_key: Annotated[
        bool, typer.Option("--with-key", help="Put the sealing key in as well; guard the file like it.")
    ] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Copy the database into one file while the sync goes on, and check the copy.

    \b
    Examples:
      cosell backup
      cosell backup /var/backups/cosell/production.backup --config production.toml
    """
    from cosell.cli import keeping, speaking

    speaking.speak(lambda: speaking.wait(keeping.backup(config, file, with_key=with_key)), as_json=as_json)


@app.command()
def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A backup.")],
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Put a backup in the place of the database, and compare every deal anew before anything is believed.

    The sync must not run. What is replaced is kept beside it.

    \b
    Examples:
      cosell restore production-20270131-0300.backup --config production.toml
    """
    from cosell.cli import keeping, speaking

    speaking.speak(lambda: speaking.wait(keeping.restore(config, file)), as_json=as_json)


@app.command()
def doctor(
    fix: Annotated[bool, typer.Option("--fix", help="Mend first what is safe to mend.")] = False,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Check settings, database, both connections and whether they fit; without --fix changes nothing.

    \b
    Examples:
      cosell doctor
      cosell doctor --fix
      cosell doctor --json > doctor.json
    """
    from cosell.cli import examining, speaking

    speaking.speak(lambda: speaking.wait(examining.doctor(config, fix=fix)), as_json=as_json)


@app.command()
def version(as_json: Json = False) -> None:
    """Show the version.

    \b
    Examples:
      cosell version
    """
    from cosell.cli import beginning, speaking

    speaking.speak(beginning.version, as_json=as_json)
