import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from deployments.settings import Settings
from deployments.stack.home import ENCRYPTION_KEY, Home, encryption_key, write_private
from tasks.core.errors import AdminRequired


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def test_nobody_else_may_look_into_any_folder(home: Home) -> None:
    folders = [home.root, *(path for path in home.root.rglob("*") if path.is_dir())]
    assert {mode(folder) for folder in folders} == {0o700}
    assert len(folders) > 1


def test_a_home_that_was_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    Home(tmp_path / "home").prepare()
    assert mode(tmp_path / "home") == 0o700


def test_a_home_that_cannot_be_made_is_one_clear_line_for_the_administrator(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(
        AdminRequired, match=r"The folder .*file/home cannot be used: Not a directory\."
    ) as caught:
        Home(tmp_path / "file" / "home").prepare()
    assert "DRUPAL_TICKETS_HOME" in caught.value.actions[0]


def test_a_key_is_made_once_and_only_its_owner_reads_it(home: Home) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: home.key(ENCRYPTION_KEY), range(16)))
    assert len(keys) == 1
    Fernet(keys.pop())
    assert [path.name for path in home.keys.iterdir()] == [ENCRYPTION_KEY]
    assert mode(home.keys / ENCRYPTION_KEY) == 0o600


def test_a_private_file_is_replaced_at_once(home: Home) -> None:
    write_private(home.root / "note", b"old")
    write_private(home.root / "note", b"new")
    assert (home.root / "note").read_bytes() == b"new"
    assert mode(home.root / "note") == 0o600
    assert not list(home.root.glob(".note*"))


def test_the_encryption_key_is_the_given_one_or_the_homes(home: Home) -> None:
    local = Settings(home=home.root)
    assert encryption_key(local) == home.key(ENCRYPTION_KEY)
    given = Fernet.generate_key().decode()
    assert encryption_key(Settings.model_validate({"home": home.root, "encryption_key": given})) == given


def test_a_database_of_ones_own_needs_a_key_of_ones_own(home: Home) -> None:
    with pytest.raises(AdminRequired, match="DRUPAL_TICKETS_ENCRYPTION_KEY is not set"):
        encryption_key(
            Settings.model_validate({"home": home.root, "database_url": "postgresql://db/tickets"})
        )


def test_the_socket_lies_below_the_home(home: Home) -> None:
    assert home.socket_folder() == home.run


@pytest.mark.parametrize("name", ["x" * 120, "a,b", "ä:b"], ids=["too long", "comma", "colon"])
def test_a_path_that_will_not_do_for_a_socket_gets_a_private_folder_elsewhere(
    tmp_path: Path, name: str
) -> None:
    folder = Home(tmp_path / name).socket_folder()
    another = Home(tmp_path / (name + "2")).socket_folder()
    try:
        assert mode(folder) == 0o700
        assert len(os.fsencode(folder)) < 90
        assert Home(tmp_path / name).socket_folder() == folder
        assert another != folder
    finally:
        folder.rmdir()
        another.rmdir()


def test_a_socket_folder_that_others_can_enter_is_refused(tmp_path: Path) -> None:
    home = Home(tmp_path / ("x" * 120))
    folder = home.socket_folder()
    folder.chmod(0o755)
    try:
        with pytest.raises(AdminRequired, match="belongs to somebody else"):
            home.socket_folder()
    finally:
        folder.rmdir()
