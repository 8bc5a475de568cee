"""A detector card as data, and its formulas.

The numbers are those of the ATLAS card of Delphes 3.4.1 (de Favereau et al. 2014, arXiv:1307.6346)
as used for the Dark Machines challenge (Aarrestad et al. 2021, arXiv:2105.14027). In every table,
a value holds up to and including the upper edge of its interval.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

Edges = tuple[float, ...]
_LIGHT = 299_792_458.0  # speed of light [m/s]


@dataclass(frozen=True)
class Efficiency:
    """Efficiency in steps of pT and absolute pseudorapidity; 0 outside.

    Attributes:
        pt_edges: Lower edges of the intervals of pT [GeV]; the last is open.
        eta_edges: Upper edges of the intervals of |eta|; the first begins at 0.
        values: One row per interval of pT, one column per interval of |eta|.
    """

    pt_edges: Edges
    eta_edges: Edges
    values: tuple[Edges, ...]

    def __call__(self, pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """The efficiency.

        Args:
            pt: Transverse momentum [GeV].
            eta: Pseudorapidity, of the same shape.
        """
        found: np.ndarray = self.table[
            np.searchsorted(self.pt_edges, pt), np.searchsorted(self.eta_edges, np.abs(eta))
        ]
        return found

    @property
    def table(self) -> np.ndarray:
        """Values with a row of zeros below the first pT and a column of zeros beyond the last eta.

        Row r is for a pT above r of the edges, column c for an |eta| above c of the edges.
        """
        return np.pad(np.array(self.values), ((1, 0), (0, 1)))


@dataclass(frozen=True)
class TrackResolution:
    """Relative resolution of the pT of a track: sqrt(constant^2 + (slope pT)^2), at most 1.

    Attributes:
        eta_edges: Upper edges of the intervals of |eta|.
        constant: One value per interval.
        slope: One value per interval [1/GeV].
    """

    eta_edges: Edges
    constant: Edges
    slope: Edges

    def __call__(self, pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """The relative resolution; 0 beyond the last interval.

        Args:
            pt: Transverse momentum [GeV].
            eta: Pseudorapidity, of the same shape.
        """
        place = np.searchsorted(self.eta_edges, np.abs(eta))
        constant, slope = (np.array([*of, 0.0])[place] for of in (self.constant, self.slope))
        return np.minimum(np.hypot(constant, slope * pt), 1.0)


@dataclass(frozen=True)
class EnergyResolution:
    """Resolution of an energy: sqrt((linear E)^2 + stochastic^2 E + noise^2).

    Attributes:
        eta_edges: Upper edges of the intervals of |eta|.
        linear: One value per interval.
        stochastic: One value per interval [sqrt(GeV)].
        noise: One value per interval [GeV].
    """

    eta_edges: Edges
    linear: Edges
    stochastic: Edges
    noise: Edges

    def __call__(self, energy: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """The standard deviation [GeV]; 0 beyond the last interval.

        Args:
            energy: Energy [GeV].
            eta: Pseudorapidity, of the same shape.
        """
        place = np.searchsorted(self.eta_edges, np.abs(eta))
        linear, stochastic, noise = np.pad(self.table, ((0, 0), (0, 1)))[:, place]
        return np.sqrt((linear * energy) ** 2 + stochastic**2 * energy + noise**2)

    @property
    def table(self) -> np.ndarray:
        """Rows linear, stochastic and noise, shape (3, intervals)."""
        return np.array([self.linear, self.stochastic, self.noise])


@dataclass(frozen=True)
class Grid:
    """Cells of a calorimeter: rings in eta, each with its number of cells around the beam.

    Attributes:
        eta_edges: Edges of the rings, rising, shape (rings + 1,).
        phi_cells: Number of cells of each ring, the first beginning at phi = -pi; shape (rings,).
    """

    eta_edges: Edges
    phi_cells: tuple[int, ...]

    @property
    def first_cells(self) -> np.ndarray:
        """Number of the first cell of each ring, if cells are counted ring by ring."""
        cells = np.array(self.phi_cells)
        first: np.ndarray = np.cumsum(cells) - cells
        return first


@dataclass(frozen=True)
class Calorimeter:
    """A calorimeter.

    Attributes:
        grid: Its cells.
        resolution: Resolution of the energy of a cell, at the eta of its centre.
        threshold: A cell with less energy is dropped [GeV].
        significance: So is a cell with less energy than this many standard deviations.
    """

    grid: Grid
    resolution: EnergyResolution
    threshold: float
    significance: float = 2.0


@dataclass(frozen=True)
class Track:
    """Tracking of one kind of particles.

    Attributes:
        efficiency: Probability of a track.
        resolution: Relative resolution of its pT.
    """

    efficiency: Efficiency
    resolution: TrackResolution


@dataclass(frozen=True)
class Isolation:
    """Isolation by the pT of energy-flow candidates around an electron, muon or photon.

    Attributes:
        radius: Largest distance in (eta, phi).
        min_pt: Smallest pT of a candidate that counts [GeV].
        photon: Largest sum of pT relative to the pT of a photon.
        electron: The same for an electron.
        muon: The same for a muon.
    """

    radius: float = 0.5
    min_pt: float = 0.5
    photon: float = 0.12
    electron: float = 0.12
    muon: float = 0.25


@dataclass(frozen=True)
class JetSettings:
    """Jets, their energy scale and flavour.

    Attributes:
        radius: Radius of the anti-kt algorithm.
        min_pt: Smallest pT before the energy scale [GeV].
        scale: The constant and the slope in |eta| of the energy scale.
        flavour_radius: Largest distance in (eta, phi) between a jet and its partons.
        parton_pt: Smallest pT of these partons [GeV], exclusive.
        parton_eta: Largest |eta| of these partons, exclusive.
    """

    radius: float = 0.4
    min_pt: float = 20.0
    scale: tuple[float, float] = (3.0, 0.2)
    flavour_radius: float = 0.5
    parton_pt: float = 1.0
    parton_eta: float = 2.5

    def energy_scale(self, pt: np.ndarray, eta: np.ndarray) -> np.ndarray:
        """Factor by which the momentum of a jet is multiplied.

        Args:
            pt: Transverse momentum before [GeV].
            eta: Pseudorapidity, of the same shape.
        """
        constant, slope = self.scale
        scale: np.ndarray = np.sqrt((constant - slope * np.abs(eta)) ** 2 / pt + 1)
        return scale


@dataclass(frozen=True)
class BTag:
    """Probability that a jet is b-tagged: a tanh(b pT) c / (1 + d pT) for heavy flavours.

    Attributes:
        beauty: The numbers a, b [1/GeV], c, d [1/GeV] for jets of flavour 5.
        charm: The same for flavour 4.
        light: Constant and slope [1/GeV] of the straight line for all other jets.
    """

    beauty: tuple[float, float, float, float] = (0.80, 0.003, 30.0, 0.086)
    charm: tuple[float, float, float, float] = (0.20, 0.02, 1.0, 0.0034)
    light: tuple[float, float] = (0.002, 7.3e-6)

    def __call__(self, pt: np.ndarray, flavour: np.ndarray) -> np.ndarray:
        """The probability.

        Args:
            pt: Transverse momentum after the energy scale [GeV].
            flavour: Code of the parton of the jet, of the same shape.
        """
        heavy = [a * np.tanh(b * pt) * c / (1 + d * pt) for a, b, c, d in (self.beauty, self.charm)]
        light = self.light[0] + self.light[1] * pt
        found: np.ndarray = np.select([flavour == 5, flavour == 4], heavy, light)
        return found


@dataclass(frozen=True)
class Card:
    """A detector.

    Attributes:
        hadron_track: Tracks of charged hadrons.
        electron_track: Tracks of electrons.
        muon_track: Tracks of muons.
        ecal: The electromagnetic calorimeter.
        hcal: The hadronic calorimeter.
        photon: Efficiency of photons.
        electron: Efficiency of electrons with a track.
        muon: Efficiency of muons with a track.
        isolation: Isolation of photons, electrons and muons.
        jets: Jets.
        b_tag: Tagging of jets.
        field: Magnetic field along the beam [T].
        radius: Radius of the surface of the calorimeters [m].
        half_length: Half of its length [m].
        long_lived: Fraction of the energy of K0S and Lambda in the electromagnetic calorimeter.
        met_eta: Towers at this |eta| or beyond do not count for missing momentum.
    """

    hadron_track: Track
    electron_track: Track
    muon_track: Track
    ecal: Calorimeter
    hcal: Calorimeter
    photon: Efficiency
    electron: Efficiency
    muon: Efficiency
    isolation: Isolation = Isolation()
    jets: JetSettings = JetSettings()
    b_tag: BTag = BTag()
    field: float = 2.0
    radius: float = 1.15
    half_length: float = 3.51
    long_lived: float = 0.3
    met_eta: float = math.inf

    @property
    def bending_pt(self) -> float:
        """Momentum p such that a charged particle turns by asin(p / pT) until the barrel [GeV]."""
        return 0.5e-9 * _LIGHT * self.field * self.radius

    def with_jet_radius(self, radius: float) -> Card:
        """The card with another radius of jets.

        Args:
            radius: Radius of the anti-kt algorithm, e.g. 0.6 as in the card of Delphes.
        """
        return replace(self, jets=replace(self.jets, radius=radius))

    def with_met_eta(self, met_eta: float) -> Card:
        """The card with missing momentum from central towers only.

        Args:
            met_eta: Towers at this |eta| or beyond do not count.
        """
        return replace(self, met_eta=met_eta)


def _grid(edges: dict[float, int]) -> Grid:
    """Cells from edge -> cells around the beam of the ring below that edge."""
    ordered = sorted(edges)
    return Grid(tuple(ordered), tuple(edges[edge] for edge in ordered[1:]))


def _ecal_grid() -> Grid:
    fine = {round(0.0174 * i, 4): 360 for i in range(-169, 171)}
    outer = (3.125, 3.3, 3.475, 3.65, 3.825, 4.0, 4.175, 4.35, 4.525, 4.7, 5.0)
    coarse = {sign * edge: 36 for edge in outer for sign in (-1.0, 1.0)}
    return _grid({**coarse, -2.958: 36, **fine})


def _hcal_grid() -> Grid:
    """A ring takes the cells of its upper edge, as in the card."""
    middle = {round(0.1 * i, 1): 36 for i in range(-25, 26)}
    coarse = {round(0.2 * i + 3.3, 1): 18 for i in range(1, 9)}
    coarse |= {-round(0.2 * i + 3.3, 1): 18 for i in range(9)}
    coarse |= {edge: 18 for edge in (-3.0, -2.8, -2.6, 2.8, 3.0, 3.2)}
    return _grid({**coarse, **middle, -3.2: 36, 2.6: 36, 3.3: 36})


_IN = (1.5, 2.5)

ATLAS = Card(
    ecal=Calorimeter(
        _ecal_grid(),
        EnergyResolution((3.2, 4.9), (0.0017, 0.035), (0.101, 0.285), (0.0, 0.0)),
        threshold=0.5,
    ),
    hcal=Calorimeter(
        _hcal_grid(),
        EnergyResolution(
            (1.7, 3.2, 4.9), (0.0302, 0.05, 0.0942), (0.5205, 0.706, 1.0), (1.59, 0.0, 0.0)
        ),
        threshold=1.0,
    ),
    hadron_track=Track(
        Efficiency((0.1, 1.0), _IN, ((0.70, 0.60), (0.95, 0.85))),
        TrackResolution((0.5, 1.5, 2.5), (0.06, 0.10, 0.25), (1.3e-3, 1.7e-3, 3.1e-3)),
    ),
    electron_track=Track(
        Efficiency((0.1, 1.0, 100.0), _IN, ((0.73, 0.50), (0.95, 0.83), (0.99, 0.90))),
        TrackResolution((0.5, 1.5, 2.5), (0.03, 0.05, 0.15), (1.3e-3, 1.7e-3, 3.1e-3)),
    ),
    muon_track=Track(
        Efficiency((0.1, 1.0), _IN, ((0.75, 0.70), (0.99, 0.98))),
        TrackResolution((0.5, 1.5, 2.5), (0.01, 0.015, 0.025), (1.0e-4, 1.5e-4, 3.5e-4)),
    ),
    photon=Efficiency((10.0,), _IN, ((0.95, 0.85),)),
    electron=Efficiency((10.0,), _IN, ((0.95, 0.85),)),
    muon=Efficiency((10.0,), (1.5, 2.7), ((0.95, 0.85),)),
)
"""The card of the challenge, with the jet radius 0.4 of its paper (the card itself has 0.6)."""
