"""Columns and codes of labelled events: angles, helicities and colour positions in one tensor.

A labelled event of g gluinos has 4 g + 3 columns:

    0 ... 2g - 1        angles (x_theta, x_phi) of gluino i in columns 2i, 2i + 1
    2g, 2g + 1          helicity (+1 or -1) of the two incoming gluons
    2g + 2              colour position of leg 1, the second gluon
    2g + 3 ...          (helicity, colour position) of gluino i in columns 2g + 3 + 2i, 2g + 4 + 2i

Colour positions are those of the public CSV (see ``hepdensity.physics.colour_order``): the place of a leg
in the colour trace behind leg 0, counted from 0. So a relabelling of the gluinos moves pairs of
columns only. An unlabelled event has the first 2 g columns. Codes are those of Verheyen 2022
(arXiv:2205.01697), section 3.5; legs are gluon, gluon, gluinos.
"""

import math

import torch
from torch import Tensor

INCOMING = 2
"""Incoming legs, the first of which fixes the start of the colour trace."""


def label_columns(gluinos: int) -> int:
    """Number of columns of a labelled event."""
    return 4 * gluinos + 3


def gluinos_of(batch: Tensor) -> int:
    """Number of gluinos of labelled events.

    Raises:
        ValueError: if the number of columns fits no number of gluinos.
    """
    columns = batch.shape[1]
    if columns < label_columns(1) or columns % 4 != 3:
        raise ValueError(f"labelled events have 4 g + 3 columns for g gluinos, not {columns}")
    return (columns - 3) // 4


def category_counts(gluinos: int) -> tuple[int, int]:
    """Number of helicity configurations and of colour orders."""
    legs = gluinos + INCOMING
    return 2**legs, math.factorial(legs - 1)


def pack(angles: Tensor, helicities: Tensor, positions: Tensor) -> Tensor:
    """Put an event's parts in the layout above.

    Args:
        angles: shape ``(n, 2 g)``; its dtype is that of the result.
        helicities: +1 or -1, shape ``(n, 2 + g)``.
        positions: colour positions, shape ``(n, 1 + g)``.
    """
    pairs = torch.stack([helicities[:, INCOMING:], positions[:, 1:]], dim=2).flatten(1)
    parts = (angles, helicities[:, :INCOMING], positions[:, :1], pairs)
    return torch.cat([part.to(angles) for part in parts], dim=1)


def unpack(batch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Take events apart; the inverse of ``pack``.

    Args:
        batch: labelled events, shape ``(n, 4 g + 3)``.

    Returns:
        Angles ``(n, 2 g)``, helicities ``(n, 2 + g)`` and colour positions ``(n, 1 + g)``, the
        latter two as int64.
    """
    first = 2 * gluinos_of(batch)
    angles, labels = batch[:, :first], batch[:, first:].round().long()
    pairs = labels[:, 3:].unflatten(1, (-1, 2))
    helicities = torch.cat([labels[:, :INCOMING], pairs[:, :, 0]], dim=1)
    positions = torch.cat([labels[:, INCOMING : INCOMING + 1], pairs[:, :, 1]], dim=1)
    return angles, helicities, positions


def check_labels(batch: Tensor) -> None:
    """Refuse labels that are none.

    Args:
        batch: labelled events, shape ``(n, 4 g + 3)``.

    Raises:
        ValueError: naming the first event (1-based) with a helicity other than +1 or -1, or with
            colour positions that are no permutation.
    """
    first = 2 * gluinos_of(batch)
    _, helicities, positions = unpack(batch)
    whole = (batch[:, first:] == batch[:, first:].round()).all(dim=1)
    counted = torch.arange(positions.shape[1], device=batch.device)
    faults = (
        ("helicities are +1 or -1", (helicities.abs() != 1).any(dim=1) | ~whole),
        (
            f"colour positions are a permutation of 0 ... {positions.shape[1] - 1}",
            (positions.sort(dim=1).values != counted).any(dim=1) | ~whole,
        ),
    )
    for rule, wrong in faults:
        if wrong.any():
            event = int(wrong.nonzero()[0]) + 1
            raise ValueError(f"label out of range in event {event}: {rule}; mend the input events")


def helicity_code(helicities: Tensor) -> Tensor:
    """Number helicity configurations: +1 -> 1, -1 -> 0, first leg the most significant bit.

    Args:
        helicities: +1 or -1, shape ``(n, legs)``.

    Returns:
        Codes in [0, 2^legs), int64, shape ``(n,)``.
    """
    return ((helicities > 0).long() * _bit_values(helicities.shape[1], helicities.device)).sum(1)


def helicity_decode(code: Tensor, legs: int = 6) -> Tensor:
    """Turn codes back into helicities, int64, shape ``(n, legs)``.

    Raises:
        ValueError: if a code is out of range.
    """
    _check_range(code, 2**legs, "helicity")
    return ((code[:, None] & _bit_values(legs, code.device)) > 0).long() * 2 - 1


def permutation_code(sequence: Tensor) -> Tensor:
    """Lexicographic rank (Lehmer code) of permutations of 0 ... m - 1.

    Applied to colour positions it is the colour code of the paper.

    Args:
        sequence: permutations, shape ``(n, m)``.

    Returns:
        Codes in [0, m!), int64, shape ``(n,)``.
    """
    size = sequence.shape[1]
    code = torch.zeros(len(sequence), dtype=torch.long, device=sequence.device)
    for i in range(size):
        smaller_behind = (sequence[:, i + 1 :] < sequence[:, i : i + 1]).sum(dim=1)
        code += smaller_behind * math.factorial(size - 1 - i)
    return code


def permutation_decode(code: Tensor, size: int = 5) -> Tensor:
    """Turn ranks back into permutations of 0 ... size - 1, int64, shape ``(n, size)``.

    Raises:
        ValueError: if a code is out of range.
    """
    _check_range(code, math.factorial(size), "colour")
    free = torch.arange(size, device=code.device).expand(len(code), -1)
    sequence = torch.empty(len(code), size, dtype=torch.long, device=code.device)
    rest = code
    for i in range(size):
        unit = math.factorial(size - 1 - i)
        digit, rest = rest // unit, rest % unit
        sequence[:, i] = free.gather(1, digit[:, None])[:, 0]
        keep = torch.arange(free.shape[1], device=code.device) != digit[:, None]
        free = free[keep].view(len(code), -1)
    return sequence


def positions_to_order(positions: Tensor) -> Tensor:
    """Sequence of legs in the trace behind leg 0, each minus one; its own inverse function.

    With ``permutation_code`` it gives the rank of the sequence, as ``colour_order.lehmer_code``.

    Args:
        positions: permutations, shape ``(n, m)``.
    """
    return positions.argsort(dim=1)


def label_codes(batch: Tensor) -> Tensor:
    """Helicity and colour code of labelled events, int64, shape ``(n, 2)``."""
    _, helicities, positions = unpack(batch)
    return torch.stack([helicity_code(helicities), permutation_code(positions)], dim=1)


def category(batch: Tensor) -> Tensor:
    """Combined code of labelled events: helicity code + 2^legs * colour code, int64, ``(n,)``."""
    codes = label_codes(batch)
    helicity_codes, _ = category_counts(gluinos_of(batch))
    return codes[:, 0] + helicity_codes * codes[:, 1]


def split_category(code: Tensor, gluinos: int = 4) -> Tensor:
    """Helicity and colour code of combined codes, int64, shape ``(n, 2)``."""
    helicity_codes, _ = category_counts(gluinos)
    return torch.stack([code % helicity_codes, code // helicity_codes], dim=1)


def with_codes(angles: Tensor, codes: Tensor) -> Tensor:
    """Labelled events from angles ``(n, 2 g)`` and their helicity and colour codes ``(n, 2)``.

    Raises:
        ValueError: if a code is out of range.
    """
    legs = angles.shape[1] // 2 + INCOMING
    helicities = helicity_decode(codes[:, 0], legs)
    return pack(angles, helicities, permutation_decode(codes[:, 1], legs - 1))


def relabel(batch: Tensor, order: Tensor) -> Tensor:
    """Reorder the gluinos of each event, labels included.

    Args:
        batch: labelled ``(n, 4 g + 3)`` or unlabelled ``(n, 2 g)`` events.
        order: for each event the gluino that goes to each place, shape ``(n, g)``.

    Raises:
        ValueError: if the number of columns is neither.
    """
    columns, gluinos = batch.shape[1], order.shape[1]
    if columns not in (2 * gluinos, label_columns(gluinos)):
        raise ValueError(f"events of {gluinos} gluinos do not have {columns} columns")
    pairs = (2 * order[:, :, None] + torch.arange(2, device=order.device)).flatten(1)
    if columns == 2 * gluinos:
        return batch.gather(1, pairs)
    first = 2 * gluinos
    fixed = torch.arange(first, first + 3, device=order.device).expand(len(order), -1)
    return batch.gather(1, torch.cat([pairs, fixed, pairs + first + 3], dim=1))


def _bit_values(legs: int, device: torch.device) -> Tensor:
    return 2 ** torch.arange(legs - 1, -1, -1, device=device)


def _check_range(code: Tensor, count: int, name: str) -> None:
    if code.numel() and (code.min() < 0 or code.max() >= count):
        raise ValueError(f"{name} codes lie in [0, {count})")
