"""What `cosell connect dynamics` asks, and how the answers are proven (dataverse-api.md 1)."""

from __future__ import annotations

from cosell.crm import Site
from cosell.crm.connecting import Connecting, Proof, Question
from cosell.systems.dataverse.client import Client
from cosell.systems.dataverse.opening import open_system
from cosell.systems.dataverse.settings import DynamicsSettings

QUESTIONS = (
    Question(
        "url",
        "What is the address of the environment?",
        "As the browser shows it, such as https://example.crm.dynamics.com; which tenant it belongs to, the "
        "environment tells by itself.",
    ),
    Question(
        "authority",
        "Which host gives tokens?",
        "Microsoft's, for everybody but national clouds; there, the one your administrator knows.",
        default="https://login.microsoftonline.com",
        expert=True,
    ),
    Question(
        "client_id",
        "What is the application id?",
        "In Entra ID under App registrations; the environment needs an application user of the same id.",
    ),
    Question(
        "credential",
        "What does the application sign in with?",
        "Its secret, typed here; or a file with private key and certificate (PEM); or «new», which makes "
        "such a pair and tells where its certificate is to be uploaded.",
        secret=True,
        can_make=True,
    ),
    Question(
        "certificate_password",
        "Does the private key have a password?",
        "Only where the file was made with one; it is used once, the key is sealed without it.",
        secret=True,
        optional=True,
        aside=True,
        wanted=lambda answers: answers.get("credential", "").startswith("file:"),
    ),
    Question(
        "ends",
        "When does the secret end? (YYYY-MM-DD)",
        "Entra ID shows the day beside the secret; you are warned before it. A certificate tells its own.",
        optional=True,
        aside=True,
        end_of="credential",
        wanted=lambda answers: answers.get("credential", "") not in ("", "new"),
    ),
)
UPLOAD = (
    "In Entra ID under App registrations, open the application, «Certificates & secrets», «Certificates», "
    "and upload this certificate."
)


async def prove(section: DynamicsSettings, site: Site) -> Proof:
    """Signs in, asks who we are (1.5), and reads the organisation's own row.

    An application user that is missing, and one without a role, are refusals of their own (1.2, 1.5).
    """
    system = open_system(section, site)
    try:
        client = system.client
        me = await client.get("WhoAmI", purpose="connect")
        if not me.ok:
            raise me.error(safe=True)
        user = str(me.row.get("UserId", ""))
        return Proof(await _named(client, user), await _organization(client, section.url))
    finally:
        await system.aclose()


async def _named(client: Client, user: str) -> str:
    answer = await client.get(f"systemusers({user})", {"$select": "fullname"}, purpose="connect")
    return str(answer.row.get("fullname") or user) if answer.ok else user


async def _organization(client: Client, url: str) -> str:
    answer = await client.get("organizations", {"$select": "name"}, purpose="connect")
    rows = await client.rows(answer, purpose="connect") if answer.ok else []
    return str(rows[0].get("name") or url) if rows else url


CONNECTING = Connecting(
    QUESTIONS,
    prove,
    replaces=("client_secret", "certificate", "certificate_password"),
    upload=UPLOAD,
)
