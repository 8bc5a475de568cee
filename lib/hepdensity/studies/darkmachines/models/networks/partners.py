"""Where resonances would put an object, given the harder objects and its own pT."""

from __future__ import annotations

import torch
from torch import Tensor

from hepdensity.studies.darkmachines.models.canonical import Canonical
from hepdensity.studies.darkmachines.models.networks.trunk import recoil

Z_MASS, W_MASS = 91.19, 80.38
"""Masses [GeV]; Particle Data Group 2024."""

_FIRST_LEPTON = 2
_OPPOSITE = (-9, -9, 3, 2, 5, 4, -9)
"""For each type, the type of its antiparticle, or no type; e-, e+, m-, m+ are 2 to 5."""
_LIMIT = 1.5

FEATURES = 10


def partner_features(events: Canonical) -> Tensor:
    """Features of each object for the density of its pseudorapidity and azimuth, ``(n, N, 10)``.

    The partner of a lepton is the softest harder lepton of the same flavour and opposite charge. An
    azimuth relative to the partner whose cosine is cosh(eta - eta') - mZ^2 / (2 pT pT') gives their
    pair the mass of the Z boson; one relative to MET whose cosine is 1 - mW^2 / (2 pT MET) gives
    the transverse mass of the W boson.
    """
    pt = events.log_pt.exp()
    lepton = events.type >= _FIRST_LEPTON
    partner, index = _partners(events)
    picked = [values.gather(1, index) for values in (events.log_pt, events.eta, events.delta)]
    partner_pt, partner_eta, partner_delta = picked[0].exp(), picked[1], picked[2]
    along, across = recoil(events)
    size = (along.square() + across.square() + 1e-6).sqrt()
    z_cosine = _z_cosine(events.eta - partner_eta, pt, partner_pt)
    w_cosine = 1 - W_MASS**2 / (2 * pt * events.log_met.exp()[:, None]).clamp(min=1e-3)
    zero = torch.zeros_like(pt)
    parts = [
        partner.to(pt),
        torch.where(partner, partner_delta.sin(), zero),
        torch.where(partner, partner_delta.cos(), zero),
        torch.where(partner, partner_eta, zero),
        torch.where(partner, (pt * partner_pt).clamp(min=1e-3).log() - 7.6, zero),
        torch.where(lepton, w_cosine.clamp(-_LIMIT, _LIMIT), zero),
        along / size,
        across / size,
        events.log_pt - size.clamp(min=1.0).log(),
        torch.where(partner, z_cosine, zero),
    ]
    return torch.stack(parts, dim=2)


def _partners(events: Canonical) -> tuple[Tensor, Tensor]:
    """Whether each object has a partner, and its place, both of shape ``(n, N)``."""
    opposite = events.type.new_tensor(_OPPOSITE)[events.type.clamp(min=0)]
    opposite = torch.where(events.present, opposite, -9)
    places = events.type.shape[1]
    earlier = torch.ones(places, places, dtype=torch.bool, device=events.type.device).tril(-1)
    fits = (events.type[:, None] == opposite[:, :, None]) & earlier
    last = (fits * torch.arange(1, places + 1, device=fits.device)).amax(dim=2)
    return last > 0, (last - 1).clamp(min=0)


def _z_cosine(delta_eta: Tensor, pt: Tensor, partner_pt: Tensor) -> Tensor:
    ratio = Z_MASS**2 / (2 * pt * partner_pt).clamp(min=1e-3)
    return (delta_eta.clamp(-6, 6).cosh() - ratio).clamp(-_LIMIT, _LIMIT)
