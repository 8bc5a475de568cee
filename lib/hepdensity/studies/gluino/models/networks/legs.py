"""The six legs of a four-gluino event - two gluons, four gluinos - and the orders to read them in.

Networks of labels are one function of the legs in their order, applied to all readings of an event.
So exchanging gluinos, or the gluons, exchanges readings and moves the probabilities with the legs.
"""

from collections.abc import Callable
from itertools import combinations, permutations

import torch
from torch import Tensor, nn

LEGS = 6
PAIRS = tuple(combinations(range(LEGS), 2))
"""The 15 pairs of legs."""
TRACES = tuple((0, *rest) for rest in permutations(range(1, LEGS)) if rest[0] < rest[-1])
"""The 60 colour traces up to reversal, leg 0 first."""
WORDS = tuple(permutations(range(2, LEGS)))
"""The 24 orders of the gluinos."""
Reading = tuple[tuple[int, ...], bool]
READINGS: tuple[Reading, ...] = (
    *((word, False) for word in WORDS),
    *((word[::-1], True) for word in WORDS),
)
"""The gluinos' legs in the order of reading, and whether the gluons are exchanged.

Reading k + 24 reads the half-ladder (0, word, 1) of reading k backwards.
"""


def read_legs(reading: Reading) -> tuple[int, ...]:
    """The legs as they are read: which leg stands at each place."""
    word, exchanged = reading
    return (*((1, 0) if exchanged else (0, 1)), *word)


class Reader(nn.Module):
    """Reads weights instead of events: a linear map of all readings is then one matrix product."""

    maps: Tensor

    def __init__(self, look: Callable[[Reading], Tensor]) -> None:
        """Create from a function that gives how values look in a reading, a matrix ``(v, v)``.

        Row r of the matrix is the value r that is read, column c the value c of the event.
        """
        super().__init__()
        maps = torch.stack([look(reading) for reading in READINGS], dim=1)
        self.values = len(maps)
        self.register_buffer("maps", maps.flatten(1), persistent=False)

    def forward(self, weights: Tensor) -> Tensor:
        """Weights of read values ``(rows, v)`` -> of the event's, ``(readings * rows, v)``."""
        read = (weights @ self.maps).view(len(weights), len(READINGS), self.values)
        return read.transpose(0, 1).reshape(-1, self.values)
