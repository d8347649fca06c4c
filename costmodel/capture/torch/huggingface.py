"""``from_huggingface``: what a configuration of Hugging Face's transformers describes, as a network."""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from costmodel.capture.torch.api import captured
from costmodel.capture.torch.arguments import first_line
from costmodel.capture.torch.building import built
from costmodel.core.network import Network
from costmodel.errors import CostModelError, missing_package, nearest, positive_int, type_name

if TYPE_CHECKING:
    from transformers import PretrainedConfig

#: Samples of a sound: a second of it, as most of these models take it.
SAMPLES = 16_000


def from_huggingface(
    config: PretrainedConfig | type[PretrainedConfig] | Mapping[str, object] | str | os.PathLike[str],
    inputs: object = None,
    *,
    task: str = "",
    sequence: int | None = None,
    name: str = "",
    allow_uncounted: bool = False,
    assume: str = "",
    **overrides: object,
) -> Network:
    """The network that a configuration of Hugging Face's transformers describes; without weights and without network.

    ``config`` is a configuration, its class (then of default values), what its JSON file holds, or the path of that
    file or of the folder with it. ``overrides`` replace entries of it. ``task`` is the head, as transformers names it
    after ``AutoModelFor``: ``"CausalLM"``, ``"sequence-classification"``; without one, it is the model that the
    configuration says it is of (``architectures``), or the one without a head.

    ``inputs`` are as :func:`~costmodel.from_torch` takes them. Without any: ``sequence`` tokens (128, or as many as the
    model takes where those are fewer) and a mask of ones, to an encoder and its decoder alike; an image or video of the
    configuration's size; a second of sound.

    Raises :class:`~costmodel.errors.CostModelError` where transformers is not installed, does not know the model or
    cannot build it, for a model whose usual inputs nobody has decided on, and as :func:`~costmodel.from_torch` does.

    >>> import pytest; _ = pytest.importorskip("transformers")  # doctest: +SKIP
    >>> from transformers import BertConfig  # doctest: +SKIP
    >>> from_huggingface(BertConfig, num_hidden_layers=2).multiply_adds  # doctest: +SKIP
    1862270976
    """
    read = _configuration(config, overrides)
    title = name or str(getattr(read, "name_or_path", "")) or read.model_type
    architecture = _architecture(read, task, title)
    try:
        model = built(lambda: architecture(read))
    except CostModelError:
        raise
    except Exception as error:
        raise CostModelError(f"{title}: transformers cannot build it: {first_line(error)}") from error
    assert isinstance(model, nn.Module)
    tokens = most_tokens(read) if sequence is None else positive_int(sequence, "sequence")
    given = usual_inputs(model, title, tokens) if _nothing(inputs) else inputs
    return captured(model, given, title, {}, allow_uncounted, assume)


def _nothing(inputs: object) -> bool:
    return inputs is None or (isinstance(inputs, (tuple, list)) and not inputs)


def most_tokens(config: Any) -> int:
    """128, or as many as a model with learned positions takes, where those are fewer."""
    text = getattr(config, "text_config", None) or config
    most = getattr(text, "max_position_embeddings", None)
    return min(128, most) if isinstance(most, int) and most > 0 else 128


def _transformers() -> Any:
    try:
        import transformers
    except ModuleNotFoundError as missing:
        raise missing_package("a Hugging Face configuration", missing.name) from None
    return transformers


def _configuration(config: Any, overrides: Mapping[str, object]) -> Any:
    """The configuration as an object of transformers."""
    transformers = _transformers()
    if isinstance(config, type) and issubclass(config, transformers.PretrainedConfig):
        return _replaced(config(), overrides)
    if isinstance(config, transformers.PretrainedConfig):
        return _replaced(type(config).from_dict(config.to_dict()), overrides)
    entries = config if isinstance(config, Mapping) else _read(config)
    kind = entries.get("model_type")
    known = transformers.CONFIG_MAPPING
    if not isinstance(kind, str) or kind not in known:
        why = f"transformers {transformers.__version__} knows no model_type {kind!r:.60}"
        near = nearest(kind, list(known.keys())) if isinstance(kind, str) else ""
        raise CostModelError(f"{why}; {near or 'build the module in a function of yours, and name it as MODULE:NAME'}")
    try:
        return _replaced(known[kind].from_dict(dict(entries)), overrides)
    except CostModelError:
        raise
    except Exception as error:
        raise CostModelError(f"transformers refuses the configuration of {kind}: {first_line(error)}") from error


def _replaced(config: Any, overrides: Mapping[str, object]) -> Any:
    for key, value in overrides.items():
        if not hasattr(config, key):
            near = nearest(key, list(config.to_dict())) or "its entries are those of its config.json"
            raise CostModelError(f"a configuration of {config.model_type} has no {key!r}; {near}")
        setattr(config, key, value)
    return config


def _read(config: Any) -> Mapping[str, Any]:
    if not isinstance(config, (str, os.PathLike)):
        raise CostModelError(
            f"from_huggingface takes a configuration of transformers, or the path of its JSON, not {type_name(config)}"
        )
    path = os.fspath(config)
    path = os.path.join(path, "config.json") if os.path.isdir(path) else path
    try:
        with open(path, encoding="utf-8") as file:
            entries = json.load(file)
    except (OSError, ValueError) as error:
        raise CostModelError(f"{path} cannot be read as a configuration: {first_line(error)}") from error
    if not isinstance(entries, dict):
        raise CostModelError(f"{path} holds {type_name(entries)} and no configuration; give a model's config.json")
    return entries


def _architecture(config: Any, task: str, title: str) -> Any:
    """What makes the module of ``config``."""
    transformers = _transformers()
    if not task:
        named = getattr(transformers, (getattr(config, "architectures", None) or [""])[0], None)
        return named._from_config if named is not None else transformers.AutoModel.from_config
    from transformers.models.auto import modeling_auto

    names = [name for name in vars(modeling_auto) if name.startswith("AutoModelFor")]
    heads = {_plain(name.removeprefix("AutoModelFor")): name for name in names}
    if _plain(task) not in heads:
        likely = nearest(_plain(task), heads) or "write it as in CausalLM, for AutoModelForCausalLM"
        raise CostModelError(f"{title}: transformers has no task {task!r}; {likely}")
    return getattr(modeling_auto, heads[_plain(task)]).from_config


def _plain(task: str) -> str:
    return "".join(letter for letter in task.lower() if letter.isalnum())


def usual_inputs(model: nn.Module, title: str, tokens: int) -> dict[str, Tensor]:
    """One usual sample for a model of transformers, by the names of its ``forward``; of ``tokens`` where it is a text.

    Raises :class:`~costmodel.errors.CostModelError` where its sizes do not follow from the configuration.
    """
    config, named = model.config, inspect.signature(model.forward).parameters
    ordinary = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [key for key, each in named.items() if each.default is each.empty and each.kind in ordinary]
    main = str(getattr(model, "main_input_name", "input_ids"))
    wanted = dict.fromkeys([*needed, *([main] if main in named and not needed else [])])
    if "input_ids" in wanted and "attention_mask" in named:
        wanted["attention_mask"] = None
    if getattr(config, "is_encoder_decoder", False) and "decoder_input_ids" in named:
        wanted["decoder_input_ids"] = None
    # One that compares images and texts; one that reads an image among its tokens does without.
    compares = all(getattr(config, f"image_token_{part}", None) is None for part in ("id", "index"))
    if "input_ids" in wanted and "pixel_values" in named and hasattr(config, "vision_config") and compares:
        wanted["pixel_values"] = None
    samples = {key: _sample(key, config, tokens) for key in wanted}
    missing = [key for key, sample in samples.items() if sample is None]
    if missing or not samples:
        raise CostModelError(
            f"{title} reads {', '.join(missing or named)}, whose usual sizes its configuration does not say; say them,"
            f" as in --input {(missing or list(named))[0]}=1x128, and the other inputs with it"
        )
    return {key: sample for key, sample in samples.items() if sample is not None}


def _sample(key: str, config: Any, tokens: int) -> Tensor | None:
    """A sample of what transformers calls ``key``; None where nobody has decided."""
    if key in ("input_ids", "decoder_input_ids"):
        return torch.full((1, tokens), _ordinary_token(config))
    if key == "attention_mask":
        return torch.ones((1, tokens), dtype=torch.int64)
    sizes = _SIZES[key](config) if key in _SIZES else None
    return None if sizes is None else torch.empty(sizes, device="meta")


def _ordinary_token(config: Any) -> int:
    """The first token that means nothing of its own: not padding, no end, no image."""
    special: set[object] = set()
    for part in (config, *[getattr(config, key, None) for key in getattr(config, "sub_configs", {})]):
        values = part.to_dict() if part is not None else {}
        special.update(value for key, value in values.items() if key.endswith("token_id") and isinstance(value, int))
    return next(token for token in range(3, len(special) + 5) if token not in special)


def _image(config: Any) -> tuple[int, ...] | None:
    part = config
    for key in ("vision_config", "backbone_config"):
        if getattr(part, "image_size", None) is None and getattr(part, key, None) is not None:
            part = getattr(part, key)
    size, channels = getattr(part, "image_size", None), getattr(part, "num_channels", 3)
    if size is None:
        size = 224
    sides = (size, size) if isinstance(size, int) else tuple(size)[-2:]
    frames = getattr(part, "num_frames", None)
    return (1, *((frames,) if frames else ()), channels, *sides)


def _features(config: Any) -> tuple[int, ...] | None:
    bins = getattr(config, "num_mel_bins", None)
    positions = getattr(config, "max_source_positions", None)
    return None if bins is None or positions is None else (1, bins, 2 * positions)


def _sound(config: Any) -> tuple[int, ...]:
    bins = getattr(config, "num_mel_bins", None)
    return (1, SAMPLES) if bins is None else (1, getattr(config, "max_length", 1024), bins)


_SIZES = {"pixel_values": _image, "input_features": _features, "input_values": _sound}
