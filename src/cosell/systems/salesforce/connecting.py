"""What `cosell connect salesforce` asks, and how the answers are proven (salesforce-api.md 2)."""

from __future__ import annotations

from cosell.core.errors import NotAllowed, SignedOut
from cosell.crm import Site
from cosell.crm.connecting import Answers, Connecting, Proof, Question
from cosell.systems.salesforce.client import Answer, Client, query_part, rows_of
from cosell.systems.salesforce.opening import open_system
from cosell.systems.salesforce.settings import SalesforceSettings
from cosell.systems.salesforce.soql import select


def _jwt(answers: Answers) -> bool:
    return answers.get("login") == "jwt"


def _credentials(answers: Answers) -> bool:
    return answers.get("login") == "client_credentials"


QUESTIONS = (
    Question(
        "login_url",
        "Where does your org sign in?",
        "The My Domain address from Setup, or https://login.salesforce.com; a Salesforce sandbox signs in at "
        "https://test.salesforce.com or at its own My Domain address.",
        default="https://login.salesforce.com",
    ),
    Question(
        "login",
        "How shall the connector sign in?",
        "jwt signs with a private key whose certificate the app knows; client_credentials shows a secret and "
        "works at My Domain addresses only.",
        default="jwt",
        choices=("jwt", "client_credentials"),
    ),
    Question(
        "client_id",
        "What is the app's consumer key?",
        "In Setup, External Client App Manager, the app's OAuth settings show it; a new app takes up to ten "
        "minutes to become known.",
    ),
    Question(
        "username",
        "Which user shall the connector be?",
        "The user name of a user made for the connector alone, so that its changes can be told from others'.",
        wanted=_jwt,
    ),
    Question(
        "private_key",
        "Where is the private key?",
        "The key of the certificate the app knows; «new» makes a pair here and tells where its certificate "
        "is to be uploaded.",
        secret=True,
        lines=True,
        can_make=True,
        wanted=_jwt,
    ),
    Question(
        "client_secret",
        "What is the app's consumer secret?",
        "It stands beside the consumer key; it is kept sealed and never shown.",
        secret=True,
        wanted=_credentials,
    ),
    Question(
        "ends",
        "When does the secret end? (YYYY-MM-DD)",
        "If your company renews secrets by a rule, you are warned before that day; empty if it has no end.",
        optional=True,
        aside=True,
        end_of="client_secret",
        wanted=_credentials,
    ),
)
UPLOAD = (
    "In Setup, External Client App Manager, open the app's OAuth settings, enable the JWT bearer flow and "
    "upload this certificate."
)


async def prove(section: SalesforceSettings, site: Site) -> Proof:
    """Signs in, asks who we are (2.4), and reads the organisation's own record."""
    system = open_system(section, site)
    try:
        client = system.client
        who = await _who(client)
        answers = await client.reads(
            [query_part(select(("Name", "IsSandbox"), "Organization"), "org")], purpose="connect"
        )
        row = next(iter(rows_of(answers["org"])), {})
    finally:
        await system.aclose()
    kind = "a Salesforce sandbox" if row.get("IsSandbox") is True else "a production org"
    return Proof(who, f"{row.get('Name') or 'an org without a name'} ({kind})")


async def _who(client: Client) -> str:
    answer: Answer = await client.call("GET", "/services/oauth2/userinfo", purpose="connect", versioned=False)
    if answer.ok and isinstance(answer.body, dict):
        return str(answer.body.get("preferred_username") or answer.body.get("user_id") or "")
    if answer.status in (401, 403):
        # The identity endpoints answer so where the app lacks a scope (2.5).
        raise NotAllowed(
            "Salesforce let the connector in, but not use the API.",
            detail=f"userinfo: status {answer.status}",
            advice="An administrator adds the scope «api» to the app, and API Enabled to the user.",
        )
    raise answer.error(safe=True) if not answer.ok else SignedOut("Salesforce does not say who we are.")


CONNECTING = Connecting(QUESTIONS, prove, upload=UPLOAD)
