"""What "parameters" counts: what is trained, all, weights alone, with running statistics, or slim's three a channel.

None of them has a rule for each layer, or refuses one: a layer says itself which of its numbers are weights, biases,
gamma and beta or buffers, and these conventions add up such kinds of numbers, whatever the layer computes with them.
"""

from __future__ import annotations

from costmodel.conventions.convention import NOTHING, Convention, Items, SeenOperation
from costmodel.core import layers


def _trainable(op: SeenOperation) -> Items:
    return NOTHING


TRAINABLE = Convention(
    name="trainable",
    source="PyTorch: sum(p.numel() for p in model.parameters() if p.requires_grad)",
    version="2.13.0",
    place="torch/nn/modules/module.py, Module.parameters; torch/nn/parameter.py, Parameter.requires_grad",
    quantity="parameters",
    counts="weights, biases, gamma and beta that are not frozen; each stored tensor once",
    extra_counts=_trainable,
)


def _frozen(op: SeenOperation) -> Items:
    return {"frozen": op.stored.frozen}


NUMEL = Convention(
    name="numel",
    source="PyTorch: sum(p.numel() for p in model.parameters())",
    version="2.13.0",
    place="torch/nn/modules/module.py, Module.parameters",
    quantity="parameters",
    counts="weights, biases, gamma and beta, frozen or not; each stored tensor once",
    extra_counts=_frozen,
)


def _weights(op: SeenOperation) -> Items:
    # A capture holds a vector that no layer of its own explains: a scale, a class token.
    vectors = "other vectors" if isinstance(op.layer, layers.Stored) else "gamma and beta"
    return _frozen(op) | {"bias": -op.stored.bias, vectors: -op.stored.affine}


WEIGHTS = Convention(
    name="weights",
    source="MobileNets (Howard et al.)",
    version="arXiv:1704.04861",
    place="Table 2: the shares of parameters by type of layer",
    quantity="parameters",
    counts="weights of convolutions, linear layers and embeddings alone",
    extra_counts=_weights,
)


def _keras(op: SeenOperation) -> Items:
    what = "running statistics" if isinstance(op.layer, layers.BatchNorm) else "other buffers"
    return _frozen(op) | {what: op.stored.buffer}


KERAS = Convention(
    name="keras",
    source="Keras, Total params of model.summary()",
    version="3",
    place="keras/src/layers/layer.py, Layer.count_params; keras/src/layers/normalization/batch_normalization.py",
    quantity="parameters",
    counts="weights, biases, gamma and beta, frozen or not, and the running mean and variance of batch norm",
    extra_counts=_keras,
)


def _slim(op: SeenOperation) -> Items:
    if isinstance(op.layer, layers.BatchNorm) and op.layer.affine:
        # beta, moving_mean and moving_variance; slim.batch_norm has scale=False unless told otherwise.
        return _frozen(op) | {"gamma": -op.stored.affine // 2, "running statistics": op.stored.buffer}
    return _keras(op)


SLIM = Convention(
    name="slim",
    source="TF-Slim, slim.batch_norm without scale",
    version="1.1.0",
    place="tf_slim/layers/layers.py, batch_norm(scale=False)",
    quantity="parameters",
    counts="all that is stored, where batch norm stores three a channel: beta, moving mean and moving variance",
    extra_counts=_slim,
)
