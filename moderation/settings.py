"""Every setting, with its default and unit; the only reader of the environment.

`MODERATION_*` variables win over the YAML file given by `--config`, which wins over the defaults. A nested setting is
written with two underscores: `MODERATION_AUDIO__END_SILENCE_MS=500`. Lists and mappings are written as JSON.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from moderation.errors import ConfigurationError

Positive = Annotated[int, Field(gt=0)]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """A group of settings. Unknown names are refused, so that a typo is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class KafkaSettings(Section):
    """How to reach Kafka, and how patient to be with it."""

    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Transport security towards the brokers."
    )
    ssl_ca_file: Path | None = Field(None, description="CA certificates (PEM); the system's when unset.")
    ssl_cert_file: Path | None = Field(None, description="Client certificate (PEM), for mutual TLS.")
    ssl_key_file: Path | None = Field(None, description="Key of the client certificate (PEM).")
    ssl_check_hostname: bool = Field(True, description="Whether the broker's certificate must name its host.")
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = Field(
        "SCRAM-SHA-512", description="SASL mechanism, with the SASL_* protocols."
    )
    sasl_username: str | None = Field(None, description="SASL user name.")
    sasl_password: SecretStr | None = Field(None, description="SASL password.")
    session_timeout_s: Positive = Field(
        10, description="Silence after which the group gives a worker up; its streams wait as long, s."
    )
    heartbeat_interval_s: Positive = Field(2, description="Time between heartbeats, s.")
    rebalance_timeout_s: Positive = Field(60, description="Longest time a rebalance may take, s.")
    request_timeout_s: Positive = Field(60, description="Longest wait for a broker's answer, s.")
    commit_interval_s: float = Field(1.0, gt=0, description="Time between offset commits, s.")
    max_message_bytes: Positive = Field(2 * 1024 * 1024, description="Largest message produced or fetched, bytes.")
    max_unpacked_batch_bytes: Positive = Field(
        64 * 1024 * 1024, description="Most that a compressed batch of messages may unpack to, bytes."
    )
    fetch_max_wait_ms: Positive = Field(
        100, description="Longest time a broker may hold a fetch back while there is nothing to read, ms."
    )
    gather_bytes: Positive = Field(
        65_536, description="Bytes of audio for which a broker need not gather more before it answers a worker."
    )
    gather_ms: Positive = Field(
        100,
        description="Longest time it may gather less while somebody speaks, ms; an answer costs what five chunks do.",
    )
    quiet_gather_ms: Positive = Field(250, description="Longest time it may gather less while nobody speaks, ms.")
    max_poll_records: Positive = Field(200, description="Messages taken in one poll.")
    poll_interval_ms: int = Field(
        20, ge=0, description="Shortest time between two polls: what comes meanwhile is taken together, ms."
    )


class AudioSettings(Section):
    """Decoding limits, voice activity detection and endpointing."""

    max_payload_bytes: Positive = Field(1024 * 1024, description="Largest payload of one chunk, bytes.")
    max_chunk_ms: Positive = Field(1_000, description="Longest audio decoded from one chunk, ms.")
    max_channels: Positive = Field(2, description="Most channels a chunk may have; they are mixed to mono.")
    min_sample_rate_hz: Positive = Field(8_000, description="Lowest sample rate accepted, Hz.")
    max_sample_rate_hz: Positive = Field(48_000, description="Highest sample rate accepted, Hz.")
    max_opus_packets: Positive = Field(100, description="Most Opus packets in one chunk.")
    decode_deadline_ms: Positive = Field(
        1_000, description="Longest wait for the process that decodes FLAC and OGG_OPUS, per chunk, ms."
    )
    decode_cpu_ms: Positive = Field(100, description="Processor time that process may spend on one chunk, ms.")
    decode_memory_mb: Positive = Field(
        32, description="Address space that process may take beyond what it starts with, MiB; recycled at half of it."
    )
    decode_start_timeout_s: float = Field(30.0, gt=0, description="Longest time that process may take to start, s.")
    decode_start_attempts: Positive = Field(
        3, description="Failed starts of that process in a row after which the worker stops."
    )
    speech_threshold: Fraction = Field(0.5, description="VAD probability at which speech starts.")
    silence_threshold: Fraction = Field(0.35, description="VAD probability below which speech pauses.")
    min_speech_ms: Positive = Field(160, description="Shortest speech that opens an utterance, ms.")
    end_silence_ms: Positive = Field(400, description="Silence that ends an utterance, ms.")
    max_utterance_s: float = Field(
        15.0, gt=1, description="Longest utterance; longer speech is cut at its quietest, s."
    )
    padding_ms: Positive = Field(200, description="Audio kept before and after the speech of an utterance, ms.")
    max_splice_ms: Positive = Field(
        1_000, description="Missing audio up to this length is spliced over; more ends the utterance, ms."
    )


class AsrSettings(Section):
    """Which engine serves which language, and with what resources."""

    engines: dict[str, list[str]] = Field(
        default_factory=lambda: {
            "en": ["whisper:tiny.en", "whisper:base"],
            "ko": ["vosk:ko", "whisper:base"],
            "*": ["whisper:base"],
        },
        description="Language to engines in order of preference (`engine:model`); `*` is every other language. "
        "The first whose model is installed is used.",
    )
    whisper_threads: Positive = Field(1, description="CPU threads of one Whisper decode.")
    whisper_workers: Positive = Field(1, description="Whisper decodes that may run at once.")
    whisper_batch: Positive = Field(
        8,
        description="Utterances that one Whisper worker has under way. CTranslate2 decodes as many together; the text "
        "of each is the same as alone.",
    )
    whisper_compute_type: str = Field("int8", description="CTranslate2 compute type, e.g. int8, float32, float16.")
    whisper_device: Literal["cpu", "cuda", "auto"] = Field("cpu", description="Where Whisper runs.")
    whisper_decoder: Literal["onnxruntime", "ctranslate2"] = Field(
        "onnxruntime",
        description="What encodes and decodes. `onnxruntime` takes less than half of the time, on `cpu` with `int8`; "
        "everything else, and what is sampled, is CTranslate2's, whatever is set here.",
    )
    whisper_beam: Positive = Field(
        4,
        description="Texts Whisper follows at most, fewer where it is sure of itself. 1 is greedy: an eighth less "
        "time, and a seventh more words that are wrong.",
    )
    whisper_temperatures: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=list,
        description="Temperatures at which text that stays doubtful is sampled, in order. Sampling is random: a replay "
        "may give another text.",
    )
    vosk_workers: Positive = Field(1, description="Utterances that Vosk decodes at the same time.")
    vosk_max_processes: Positive = Field(
        16,
        description="Utterances that Vosk hears while they are spoken, each in a process of its own of about 100 MiB; "
        "one beyond is heard when it has ended.",
    )
    vosk_max_rss_mb: Positive = Field(
        1_024,
        description="Memory of its own, beside the shared model, that a Vosk process may take, MiB; more ends it.",
    )
    vosk_load_timeout_s: float = Field(120.0, gt=0, description="Longest time a Vosk model may take to load, s.")
    vosk_max_crashes: Positive = Field(
        10,
        description="Crashes of Vosk processes within the window that end the worker, unless a single utterance "
        "caused most of them.",
    )
    vosk_crash_window_s: float = Field(60.0, gt=0, description="Time over which crashes of Vosk processes count, s.")
    engine_timeout_s: float = Field(30.0, gt=0, description="Longest wait for an answer of an engine process, s.")
    publish_partials: bool = Field(False, description="Whether partial transcripts are published.")
    flag_partials: bool = Field(
        True,
        description="Whether partials of engines that have them (Vosk) are judged, so that a provisional flag comes "
        "while the speaker goes on.",
    )
    interim_from_s: float = Field(
        3.0,
        ge=0,
        description="How long an utterance must last until an engine without partials (Whisper) listens to it before "
        "it ends, for provisional flags; most are shorter and cost nothing, s.",
    )
    interim_every_s: float = Field(
        1.0, ge=0, description="How much longer it must have become until it is listened to again; 0 for never, s."
    )
    interim_window_s: float = Field(
        6.0,
        gt=0,
        le=20,
        description="Most audio that such a listening hears, the latest; at least 2 s more than the above, s.",
    )
    interim_share: float = Field(
        0.25,
        gt=0,
        le=1,
        description="Most of its time that a worker spends on such listening, all streams together. It comes behind "
        "everything else, and none is begun while an ended utterance is recognised.",
    )
    early_share: float = Field(
        0.04,
        ge=0,
        le=1,
        description="Most of its time that a worker spends in vain on recognising utterances at a pause that may be "
        "their end, so that nothing is left to do when it was; none is begun while an ended utterance is recognised. "
        "0: never.",
    )


class LanguageSettings(Section):
    """Which languages may be spoken, and how sure we must be."""

    candidates: list[str] = Field(
        default_factory=lambda: ["en", "ko", "de", "es", "fr", "pt"],
        description="Languages that may be spoken (BCP-47 primary tags); nothing else is ever concluded.",
    )
    default: str = Field("en", description="Language assumed for recognition until one is identified.")
    min_words: Positive = Field(3, description="Fewest words from which text evidence is taken.")
    min_probability: Fraction = Field(0.9, description="Probability at which a language counts as identified.")
    identify_audio: bool = Field(True, description="Identify the spoken language of streams that give no hint.")
    audio_model: str = Field(
        "whisper:base", description="Multilingual Whisper model that hears which language is spoken."
    )
    audio_window_s: float = Field(6.0, gt=0.5, description="Most audio used to identify the spoken language, s.")
    max_audio_utterances: Positive = Field(
        3, description="Utterances listened to for the language before the default is settled for."
    )


class ToxicitySettings(Section):
    """The toxicity model."""

    model: str = Field(
        "compact-en",
        description="compact-en (shipped), or a Detoxify checkpoint: original, unbiased, multilingual, "
        "original-small, unbiased-small.",
    )
    backend: Literal["onnx", "detoxify"] = Field("onnx", description="onnx is fast; detoxify is the reference.")
    arithmetic: Literal["int8", "float32"] = Field(
        "int8",
        description="Arithmetic of the onnx back-end: int8 takes about half the time; float32 gives the scores of the "
        "reference, int8 scores near them.",
    )
    threads: Positive = Field(1, description="CPU threads of the model.")
    max_tokens: Positive = Field(
        128, description="Longest text window scored at once, tokens; longer text is windowed."
    )


class VocabularySettings(Section):
    """Vocabulary filters."""

    lists: list[Path] = Field(
        default_factory=list, description="YAML files with named lists; the list that ships is used when empty."
    )


class PiiSettings(Section):
    """Personal data."""

    entities: list[str] = Field(
        default_factory=lambda: ["PHONE", "EMAIL", "CARD", "NATIONAL_ID", "IP_ADDRESS", "URL", "PERSON"],
        description="Kinds of personal data that are masked.",
    )
    default_region: str = Field("US", description="Region (ISO 3166) that phone numbers without a prefix belong to.")


class PolicySettings(Section):
    """The policy."""

    file: Path | None = Field(None, description="Policy YAML; the policy that ships is used when unset.")


class StreamingSettings(Section):
    """The worker."""

    group_id: str = Field("voice-moderation", description="Consumer group of the workers.")
    audio_topic: str = Field("voice-audio", description="Topic that audio chunks are read from.")
    transcripts_topic: str = Field("voice-transcripts", description="Topic that transcripts are published to.")
    flags_topic: str = Field("moderation-flags", description="Topic that flags are published to.")
    dead_letters_topic: str = Field("moderation-dead-letters", description="Topic for what cannot be processed.")
    resume_marks_topic: str = Field(
        "moderation-resume-marks", description="Compacted topic for how far each stream was finished."
    )
    replays_topic: str = Field(
        "moderation-dead-letter-replays", description="Compacted topic for which dead letters were replayed."
    )
    max_open_streams: Positive = Field(2_000, description="Streams a worker holds state for; more pauses intake.")
    max_chunks_in_flight: Positive = Field(512, description="Chunks waiting inside the worker; more pauses intake.")
    max_unacked_chunks: Positive = Field(
        200_000, description="Chunks not yet acked; more pauses intake and closes the utterance that holds them back."
    )
    reorder_window_chunks: int = Field(
        2, ge=0, description="Chunks of a stream that wait for one that is missing before it is given up."
    )
    idle_utterance_s: float = Field(
        2.0,
        gt=0,
        description="Time without a chunk of the stream after which its open utterance is closed: wall-clock time in "
        "which the broker answers and the partition is read to its end, s.",
    )
    idle_event_s: float = Field(
        10.0,
        gt=0,
        description="Time in the partition, by the record timestamps of other streams' chunks, after which a stream "
        "without chunks counts as silent, s.",
    )
    idle_stream_s: float = Field(
        30.0, gt=0, description="Wait for the next chunk after which a stream's state is dropped, s."
    )
    resume_idle_s: float = Field(
        900.0, gt=0, description="Time after the last utterance of a stream after which its resume mark is removed, s."
    )
    max_resume_marks: Positive = Field(
        20_000, description="Resume marks a worker holds; more removes those that were moved longest ago."
    )
    context_utterances: int = Field(3, ge=0, description="Earlier utterances of the session put into a flag.")
    publish_timeout_s: float = Field(60.0, gt=0, description="Longest wait for the broker to confirm a message, s.")
    retry_deadline_s: float = Field(60.0, gt=0, description="How long a failing step is retried, s.")
    drain_deadline_s: float = Field(7.0, gt=0, description="Longest time to finish work on shutdown or rebalance, s.")
    exit_deadline_s: float = Field(
        60.0, gt=0, description="Longest time an orderly stop may take before the process ends regardless, s."
    )
    stuck_after_s: float = Field(
        90.0,
        gt=0,
        description="Time without progress, although there is something to read or to finish, that ends the worker; "
        "the longest utterance is allowed on top, s.",
    )
    broker_away_s: float = Field(60.0, gt=0, description="Silence of the broker that ends the worker, s.")
    max_dead_letters_per_minute: Positive = Field(
        1_000, description="Dead letters within a minute; more, while they are the share below, end the worker."
    )
    max_dead_letter_share: Fraction = Field(
        0.5, description="Least share of a minute's messages that dead letters must be for their limit to apply."
    )
    replay_claim_s: float = Field(
        300.0,
        gt=0,
        description="Time for which a run of `dead-letters replay` reserves the letters it is about to publish, s.",
    )
    max_rss_mb: Positive | None = Field(
        None,
        description="Memory of the worker and its engine processes, shared memory counted once, that ends the worker, "
        "MiB; 80 % of what the machine or its container has when unset.",
    )


class SchemaRegistrySettings(Section):
    """Confluent-compatible schema registry."""

    url: str | None = Field(None, description="Address of the registry; Avro single-object encoding when unset.")


class ModelsSettings(Section):
    """Fetching models from their publishers."""

    network_timeout_s: float = Field(30.0, gt=0, description="Longest silence of a publisher's server, s.")
    download_attempts: Positive = Field(4, description="Attempts at a download; each goes on where the last one broke.")
    retry_pause_s: float = Field(2.0, ge=0, description="Pause before the next attempt at a download, s.")
    max_download_bytes: Positive = Field(4 * 1024**3, description="Largest file downloaded, bytes.")
    max_unpacked_bytes: Positive = Field(8 * 1024**3, description="Most an archive may unpack to, bytes.")
    max_unpacked_files: Positive = Field(1_000, description="Most files an archive may hold.")


class ContractSettings(Section):
    """Bounds on what a message may hold, checked when it is read and when it is written."""

    max_id_chars: Positive = Field(128, description="Longest tenant, session, stream or speaker id, characters.")
    max_attributes: Positive = Field(32, description="Most attributes of one chunk.")
    max_attribute_chars: Positive = Field(512, description="Longest name or value of an attribute, characters.")
    max_list_items: Positive = Field(50_000, description="Most items of any other list or map in one message.")


class TelemetrySettings(Section):
    """Logs and metrics."""

    log_format: Literal["console", "json"] = Field("console", description="How logs are written (to stderr).")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level logged.")
    metrics_port: int = Field(0, ge=0, le=65535, description="Port of the Prometheus endpoint; 0 is none.")
    metrics_host: str = Field("127.0.0.1", description="Address that the Prometheus endpoint listens on.")


class Settings(BaseSettings):
    """All settings of the application."""

    model_config = SettingsConfigDict(
        env_prefix="MODERATION_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        nested_model_default_partial_update=True,
    )

    broker: str = Field(
        "embedded",
        description="`embedded` (the broker that `moderation broker` runs on this machine) or a Kafka bootstrap list: "
        "`host:port,host:port`.",
    )
    embedded_broker_port: int = Field(19092, gt=0, le=65535, description="Port of the embedded broker on 127.0.0.1.")
    models_dir: Path = Field(
        Path("~/.local/share/voice-moderation/models"),
        description="Folder that `moderation models fetch` installs into.",
    )
    models: ModelsSettings = Field(default_factory=ModelsSettings)
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)
    schema_registry: SchemaRegistrySettings = Field(default_factory=SchemaRegistrySettings)
    contracts: ContractSettings = Field(default_factory=ContractSettings)
    audio: AudioSettings = Field(default_factory=AudioSettings)
    asr: AsrSettings = Field(default_factory=AsrSettings)
    language: LanguageSettings = Field(default_factory=LanguageSettings)
    toxicity: ToxicitySettings = Field(default_factory=ToxicitySettings)
    vocabulary: VocabularySettings = Field(default_factory=VocabularySettings)
    pii: PiiSettings = Field(default_factory=PiiSettings)
    policy: PolicySettings = Field(default_factory=PolicySettings)
    streaming: StreamingSettings = Field(default_factory=StreamingSettings)
    telemetry: TelemetrySettings = Field(default_factory=TelemetrySettings)

    @property
    def bootstrap_servers(self) -> str:
        """The Kafka bootstrap list, `host:port,host:port`."""
        return f"127.0.0.1:{self.embedded_broker_port}" if self.broker == "embedded" else self.broker

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  the signature is pydantic's
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, whose values arrive as arguments."""
        return env_settings, init_settings


def load_settings(config: Path | None = None) -> Settings:
    """Read the environment and, when given, a YAML file.

    Raises:
        ConfigurationError: the file cannot be read or a value is refused; the message names the setting.
    """
    values: dict[str, Any] = _read_yaml(config) if config else {}
    try:
        return Settings(**values)
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False))
        raise ConfigurationError(f"settings refused: {problems}. `moderation --help` names every setting.") from None


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        loaded = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"cannot read the settings file {path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ConfigurationError(f"the settings file {path} is not YAML: {error}") from error
    if loaded is None:
        return {}
    if not isinstance(loaded, dict):
        raise ConfigurationError(f"the settings file {path} must hold a mapping of settings")
    return loaded
