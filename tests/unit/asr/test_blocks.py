import numpy as np

from moderation.asr.vosk.blocks import BLOCK_BYTES, BLOCK_SAMPLES, Blocks, pcm16


def test_whole_blocks_come_out_and_the_rest_waits() -> None:
    blocks = Blocks()
    assert blocks.push(np.zeros(BLOCK_SAMPLES - 1, dtype=np.float32)) == b""
    assert len(blocks.push(np.zeros(BLOCK_SAMPLES + 5, dtype=np.float32))) == 2 * BLOCK_BYTES
    assert len(blocks.rest()) == 8
    assert blocks.rest() == b""
    assert blocks.samples == 2 * BLOCK_SAMPLES + 4


def test_samples_become_16_bit_integers_and_are_clipped() -> None:
    samples = np.array([0.0, 1.0, -1.0, 7.0, -7.0], dtype=np.float32)
    assert np.frombuffer(pcm16(samples), dtype="<i2").tolist() == [0, 32767, -32767, 32767, -32767]
