"""Measure a classifier: `python -m moderation.toxicity.evaluate --data DIR [--json FILE]`.

Prints a table of ranking quality per test set, false alarms on benign talk, game talk and mentions of identities,
results on held-out contrast templates, latency, and recommended thresholds per label.
"""

import argparse
import json
import random
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from moderation.settings import ToxicitySettings
from moderation.toxicity.classifier import LABELS, ToxicityClassifier
from moderation.toxicity.contrast import load_contrast
from moderation.toxicity.factory import open_classifier
from moderation.toxicity.manifest import ARITHMETICS
from moderation.toxicity.measures import auc, average_precision, recall_at, share_at_or_above, threshold_at
from moderation.toxicity.training.corpora import switchboard
from moderation.toxicity.training.rows import Row
from moderation.toxicity.training.test_sets import TestSet, game_turns, identity_phrases, test_sets

SEED = 7
CONTRAST_ROWS = 3000
IDENTITY_SAMPLE = 6000
GAME_SAMPLE = 6000
RATES = (0.01, 0.003, 0.001)
"""False-positive rates on benign talk that thresholds are recommended for."""

LEAST_THRESHOLD = 0.5

GAME = "crd3_dnd_transcripts"
HARD = "contrast_negatives"

Scores = Sequence[Mapping[str, float]]


def measure(classifier: ToxicityClassifier, data: Path) -> dict[str, Any]:
    """Everything that is measured, as plain values; the same for the same model and data."""
    contrast = list(load_contrast().generate(CONTRAST_ROWS, SEED, held_out=True))
    contrast_scores = classifier.score([row.text for row in contrast])
    rng = random.Random(SEED)  # noqa: S311  reproducible, not secret
    benign = {
        "switchboard_held_out": classifier.score(switchboard(data, held_out=True)),
        GAME: classifier.score(rng.sample(game_turns(data), GAME_SAMPLE)),
        HARD: [s for row, s in zip(contrast, contrast_scores, strict=True) if _is_benign(row)],
    }
    thresholds = recommended_thresholds(benign, classifier.labels)
    medium = {label: by_rate[str(RATES[1])] for label, by_rate in thresholds.items()}
    return {
        "model": classifier.source,
        "sets": {each.name: _ranking(classifier, each) for each in test_sets(data)},
        "thresholds": thresholds,
        "false_alarms": {name: _alarms(scores, medium) for name, scores in benign.items()},
        "contrast": _contrast(contrast, contrast_scores, medium),
        "identity_templates": identity_alarms(classifier, identity_phrases(data), rng, medium),
        "latency_ms": latency_ms(classifier, switchboard(data, held_out=True)),
    }


def recommended_thresholds(benign: Mapping[str, Scores], labels: Sequence[str]) -> dict[str, dict[str, float]]:
    """label -> false-positive rate -> threshold that keeps to that rate on every kind of benign talk.

    Harmless contrast templates were chosen to be hard, and count a tenth. The game transcripts taunt and swear in play,
    so part of what they lose to toxicity and insult is right: those count a third, and obscene is not bounded by them.
    """
    return {
        label: {str(rate): round(max(LEAST_THRESHOLD, *(_bounds(benign, label, rate))), 3) for rate in RATES}
        for label in labels
    }


def _bounds(benign: Mapping[str, Scores], label: str, rate: float) -> list[float]:
    return [
        threshold_at([row[label] for row in scores], rate * _allowance(name, label))
        for name, scores in benign.items()
        if (name, label) != (GAME, "obscene")
    ]


def _allowance(pool: str, label: str) -> float:
    if pool == HARD:
        return 10.0
    return 3.0 if pool == GAME and label in {"toxicity", "insult"} else 1.0


def latency_ms(classifier: ToxicityClassifier, texts: Sequence[str]) -> dict[str, float]:
    """p50 and p95 of scoring one utterance of 10 to 14 words, alone."""
    chosen = [text for text in texts if 10 <= len(text.split()) <= 14][:200]
    classifier.score(chosen[:5])
    taken = []
    for text in chosen:
        started = time.perf_counter()
        classifier.score([text])
        taken.append((time.perf_counter() - started) * 1000)
    taken.sort()
    return {"p50": round(taken[len(taken) // 2], 2), "p95": round(taken[int(len(taken) * 0.95)], 2)}


def _is_benign(row: Row) -> bool:
    return max(row.targets) <= 0.15


def _ranking(classifier: ToxicityClassifier, test_set: TestSet) -> dict[str, dict[str, float]]:
    scores = classifier.score(test_set.texts)
    result = {}
    for task, (label, truths) in test_set.tasks.items():
        if label != "any" and label not in classifier.labels:
            continue
        known = [
            (max(s.values()) if label == "any" else s[label], truth)
            for s, truth in zip(scores, truths, strict=True)
            if truth is not None
        ]
        values, flags = [value for value, _ in known], [flag for _, flag in known]
        result[task] = {
            "rows": len(flags),
            "positives": sum(flags),
            "auc": round(auc(values, flags), 4),
            "average_precision": round(average_precision(values, flags), 4),
            "recall_at_1_percent": round(recall_at(values, flags, 0.01), 4),
            "recall_at_5_percent": round(recall_at(values, flags, 0.05), 4),
        }
    return result


def _alarms(scores: Scores, thresholds: Mapping[str, float]) -> dict[str, float]:
    shares = {
        label: round(share_at_or_above([s[label] for s in scores], limit), 4) for label, limit in thresholds.items()
    }
    anything = [float(any(s[label] >= limit for label, limit in thresholds.items())) for s in scores]
    return {"texts": len(scores), "any": round(share_at_or_above(anything, 1.0), 4), **shares}


def _contrast(rows: Sequence[Row], scores: Scores, thresholds: Mapping[str, float]) -> dict[str, dict[str, float]]:
    """Per class of the held-out templates: the share flagged, and the share found of each label that applies."""
    by_class: defaultdict[str, list[tuple[Row, Mapping[str, float]]]] = defaultdict(list)
    for row, score in zip(rows, scores, strict=True):
        by_class[row.source.removeprefix("contrast:")].append((row, score))
    result = {}
    for name, pairs in by_class.items():
        values = _alarms([score for _, score in pairs], thresholds)
        wanted = [label for at, label in enumerate(LABELS) if pairs[0][0].targets[at] >= 0.5 and label in thresholds]
        result[name] = {
            "texts": len(pairs),
            "flagged": values["any"],
            **{label: values[label] for label in wanted},
            "identity_attack": values.get("identity_attack", 0.0),
        }
    return result


def identity_alarms(
    classifier: ToxicityClassifier,
    phrases: Sequence[tuple[str, bool]],
    rng: random.Random,
    thresholds: Mapping[str, float],
) -> dict[str, Any]:
    """False alarms per identity on harmless sentences, and the ranking of harmless against toxic ones."""
    terms = {phrase.removeprefix("I am ") for phrase, _ in phrases if phrase.startswith("I am ")}
    sample = rng.sample(list(phrases), min(IDENTITY_SAMPLE, len(phrases)))
    scores = classifier.score([phrase for phrase, _ in sample])
    flagged: defaultdict[str, list[float]] = defaultdict(list)
    for (phrase, toxic), score in zip(sample, scores, strict=True):
        if not toxic:
            alarm = any(score[label] >= thresholds[label] for label in ("toxicity", "identity_attack"))
            for term in terms:
                if f" {term} " in f" {phrase} ":
                    flagged[term].append(float(alarm))
    truths = [toxic for _, toxic in sample]
    per_term = {term: round(sum(values) / len(values), 4) for term, values in sorted(flagged.items())}
    return {
        "auc": round(auc([s["toxicity"] for s in scores], truths), 4),
        "false_alarms_mean": round(sum(per_term.values()) / len(per_term), 4) if per_term else float("nan"),
        "false_alarms": per_term,
    }


def table(result: Mapping[str, Any]) -> str:
    """The measurements for people."""
    lines = [f"model {result['model']}   latency {result['latency_ms']}", ""]
    lines.append(f"{'set':24}{'task':18}{'rows':>6}{'pos':>6}{'AUC':>8}{'AP':>8}{'R@1%':>8}{'R@5%':>8}")
    for name, tasks in result["sets"].items():
        for task, v in tasks.items():
            numbers = (v["auc"], v["average_precision"], v["recall_at_1_percent"], v["recall_at_5_percent"])
            lines.append(
                f"{name:24}{task:18}{v['rows']:6}{v['positives']:6}" + "".join(f"{number:8.3f}" for number in numbers)
            )
    lines += ["", f"thresholds at {', '.join(f'{rate:.1%}' for rate in RATES)} false positives on benign talk"]
    lines += [f"  {label:18}" + "".join(f"{v:8.3f}" for v in r.values()) for label, r in result["thresholds"].items()]
    lines += ["", f"share flagged at the {RATES[1]:.1%} thresholds"]
    lines += [f"  {name:24}{values}" for name, values in result["false_alarms"].items()]
    lines += [f"  held-out {name:20}{values}" for name, values in result["contrast"].items()]
    identities = result["identity_templates"]
    worst = sorted(identities["false_alarms"].items(), key=lambda item: -item[1])[:10]
    lines += ["", f"identity templates: AUC {identities['auc']}, false alarms {identities['false_alarms_mean']:.1%}"]
    lines.append("  worst: " + ", ".join(f"{term} {share:.1%}" for term, share in worst))
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the evaluation; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m moderation.toxicity.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, required=True, help="folder that holds train/ and test/")
    parser.add_argument("--model", default="compact-en", help="model name, as MODERATION_TOXICITY__MODEL")
    parser.add_argument("--folder", type=Path, help="folder of the model (default: the shipped one)")
    parser.add_argument("--backend", choices=("onnx", "detoxify"), default="onnx")
    parser.add_argument("--arithmetic", choices=ARITHMETICS, default="int8", help="of the onnx back-end")
    parser.add_argument("--json", type=Path, help="file to write all figures to")
    parser.add_argument("--thresholds", type=Path, help="file to write the recommended thresholds to")
    options = parser.parse_args(arguments)
    settings = ToxicitySettings(model=options.model, backend=options.backend, arithmetic=options.arithmetic)
    result = measure(open_classifier(settings, options.folder), options.data)
    sys.stdout.write(table(result) + "\n")
    if options.json:
        options.json.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    if options.thresholds:
        recommended = {"model": result["model"], "thresholds_by_false_positive_rate": result["thresholds"]}
        options.thresholds.write_text(json.dumps(recommended, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
