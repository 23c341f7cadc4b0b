"""Values of the program as a table inside a statement: many rows changed in one round trip."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, TableValuedAlias, func, literal
from sqlalchemy.types import TypeEngine


def given_rows(name: str, **columns: tuple[type[TypeEngine[Any]], Iterable[Any]]) -> TableValuedAlias:
    """`unnest` of one array per column; two arrays however many rows, where VALUES has a limit of parameters."""
    arrays = [literal(list(values), ARRAY(kind)) for kind, values in columns.values()]
    return func.unnest(*arrays).table_valued(*columns, name=name).render_derived()
