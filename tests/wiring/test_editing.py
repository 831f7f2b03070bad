"""The settings file is changed in the lines concerned, and in no other."""

from __future__ import annotations

import tomllib

import pytest

from cosell.config.editing import difference, edited
from cosell.config.template import template
from cosell.core.errors import Misconfigured
from cosell.crm import named

FILE = """\
# our own words
[environment]
name = "x"   # short

[dynamics]
# where it lies
url = "https://old.example"  # ask Ada
# credential = "sealed:dynamics.credential"
client_secret = 'env:OLD'

[web]
port = 8080
"""


def test_a_value_is_replaced_and_what_stands_beside_it_stays() -> None:
    made = edited(FILE, "dynamics", {"url": "https://new.example"})
    assert 'url = "https://new.example"  # ask Ada' in made
    assert len(difference(FILE, made, "f").splitlines()) == 7


def test_a_setting_that_stands_as_a_comment_takes_its_place() -> None:
    made = edited(FILE, "dynamics", {"credential": "sealed:dynamics.credential", "client_secret": None})
    assert "\ncredential = \"sealed:dynamics.credential\"\n# client_secret = 'env:OLD'\n" in made
    assert tomllib.loads(made)["dynamics"] == {
        "url": "https://old.example",
        "credential": "sealed:dynamics.credential",
    }


def test_a_new_setting_stands_in_its_table_and_a_new_table_at_the_end() -> None:
    made = edited(FILE, "dynamics", {"tenant": 'a "quoted" \\ name'})
    assert tomllib.loads(made)["dynamics"]["tenant"] == 'a "quoted" \\ name'
    assert made.index("tenant") < made.index("[web]")
    assert edited(FILE, "salesforce", {"login": "jwt"}).endswith('\n[salesforce]\nlogin = "jwt"\n')


def test_the_same_again_changes_nothing() -> None:
    changes = {"url": "https://new.example", "client_secret": None}
    once = edited(FILE, "dynamics", changes)
    assert edited(once, "dynamics", changes) == once


@pytest.mark.parametrize("crm", ["salesforce", "dynamics"])
def test_a_file_that_init_wrote_can_be_edited_everywhere(crm: str) -> None:
    whole = template(named(crm))
    for table, inner in tomllib.loads(whole).items():
        for key, value in inner.items():
            if isinstance(value, str):
                assert tomllib.loads(edited(whole, table, {key: "changed"}))[table][key] == "changed"


@pytest.mark.parametrize(
    "text",
    ['[dynamics]\nurl = """\nhttps://x"""\n', 'dynamics = { url = "https://x" }\n', 'dynamics.url = "x"\n'],
)
def test_what_cannot_be_edited_safely_is_left_alone_with_what_to_write(text: str) -> None:
    with pytest.raises(Misconfigured, match="left as it is") as caught:
        edited(text, "dynamics", {"url": "https://new.example"})
    assert 'url = "https://new.example"' in caught.value.advice
