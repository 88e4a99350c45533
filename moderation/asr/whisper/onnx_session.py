"""ONNX Runtime on a processor, for Whisper's graphs."""

from functools import cache

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

from moderation.asr.whisper.onnx_graph import WIDEST_INT7, WIDEST_INT8, serialized

_SIDE = 64
_LARGEST = np.iinfo(np.uint8).max


def session(model: bytes, threads: int) -> ort.InferenceSession:
    """The model, ready to be run by any thread, on so many threads at a time."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # The two operators that it would join are faster apart (`Graph.add_and_norm_rows`).
    return ort.InferenceSession(
        model, options, providers=["CPUExecutionProvider"], disabled_optimizers=["SkipLayerNormFusion"]
    )


def widest_weight() -> int:
    """What weights may be rounded to so that sums of products are right on this processor."""
    return WIDEST_INT8 if _sums_fit() else WIDEST_INT7


@cache
def _sums_fit() -> bool:
    """x86 processors without VNNI add pairs of products in 16 bits, where the largest do not fit."""
    rows = helper.make_tensor_value_info("rows", TensorProto.UINT8, [1, _SIDE])
    sums = helper.make_tensor_value_info("sums", TensorProto.INT32, [1, _SIDE])
    matrix = numpy_helper.from_array(np.full((_SIDE, _SIDE), WIDEST_INT8, dtype=np.int8), "matrix")
    multiply = helper.make_node("MatMulInteger", ["rows", "matrix"], ["sums"])
    probe = session(serialized([multiply], [rows], [sums], [matrix]), 1)
    (told,) = probe.run(None, {"rows": np.full((1, _SIDE), _LARGEST, dtype=np.uint8)})
    return bool((told == _SIDE * _LARGEST * WIDEST_INT8).all())
