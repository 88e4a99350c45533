"""Memory that a process holds and does not use."""

import ctypes
import gc


def give_back() -> None:
    """Return what is free to the system, as far as the C library can. Takes a tenth of a second."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
