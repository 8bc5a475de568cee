"""The six legs of a four-gluino event (two gluons, four gluinos), and the orders to read them in.

The networks for labels apply one function of the ordered legs to all readings of an event. An
exchange of gluinos or of the gluons exchanges readings, so the probabilities follow the legs.
"""

from collections.abc import Callable
from itertools import combinations, permutations

import torch
from torch import Tensor, nn

LEGS = 6
PAIRS = tuple(combinations(range(LEGS), 2))
"""The 15 pairs of legs."""
TRACES = tuple((0, *rest) for rest in permutations(range(1, LEGS)) if rest[0] < rest[-1])
"""The 60 colour traces up to reversal, with leg 0 first."""
WORDS = tuple(permutations(range(2, LEGS)))
"""The 24 orders of the gluinos."""
Reading = tuple[tuple[int, ...], bool]
READINGS: tuple[Reading, ...] = (
    *((word, False) for word in WORDS),
    *((word[::-1], True) for word in WORDS),
)
"""The gluino legs in the order of reading, and whether the gluons are exchanged.

Reading k + 24 is the half-ladder (0, word, 1) of reading k read backwards.
"""


def read_legs(reading: Reading) -> tuple[int, ...]:
    """The leg at each position of a reading."""
    word, exchanged = reading
    return (*((1, 0) if exchanged else (0, 1)), *word)


class Reader(nn.Module):
    """Permutes weights instead of events, so that a linear map of all readings is one product."""

    maps: Tensor

    def __init__(self, look: Callable[[Reading], Tensor]) -> None:
        """Create a reader from a function that gives the matrix ``(v, v)`` of a reading.

        Row r of the matrix is value r of the reading, column c is value c of the event.
        """
        super().__init__()
        maps = torch.stack([look(reading) for reading in READINGS], dim=1)
        self.values = len(maps)
        self.register_buffer("maps", maps.flatten(1), persistent=False)

    def forward(self, weights: Tensor) -> Tensor:
        """Map weights of values of a reading ``(rows, v)`` to weights ``(readings * rows, v)``."""
        read = (weights @ self.maps).view(len(weights), len(READINGS), self.values)
        return read.transpose(0, 1).reshape(-1, self.values)
