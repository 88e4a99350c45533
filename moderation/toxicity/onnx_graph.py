"""From a transformers classifier to an ONNX graph. Needs the extra `train`."""

import tempfile
import warnings
from pathlib import Path
from typing import Any

import onnx
import torch

from moderation.toxicity.onnx_fusing import fuse_attention, keep_first_token

_AXES = {0: "batch", 1: "tokens"}


class _Probabilities(torch.nn.Module):  # type: ignore[misc]  # torch is read without its types
    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, input_ids: torch.Tensor) -> torch.Tensor:
        return torch.sigmoid(self.classifier(input_ids=input_ids).logits)


def traced(classifier: Any, *, fold: bool) -> Any:
    """The model `scores[batch, classes] = f(input_ids[batch, tokens])`, probabilities; nothing in a batch is padded.

    With `fold` False every weight is an initialiser under its name in the state dict, prefixed `classifier.`.

    Raises:
        ValueError: the network's attention has a form that is not known.
    """
    with tempfile.TemporaryDirectory(prefix="moderation-trace-") as scratch:
        path = Path(scratch) / "traced.onnx"
        _trace(classifier, path, fold=fold)
        model = onnx.load(path)
    config = classifier.config
    if fuse_attention(model, config.num_attention_heads) != config.num_hidden_layers:
        raise ValueError(f"{config.model_type} has another form of attention than those that can be exported")
    keep_first_token(model)
    return model


def _trace(classifier: Any, path: Path, *, fold: bool) -> None:
    probabilities = _Probabilities(classifier).eval()
    classifier.config._attn_implementation = "eager"  # noqa: SLF001  the tracer knows this form
    example = torch.ones(2, 8, dtype=torch.long)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of every shape that it turns into a constant
        torch.onnx.export(
            probabilities,
            (example,),
            str(path),
            input_names=["input_ids"],
            output_names=["scores"],
            dynamic_axes={"input_ids": _AXES, "scores": {0: "batch"}},
            opset_version=17,
            do_constant_folding=fold,
            dynamo=False,
        )
