"""What the systems were told, one JSON line a change, so that they come back after SIGKILL.

Every change is handed to the kernel before it is answered. There is no fsync: it outlives the process, not the
machine.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class JournalError(Exception):
    """The journal cannot be used. The text says which file, what is wrong and what to do."""


class Journal:
    """An append-only file, or nothing at all where ``path`` is None."""

    def __init__(self, path: Path | None = None) -> None:
        """Raises JournalError if another sandbox has the file open."""
        self._path = path
        self._fd: int | None = None
        if path is None:
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.close()
            raise JournalError(f"{path} is in use by another sandbox. Stop it, or give another file.") from error

    def read(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every change so far, as (system, entry). A last line that was cut off by a crash is dropped.

        Raises JournalError for a damaged line before the last.
        """
        if self._path is None or self._fd is None:
            return
        good = 0
        with self._path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.endswith(b"\n"):
                    break
                try:
                    system, entry = json.loads(line)
                except ValueError as error:
                    raise JournalError(
                        f"{self._path} line {number} is damaged. Remove the file to start empty."
                    ) from error
                yield system, entry
                good += len(line)
        os.ftruncate(self._fd, good)

    def append(self, system: str, entry: dict[str, Any]) -> None:
        """Keep one change. Raises OSError if the disk is full; nothing is kept then."""
        if self._fd is None:
            return
        line = json.dumps([system, entry], ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        before = os.fstat(self._fd).st_size
        if os.write(self._fd, line) != len(line):
            os.ftruncate(self._fd, before)
            raise OSError(f"{self._path}: the disk is full, the change was not kept")

    def clear(self) -> None:
        """Forget everything."""
        if self._fd is not None:
            os.ftruncate(self._fd, 0)

    def close(self) -> None:
        """Give the file back."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
