"""What `upload --as` and `--limits` read from the command line."""

import pytest
import typer

from deployments.cli.options import session_settings
from deployments.cli.uploading import types_given
from tasks.core.settings import Limits


@pytest.mark.parametrize(
    ("text", "name", "csv_type"),
    [
        ("Menus.csv=menus", "Menus.csv", "menus"),
        ("Roles, old = new.csv=user_roles", "Roles, old = new.csv", "user_roles"),
        ("a,b.csv=custom:user_roles:Role", "a,b.csv", "custom:user_roles:Role"),
        ("x=y.csv=custom:bundles:Used=on", "x=y.csv", "custom:bundles:Used=on"),
        (" spec.xlsx/User roles = User roles ", "spec.xlsx/User roles", "User roles"),
    ],
)
def test_a_file_has_its_type_whatever_its_name_holds(text: str, name: str, csv_type: str) -> None:
    assert types_given([text]) == {name: csv_type}


@pytest.mark.parametrize("text", ["Menus.csv", "=menus", "Menus.csv=", ""])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="--as"):
        types_given([text])


def test_limits_are_set_one_by_one() -> None:
    assert session_settings("", "", None, limits="files=40").limits == Limits(files=40)
    for wrong in ("file=40", "files=none", "files=0", "files"):
        with pytest.raises(typer.BadParameter, match="--limits"):
            session_settings("", "", None, limits=wrong)
