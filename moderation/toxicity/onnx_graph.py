"""From a transformers classifier to an ONNX file."""

import warnings
from pathlib import Path
from typing import Any

import torch

_AXES = {0: "batch", 1: "tokens"}


class _Probabilities(torch.nn.Module):  # type: ignore[misc]  # torch is read without its types
    def __init__(self, classifier: Any) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        logits = self.classifier(input_ids=input_ids, attention_mask=attention_mask).logits
        return torch.sigmoid(logits)


def write_onnx(classifier: Any, path: Path, *, fold: bool) -> None:
    """Write `scores[batch, classes] = f(input_ids[batch, tokens], attention_mask[batch, tokens])`, probabilities.

    With `fold` False every weight stays in the file under its name in the state dict, prefixed `classifier.`.
    """
    classifier.eval()
    classifier.config._attn_implementation = "eager"  # noqa: SLF001  the tracer knows this form
    example = torch.ones(2, 8, dtype=torch.long)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing warns of every shape that it turns into a constant
        torch.onnx.export(
            _Probabilities(classifier),
            (example, example),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["scores"],
            dynamic_axes={"input_ids": _AXES, "attention_mask": _AXES, "scores": {0: "batch"}},
            opset_version=17,
            do_constant_folding=fold,
            dynamo=False,
        )
