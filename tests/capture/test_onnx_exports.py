"""What torch.onnx exports of a module costs, layer by layer, what a capture of the module says."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import pytest

pytest.importorskip("onnx")


import costmodel as cm
import reference_models
from costmodel import Network
from costmodel.core.counts import NO_OPS, Ops
from tests.capture.torch_exports import exported
from tests.zoo import CONVOLUTIONAL, NIGHTLY, TRANSFORMERS, reads_tokens

#: What this exporter has no operator for.
_NOT_EXPORTED = {
    "googlenet:training",
    "googlenet:document-training",
    "shufflenet_v1",
    "shufflenet_v1:scaled-stem",
    "shufflenet_v2",
}
EXPORTED = [name for name in (*CONVOLUTIONAL, *TRANSFORMERS) if name not in _NOT_EXPORTED and not reads_tokens(name)]
#: One of each family; the others every night.
CHOSEN = EXPORTED if NIGHTLY else list({name[:4]: name for name in reversed(EXPORTED) if "vgg" not in name}.values())

#: Of timm, those that the exporter takes and that compute nothing again and again that depends on no sample.
TIMM = """
botnet26t_256 cait_xxs24_224 coat_tiny convmixer_768_32 convnext_atto convnextv2_atto crossvit_9_240
cs3darknet_s cspdarknet53 cspresnet50 deit_tiny_patch16_224 densenet121 dla34 dpn48b ecaresnet26t
efficientnet_lite0 efficientnetv2_rw_t efficientvit_b0 fastvit_t8 fbnetc_100 focalnet_tiny_srf gcresnet50t
gernet_s ghostnet_100 ghostnetv2_100 gmixer_24_224 gmlp_s16_224 hardcorenas_a hgnet_tiny hrnet_w18_small
inception_next_tiny inception_v3 inception_v4 lambda_resnet26t lcnet_050 mambaout_femto mixer_s16_224 mixnet_s
mnasnet_small mobilenet_edgetpu_100 mobilenetv1_100 mobilenetv4_conv_small mobilenetv4_hybrid_medium
mobileone_s0 mobilevit_xxs mvitv2_tiny nest_tiny pit_ti_224 pvt_v2_b0 rdnet_tiny regnetv_040 regnetx_002
regnety_002 repghostnet_050 repvgg_a0 repvit_m0_9 res2net50_26w_4s resmlp_12_224 resnest14d resnet18
resnetv2_50 rexnet_100 sebotnet33ts_256 selecsls42 semnasnet_050 seresnet18 skresnet18 starnet_s1
swiftformer_xs tf_efficientnet_b0 tf_mobilenetv3_small_minimal_100 tinynet_e twins_pcpvt_small vgg11
visformer_tiny vit_tiny_patch16_224 vovnet39a wide_resnet50_2 xception41
""".split()  # noqa: SIM905


def layers(network: Network) -> list[tuple[object, ...]]:
    """Every layer that multiplies and adds or stores something."""
    return [
        (entry.ops.mac, entry.params, entry.output.sizes)
        for entry in network.ledger
        if entry.ops.mac or entry.params.parameters or entry.params.buffer
    ]


def work(network: Network) -> Ops:
    return sum((entry.ops for entry in network.ledger), NO_OPS)


@pytest.mark.parametrize("name", CHOSEN)
def test_a_reference_model_exported_is_the_captured_one_layer_by_layer(name: str) -> None:
    sizes = cm.load(name).input.sizes
    module = reference_models.build(name)
    captured = cm.from_torch(module, sizes)
    network = cm.from_onnx(exported(module, (1, *sizes)))
    assert layers(network) == layers(captured)
    assert work(network) == work(captured)


def products(network: Network) -> list[tuple[int, int]]:
    """Every layer that multiplies and adds, with how many values it makes."""
    return [(entry.ops.mac, entry.output.elements) for entry in network.ledger if entry.ops.mac]


def _timm() -> Any:
    """It needs the torchvision of the torch that is installed, which not every torch has."""
    try:
        return import_module("timm")
    except (ImportError, RuntimeError) as error:
        pytest.skip(f"timm cannot be imported: {error}")


@pytest.mark.parametrize("name", TIMM if NIGHTLY else [])
def test_an_exported_architecture_of_timm_is_the_captured_one_layer_by_layer(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    timm = _timm()
    module = timm.create_model(name).eval()
    sizes = module.default_cfg["input_size"]
    captured = cm.from_torch(module, sizes)
    network = cm.from_onnx(exported(module, (1, *sizes)))
    assert products(network) == products(captured)
    assert network.parameters == captured.parameters
