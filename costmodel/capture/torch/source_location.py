"""Where something happened, for messages: the module and the line of the user's source."""

from __future__ import annotations

import sys
from typing import Any


def line_of_source() -> str:
    """``file:line`` of the innermost frame that is neither PyTorch's nor ours."""
    frame: Any = sys._getframe(1)
    while frame is not None and not _is_theirs(frame):
        frame = frame.f_back
    return "in no file" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"


def raised_at(error: BaseException) -> str:
    """``file:line`` of the user's code that ``error`` came out of."""
    here, location = error.__traceback__, ""
    while here is not None:
        if _is_theirs(here.tb_frame):
            location = f"{here.tb_frame.f_code.co_filename}:{here.tb_lineno}"
        here = here.tb_next
    return location


def _is_theirs(frame: Any) -> bool:
    home = frame.f_globals.get("__name__", "")
    return home.partition(".")[0] != "torch" and not home.startswith("costmodel.capture")
