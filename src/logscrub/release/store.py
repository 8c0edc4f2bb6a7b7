"""Where a release is kept: the few operations it needs, and the local file system."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol


def shown(paths: Iterable[str]) -> list[str]:
    """Paths of a folder that can be part of a release, sorted: not the hidden ones a killed run left."""
    return sorted(path for path in paths if not any(part.startswith(".") for part in path.split("/")))


class Store(Protocol):
    """A release folder; paths are relative, with forward slashes."""

    def read(self, path: str) -> bytes | None:
        """Content of a file, or None where there is none."""

    def write(self, path: str, data: bytes) -> None:
        """Publish a whole file at once, replacing one that is there."""

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

    def paths(self) -> list[str]:
        """All files, sorted."""
        return sorted(self.files)


class LocalStore:
    """A release in a local folder; each file is replaced in one step."""

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self._root = Path(root)

    def read(self, path: str) -> bytes | None:
        """Content of a file, or None where there is none."""
        try:
            return (self._root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, path: str, data: bytes) -> None:
        """Publish a whole file at once: written beside its place under a hidden name, then renamed."""
        target = self._root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def paths(self) -> list[str]:
        """All files, sorted; hidden ones are left-overs of a killed run and not part of a release."""
        return shown(p.relative_to(self._root).as_posix() for p in self._root.rglob("*") if p.is_file())
