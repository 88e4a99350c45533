"""Whether a processor adds whole numbers exactly.

x86 processors without VNNI (before 2019 at Intel, before Zen 4 at AMD) add pairs of products in 16 bits, where the
largest do not fit: scores would be off now and then. A graph in int8 carries the sums that show it.
"""

from typing import Any

import numpy as np

LARGEST_SUMS = "largest_sums"
"""The output of a graph that holds the largest sums there can be: of products of 255 and 127."""

_TERMS = 64


def are_exact(sums: Any) -> bool:
    """Whether the values of LARGEST_SUMS, integers of any shape, are what they must be."""
    return bool(np.all(np.asarray(sums) == _TERMS * 255 * 127))
