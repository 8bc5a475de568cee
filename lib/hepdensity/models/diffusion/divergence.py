"""Divergence of a velocity field, i.e. the trace of its Jacobian, of each set of points.

- `exact`: one reverse pass for each coordinate of each place.
- `hollow`: the same value in one reverse pass for each coordinate of one point, for fields whose
  output for a point depends on this point only through a part that can be separated (HollowFlow,
  arXiv:2510.21542).
- `hutchinson`: mean of e^T J e over random signs e, the probes (Grathwohl et al. 2019,
  arXiv:1810.01367). It is unbiased, with a variance of 2 sum_(i != j) S_ij^2 for the symmetric
  part S of J and one probe.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hepdensity.models.diffusion.fields import Field, Points

Rate = tuple[Tensor, Tensor]
"""A velocity, shape ``(n, N, c)``, and its divergence, float64, shape ``(n,)``."""

Method = Callable[[Field, Tensor, Points, Tensor | None], Rate]


def exact(field: Field, angle: Tensor, points: Points, probes: Tensor | None = None) -> Rate:
    """Velocity and divergence, by a reverse pass for each coordinate of each place."""
    with torch.enable_grad():
        x = points.x.detach().requires_grad_()
        velocity = points.masked(field(angle, points.at(x)))
        total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        outputs = velocity.flatten(1)
        last = outputs.shape[1] - 1
        for i in range(outputs.shape[1]):
            gradient = _gradient(outputs[:, i], x, keep=i < last)
            total += gradient.flatten(1)[:, i].double()
    return velocity.detach(), total


def hollow(field: Field, angle: Tensor, points: Points, probes: Tensor | None = None) -> Rate:
    """Velocity and divergence, by a reverse pass for each coordinate of a point.

    Raises:
        ValueError: if the field is not block-hollow.
    """
    with torch.enable_grad():
        x = points.x.detach().requires_grad_()
        velocity = points.masked(field.own_part(angle, points.at(x)))
        total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        last = x.shape[2] - 1
        for i in range(x.shape[2]):
            gradient = _gradient(velocity[:, :, i], x, keep=i < last)
            total += gradient[:, :, i].double().sum(dim=1)
    return velocity.detach(), total


def hutchinson(field: Field, angle: Tensor, points: Points, probes: Tensor | None = None) -> Rate:
    """Velocity and an estimate of its divergence from probes, shape ``(probes, n, N, c)``.

    Raises:
        ValueError: if there are no probes.
    """
    if probes is None:
        raise ValueError("divergence 'hutchinson' needs probes; give a generator of them")
    with torch.enable_grad():
        x = points.x.detach().requires_grad_()
        velocity = points.masked(field(angle, points.at(x)))
        total = torch.zeros(len(x), dtype=torch.float64, device=x.device)
        for i, probe in enumerate(probes):
            signs = points.masked(probe.to(x))
            gradient = _gradient(velocity * signs, x, keep=i < len(probes) - 1)
            total += (gradient * signs).double().sum(dim=(1, 2))
    return velocity.detach(), total / len(probes)


METHODS: dict[str, Method] = {"exact": exact, "hollow": hollow, "hutchinson": hutchinson}
"""Methods by name."""


def signs(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw probes, int8 of values -1 and 1."""
    device = generator.device
    bits = torch.randint(0, 2, shape, dtype=torch.int8, generator=generator, device=device)
    return 2 * bits - 1


def _gradient(outputs: Tensor, x: Tensor, keep: bool) -> Tensor:
    """Gradient of the sum of outputs; 0 where they do not depend on the coordinates."""
    if not outputs.requires_grad:
        return torch.zeros_like(x)
    (found,) = torch.autograd.grad(outputs.sum(), x, retain_graph=keep, materialize_grads=True)
    return found
