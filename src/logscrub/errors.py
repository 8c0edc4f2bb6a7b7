"""Exceptions and reason codes that cannot hold log content.

Every message is made of a file name, a position, a reason from a closed list and advice; no constructor
takes text of a record.
"""

import os
from enum import StrEnum


class ExitCode:
    """Exit codes of the command line, as documented in the README."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INCOMPLETE_INPUT = 3
    VERIFICATION_FAILED = 4
    INTERRUPTED = 130


class LineReason(StrEnum):
    """Why one line is rejected."""

    OVERSIZE_LINE = "oversize_line"
    UNPARSABLE = "unparsable"
    NO_TIME = "no_time"
    IMPOSSIBLE_TIME = "impossible_time"
    FUTURE_TIME = "future_time"
    IMPOSSIBLE_SIZE = "impossible_size"

    @property
    def advice(self) -> str:
        """What the operator can do about it."""
        return _LINE_ADVICE[self]


_LINE_ADVICE = {
    LineReason.OVERSIZE_LINE: "the line is longer than 1 MiB: look for a missing line break",
    LineReason.UNPARSABLE: "it does not fit the format of its file: look for a cut line or a second format",
    LineReason.NO_TIME: "the record has no time that can be read: log it as RFC 3339 or epoch",
    LineReason.IMPOSSIBLE_TIME: "there is no such date, or it is before 1990: check the clock that wrote it",
    LineReason.FUTURE_TIME: "the time is more than a day ahead of this machine: check both clocks",
    LineReason.IMPOSSIBLE_SIZE: "a size below zero or above 1 TiB: check what writes the field",
}


class FileReason(StrEnum):
    """Why one input is not read, or not counted."""

    NO_MATCH = "no_match"
    NO_FILES = "no_files"
    MISSING = "missing"
    UNREADABLE = "unreadable"
    NOT_A_FILE = "not_a_file"
    EMPTY = "empty"
    BINARY = "binary"
    ARCHIVE = "archive"
    CORRUPT_ARCHIVE = "corrupt_archive"
    UNKNOWN_FORMAT = "unknown_format"

    @property
    def advice(self) -> str:
        """What the operator can do about it."""
        return _FILE_ADVICE[self]


_FILE_ADVICE = {
    FileReason.NO_MATCH: "the pattern matches no file: check the path, and quote the pattern",
    FileReason.NO_FILES: "the folder holds no file to read: check the path",
    FileReason.MISSING: "there is no such file: check the path",
    FileReason.UNREADABLE: "it cannot be opened: check its permissions; a remote one needs credentials and "
    "Beam's package for it",
    FileReason.NOT_A_FILE: "a pipe or a device cannot be read twice: give it as standard input, with - as "
    "INPUT",
    FileReason.EMPTY: "the file has no lines: nothing to count",
    FileReason.BINARY: "the file is not text: give log files, plain or compressed once",
    FileReason.ARCHIVE: "a tar or zip archive of several files: unpack it and give the folder",
    FileReason.CORRUPT_ARCHIVE: "the compressed data is cut off or damaged, or needs more than 128 MiB to be "
    "unpacked: nothing of it is counted; copy it again",
    FileReason.UNKNOWN_FORMAT: "no known log format fits the lines: see FORMATS.md, or logscrub inspect",
}


def system_reason(error: OSError) -> str:
    """What the system says of a failure; not what a library may have put in its place."""
    return os.strerror(error.errno) if error.errno else "input or output failed"


class LogscrubError(Exception):
    """Base of all errors that end a run."""

    exit_code = ExitCode.FAILED


class UsageError(LogscrubError):
    """A wrong option, configuration or input list."""

    exit_code = ExitCode.USAGE


class CorruptInputError(LogscrubError):
    """A compressed file that ends early or fails its checksum."""


class InputFailedError(LogscrubError):
    """An input that could be opened when the run was planned cannot be read any more."""


class KeyMismatchError(LogscrubError):
    """Parts of one run were made under different ephemeral keys, so joins between them would miss people."""

    def __init__(self) -> None:
        super().__init__(
            "parts of this run were made under different keys, probably after a retry; nothing was released "
            "for the days concerned: run the same command again"
        )


class PublishError(LogscrubError):
    """The output cannot be written."""
