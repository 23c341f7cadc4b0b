"""Where secrets could come to light: files, tables, process lists."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psutil
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

PAUSE = 0.2
OTHERS = 0o077


def in_files(root: Path, secrets: Mapping[str, str]) -> list[str]:
    """Every file below a folder that holds a secret, the keys themselves left out."""
    found = []
    for path in root.rglob("*"):
        if path.is_file() and not path.is_symlink() and path.parent.name != "keys":
            found += [f"{path.relative_to(root)}: {name}" for name in _within(path.read_bytes(), secrets)]
    return found


def open_to_others(root: Path) -> list[str]:
    """Everything below a folder that somebody else could read."""
    paths = [root, *root.rglob("*")]
    return [str(path) for path in paths if not path.is_symlink() and path.lstat().st_mode & OTHERS]


async def in_tables(url: str, secrets: Mapping[str, str]) -> list[str]:
    """Every table of a database with a row that shows a secret, as text or as bytes."""
    engine, found = create_async_engine(url), []
    async with engine.connect() as connection:
        names = await connection.execute(
            text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        )
        for table in names.scalars().all():
            rows = await connection.execute(text(f"SELECT one::text FROM {table} AS one"))
            for row in rows.scalars():
                shown = row.encode() + bytes.fromhex("".join(_bytes_in(row)))
                found += [f"{table}: {name}" for name in _within(shown, secrets)]
    await engine.dispose()
    return sorted(set(found))


@contextmanager
def watched_processes(secrets: Mapping[str, str], but: Iterable[int] = ()) -> Iterator[set[str]]:
    """The command lines that showed a secret while the body ran."""
    found: set[str] = set()
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(PAUSE):
            for process in psutil.process_iter(["cmdline"]):
                if process.pid not in but:
                    line = " ".join(process.info["cmdline"] or ())
                    found.update(f"{line[:200]}: {name}" for name in _within(line.encode(), secrets))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()


def _within(content: bytes, secrets: Mapping[str, str]) -> list[str]:
    return [name for name, secret in secrets.items() if secret.encode() in content]


def _bytes_in(row: str) -> list[str]:
    # bytea is shown as "\\x6162"
    parts = row.split('"\\\\x')[1:]
    return [part.partition('"')[0] for part in parts]
