"""A cheap approximation of the event weights, to decide where to compute the exact ones.

Points of flat phase space are first unweighted with the approximation g, which is almost free to
compute. The surviving points are then unweighted with weight / g. An event is still accepted with a
probability proportional to its exact weight; the quality of g affects only the efficiency.

The helicity-summed |M|^2 of gg -> n gluinos depends on little more than the product of the
t-channel denominators. A quadratic form in the three quantities of `features`, fitted to pilot
points, reproduces it to about one per cent at 3 TeV.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

CAP_MARGIN = 1.2
"""Ratio of the cap to the largest uncapped value among the scanned points."""


def features(momenta: Tensor) -> Tensor:
    """Permutation-symmetric quantities that describe |M|^2.

    Args:
        momenta: (n, n_out, 4) [GeV].

    Returns:
        (n, 3): sum of log((E^2 - pz^2) / s), sum of E^2 / s, sum of log(m_ij^2 / s); they are
        bounded for massive particles.
    """
    energy, pz = momenta[..., 0], momenta[..., 3]
    s = energy.sum(1, keepdim=True).square()
    denominators = ((energy.square() - pz.square()) / s).log().sum(1)
    pairs = torch.stack(
        [momenta[:, i] + momenta[:, j] for i, j in combinations(range(momenta.shape[1]), 2)], dim=1
    ).square()
    invariants = (pairs[..., 0] - pairs[..., 1:].sum(-1)) / s
    energies = (energy.square() / s).sum(1)
    return torch.stack((denominators, energies, invariants.log().sum(1)), dim=1)


@dataclass(frozen=True)
class Proposal:
    """Approximate weight g = min(cap, RAMBO weight * exp(quadratic form in the features)).

    Attributes:
        centre: Means of the features (3,).
        width: Their standard deviations (3,).
        coefficients: Coefficients of the monomials up to second order (10,).
        cap: Largest value.
    """

    centre: Tensor
    width: Tensor
    coefficients: Tensor
    cap: float

    def weights(self, momenta: Tensor, flat: Tensor) -> Tensor:
        """Approximate weights (n,) of momenta (n, n_out, 4) with RAMBO weights (n,)."""
        return self.uncapped(momenta, flat).clamp_max(self.cap)

    def uncapped(self, momenta: Tensor, flat: Tensor) -> Tensor:
        """Approximate weights before the cap."""
        scaled = (features(momenta) - self.centre) / self.width
        return flat * (_monomials(scaled) @ self.coefficients).exp()


def _monomials(x: Tensor) -> Tensor:
    """All monomials (n, 10) up to second order of three variables (n, 3)."""
    rows, columns = torch.triu_indices(x.shape[1], x.shape[1], device=x.device)
    return torch.cat((torch.ones_like(x[:, :1]), x, x[:, rows] * x[:, columns]), dim=1)


def fit_proposal(
    momenta: Tensor, flat: Tensor, weights: Tensor, scan: tuple[Tensor, Tensor]
) -> Proposal:
    """Fit the approximation to exact weights.

    Args:
        momenta: (n, n_out, 4) [GeV] of pilot points of flat phase space.
        flat: Their RAMBO weights (n,).
        weights: Their exact weights (n,), positive.
        scan: Momenta and RAMBO weights of more points, whose largest value sets the cap.
    """
    x = features(momenta)
    centre, spread = x.mean(0), x.std(0)
    # Features that do not vary, such as those of two gluinos, get a harmless unit width.
    width = torch.where(spread > 1e-9, spread, 1.0)
    importance = weights.sqrt()
    matrix = _monomials((x - centre) / width) * importance[:, None]
    target = (weights / flat).log() * importance
    # numpy's least squares can handle the rank deficiency that such features cause.
    solution = np.linalg.lstsq(matrix.cpu().numpy(), target.cpu().numpy(), rcond=1e-10)[0]
    coefficients = torch.from_numpy(solution).to(momenta.device)
    proposal = Proposal(centre, width, coefficients, cap=float("inf"))
    cap = CAP_MARGIN * float(proposal.uncapped(*scan).max())
    return Proposal(centre, width, coefficients, cap)
