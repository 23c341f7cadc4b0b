"""The example spec: messy on purpose, and nothing in it blocks."""

import pytest

from tasks.core.settings import RowAction
from tasks.core.spec.model import Spec
from tasks.core.spec.references import References, resolve
from tests.builders.spec import lakeside


@pytest.fixture(scope="module")
def spec() -> Spec:
    return lakeside()


def test_it_has_twelve_tabs_and_nothing_blocks(spec: Spec) -> None:
    assert len({table.csv_type for table in spec.tables}) == len(spec.tables) == 12
    assert sum(len(table) for table in spec.tables) == 138
    assert spec.blocking == []


def test_it_has_rows_of_every_code(spec: Spec) -> None:
    assert {row.action for table in spec.tables for row in table.rows} == set(RowAction) - {RowAction.REMOVE}
    assert {code for counts in spec.scope_counts.values() for code in counts} == {
        "a",
        "w",
        "x",
        "c",
        "d",
        "blank",
    }


def test_its_mistakes_are_found(spec: Spec) -> None:
    assert {finding.code for finding in spec.findings} == {
        "bundle-without-fields", "duplicate-key", "formula-error", "list-without-options", "lookup-derived",
        "machine-name-refused", "open-question", "reference-unresolved", "scope-undecided", "storage-type-clash",
        "storage-cardinality-clash", "unconfirmed", "waits-on-held",
    }  # fmt: skip


def test_its_cells_hold_markup_and_line_breaks(spec: Spec) -> None:
    cells = [cell for table in spec.tables for row in table.rows for _, cell in row.facts()]
    assert any("<strong>" in cell for cell in cells)
    assert sum("\n" in cell for cell in cells) >= 5


def test_its_bundles_refer_to_each_other_in_a_circle(spec: Spec) -> None:
    references = resolve(spec)
    assert {"Department", "Person"} <= reachable(references, spec, "Course")
    assert "Course" in reachable(references, spec, "Person")


def reachable(references: References, spec: Spec, name: str) -> set[str]:
    bundles = {row["name"]: row for row in spec.rows("bundles")}
    fields = references.children(bundles[name])
    return {target["name"] for field in fields for target in references.targets(field, "ref_bundle")}
