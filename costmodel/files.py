"""A whole file or none: an answer never replaces a file by half of itself."""

from __future__ import annotations

import os
from pathlib import Path

from costmodel.checks import CostModelError


def write_whole(path: str | Path, content: bytes) -> None:
    """Put ``content`` at ``path``: written beside it, then moved there, so no reader sees half of it.

    Raises :class:`~costmodel.checks.CostModelError` where that cannot be done; what was there stays.
    """
    try:
        place = Path(os.path.realpath(path))  # a link keeps pointing where it points
        partial = place.with_name(f".{place.name[:100]}.{os.getpid()}.partial")
        try:
            with partial.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # the name must not reach the disk before the content does
            os.replace(partial, place)
        finally:
            partial.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise CostModelError(f"cannot write {path}: {reason}; name a file in a folder that you can write") from None
