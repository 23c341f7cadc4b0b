"""Sources: folders, files and archives of this machine, within limits; what is refused is refused with one line."""

import io
import stat
import zipfile
from pathlib import Path

import pytest

from tasks.core.errors import UserFixable
from tasks.core.settings import Limits
from tasks.core.spec.model import SourceFile
from tasks.sources import read_local, read_named

LIMITS = Limits(files=3, file_bytes=1_000, total_bytes=2_500)


def zipped(path: Path, entries: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return path


def names(paths: list[Path]) -> list[str]:
    return [file.filename for file in read_local(paths, LIMITS)]


def refused(*paths: Path) -> str:
    with pytest.raises(UserFixable) as error:
        read_local(list(paths), LIMITS)
    assert error.value.actions
    return error.value.code


def test_a_folder_gives_its_spec_files_in_order(tmp_path: Path) -> None:
    for name in ("Fields.csv", "Bundles.CSV", "notes.docx", ".hidden.csv"):
        (tmp_path / name).write_text("a,b")
    (tmp_path / "old").mkdir()
    assert names([tmp_path]) == ["Bundles.CSV", "Fields.csv"]


def test_files_are_taken_as_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "Fields").write_bytes(b"a,b")
    (found,) = read_local([tmp_path / "Fields"], LIMITS)
    assert (found.filename, found.content) == ("Fields", b"a,b")


def test_files_of_one_name_are_told_apart_by_their_folder(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "Fields.csv").write_text(folder)
    assert names([tmp_path / "one", tmp_path / "two"]) == ["one/Fields.csv", "two/Fields.csv"]


def test_an_archive_gives_its_spec_files_whatever_folder_they_are_in(tmp_path: Path) -> None:
    entries = {
        "spec/Bundles.csv": b"a",
        "spec/Fields.csv": b"b",
        "__MACOSX/spec/._Fields.csv": b"",
        "readme.md": b"",
    }
    assert names([zipped(tmp_path / "spec.zip", entries)]) == ["Bundles.csv", "Fields.csv"]


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path / "missing") == "path-missing"
    assert refused(Path("a\0b")) == "path-missing"
    assert refused(tmp_path) == "no-files"


def test_too_many_too_large_and_too_much_are_refused(tmp_path: Path) -> None:
    many, large, much = tmp_path / "many", tmp_path / "large", tmp_path / "much"
    for folder, count, size in ((many, 4, 1), (large, 1, 1_001), (much, 3, 900)):
        folder.mkdir()
        for at in range(count):
            (folder / f"{at}.csv").write_bytes(b"x" * size)
    assert (refused(many), refused(large), refused(much)) == ("too-many-files", "too-large", "too-large")


def test_limits_count_what_an_archive_really_unpacks(tmp_path: Path) -> None:
    bomb = zipped(tmp_path / "bomb.zip", {"Fields.csv": b"\0" * 50_000_000})
    assert bomb.stat().st_size < 100_000
    assert names([zipped(tmp_path / "fine.zip", {"Fields.csv": b"x" * 1_000})]) == ["Fields.csv"]
    with pytest.raises(UserFixable, match=r"larger than 0\.001 MB"):
        read_local([bomb], Limits(file_bytes=1_000, total_bytes=1_000_000))
    assert refused(zipped(tmp_path / "many.zip", {f"{at}.csv": b"x" for at in range(4)})) == "too-many-files"


def test_an_archive_larger_than_everything_together_is_refused(tmp_path: Path) -> None:
    (tmp_path / "huge.zip").write_bytes(b"PK" + bytes(3_000))
    assert refused(tmp_path / "huge.zip") == "archive-refused"


@pytest.mark.parametrize(
    "name", ["../Fields.csv", "/etc/Fields.csv", "a/../../Fields.csv", "C:/Fields.csv", "..\\Fields.csv"]
)
def test_entries_that_leave_the_archive_are_refused(tmp_path: Path, name: str) -> None:
    assert refused(zipped(tmp_path / "spec.zip", {name: b"x"})) == "archive-refused"


def test_links_archives_and_damage_in_an_archive_are_refused(tmp_path: Path) -> None:
    linked = zipfile.ZipInfo("Fields.csv")
    linked.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "linked.zip", "w") as archive:
        archive.writestr(linked, "/etc/passwd")
    assert refused(tmp_path / "linked.zip") == "archive-refused"
    assert refused(zipped(tmp_path / "nested.zip", {"inner.zip": b"PK"})) == "archive-refused"
    whole = zipped(tmp_path / "whole.zip", {"Fields.csv": bytes(range(256)) * 3}).read_bytes()
    for at in range(0, len(whole), 7):
        damaged = whole[:at] + b"\xff\xff" + whole[at + 2 :]
        (tmp_path / "damaged.zip").write_bytes(damaged)
        try:
            read_local([tmp_path / "damaged.zip"], LIMITS)
        except UserFixable as error:
            assert error.actions  # noqa: PT017
    (tmp_path / "none.zip").write_bytes(b"no archive")
    assert refused(tmp_path / "none.zip") == "archive-refused"


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    content = bytearray(zipped(tmp_path / "spec.zip", {"Fields.csv": b"x"}).read_bytes())
    for mark, flag in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + flag] |= 1
    with zipfile.ZipFile(io.BytesIO(bytes(content))) as archive:
        assert archive.infolist()[0].flag_bits & 1
    (tmp_path / "spec.zip").write_bytes(content)
    assert refused(tmp_path / "spec.zip") == "archive-refused"


def test_a_link_that_leads_out_of_its_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a,b")
    (tmp_path / "spec").mkdir()
    (tmp_path / "spec" / "Fields.csv").symlink_to(tmp_path / "secret.csv")
    assert refused(tmp_path / "spec") == "link-refused"


def test_names_lie_below_the_one_folder_that_the_operator_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "specs" / "lake").mkdir(parents=True)
    (tmp_path / "specs" / "lake" / "Fields.csv").write_text("a,b")
    (tmp_path / "Fields.csv").write_text("secret")
    monkeypatch.delenv("DRUPAL_TICKETS_SPEC_FOLDER", raising=False)
    with pytest.raises(UserFixable, match="has no folder for specs"):
        read_named(["lake"], LIMITS)
    monkeypatch.setenv("DRUPAL_TICKETS_SPEC_FOLDER", str(tmp_path / "specs"))
    assert [file.filename for file in read_named(["lake"], LIMITS)] == ["Fields.csv"]
    for name in ("../Fields.csv", "/etc", "lake/../../Fields.csv"):
        with pytest.raises(UserFixable, match="not below"):
            read_named([name], LIMITS)


def test_files_given_with_the_request_keep_the_same_limits() -> None:
    small, large = SourceFile("Fields.csv", b"a"), SourceFile("Bundles.csv", b"b" * (LIMITS.file_bytes + 1))
    assert read_named([], LIMITS, [small]) == [small]
    with pytest.raises(UserFixable, match="Bundles"):
        read_named([], LIMITS, [small, large])
