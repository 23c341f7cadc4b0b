"""Lookup columns that lost their formula: the machine name is taken from the row that the label names."""

from collections.abc import Mapping
from dataclasses import replace

from tasks.core.findings import Finding
from tasks.core.spec.model import FORMULA_ERRORS, NO_FACT, Table
from tasks.core.spec.references import Resolver, State
from tasks.core.spec.registry import tab_type
from tasks.core.spec.reporting import each
from tasks.core.spec.tab_type import Lookup, Reference
from tasks.core.spec.tabs import Tab


def derive(tables: list[Table], resolver: Resolver) -> tuple[list[Table], list[Finding]]:
    """The tables with their lookups filled in where they can be, and a warning for each that was blank."""
    derived, findings = [], []
    for table in tables:
        filled = {
            lookup.column: _fill(table, lookup, resolver) for lookup in tab_type(table.csv_type).lookups
        }
        derived.append(replace(table, derived={name: values for name, values in filled.items() if values}))
        findings += [
            finding
            for name, values in filled.items()
            if name in table.columns
            for finding in each(
                Tab([table]),
                [row for row in values if not table.column(name)[row]],
                "lookup-derived",
                "Blank lookups were filled in from the label beside them.",
                column=name,
                actions=[
                    "Nothing has to be done; restore the formula of the column if you want it in the sheet."
                ],
            )
        ]
    return derived, findings


def _fill(table: Table, lookup: Lookup, resolver: Resolver) -> Mapping[int, str]:
    """The machine names that a lookup column lacks, by row."""
    reference = next(one for one in tab_type(table.csv_type).references if one.column == lookup.reference)
    if reference.target not in resolver.tabs:
        return {}
    cells = table.column(lookup.column)
    lacking = cells.where(NO_FACT)
    if not lacking:
        return {}
    labels = table.column(reference.column)
    beside = table.column(reference.beside or "")
    found = zip(lacking, labels.at(lacking), beside.at(lacking), strict=True)
    names = {at: _machine_name(resolver, reference, *both) for at, *both in found}
    return {at: name for at, name in names.items() if name}


def _machine_name(resolver: Resolver, reference: Reference, label: str, beside: str) -> str:
    named = resolver.cell(reference, label, beside)
    if len(named) != 1 or named[0].state is not State.FOUND:
        return ""
    name = resolver.tabs[reference.target].column("machine_name")[named[0].rows[0]]
    return "" if name in FORMULA_ERRORS else name
