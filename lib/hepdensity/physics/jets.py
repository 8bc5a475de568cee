"""Jets of the anti-kt algorithm (Cacciari, Salam and Soyez 2008, arXiv:0802.1189).

FastJet (Cacciari, Salam and Soyez 2012, arXiv:1111.6097) finds them, in a batch at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import awkward as ak
import fastjet
import numpy as np

from hepdensity.physics.jagged import by_falling, owners


@dataclass(frozen=True)
class ClusteredJets:
    """Jets of n events; those of event i are `offsets[i]:offsets[i + 1]`, sorted by falling pT.

    Attributes:
        offsets: First jet of each event and the total number N, int64, shape (n + 1,).
        momentum: Momenta (px, py, pz, E) [GeV], float64, shape (N, 4).
        jet_of: Index of the jet that each constituent belongs to, or -1; int64, one per
            constituent of the batch.
    """

    offsets: np.ndarray
    momentum: np.ndarray
    jet_of: np.ndarray


def anti_kt(
    momentum: np.ndarray, offsets: np.ndarray, radius: float, min_pt: float
) -> ClusteredJets:
    """Cluster the particles or towers of each event; momenta are added.

    Args:
        momentum: Momenta (px, py, pz, E) [GeV], float64, shape (N, 4).
        offsets: First constituent of each event and the total number N, shape (n + 1,).
        radius: Radius of the algorithm.
        min_pt: Smallest pT of a jet [GeV].
    """
    columns = dict(zip(_NAMES, momentum.T, strict=True))
    flat = ak.zip(columns, with_name="Momentum4D").layout
    events = ak.Array(ak.contents.ListOffsetArray(ak.index.Index64(offsets), flat))
    algorithm = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    clusters = fastjet.ClusterSequence(events, algorithm)
    jets = clusters.inclusive_jets(min_pt)
    found = ak.flatten(jets)
    unsorted = np.stack([ak.to_numpy(found[name]) for name in _NAMES], axis=1)
    jet_offsets = np.concatenate([[0], np.cumsum(ak.to_numpy(ak.num(jets)))])
    order = by_falling(np.hypot(unsorted[:, 0], unsorted[:, 1]), jet_offsets)
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order))
    members = ak.flatten(clusters.constituent_index(min_pt))
    lengths = ak.to_numpy(ak.num(members))
    jet_of = np.full(len(momentum), -1)
    in_event = np.repeat(offsets[owners(jet_offsets)], lengths)
    jet_of[in_event + ak.to_numpy(ak.flatten(members))] = np.repeat(place, lengths)
    return ClusteredJets(jet_offsets, unsorted[order], jet_of)


_NAMES = ("px", "py", "pz", "E")
