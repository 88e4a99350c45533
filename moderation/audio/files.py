"""Audio files of an operator (scan, send) to blocks of samples. Files are read as they are used up, never whole."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from moderation.audio.container import frame_to_mono
from moderation.audio.resample import Resampler
from moderation.audio.utterance import SAMPLE_RATE_HZ, Samples
from moderation.errors import ConfigurationError

ACCEPTED = "wav, aiff, flac, ogg, opus, mp3, aac, m4a, mp4, mov, webm or mkv"

_HEAD_BYTES = 16


def read_audio_file(path: Path, block_ms: int = 200) -> Iterator[Samples]:
    """The first audio track of a file as mono blocks at 16 kHz of `block_ms`; the last may be shorter.

    The first block is read when it is asked for. Damage inside the file is skipped, as players do.

    Raises:
        ConfigurationError: the file cannot be opened, is none of ACCEPTED, or holds no audio; the message names it.
    """
    block = SAMPLE_RATE_HZ * block_ms // 1000
    waiting: Samples = np.zeros(0, np.float32)
    is_empty = True
    for samples in _resampled(path):
        is_empty = is_empty and not len(samples)
        waiting = np.concatenate((waiting, samples))
        whole = len(waiting) // block * block
        yield from np.split(waiting[:whole], range(block, whole, block)) if whole else ()
        waiting = waiting[whole:]
    if is_empty:
        raise _refused(path, "it holds no audio that can be decoded")
    if len(waiting):
        yield waiting


def _resampled(path: Path) -> Iterator[Samples]:
    resampler: Resampler | None = None
    rate = 0
    for frame in _frames(path):
        if resampler is None or frame.sample_rate != rate:
            if resampler is not None:
                yield resampler.flush()
            rate = frame.sample_rate
            resampler = Resampler(rate)
        yield resampler.push(frame_to_mono(frame))
    if resampler is not None:
        yield resampler.flush()


def _frames(path: Path) -> Iterator[av.AudioFrame]:
    try:
        with path.open("rb") as file:
            container_format = _recognise(path, file.read(_HEAD_BYTES))
            file.seek(0)
            with av.open(
                file,
                "r",
                format=container_format,
                container_options={"format_whitelist": container_format, "protocol_whitelist": "pipe"},
                metadata_errors="ignore",
            ) as container:
                yield from _first_track(path, container)
    except (av.FFmpegError, EOFError, ValueError) as error:
        raise _refused(path, "it is damaged or cut short") from error
    except OSError as error:
        raise _refused(path, error.strerror or "it cannot be opened") from error


def _first_track(path: Path, container: av.container.InputContainer) -> Iterator[av.AudioFrame]:
    # A track whose codec FFmpeg does not know has no context, and touching it crashes the process (PyAV #2344).
    tracks = [track for track in container.streams.audio if track.codec_context is not None]
    if not tracks:
        raise _refused(path, "it holds no audio track")
    for packet in container.demux(tracks[0]):
        try:
            yield from packet.decode()
        except av.InvalidDataError:
            continue


def _recognise(path: Path, head: bytes) -> str:
    """The demuxer for a file, by its first bytes: FFmpeg's own guessing opens playlists and network addresses."""
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    if head[4:8] == b"ftyp":
        return "mov"
    for magic, demuxer in ((b"fLaC", "flac"), (b"OggS", "ogg"), (b"\x1aE\xdf\xa3", "matroska"), (b"ID3", "mp3")):
        if head.startswith(magic):
            return demuxer
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        # MPEG audio and AAC (ADTS) share the sync word; the layer bits are zero in ADTS only.
        return "mp3" if head[1] & 0x06 else "aac"
    raise _refused(path, "its content is of no known kind")


def _refused(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError(f"cannot read audio from {path}: {why}. Accepted are {ACCEPTED} files.")
