"""Inputs and releases on any file system that Beam knows; local ones without Beam's help."""

import contextlib
import glob
import os
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from apache_beam.io.filesystem import BeamIOError, CompressionTypes
from apache_beam.io.filesystems import FileSystems

from logscrub.enrich.geography import Database, open_database
from logscrub.errors import FileReason, PublishError, UsageError, system_reason
from logscrub.inputs import FileProblem, InputFile
from logscrub.release.store import LocalStore, Store, shown

_DATABASE = ".mmdb"  # of places, which may lie beside the logs


def is_remote(path: str) -> bool:
    """Whether a path names a scheme such as gs:// or s3://."""
    return "://" in path


def check_place(path: str) -> None:
    """Check that a remote path has a scheme that is known.

    Raises:
        UsageError: it has none of them.
    """
    try:
        if is_remote(path):
            FileSystems.get_filesystem(path)
    except (ValueError, BeamIOError):
        raise UsageError(
            f"{path}: no such file system is known here: check what stands before ://, and whether Beam's "
            "package for it is installed"
        ) from None


def open_file(path: str) -> BinaryIO:
    """Open a file for reading its bytes as they are stored; raises OSError."""
    if not is_remote(path):
        return Path(path).open("rb")
    try:
        # Beam's own decompressor takes half of a gzip file for a whole one.
        return FileSystems.open(path, compression_type=CompressionTypes.UNCOMPRESSED)
    except BeamIOError:
        raise OSError("cannot be opened") from None


def open_geography(path: str) -> Database:
    """Open a database that tells countries, carriers or kinds of connection of networks.

    Raises:
        UsageError: it is missing, damaged, or tells none of them.
    """
    if not is_remote(path):
        return open_database(path)
    try:
        with open_file(path) as file:
            return open_database(file, path)
    except OSError as error:
        raise UsageError(f"--geoip {path}: {system_reason(error)}: check the path") from None


def match_inputs(inputs: Sequence[str]) -> tuple[list[InputFile], list[FileProblem]]:
    """Find the files of paths, folders and patterns; hidden files and databases in folders are left out.

    Args:
        inputs: what the user gave.

    Returns:
        The files, once for each input that matches them, and what was not found or cannot be read.
    """
    files: list[InputFile] = []
    problems: list[FileProblem] = []
    for given in inputs:
        try:
            found, missing = _match_remote(given) if is_remote(given) else _match_local(given)
        except OSError:
            found, missing = [], [FileProblem(given, FileReason.UNREADABLE)]
        files += {file.path: file for file in found}.values()  # a pattern may match a folder and its files
        problems += missing
    return files, problems


def _match_remote(given: str) -> tuple[list[InputFile], list[FileProblem]]:
    pattern = f"{given}**" if given.endswith("/") else given
    try:
        matched = FileSystems.match([pattern])[0].metadata_list
    except (BeamIOError, ValueError):
        return [], [FileProblem(given, FileReason.UNREADABLE)]
    if not matched:
        return [], [FileProblem(given, FileReason.NO_MATCH if "*" in given else FileReason.MISSING)]
    return [InputFile(m.path, m.size_in_bytes) for m in matched], []


def _match_local(given: str) -> tuple[list[InputFile], list[FileProblem]]:
    if not given:  # an unset variable, which Path would take for the working directory
        return [], [FileProblem('""', FileReason.MISSING)]
    path = Path(given)
    if path.exists() or not glob.has_magic(given):
        return _walk(path)
    matches = sorted(glob.glob(given, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
    if not matches:
        return [], [FileProblem(given, FileReason.NO_MATCH)]
    found = [_walk(Path(match)) for match in matches]
    return [f for files, _ in found for f in files], [p for _, problems in found for p in problems]


def _walk(path: Path) -> tuple[list[InputFile], list[FileProblem]]:
    if not path.is_dir():
        return _one(path)
    files, problems = [], []

    def unreadable(error: OSError) -> None:
        problems.append(FileProblem(str(error.filename), FileReason.UNREADABLE))

    walked = {path.resolve()}  # a link may lead back to where it stands
    for folder, names, entries in os.walk(path, onerror=unreadable, followlinks=True):
        shown = sorted(name for name in names if not name.startswith("."))
        names[:] = [name for name in shown if (Path(folder) / name).resolve() not in walked]
        walked.update((Path(folder) / name).resolve() for name in names)
        for entry in sorted(entries):
            if not entry.startswith(".") and not entry.endswith(_DATABASE):
                found, missing = _one(Path(folder) / entry)
                files += found
                problems += missing
    if not files and not problems:
        problems.append(FileProblem(str(path), FileReason.NO_FILES))
    return files, problems


def _one(path: Path) -> tuple[list[InputFile], list[FileProblem]]:
    try:
        if path.is_file():
            return [InputFile(str(path), path.stat().st_size)], []
        reason = FileReason.NOT_A_FILE if path.exists() else FileReason.MISSING
    except OSError:
        reason = FileReason.UNREADABLE
    return [], [FileProblem(str(path), reason)]


def remove(path: str) -> None:
    """Remove a remote file, if it is there."""
    with contextlib.suppress(BeamIOError):
        FileSystems.delete([path])


class BeamStore:
    """A release on a remote file system; closing a written object publishes it in one step."""

    def __init__(self, root: str) -> None:
        self._root = root.rstrip("/")

    def read(self, path: str) -> bytes | None:
        """Content of a file, or None where there is none."""
        full = f"{self._root}/{path}"
        try:
            if not FileSystems.exists(full):
                return None
            with FileSystems.open(full, compression_type=CompressionTypes.UNCOMPRESSED) as file:
                return bytes(file.read())
        except BeamIOError:
            raise PublishError(
                f"{full}: cannot be read: check credentials and Beam's package for it"
            ) from None

    def write(self, path: str, data: bytes) -> None:
        """Publish a whole file, replacing one that is there."""
        full = f"{self._root}/{path}"
        try:
            with FileSystems.create(full, compression_type=CompressionTypes.UNCOMPRESSED) as file:
                file.write(data)
        except BeamIOError:
            raise PublishError(
                f"{full}: cannot be written: check credentials and Beam's package for it"
            ) from None

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        full = f"{self._root}/{path}"
        try:
            if FileSystems.exists(full):
                FileSystems.delete([full])
        except BeamIOError:
            raise PublishError(f"{full}: cannot be removed") from None

    def paths(self) -> list[str]:
        """All files, sorted; hidden ones are not part of a release."""
        try:
            matched = FileSystems.match([f"{self._root}/**"])[0].metadata_list
        except BeamIOError:
            raise PublishError(
                f"{self._root}: cannot be read: check credentials and Beam's package for it"
            ) from None
        return shown(m.path.removeprefix(f"{self._root}/") for m in matched)


def store_at(root: str) -> Store:
    """The release folder at a local or remote place."""
    return BeamStore(root) if is_remote(root) else LocalStore(root)
