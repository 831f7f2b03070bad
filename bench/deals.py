"""The deals that benchmarks are about: each in every field, none like another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

SELLER = {
    "firstName": "Alex",
    "lastName": "Moreau",
    "phoneNumber": "+31205550101",
    "email": "alex.moreau@cosell.example",
}


def deal(number: int, solution_id: str) -> dict[str, Any]:
    """A deal as Partner Center writes it."""
    closing = datetime.now(UTC) + timedelta(days=60 + number % 300)
    return {
        "name": f"Harbour analytics {number}",
        "customerProfile": {
            "name": f"Contoso Harbour {number} BV",
            "address": {
                "addressLine1": f"Kade {number}",
                "city": "Rotterdam",
                "postalCode": "3011 BB",
                "country": "NL",
            },
            "team": [
                {
                    "firstName": "Kim",
                    "lastName": "Bos",
                    "phoneNumber": "+31105550111",
                    "email": f"kim.bos{number}@harbour.example",
                }
            ],
        },
        "details": {
            "notes": "The customer wants telemetry on every quay, in every weather, before the summer.",
            "dealValue": 50_000 + number,
            "currency": "EUR",
            "closingDateTime": f"{closing:%Y-%m-%d}T00:00:00Z",
            "requirements": {"solutions": [{"id": solution_id, "name": "Fleet Optimizer", "type": "Name"}]},
        },
        "team": [SELLER],
    }
