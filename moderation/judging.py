"""The text stages: toxicity, vocabulary, personal data, policy and masking make a judgement of a text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from moderation.clock import Clock
from moderation.events import UNKNOWN_LANGUAGE, Detection, LanguageGuess, Word, primary_tag
from moderation.language.identifier import TextLanguageModel
from moderation.language.stream import StreamLanguage
from moderation.masking import REMOVED, TERM_MASK, Masked, MaskSpan, mask, pii_label, span_times
from moderation.pii.detector import PiiDetector
from moderation.policy.policy import Policy
from moderation.policy.verdict import Verdict
from moderation.settings import LanguageSettings
from moderation.toxicity.attribution import sufficient_spans
from moderation.toxicity.classifier import ToxicityClassifier
from moderation.vocabulary.filter import VocabularyFilter
from moderation.vocabulary.match import FilterMethod, TermMatch


@dataclass(frozen=True, slots=True, kw_only=True)
class HeardText:
    """A text to judge, with the words it was spoken in (empty where it was typed) and its language."""

    text: str = field(repr=False)
    words: tuple[Word, ...] = field(default=(), repr=False)
    language: LanguageGuess


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the text stages made of a text.

    `masked` may be published; `heard` must not leave memory unless an operator asks to reveal it. `scores` is empty
    where the toxicity model does not know the language.
    """

    heard: HeardText
    masked: Masked
    scores: Mapping[str, float]
    verdict: Verdict
    timings_ms: Mapping[str, float]


class TextJudge:
    """The stages behind recognition: toxicity, vocabulary, personal data, policy, masking. Thread-safe."""

    def __init__(
        self,
        *,
        toxicity: ToxicityClassifier,
        vocabulary: VocabularyFilter,
        pii: PiiDetector,
        policy: Policy,
        clock: Clock,
    ) -> None:
        self._toxicity = toxicity
        self._vocabulary = vocabulary
        self._pii = pii
        self._policy = policy
        self._clock = clock

    @property
    def policy(self) -> Policy:
        """The policy in force."""
        return self._policy

    @property
    def models(self) -> Mapping[str, str]:
        """What judges, with versions."""
        return {
            "toxicity": self._toxicity.source,
            "vocabulary": " ".join(self._vocabulary.sources),
            "pii": self._pii.source,
        }

    def judge(self, heard: HeardText) -> Judgement:
        """Judge one text."""
        return self.judge_all([heard])[0]

    def judge_all(self, texts: Sequence[HeardText]) -> list[Judgement]:
        """Judge texts, in order; the toxicity model takes them in one go."""
        started_s = self._clock.monotonic_s()
        known = [heard for heard in texts if self._is_scored(heard.language.language)]
        scores = iter(self._toxicity.score([heard.text for heard in known]))
        toxicity_ms = (self._clock.monotonic_s() - started_s) * 1000 / max(1, len(texts))
        return [
            self._conclude(heard, next(scores) if self._is_scored(heard.language.language) else {}, toxicity_ms)
            for heard in texts
        ]

    def _is_scored(self, language: str) -> bool:
        return language == UNKNOWN_LANGUAGE or primary_tag(language) in self._toxicity.languages

    def _conclude(self, heard: HeardText, scores: Mapping[str, float], toxicity_ms: float) -> Judgement:
        started_s = self._clock.monotonic_s()
        language = heard.language.language
        spans: list[MaskSpan] = []
        detections = self._toxicity_detections(heard, scores)
        toxicity_ms += (self._clock.monotonic_s() - started_s) * 1000
        started_s = self._clock.monotonic_s()
        for term in self._vocabulary.match(heard.text, language):
            spans.extend(_term_span(term))
            detections.append(self._term_detection(heard, term))
        for found in self._pii.find(heard.text, language):
            spans.append(MaskSpan(start=found.start, end=found.end, replacement=pii_label(found.entity)))
            start_ms, end_ms = span_times(heard.text, heard.words, found.start, found.end)
            detections.append(
                self._policy.pii_detection(
                    entity=found.entity,
                    score=found.score,
                    rule=found.rule,
                    source=self._pii.source,
                    start_ms=start_ms,
                    end_ms=end_ms,
                )
            )
        verdict = self._policy.decide(detections)
        masked = mask(heard.text, heard.words, spans)
        lists_ms = (self._clock.monotonic_s() - started_s) * 1000
        return Judgement(
            heard=heard,
            masked=masked,
            scores=scores,
            verdict=verdict,
            timings_ms={"toxicity": toxicity_ms, "lists": lists_ms},
        )

    def _toxicity_detections(self, heard: HeardText, scores: Mapping[str, float]) -> list[Detection]:
        """What the policy makes of the scores, with the words that each detection rests on."""
        found = self._policy.toxicity_detections(scores, heard.language.language, self._toxicity.source)
        if not heard.words:
            return found
        limits = {one.category: one.threshold for one in found if one.threshold is not None}
        evidence = sufficient_spans(self._toxicity, heard.text, limits)
        return [self._located(heard, one, evidence.get(one.category)) for one in found]

    def _located(self, heard: HeardText, detection: Detection, span: tuple[int, int] | None) -> Detection:
        if span is None:
            return detection
        start_ms, end_ms = span_times(heard.text, heard.words, *span)
        explanation = detection.explanation.removesuffix(".") + "; the marked words alone reach it."
        return replace(detection, start_ms=start_ms, end_ms=end_ms, explanation=explanation)

    def _term_detection(self, heard: HeardText, term: TermMatch) -> Detection:
        start_ms, end_ms = span_times(heard.text, heard.words, term.start, term.end)
        return self._policy.vocabulary_detection(
            category=term.category,
            severity=term.severity,
            list_name=term.list_name,
            list_version=term.list_version,
            entry=term.entry,
            method=term.method,
            start_ms=start_ms,
            end_ms=end_ms,
        )


def _term_span(term: TermMatch) -> list[MaskSpan]:
    match term.method:
        case FilterMethod.TAG:
            return []
        case FilterMethod.MASK:
            return [MaskSpan(start=term.start, end=term.end, replacement=TERM_MASK)]
        case FilterMethod.REMOVE:
            return [MaskSpan(start=term.start, end=term.end, replacement=REMOVED)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TextStages:
    """The text stages on texts that were typed, each on its own."""

    judge: TextJudge
    text_language: TextLanguageModel
    language_settings: LanguageSettings

    def judge_text(self, text: str, *, language: str | None = None) -> Judgement:
        """Judge a text; without a language it is identified, `und` when the text is too short to tell."""
        evidence = StreamLanguage(self.language_settings, hint=language)
        if language is None:
            evidence.add_text(text, self.text_language.language_probabilities(text))
        return self.judge.judge(HeardText(text=text, language=evidence.guess()))
