"""Where a release is kept: the few operations it needs, and the local file system."""

import contextlib
import errno
import os
import secrets
import shutil
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

_UNFINISHED = ".logscrub-tmp"
_PATIENCE_SECONDS = 10


def shown(paths: Iterable[str]) -> list[str]:
    """Paths of a folder that can be part of a release, sorted: not the hidden ones a killed run left."""
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.split("/")))


class Store(Protocol):
    """A release folder; paths are relative, with forward slashes."""

    def read(self, path: str) -> bytes | None:
        """Content of a file, or None where there is none."""

    def write(self, path: str, data: bytes) -> None:
        """Publish a whole file at once, replacing one that is there."""

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""

    def paths(self) -> list[str]:
        """All files, sorted."""


class MemoryStore:
    """A release in memory."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}

    def read(self, path: str) -> bytes | None:
        """Content of a file, or None where there is none."""
        return self.files.get(path)

    def write(self, path: str, data: bytes) -> None:
        """Publish a whole file, replacing one that is there."""
        self.files[path] = data

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        self.files.pop(path, None)

    def paths(self) -> list[str]:
        """All files, sorted."""
        return sorted(self.files)


class _Writes:
    """Writes of this process that are under way: whoever ends it waits for them, and they leave nothing."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._under_way: list[tuple[Path, int]] = []
        self._closed: set[Path] = set()

    @contextlib.contextmanager
    def one(self, root: Path) -> Iterator[None]:
        """Hold off the end of the process; raises InterruptedError once the folder is closed."""
        mine = root, threading.get_ident()
        with self._changed:
            if root in self._closed:
                raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
            self._under_way.append(mine)
        try:
            yield
        finally:
            with self._changed:
                self._under_way.remove(mine)
                self._changed.notify_all()

    def open(self, root: Path) -> None:
        with self._changed:
            self._closed.discard(root)

    def close(self, root: Path) -> None:
        """Let no other write begin, and wait for the others: a signal may have interrupted one of our own."""
        own = threading.get_ident()
        with self._changed:
            self._closed.add(root)
            self._changed.wait_for(
                lambda: all(folder != root or thread == own for folder, thread in self._under_way),
                _PATIENCE_SECONDS,
            )


_writes = _Writes()


class LocalStore:
    """A release in a local folder; each file is replaced in one step.

    What is being written stands in one hidden folder of it: there a run finds what a killed one left.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root).absolute()

    def open(self) -> None:
        """Begin a run, which holds the folder for itself: remove what a killed run was writing."""
        _writes.open(self._root)
        self._sweep()

    def close(self) -> None:
        """End a run, also in the middle: nothing is written from here on, and nothing half-written stays."""
        _writes.close(self._root)
        self._sweep()

    def _sweep(self) -> None:
        shutil.rmtree(self._root / _UNFINISHED, ignore_errors=True)

    def read(self, path: str) -> bytes | None:
        """Content of a file, or None where there is none."""
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, path: str, data: bytes) -> None:
        """Publish a whole file at once: written under a hidden name, then renamed."""
        target = self._root / path
        temporary = self._root / _UNFINISHED / f"{secrets.token_hex(8)}.tmp"
        with _writes.one(self._root):
            temporary.parent.mkdir(parents=True, exist_ok=True)
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                target.parent.mkdir(parents=True, exist_ok=True)
                temporary.replace(target)
            except BaseException:
                with contextlib.suppress(OSError):
                    temporary.unlink()
                raise

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        (self._root / path).unlink(missing_ok=True)

    def paths(self) -> list[str]:
        """All files, sorted; hidden ones are left-overs of a killed run and not part of a release."""
        return shown(p.relative_to(self._root).as_posix() for p in self._root.rglob("*") if p.is_file())
