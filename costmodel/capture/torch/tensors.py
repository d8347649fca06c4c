"""Small questions about tensors and operators: which memory, which tensors in a nested value, which name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor


def storage(tensor: Tensor) -> int:
    """What all views of one tensor have in common, and what an operation in place writes to."""
    return int(tensor.untyped_storage()._cdata)


def tensors(tree: object) -> list[Tensor]:
    """Every tensor in nested tuples, lists, mappings and objects with fields, in order."""
    found_tensors: list[Tensor] = []
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        if isinstance(here, Tensor):
            found_tensors.append(here)
        elif isinstance(here, (tuple, list)):
            waiting.extend(reversed(here))
        elif isinstance(here, Mapping):
            waiting.extend(reversed(list(here.values())))
        elif hasattr(here, "__dataclass_fields__"):
            waiting.extend(reversed([getattr(here, name) for name in here.__dataclass_fields__]))
    return found_tensors


def first_tensor(output: object) -> Tensor | None:
    """The tensor that an operator is called for."""
    if isinstance(output, Tensor):
        return output
    found_tensors = tensors(output)
    return found_tensors[0] if found_tensors else None


def name_of(operator: Any) -> str:
    """The operator's name, without namespace, overload, and the mark of an operation in place."""
    name = str(operator._schema.name).partition("::")[2]
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name


def full_name(operator: Any) -> str:
    """The operator's name with its namespace: ``aten.conv2d``."""
    return str(operator._schema.name).replace("::", ".")
