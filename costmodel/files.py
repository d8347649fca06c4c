"""Files read with a limit, and written whole or not at all: an answer never replaces a file by half of itself."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from pathlib import Path

from costmodel.errors import CostModelError

#: A write takes less than this; what is left of one that began before that was killed.
_STALE_SECONDS = 60

#: The files that this process has written whole, as they were named: whoever cannot print its answer says so.
WRITTEN: list[str] = []


def seen(path: str | Path) -> str:
    """``path`` as seen from here, which is how people name it."""
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # on another drive of Windows
        return Path(path).as_posix()


def read_regular(path: str | Path, limit: int) -> bytes:
    """The content of a regular file of at most ``limit`` bytes: a device or a pipe could give without end, or wait.

    Raises :class:`FileNotFoundError` where there is none, and :class:`~costmodel.errors.CostModelError` for what is no
    regular file, is larger, or cannot be read.
    """
    try:
        # Without waiting for whoever writes into a pipe; to a regular file it makes no difference.
        with open(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise CostModelError(f"{seen(path)} is a device, a pipe or a folder; put a regular file there")
            content = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except (OSError, ValueError) as error:
        if isinstance(error, CostModelError):
            raise
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CostModelError(f"cannot read {seen(path)}: {reason}; name a file that you can read") from None
    if len(content) > limit:
        raise CostModelError(f"{seen(path)} has over {limit:,} bytes, the most that is read; put a smaller file there")
    return content


def write_whole(path: str | Path, content: bytes) -> None:
    """Put ``content`` at ``path``: written beside it, then moved there, so no reader sees half of it.

    Raises :class:`~costmodel.errors.CostModelError` where that cannot be done; what was there stays.
    """
    try:
        place = Path(os.path.realpath(path))  # a link keeps pointing where it points
        front = f".{place.name[:100]}."
        # No two writers share it, in other threads or containers neither, where processes have the same number.
        partial = place.with_name(f"{front}{os.getpid()}.{secrets.token_hex(4)}.partial")
        try:
            with partial.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # the name must not reach the disk before the content does
            os.replace(partial, place)
            WRITTEN.append(str(path))
            _sweep(place.parent, front)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CostModelError(f"cannot write {path}: {reason}; name a file in a folder that you can write") from None


def _sweep(folder: Path, front: str) -> None:
    """Removes what writers of the same file left when they were killed."""
    with contextlib.suppress(OSError):  # what is whole is written; another may sweep too
        for place in folder.iterdir():
            parts = place.name.removeprefix(front).split(".")
            ours = place.name.startswith(front) and len(parts) == 3 and parts[2] == "partial" and parts[0].isdigit()
            if ours and time.time() - place.stat().st_mtime > _STALE_SECONDS:
                place.unlink(missing_ok=True)
