"""The solution files of Dynamics 365 against Microsoft's published schemas of customization files.

With `COSELL_CUSTOMIZATION_SCHEMAS`: the folder that holds CustomizationsSolution.xsd and what it includes,
version 9.0.0.2090. They are Microsoft's, so they are not kept here.
"""

from __future__ import annotations

import os
import re
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import xmlschema

pytest.importorskip("cosell", reason="the files are made by cosell itself: put src on PYTHONPATH")

from cosell.systems.dataverse.package import bodies, forms
from cosell.systems.dataverse.package.files import solution_file
from cosell.systems.dataverse.package.model import PACKAGE

ADDITIVE = re.compile(
    r"CascadeArchive|AutoNumberFormat|IsFilterable|IsLocalizable|IsRetrievable|IsSearchable|IsSolutionAware"
)
"""Names that newer exports have and the published schemas do not know yet; ours has none of them."""


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The schemas, with patterns as XSD means them: they are anchored anyway and know no look-ahead."""
    folder = os.environ.get("COSELL_CUSTOMIZATION_SCHEMAS")
    if not folder:
        pytest.skip("COSELL_CUSTOMIZATION_SCHEMAS names no folder")
    copied = tmp_path_factory.mktemp("schemas")
    for one in Path(folder).glob("*.xsd"):
        text = one.read_text(encoding="utf-8-sig")
        text = re.sub(r'(xs:pattern value=")\^([^"]*)\$(")', r"\1\2\3", text)
        text = re.sub(r'(xs:pattern value="[^"]*)\(\?![^)]*\)', r"\1", text)
        (copied / one.name).write_text(text, encoding="utf-8")
    return copied


@pytest.mark.parametrize("managed", [False, True])
def test_the_customizations_validate(schemas: Path, managed: bool) -> None:
    schema = xmlschema.XMLSchema(str(schemas / "CustomizationsSolution.xsd"))
    with ZipFile(BytesIO(solution_file(PACKAGE, managed=managed))) as archive:
        found = archive.read("customizations.xml").decode()
    assert not ADDITIVE.search(found)
    assert [_told(error) for error in schema.iter_errors(found)] == []
    assert list(schema.iter_errors(found.replace("<Type>nvarchar", "<Type>string", 1)))
    assert list(schema.iter_errors(found.replace("<Roles>", "<Nonsense /><Roles>", 1)))


def test_the_form_with_our_section_validates(schemas: Path) -> None:
    schema = xmlschema.XMLSchema(str(schemas / "FormXml.xsd"))
    columns = {one.name: one for one in PACKAGE.addition("opportunity").columns}
    section = forms.section_xml(PACKAGE, columns, bodies.Tongue())
    form = (
        '<form><tabs><tab name="general" id="{00000000-0000-0000-0000-00000000aaaa}"><labels>'
        '<label description="General" languagecode="1033"/></labels><columns><column width="100%">'
        "<sections/></column></columns></tab></tabs></form>"
    )
    found = forms.with_section(form, section, PACKAGE.section.name)
    assert [_told(error) for error in schema.iter_errors(found)] == []


def test_what_is_published_validates(schemas: Path) -> None:
    schema = xmlschema.XMLSchema(str(schemas / "ParameterXml.xsd"))
    told = bodies.publication(["opportunity", "lead"])["ParameterXml"]
    assert [_told(error) for error in schema.iter_errors(told)] == []


def _told(error: Any) -> str:
    return f"{error.path}: {error.reason}"
