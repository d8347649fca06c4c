"""A whole file or none: an answer never replaces a file by half of itself."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path

from costmodel.errors import CostModelError

#: A write takes less than this; what is left of one that began before that was killed.
_STALE_SECONDS = 60


def seen(path: str | Path) -> str:
    """``path`` as seen from here, which is how people name it."""
    try:
        return Path(os.path.relpath(path)).as_posix()
    except ValueError:  # on another drive of Windows
        return Path(path).as_posix()


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
