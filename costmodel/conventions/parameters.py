"""What "parameters" counts: all that is trained, weights alone, with running statistics, or slim's three a channel.

None of them has a rule for each layer, or refuses one: a layer says itself which of its numbers are weights, biases,
gamma and beta or buffers, and these conventions add up such kinds of numbers, whatever the layer computes with them.
"""

from __future__ import annotations

from costmodel.conventions.convention import NOTHING, Call, Convention, Items
from costmodel.core import layers


def _trainable(call: Call) -> Items:
    return NOTHING


TRAINABLE = Convention(
    name="trainable",
    source="PyTorch: sum(p.numel() for p in model.parameters())",
    version="2.13.0",
    place="torch/nn/modules/module.py, Module.parameters",
    quantity="parameters",
    counts="weights, biases, gamma and beta; each stored tensor once",
    beside=_trainable,
)


def _weights(call: Call) -> Items:
    # A capture holds a vector that no layer of its own explains: a scale, a class token.
    vectors = "other vectors" if isinstance(call.layer, layers.Stored) else "gamma and beta"
    return {"bias": -call.stored.bias, vectors: -call.stored.affine}


WEIGHTS = Convention(
    name="weights",
    source="MobileNets (Howard et al.)",
    version="arXiv:1704.04861",
    place="Table 2: the shares of parameters by type of layer",
    quantity="parameters",
    counts="weights of convolutions, linear layers and embeddings alone",
    beside=_weights,
)


def _keras(call: Call) -> Items:
    what = "running statistics" if isinstance(call.layer, layers.BatchNorm) else "other buffers"
    return {what: call.stored.buffer}


KERAS = Convention(
    name="keras",
    source="Keras, Total params of model.summary()",
    version="3",
    place="keras/src/layers/layer.py, Layer.count_params; keras/src/layers/normalization/batch_normalization.py",
    quantity="parameters",
    counts="all that is trained, and the running mean and variance of batch norm",
    beside=_keras,
)


def _slim(call: Call) -> Items:
    if isinstance(call.layer, layers.BatchNorm) and call.layer.affine:
        # beta, moving_mean and moving_variance; slim.batch_norm has scale=False unless told otherwise.
        return {"gamma": -call.stored.affine // 2, "running statistics": call.stored.buffer}
    return _keras(call)


SLIM = Convention(
    name="slim",
    source="TF-Slim, slim.batch_norm without scale",
    version="1.1.0",
    place="tf_slim/layers/layers.py, batch_norm(scale=False)",
    quantity="parameters",
    counts="all that is stored, where batch norm stores three a channel: beta, moving mean and moving variance",
    beside=_slim,
)
