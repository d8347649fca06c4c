"""The models of ``benchmarks.coverage``, by library: each is a module and the inputs of one call."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn


class Case:
    """A module without weights, its inputs by name or in order, and whether it is a text with a mask."""

    def __init__(self, make: Callable[[], Any], inputs: Any, masked_text: bool = False) -> None:
        from costmodel.capture.torch.building import built

        self.module: nn.Module = built(make)
        self.inputs = inputs(self.module) if callable(inputs) else inputs
        self.masked_text = masked_text


class Library(NamedTuple):
    """A library: its package, the names of its models, and what makes one of them."""

    package: str
    names: Callable[[], Iterable[str]]
    make: Callable[[str], Case]

    @property
    def importable(self) -> bool:
        """Whether the package is installed."""
        return find_spec(self.package) is not None


def _image(side: int = 224, channels: int = 3, batch: int = 1) -> Tensor:
    return torch.empty(batch, channels, side, side, device="meta")


# transformers: every architecture, of its default configuration.


def _transformers_names() -> list[str]:
    from transformers.models.auto.modeling_auto import MODEL_MAPPING_NAMES

    return list(MODEL_MAPPING_NAMES)


def _transformers(name: str) -> Case:
    from transformers import AutoConfig, AutoModel

    from costmodel.capture.torch.huggingface import most_tokens, usual_inputs

    config = AutoConfig.for_model(name)
    case = Case(lambda: AutoModel.from_config(config), lambda model: usual_inputs(model, name, most_tokens(config)))
    case.masked_text = {"input_ids", "attention_mask"} <= case.inputs.keys()
    return case


# ultralytics: every file that describes a model.


def _ultralytics_files() -> dict[str, Path]:
    import ultralytics

    folder = Path(ultralytics.__file__).parent / "cfg" / "models"
    return {path.stem: path for path in sorted(folder.rglob("*.yaml"))}


def _ultralytics(name: str) -> Case:
    from ultralytics.nn import tasks

    path = str(_ultralytics_files()[name])
    task = tasks.guess_model_task(path)
    kind = {
        "segment": tasks.SegmentationModel, "pose": tasks.PoseModel, "obb": tasks.OBBModel,
        "classify": tasks.ClassificationModel,
    }.get(task, tasks.DetectionModel)  # fmt: skip
    if "rtdetr" in name:
        kind = tasks.RTDETRDetectionModel
    return Case(lambda: kind(path, verbose=False), (_image(224 if task == "classify" else 640),))


# torchvision: every model that it lists.


def _torchvision_names() -> list[str]:
    from torchvision.models import list_models

    return list_models()


def _torchvision(name: str) -> Case:
    from torchvision.models import get_model, get_model_builder

    home = get_model_builder(name).__module__
    backbone = {"weights_backbone": None} if "detection" in home or "segmentation" in home else {}

    def model() -> nn.Module:
        return get_model(name, weights=None, **backbone)

    if "detection" in home:
        return Case(model, ([torch.empty(3, 640, 640, device="meta")],))
    if "optical_flow" in home:
        return Case(model, (_image(256), _image(256)))
    if "video" in home:
        frames = 16
        return Case(model, (torch.empty(1, 3, frames, 224 if "mvit" in name or "swin" in name else 112,
                                        224 if "mvit" in name or "swin" in name else 112, device="meta"),))  # fmt: skip
    side = {"inception_v3": 299, "vit_h_14": 224}.get(name, 224)
    return Case(model, (_image(side),))


# diffusers: models whose default configuration runs.

_DIFFUSERS: dict[str, Callable[[], dict[str, Any]]] = {
    "UNet2DModel": lambda: {"sample": _image(64), "timestep": torch.tensor([10])},
    "UNet2DConditionModel": lambda: {
        "sample": _image(64, 4), "timestep": torch.tensor([10]),
        "encoder_hidden_states": torch.empty(1, 77, 1280, device="meta"),
    },
    "AutoencoderKL": lambda: {"sample": _image(64)},
    "VQModel": lambda: {"sample": _image(64)},
    "AutoencoderTiny": lambda: {"sample": _image(64)},
    "ConsistencyDecoderVAE": lambda: {"sample": _image(64)},
    "DiTTransformer2DModel": lambda: {
        "hidden_states": _image(32, 4), "timestep": torch.tensor([10]), "class_labels": torch.tensor([1]),
    },
    "SD3Transformer2DModel": lambda: {
        "hidden_states": _image(128, 16), "encoder_hidden_states": torch.empty(1, 77, 4096, device="meta"),
        "pooled_projections": torch.empty(1, 2048, device="meta"), "timestep": torch.tensor([10]),
    },
    "FluxTransformer2DModel": lambda: {
        "hidden_states": torch.empty(1, 256, 64, device="meta"),
        "encoder_hidden_states": torch.empty(1, 128, 4096, device="meta"),
        "pooled_projections": torch.empty(1, 768, device="meta"), "timestep": torch.tensor([1.0]),
        "img_ids": torch.zeros(256, 3), "txt_ids": torch.zeros(128, 3), "guidance": torch.tensor([3.5]),
    },
    "PriorTransformer": lambda: {
        "hidden_states": torch.empty(1, 768, device="meta"), "timestep": torch.tensor([10]),
        "proj_embedding": torch.empty(1, 768, device="meta"),
        "encoder_hidden_states": torch.empty(1, 77, 768, device="meta"),
    },
    "CogVideoXTransformer3DModel": lambda: {
        "hidden_states": torch.empty(1, 13, 16, 60, 90, device="meta"),
        "encoder_hidden_states": torch.empty(1, 226, 4096, device="meta"), "timestep": torch.tensor([10]),
    },
    "AuraFlowTransformer2DModel": lambda: {
        "hidden_states": _image(64, 4), "encoder_hidden_states": torch.empty(1, 64, 2048, device="meta"),
        "timestep": torch.tensor([0.5]),
    },
}  # fmt: skip


def _diffusers(name: str) -> Case:
    import diffusers

    return Case(getattr(diffusers, name), _DIFFUSERS[name]())


# segmentation models on a ResNet-34.

_SEGMENTATION = """
    Unet UnetPlusPlus MAnet Linknet FPN PSPNet DeepLabV3 DeepLabV3Plus PAN UPerNet Segformer
"""


def _segmentation(name: str) -> Case:
    import segmentation_models_pytorch

    kind = getattr(segmentation_models_pytorch, name)
    return Case(lambda: kind("resnet34", encoder_weights=None), (_image(256),))


# monai: networks of two or three dimensions.


def _volume(side: int = 96) -> tuple[Tensor]:
    return (torch.empty(1, 1, side, side, side, device="meta"),)


_MONAI: dict[str, tuple[Callable[[Any], Any], Callable[[], tuple[Tensor, ...]]]] = {
    "UNet": (lambda n: n.UNet(3, 1, 2, (16, 32, 64, 128), (2, 2, 2), num_res_units=2), _volume),
    "BasicUNet": (lambda n: n.BasicUNet(3, 1, 2), _volume),
    "BasicUNetPlusPlus": (lambda n: n.BasicUNetPlusPlus(3, 1, 2), _volume),
    "AttentionUnet": (lambda n: n.AttentionUnet(3, 1, 2, (16, 32, 64), (2, 2)), _volume),
    "DynUNet": (lambda n: n.DynUNet(3, 1, 2, (3, 3, 3), (1, 2, 2), (2, 2)), _volume),
    "SegResNet": (lambda n: n.SegResNet(3, in_channels=1), _volume),
    "SegResNetDS": (lambda n: n.SegResNetDS(3, in_channels=1), _volume),
    "VNet": (lambda n: n.VNet(3, 1, 2), _volume),
    "UNETR": (lambda n: n.UNETR(1, 2, (96, 96, 96)), _volume),
    "SwinUNETR": (lambda n: n.SwinUNETR(1, 2, feature_size=24), _volume),
    "HighResNet": (lambda n: n.HighResNet(3, 1, 2), _volume),
    "DenseNet121": (lambda n: n.DenseNet121(3, 1, 2), _volume),
    "EfficientNetBN": (lambda n: n.EfficientNetBN("efficientnet-b0", pretrained=False), lambda: (_image(),)),
    "ResNet50": (lambda n: n.resnet50(spatial_dims=3, n_input_channels=1), _volume),
    "SENet154": (lambda n: n.SENet154(spatial_dims=3, in_channels=1, num_classes=2), _volume),
    "ViT": (lambda n: n.ViT(1, (96, 96, 96), (16, 16, 16), classification=True), _volume),
    "FlexibleUNet": (lambda n: n.FlexibleUNet(3, 2, "efficientnet-b0", pretrained=False), lambda: (_image(256),)),
    "MedNeXtS": (lambda n: n.MedNeXtS(in_channels=1), _volume),
}


def _monai(name: str) -> Case:
    from monai.networks import nets

    make, inputs = _MONAI[name]
    return Case(lambda: make(nets), inputs())


# torch_geometric: 64 nodes in a ring with chords.


def _ring(nodes: int = 64) -> Tensor:
    here = torch.arange(nodes)
    return torch.cat([torch.stack([here, (here + step) % nodes]) for step in (1, 3, 9)], dim=1)


def _graph(**more: Any) -> dict[str, Any]:
    return {"x": torch.empty(64, 16, device="meta"), "edge_index": _ring(), **more}


_CONVOLUTIONS = """
    GCNConv SAGEConv GATConv GATv2Conv TransformerConv GraphConv TAGConv ARMAConv SGConv ClusterGCNConv LEConv FeaStConv
    ResGatedGraphConv GeneralConv MFConv SuperGATConv EGConv
"""


def _graphs() -> dict[str, tuple[Callable[[Any], Any], Callable[[], dict[str, Any]]]]:
    whole = {
        kind: ((lambda n, kind=kind: getattr(n.models, kind)(16, 32, 2, 4)), _graph)
        for kind in ("GCN", "GraphSAGE", "GIN", "GAT", "EdgeCNN")
    }
    single = {kind: ((lambda n, kind=kind: getattr(n, kind)(16, 32)), _graph) for kind in _CONVOLUTIONS.split()}
    others: dict[str, Any] = {
        "ChebConv": (lambda n: n.ChebConv(16, 32, K=3), _graph),
        "APPNP": (lambda n: n.APPNP(4, 0.1), _graph),
        "GatedGraphConv": (lambda n: n.GatedGraphConv(32, 2), _graph),
        "RGCNConv": (lambda n: n.RGCNConv(16, 32, 3), lambda: _graph(edge_type=torch.arange(192) % 3)),
        "HypergraphConv": (
            lambda n: n.HypergraphConv(16, 32),
            lambda: {"x": torch.empty(64, 16, device="meta"), "hyperedge_index": _ring()},
        ),
        "SchNet": (
            lambda n: n.models.SchNet(),
            lambda: {"z": torch.arange(20) % 8 + 1, "pos": torch.empty(20, 3, device="meta")},
        ),
        "TopKPooling": (lambda n: n.TopKPooling(16), _graph),
    }
    return {**whole, **single, **others}


def _geometric(name: str) -> Case:
    from torch_geometric import nn as geometric

    make, inputs = _graphs()[name]
    return Case(lambda: make(geometric), inputs())


# peft: adapters on a small BERT.

_ADAPTERS: dict[str, Callable[[Any], Any]] = {
    "LoRA": lambda p: p.LoraConfig(target_modules=["query", "value"]),
    "DoRA": lambda p: p.LoraConfig(target_modules=["query", "value"], use_dora=True),
    "AdaLoRA": lambda p: p.AdaLoraConfig(target_modules=["query", "value"], total_step=10),
    "IA3": lambda p: p.IA3Config(target_modules=["query", "value"], feedforward_modules=[]),
    "LoHa": lambda p: p.LoHaConfig(target_modules=["query", "value"]),
    "LoKr": lambda p: p.LoKrConfig(target_modules=["query", "value"]),
    "OFT": lambda p: p.OFTConfig(target_modules=["query", "value"]),
    "BOFT": lambda p: p.BOFTConfig(target_modules=["query", "value"]),
    "VeRA": lambda p: p.VeraConfig(target_modules=["query", "value"]),
    "FourierFT": lambda p: p.FourierFTConfig(target_modules=["query", "value"]),
    "LN tuning": lambda p: p.LNTuningConfig(target_modules=["LayerNorm"]),
}


def _peft(name: str) -> Case:
    import peft
    from transformers import BertConfig, BertModel

    def model() -> nn.Module:
        return peft.get_peft_model(BertModel(BertConfig(num_hidden_layers=2)), _ADAPTERS[name](peft))

    ids = torch.full((1, 128), 5)
    return Case(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, masked_text=True)


LIBRARIES = {
    "transformers": Library("transformers", _transformers_names, _transformers),
    "diffusers": Library("diffusers", lambda: _DIFFUSERS, _diffusers),
    "ultralytics": Library("ultralytics", _ultralytics_files, _ultralytics),
    "torchvision": Library("torchvision", _torchvision_names, _torchvision),
    "segmentation-models": Library("segmentation_models_pytorch", _SEGMENTATION.split, _segmentation),
    "monai": Library("monai", lambda: _MONAI, _monai),
    "torch_geometric": Library("torch_geometric", _graphs, _geometric),
    "peft": Library("peft", lambda: _ADAPTERS, _peft),
}
