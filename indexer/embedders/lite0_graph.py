"""Builds the default embedder's ONNX graph from the network's tensors; needs the `onnx` package, once."""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

from indexer.embedders.lite0 import MEAN, SIDE_PX, STAGES, STD

EPSILON = 1e-3
OPSET = 17


def build(weights: dict[str, np.ndarray], projection: np.ndarray | None, rotations: bool, half: bool) -> bytes:
    """The serialised model: `pixels` uint8 [n, 128, 128, 3] to `vector` float32 [n, d], unit length.

    Without `projection` the vector is the network's own, 1,280 wide. `half` computes the network in float16
    and the rest in float32.
    """
    graph = _Graph(np.float16 if half else np.float32)
    views = graph.views(graph.normalised("pixels"), rotations)
    features = graph.node("Cast", graph.network(views, weights), to=TensorProto.FLOAT)
    vector = graph.mean_direction(features, 4 if rotations else 1)
    if projection is not None:
        vector = graph.projected(vector, projection)
    graph.node("Identity", vector, output="vector")
    return graph.serialised()


class _Graph:
    """Nodes and constants as they are added; every method returns the name of its result."""

    def __init__(self, kind: type) -> None:
        self.kind = kind
        self.nodes: list = []
        self.constants: list = []

    def node(self, operation: str, *inputs: str, output: str | None = None, **attributes: object) -> str:
        output = output or f"{operation.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [output], **attributes))
        return output

    def constant(self, values: np.ndarray) -> str:
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def normalised(self, pixels: str) -> str:
        planes = self.node("Transpose", pixels, perm=[0, 3, 1, 2])
        planes = self.node("Cast", planes, to=helper.np_dtype_to_tensor_dtype(np.dtype(self.kind)))
        planes = self.node("Sub", planes, self.constant(MEAN.astype(self.kind).reshape(1, 3, 1, 1)))
        return self.node("Mul", planes, self.constant((1 / STD).astype(self.kind).reshape(1, 3, 1, 1)))

    def views(self, planes: str, rotations: bool) -> str:
        """The four quarter turns one after another along the batch, or the image alone."""
        if not rotations:
            return planes
        turned = self.node("Transpose", planes, perm=[0, 1, 3, 2])
        quarters = (planes, self.flipped(turned, 2), self.flipped(planes, 2, 3), self.flipped(turned, 3))
        return self.node("Concat", *quarters, axis=0)

    def flipped(self, planes: str, *axes: int) -> str:
        first = self.constant(np.full(len(axes), -1, np.int64))
        last = self.constant(np.full(len(axes), np.iinfo(np.int64).min, np.int64))
        return self.node("Slice", planes, first, last, self.constant(np.array(axes, np.int64)), first)

    def network(self, planes: str, weights: dict[str, np.ndarray]) -> str:
        """[m, 3, 128, 128] to [m, 1280]."""
        planes = self.relu6(self.convolved(planes, weights, "_conv_stem", "_bn0", stride=2))
        number = 0
        for blocks, stride, expand in STAGES:
            for place in range(blocks):
                name = f"_blocks.{number}"
                planes = self.block(planes, weights, name, 1 if place else stride, expand, add=place > 0)
                number += 1
        planes = self.relu6(self.convolved(planes, weights, "_conv_head", "_bn1"))
        return self.node("Flatten", self.node("GlobalAveragePool", planes))

    def block(
        self, planes: str, weights: dict[str, np.ndarray], name: str, stride: int, expand: bool, add: bool
    ) -> str:
        inner = planes
        if expand:
            inner = self.relu6(self.convolved(inner, weights, f"{name}._expand_conv", f"{name}._bn0"))
        inner = self.convolved(inner, weights, f"{name}._depthwise_conv", f"{name}._bn1", stride)
        inner = self.convolved(self.relu6(inner), weights, f"{name}._project_conv", f"{name}._bn2")
        return self.node("Add", planes, inner) if add else inner

    def convolved(self, planes: str, weights: dict[str, np.ndarray], name: str, norm: str, stride: int = 1) -> str:
        """A convolution with its batch normalisation folded in."""
        kernel = weights[f"{name}.weight"].astype(np.float64)
        scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"].astype(np.float64) + EPSILON)
        bias = weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
        side = kernel.shape[-1]
        spare = side - stride  # of SAME padding on an even side: the smaller half stands before
        before, after = spare // 2, spare - spare // 2
        return self.node(
            "Conv",
            planes,
            self.constant((kernel * scale[:, None, None, None]).astype(self.kind)),
            self.constant(bias.astype(self.kind)),
            kernel_shape=[side, side],
            strides=[stride, stride],
            pads=[before, before, after, after],
            group=kernel.shape[0] if kernel.shape[1] == 1 else 1,
        )

    def relu6(self, planes: str) -> str:
        return self.node("Clip", planes, self.constant(np.array(0, self.kind)), self.constant(np.array(6, self.kind)))

    def mean_direction(self, features: str, views: int) -> str:
        """Unit length each, their mean over the views, unit length again."""
        features = self.unit(features)
        if views == 1:
            return features
        shape = self.constant(np.array([views, -1, 1280], np.int64))
        stacked = self.node("Reshape", features, shape)
        return self.unit(self.node("ReduceMean", stacked, axes=[0], keepdims=0))

    def projected(self, vector: str, projection: np.ndarray) -> str:
        centred = self.node("Sub", vector, self.constant(projection[0].astype(np.float32)))
        return self.unit(self.node("MatMul", centred, self.constant(projection[1:].T.astype(np.float32))))

    def unit(self, vector: str) -> str:
        length = self.node("ReduceL2", vector, axes=[1], keepdims=1)
        return self.node("Div", vector, self.node("Max", length, self.constant(np.array(1e-12, np.float32))))

    def serialised(self) -> bytes:
        pixels = helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["n", SIDE_PX, SIDE_PX, 3])
        vector = helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", "d"])
        graph = helper.make_graph(self.nodes, "lite0", [pixels], [vector], self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        checker.check_model(model)
        return model.SerializeToString()
