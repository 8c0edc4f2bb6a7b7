"""The release folder before and while a run writes it: whether it is one, and that nobody else does."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from logscrub.beam.files import is_remote, store_at
from logscrub.beam.leftovers import removed
from logscrub.config import Settings
from logscrub.errors import PublishError, UsageError, system_reason
from logscrub.release.manifest import manifest_path, read_manifest
from logscrub.release.store import LocalStore
from logscrub.release.verify import is_of_release, released_days

_OF_THE_DISK = "lost+found"


def check_output(output: str, settings: Settings) -> None:
    """Check that a release of these settings may be written to a place.

    Raises:
        UsageError: it is no folder, or one of other things, or holds days of another time zone.
        PublishError: it cannot be looked at.
    """
    try:
        if not is_remote(output):
            _check_folder(output)
        store = store_at(output)
        days = released_days(store)
        manifest = store.read(manifest_path(days[-1])) if days else None
    except OSError as error:
        raise PublishError(f"{output}: cannot be looked at: {system_reason(error)}") from None
    zone = _zone(manifest) if manifest else None
    if zone not in {None, settings.timezone}:
        raise UsageError(
            f"{output}: its days are those of {zone}, not of {settings.timezone}, so hits would count on two "
            "days: set the timezone of this release, or name another folder"
        )


def _zone(manifest: bytes) -> object:
    try:
        return read_manifest(manifest).get("timezone")
    except ValueError:
        return None


def _check_folder(output: str) -> None:
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{output}: that is a file: name a folder")
    if not folder.is_dir():
        return
    names = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    if {*names} - {_OF_THE_DISK} and not any(map(is_of_release, names)):
        raise UsageError(
            f"{output}: the folder holds other files and no release: name an empty or a new folder"
        )


@contextlib.contextmanager
def held(output: str) -> Iterator[None]:
    """Hold the release folder for this run; the system lets go of it however the process ends.

    A folder that was made for the run and holds no file at its end is removed.

    Raises:
        PublishError: it cannot be written, or another run writes it.
    """
    if is_remote(output):
        yield
        return
    handle, made = _opened(output)
    store = LocalStore(output)

    def tidy() -> None:
        store.close()
        if made:
            _remove_empty(output)

    try:
        _lock(handle, output)
        with removed(tidy):
            store.open()
            yield
    finally:
        os.close(handle)


def _opened(output: str) -> tuple[int, bool]:
    """A handle of the folder, and whether it had to be made."""
    try:
        made = not Path(output).exists()
        Path(output).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=output, prefix=".logscrub-"):
            pass
        return os.open(output, os.O_RDONLY), made
    except OSError as error:
        raise PublishError(f"{output}: cannot be written: {system_reason(error)}") from None


def _lock(handle: int, output: str) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        theirs = not Path(output).exists() or not os.path.samestat(os.fstat(handle), Path(output).stat())
    except BlockingIOError:
        theirs = True
    except OSError as error:
        raise PublishError(f"{output}: cannot be locked: {system_reason(error)}") from None
    if theirs:  # the other run may also have just removed the empty folder
        raise PublishError(f"{output}: another run is writing it: wait for it to end")


def _remove_empty(output: str) -> None:
    for folder, _, _ in os.walk(output, topdown=False):
        with contextlib.suppress(OSError):
            Path(folder).rmdir()
