"""Whole architectures by name: the registry. One file a family; a family is loaded when it is asked for."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType
from typing import Any, final

from costmodel.core.graph import Node, image, token_ids
from costmodel.core.network import Network
from costmodel.errors import CostModelError, folded, missing_package, nearest, type_name, width_multiplier


@final
@dataclass(frozen=True)
class Architecture:
    """An architecture that the command line knows by name.

    ``build`` is a function of keyword arguments (``alpha``, ``resolution`` ...) that all have defaults;
    ``variants`` maps the name of each variant, ``""`` for the bare name, to a line on what it is and where it is from;
    ``year`` is that of the paper.
    """

    build: Callable[..., Network]
    summary: str
    variants: Mapping[str, str]
    year: int = 0

    @property
    def name(self) -> str:
        return self.build.__name__

    @property
    def choices(self) -> dict[str, inspect.Parameter]:
        """The arguments that a user chooses by name. How widths are rounded is for a program to say."""
        known = inspect.signature(self.build).parameters
        return {choice: parameter for choice, parameter in known.items() if choice != "round_width"}


#: The architectures of the families that are loaded, by name.
_REGISTERED: dict[str, Architecture] = {}

#: The arguments that architectures take, in this order.
_ORDER = ("alpha", "resolution", "sequence", "num_classes", "in_channels", "groups", "variant", "round_width")


class _Families(Mapping[str, str]):
    """Name of each architecture -> the module of its family, which is the one that the name begins with.

    Only the module that a name calls for is loaded. In the order of the papers.
    """

    def __getitem__(self, name: str) -> str:
        for family in sorted(_modules(), key=len, reverse=True):
            if name.startswith(family) and name in _family(family):
                return family
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        dated = [
            (architecture.year, family, architecture)
            for family in _modules()
            for architecture in _family(family).values()
        ]
        return iter([architecture.name for *_, architecture in sorted(dated, key=lambda one: one[:2])])

    def __len__(self) -> int:
        return sum(len(_family(family)) for family in _modules())


FAMILIES = _Families()


@cache
def _modules() -> tuple[str, ...]:
    """The files beside this one that hold a family."""
    files = sorted(file.removesuffix(".py") for file in os.listdir(os.path.dirname(__file__)) if file.endswith(".py"))
    return tuple(file for file in files if file not in ("__init__", "blocks", "registry", "transformer"))


def _family(name: str) -> dict[str, Architecture]:
    importlib.import_module(f"costmodel.models.{name}")
    return {other: each for other, each in _REGISTERED.items() if other.startswith(name)}


def register(
    name: str,
    summary: str,
    year: int,
    source: str,
    variants: Mapping[str, str],
    counted: tuple[int, int],
    *,
    text: str = "",
    **usual: object,
) -> Callable[[Callable[..., Node]], Callable[..., Network]]:
    """Makes the public function ``name`` of one from an image, a number of classes and a variant to the last node.

    Where ``usual`` has a ``sequence``, it is one from the tokens of a sequence to the last node. Whatever else the
    decorated function takes, such as ``alpha``, the public one takes too; ``usual`` are defaults of the input and the
    classes. ``text`` is its help, where it is no docstring; an example follows, with what it costs at its defaults:
    ``counted`` has the multiply-adds and the parameters.
    """
    images = "sequence" not in usual
    sizes = {"resolution": 224, "num_classes": 1000, "in_channels": 3, **usual} if images else usual
    kinds = {"resolution": "int | tuple[int, int]", "variant": "str"}
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD

    def registered(make: Callable[..., Node]) -> Callable[..., Network]:
        own = dict([*inspect.signature(make).parameters.items()][3 if images else 1 :])
        parameters = own | {
            choice: inspect.Parameter(choice, keyword, default=default, annotation=kinds.get(choice, "int"))
            for choice, default in {**sizes, "variant": ""}.items()
        }
        signature = inspect.Signature([parameters[choice] for choice in _ORDER if choice in parameters])
        defaults = {choice: parameter.default for choice, parameter in signature.parameters.items()}

        def build(*values: object, **choices: object) -> Network:
            known = not values and choices.keys() <= defaults.keys()
            given: dict[str, Any] = defaults | (choices if known else signature.bind(*values, **choices).arguments)
            variant = given.pop("variant")
            check_variant(name, variant, variants)
            if "alpha" in given:
                given["alpha"] = width_multiplier(given["alpha"])
            chosen = {choice: given[choice] for choice in own}
            if images:
                x = image(given["in_channels"], given["resolution"])
                output = make(x, given["num_classes"], variant, **chosen)
            else:
                output = make(token_ids(given["sequence"]), **chosen)
            given.pop("round_width", None)
            return Network(output, full_name(name, variant), given, variants[variant] if variant else source)

        function = getattr(make, "func", make)  # of a partial one too
        example = f">>> net = {name}()\n    >>> net.multiply_adds, net.parameters\n    {counted}"
        build.__name__ = build.__qualname__ = name
        build.__module__ = function.__module__
        build.__doc__ = f"{text or make.__doc__}\n\n    {example}\n    "
        build.__signature__ = signature  # type: ignore[attr-defined]
        function.__globals__[name] = build
        _REGISTERED[name] = Architecture(build, summary, variants, year)
        return build

    return registered


def architecture(name: str) -> Architecture:
    """The architecture called ``name``, without variant.

    Raises :class:`~costmodel.errors.CostModelError` with the nearest name where there is none.

    >>> architecture("mobilenet_v2").variants[""]
    'as in torchvision: the last 1x1 convolution never gets narrower than 1280 (document 004)'
    """
    if name not in FAMILIES:
        raise CostModelError(f"no model is called {name!r}; {nearest(name, names())}`costmodel models` lists them all")
    return _family(FAMILIES[name])[name]


def spelled(text: str) -> str:
    """``text`` as the registry spells it, where it is the name of one network but for case and punctuation.

    ``mynet.py:Net`` and ``mynet.Net`` are ``mynet:Net``. Everything else stays as it is.

    >>> spelled("MobileNetV2"), spelled("ResNet-50"), spelled("vgg16_bn"), spelled("mobilenet_v9")
    ('mobilenet_v2', 'resnet50', 'vgg16:bn', 'mobilenet_v9')
    >>> spelled("mynet.py:Net"), spelled("package.mynet.Net"), spelled("mynet:Net"), spelled("model.onnx")
    ('mynet:Net', 'package.mynet:Net', 'mynet:Net', 'model.onnx')
    """
    base, colon, rest = text.partition(":")
    if colon:
        file = base.removesuffix(".py")
        return f"{file.removeprefix('./').replace('/', '.')}:{rest}" if file != base else text
    if base in FAMILIES:
        return text
    same = [name for name in names() if folded(name) == folded(text)] if folded(text) else []
    if len(same) == 1:
        return same[0]
    module, dot, name = text.rpartition(".")
    written = dot and all(part.isidentifier() for part in text.split(".")) and name[0].isupper()
    return f"{module}:{name}" if written else text


def resolve(name: str) -> tuple[Architecture, str]:
    """The architecture and the variant that ``name`` names: ``NAME``, ``NAME:VARIANT``, or ``MODULE:FUNCTION``.

    The latter is a function of your own that returns a :class:`~costmodel.core.network.Network`; its module may lie in
    the current directory. Raises :class:`~costmodel.errors.CostModelError` where there is none.

    >>> found, variant = resolve("mobilenet_v2:keras")
    >>> found.name, variant
    ('mobilenet_v2', 'keras')
    """
    base, _, variant = name.partition(":")
    if base not in FAMILIES and variant:
        return _function(name), ""
    known = architecture(base)
    if variant:
        check_variant(base, variant, known.variants)
    return known, variant


def build(name: str, **choices: object) -> Network:
    """The network that the architecture ``name``, or a variant of it, makes of ``choices``; defaults for the rest.

    Raises :class:`~costmodel.errors.CostModelError` for an unknown name and for a choice it does not take.

    >>> build("mobilenet_v2:scaled-head", alpha=0.5).name
    'mobilenet_v2:scaled-head'
    """
    known, variant = resolve(name)
    check_choices(name, choices, known.choices)
    return known.build(**choices, variant=variant) if variant else known.build(**choices)


def check_choices(name: str, choices: Mapping[str, object], known: Mapping[str, inspect.Parameter]) -> None:
    """Raises :class:`~costmodel.errors.CostModelError` for a choice that ``name`` does not take."""
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values()):
        return
    for choice, value in choices.items():
        if choice not in known:
            raise takes_no(name, choice, f"{choice}={value} given", known)


def takes_no(name: str, choice: str, given: str, known: Iterable[str]) -> CostModelError:
    """What to say of an argument that ``name`` does not have."""
    takes = [other for other in known if other != "variant"]
    return CostModelError(
        f"{_base(name)} takes no {choice} ({given}); {nearest(choice, takes)}it takes {', '.join(takes) or 'nothing'}"
    )


def _base(name: str) -> str:
    base = name.partition(":")[0]
    return base if base in FAMILIES else name


def _function(name: str) -> Architecture:
    """What is known of the user's own function: the arguments that it takes."""
    function = own(name)
    if not callable(function):
        raise CostModelError(f"{name} is {type_name(function)}, not a function; write one that returns a Network")
    return Architecture(function, f"{name}, a function of yours", {"": ""})


def own(name: str) -> object:
    """What the user's module holds under ``MODULE:NAME``; the module may lie in the current directory.

    Raises :class:`~costmodel.errors.CostModelError` where it holds nothing of that name, or cannot be imported.
    """
    module_name, _, function_name = name.partition(":")
    if not all(part.isidentifier() for part in (*module_name.split("."), function_name)):
        raise CostModelError(f"no model is called {name!r}; {nearest(name, names())}write NAME, NAME:VARIANT or"
            " MODULE:FUNCTION; `costmodel models` lists the names")  # fmt: skip
    module = _module(module_name)
    if not hasattr(module, function_name):
        near = nearest(function_name, [other for other in vars(module) if callable(getattr(module, other))])
        place = getattr(module, "__file__", "built in")
        raise CostModelError(
            f"{module_name} ({place}) has no function {function_name!r}; {near or 'give it one'}".rstrip()
        )
    value: object = getattr(module, function_name)
    return value


def called(name: str, function: Callable[..., object], choices: Mapping[str, object]) -> object:
    """What the user's ``function`` makes of ``choices``.

    Raises :class:`~costmodel.errors.CostModelError` for a choice it does not take, and for whatever it raises.
    """
    try:
        known = inspect.signature(function).parameters
    except (TypeError, ValueError):
        raise CostModelError(f"{name} does not say which arguments it takes; wrap it in a function of yours") from None
    check_choices(name, choices, known)
    try:
        return function(**choices)
    except CostModelError as error:
        raise error.at(name) from None
    except (Exception, SystemExit) as error:
        raise CostModelError(f"{name} raised {type(error).__name__}: {error}") from error


def _module(name: str) -> ModuleType:
    with contextlib.suppress(FileNotFoundError):  # the current directory is gone, and no module lies in it
        if (here := os.getcwd()) not in sys.path:
            sys.path.append(here)  # last, so that a file here never stands in for an installed module
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as missing:
        if missing.name is None or not f"{name}.".startswith(f"{missing.name}."):
            raise missing_package(name, missing.name) from missing
        raise CostModelError(
            f"no model and no module is called {name!r}; {nearest(name, names())}`costmodel models` lists the models;"
            " a module of yours is looked for in the current directory"
        ) from None
    except (Exception, SystemExit) as error:
        raise CostModelError(f"{name} cannot be imported, it raised {type(error).__name__}: {error}") from error


def architectures() -> Iterator[Architecture]:
    """Every architecture, in the order of the registry."""
    return map(architecture, FAMILIES)


def check_variant(name: str, variant: str, variants: Mapping[str, str]) -> None:
    """Raises :class:`~costmodel.errors.CostModelError` where ``name`` has no such variant."""
    if variant not in variants:
        known = ", ".join(f"{name}:{other}" for other in variants if other) or "it has none"
        raise CostModelError(f"{name} has no variant {variant!r}; {nearest(variant, variants)}variants: {known}")


def full_name(name: str, variant: str) -> str:
    """An architecture with its variant after a colon, as a user writes it.

    >>> full_name("mobilenet_v2", "keras"), full_name("mobilenet_v2", "")
    ('mobilenet_v2:keras', 'mobilenet_v2')
    """
    return f"{name}:{variant}" if variant else name


def names() -> list[str]:
    """Every network that can be built by name: each architecture, then each of its variants."""
    return [full_name(each.name, variant) for each in architectures() for variant in each.variants]
