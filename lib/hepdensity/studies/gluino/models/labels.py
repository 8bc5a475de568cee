"""Conversion of angles, helicities and colour positions to and from the layout ``labels``."""

import torch
from torch import Tensor

from hepdensity.studies.gluino.layouts import INCOMING


def pack(angles: Tensor, helicities: Tensor, positions: Tensor) -> Tensor:
    """Pack angles and labels into the columns of ``layouts.labels``.

    Args:
        angles: shape ``(n, 2 g)`` for g gluinos; the result has the same dtype.
        helicities: +1 or -1, shape ``(n, 2 + g)``.
        positions: colour positions, shape ``(n, 1 + g)``.
    """
    categories = (helicities > 0).long()
    pairs = torch.stack([categories[:, INCOMING:], positions[:, 1:]], dim=2).flatten(1)
    parts = (angles, categories[:, :INCOMING], positions[:, :1], pairs)
    return torch.cat([part.to(angles) for part in parts], dim=1)


def unpack(batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Split events into angles and labels; the inverse of ``pack``.

    Args:
        batch: labelled events, shape ``(n, 4 g + 3)`` for g gluinos.

    Returns:
        Angles ``(n, 2 g)``, helicities +1 or -1 ``(n, 2 + g)`` and colour positions ``(n, 1 + g)``,
        the last two as int64.
    """
    first = (batch.shape[1] - INCOMING - 1) // 2
    angles, labels = batch[:, :first], batch[:, first:].round().long()
    pairs = labels[:, INCOMING + 1 :].unflatten(1, (-1, 2))
    helicities = torch.cat([labels[:, :INCOMING], pairs[:, :, 0]], dim=1) * 2 - 1
    positions = torch.cat([labels[:, INCOMING : INCOMING + 1], pairs[:, :, 1]], dim=1)
    return angles, helicities, positions


def positions_to_order(positions: Tensor) -> Tensor:
    """Sequence of legs in the trace after leg 0, each minus one; this function is its own inverse.

    Args:
        positions: permutations, shape ``(n, m)``.
    """
    return positions.argsort(dim=1)
