"""Colour-ordered amplitudes of gluons and gluinos (Berends-Giele recursion), batched.

A word is a sequence of legs. Its current (Berends, Giele, Nucl. Phys. B 306 (1988) 759) is a vector
for an even number of gluinos and a spinor for an odd one. Words here are a gluon prefix, one of (),
(0,), (1,), (1, 0), followed by gluinos. The currents of all words with the same prefix and number of
gluinos form one tensor (4, words, helicities, n): gluino sequences in lexicographic order, then the
helicities of the legs in the order of the word, the last fastest, then the events. Currents are
thus shared among words and among helicities, and the memory is contiguous in the events.

With l legs, currents carry 2^((l - 1) / 2) relative to the usual normalisation, and spinors another
sqrt(2): then no vertex has a factor sqrt(2).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor

Prefix = tuple[int, ...]
Split = tuple["Piece", ...]
LADDER: Prefix = (1, 0)


@dataclass(frozen=True)
class Piece:
    """A part of a word: some of its prefix, then its gluinos start:stop."""

    prefix: Prefix
    start: int
    stop: int

    @property
    def length(self) -> int:
        """Number of gluinos."""
        return self.stop - self.start

    @property
    def is_vector(self) -> bool:
        """Whether the current is a vector."""
        return self.length % 2 == 0


@dataclass(frozen=True)
class ExternalStates:
    """Wave functions and momenta of the legs, see `hepdensity.physics.wavefunctions`.

    Attributes:
        gluons: Polarisations of legs 0 and 1, each (4, helicities, n or 1).
        gluinos: Spinors (4, n_out, helicities, n).
        gluon_momenta: (4, 2, n), outgoing, as V.sigma_bar [GeV].
        gluino_momenta: (4, n_out, n), as V.sigma_bar [GeV].
        mass: Gluino mass [GeV].
    """

    gluons: tuple[Tensor, Tensor]
    gluinos: Tensor
    gluon_momenta: Tensor
    gluino_momenta: Tensor
    mass: float

    @property
    def n_out(self) -> int:
        """Number of gluinos."""
        return self.gluinos.shape[1]


def amplitude_normalisation(n_out: int) -> float:
    """Factor from `half_ladder_amplitudes` to partial amplitudes with Tr(T^a T^b) = delta^ab."""
    return 2.0 ** (-(n_out + 2) / 2)


def half_ladder_amplitudes(states: ExternalStates) -> Tensor:
    """Partial amplitudes A(0, gluinos, 1) of all sequences of gluinos.

    Args:
        states: External states.

    Returns:
        (n_out!, helicities, n) complex, to be multiplied with `amplitude_normalisation`; the words
        are those of `colour.half_ladder_orders`, the helicities run over those of legs
        0, 1, 2, ..., the last fastest. Signs of Fermi statistics are included.
    """
    recursion = _Recursion(states)
    n_out = states.n_out
    root = recursion.take(Piece((), n_out - 1, n_out), n_out) * _fermi_signs(
        n_out, states.gluinos.device
    )
    # the cyclic order (1, 0, gluinos) is that of A(0, gluinos, 1); the last gluino closes the tree
    splits = _binary_splits(LADDER, n_out - 1)
    total = _sum([recursion.close(left, right, root).flatten(1, -2) for left, right in splits])
    return _canonical_helicities(total, states)


class _Recursion:
    """Currents of one batch, each computed when first asked for."""

    def __init__(self, states: ExternalStates) -> None:
        self.states = states
        self.device = states.gluinos.device
        gluon0, gluon1 = states.gluons
        self.currents: dict[tuple[Prefix, int], Tensor] = {
            ((0,), 0): gluon0[:, None],
            ((1,), 0): gluon1[:, None],
            ((), 1): states.gluinos * math.sqrt(2),
        }
        self.numerators: dict[tuple[Prefix, int], Tensor] = {}
        self.momenta: dict[tuple[Prefix, int], Tensor] = {}

    def current(self, prefix: Prefix, length: int) -> Tensor:
        """Current (4, words, helicities, n)."""
        key = (prefix, length)
        if key not in self.currents:
            numerator = self.numerator(prefix, length)
            propagate = self._propagate_vector if length % 2 == 0 else self._propagate_spinor
            self.currents[key] = propagate(numerator, self.momentum(prefix, length))
        return self.currents[key]

    def numerator(self, prefix: Prefix, length: int) -> Tensor:
        """Current without its propagator."""
        key = (prefix, length)
        if key not in self.numerators:
            terms = [self._join(x, y, length) for x, y in _binary_splits(prefix, length)]
            if length % 2 == 0:
                terms += [
                    _four_vertex(*(self.take(piece, length) for piece in split))
                    for split in _triple_splits(prefix, length)
                ]
            self.numerators[key] = _sum([term.flatten(2, -2) for term in terms])
        return self.numerators[key]

    def momentum(self, prefix: Prefix, length: int) -> Tensor:
        """Momentum (4, words, n) of the words."""
        key = (prefix, length)
        if key not in self.momenta:
            words = gluino_words(self.states.n_out, length)
            index = torch.tensor(words, device=self.device, dtype=torch.long)
            total = self.states.gluino_momenta[:, index].sum(2)
            for leg in prefix:
                total = total + self.states.gluon_momenta[:, leg, None]
            self.momenta[key] = total
        return self.momenta[key]

    def take(self, piece: Piece, length: int) -> Tensor:
        """Current of a piece of every word with `length` gluinos."""
        return self._gather(self.current(piece.prefix, piece.length), piece, length)

    def close(self, left: Piece, right: Piece, root: Tensor) -> Tensor:
        """Join two pieces of the word (1, 0, gluinos but the last) and the last gluino."""
        vector, spinor = (left, right) if left.is_vector else (right, left)
        length = self.states.n_out
        if vector.length == 0:
            return self._close_gluon(vector, spinor, root)
        pair = _fuse_spinors(self.take(spinor, length), root)
        other = self.take(vector, length)
        if left.is_vector:
            return _dot(other[:, :, :, None, None], pair[:, :, None])
        return _dot(pair[:, :, :, None], other[:, :, None, :, None]).neg_()

    def _close_gluon(self, vector: Piece, spinor: Piece, root: Tensor) -> Tensor:
        """Join a vector without gluinos, a spinor of all but the last gluino, and the last.

        The vector, and the propagator if the spinor is used just here, act on the last gluino,
        which has fewer helicities. Transposing the charge conjugation changes signs.
        """
        length = self.states.n_out
        row = _slash(self.take(vector, length)[:, :, :, None], root[:, :, None])
        if spinor.prefix == ():
            other = self.take(spinor, length)
            row = row.neg_()
        else:
            other = self._gather(self.numerator(spinor.prefix, spinor.length), spinor, length)
            momentum = self.momentum(spinor.prefix, spinor.length)
            inverse = 1 / (_square(momentum) - self.states.mass**2)
            momentum = self._gather(momentum[:, :, None], spinor, length)[:, :, :, None]
            inverse = self._gather(inverse[None, :, None], spinor, length)[0][:, :, None]
            row = _apply_propagator(row, momentum, -self.states.mass).mul_(inverse)
        return _contract_spinors(row[:, :, :, None], other[:, :, None, :, None])

    def _join(self, left: Piece, right: Piece, length: int) -> Tensor:
        """Three-point vertex of two pieces of every word, (4, words, helicities, helicities, n)."""
        x, y = self.take(left, length), self.take(right, length)
        if not left.is_vector and not right.is_vector:
            return _fuse_spinors(x, y)
        if left.is_vector and right.is_vector:
            momenta = [
                self._gather(self.momentum(piece.prefix, piece.length)[:, :, None], piece, length)
                for piece in (left, right)
            ]
            return _three_vertex(x, y, momenta[0], momenta[1])
        if left.is_vector:
            return _slash(x[:, :, :, None], y[:, :, None])
        return _slash(y[:, :, None], x[:, :, :, None]).neg_()

    def _gather(self, values: Tensor, piece: Piece, length: int) -> Tensor:
        if piece.length in (0, length):
            return values
        index = _subword_index(self.states.n_out, length, piece.start, piece.stop, self.device)
        return values.index_select(1, index)

    def _propagate_vector(self, numerator: Tensor, momentum: Tensor) -> Tensor:
        return numerator / _square(momentum)[:, None]

    def _propagate_spinor(self, numerator: Tensor, momentum: Tensor) -> Tensor:
        mass = self.states.mass
        inverse = 1 / (_square(momentum) - mass**2)
        return _apply_propagator(numerator, momentum[:, :, None], mass).mul_(inverse[:, None])


@lru_cache
def gluino_words(n_out: int, length: int) -> tuple[tuple[int, ...], ...]:
    """Sequences of distinct gluinos 0 ... n_out - 1, lexicographic."""
    return tuple(permutations(range(n_out), length))


@lru_cache
def _subword_index(n_out: int, length: int, start: int, stop: int, device: torch.device) -> Tensor:
    """Place of the part start:stop of each word among the words of its own length."""
    position = {word: k for k, word in enumerate(gluino_words(n_out, stop - start))}
    parts = [position[word[start:stop]] for word in gluino_words(n_out, length)]
    return torch.tensor(parts, device=device)


@lru_cache
def _fermi_signs(n_out: int, device: torch.device) -> Tensor:
    """Sign (n_out!, 1, 1) of the permutation of gluinos of every word."""
    signs = [
        (-1.0) ** sum(word[j] < word[i] for i in range(n_out) for j in range(i + 1, n_out))
        for word in gluino_words(n_out, n_out)
    ]
    return torch.tensor(signs, dtype=torch.float64, device=device)[:, None, None]


def _piece(prefix: Prefix, start: int, stop: int) -> Piece:
    """Letters start:stop of the word made of a prefix and gluinos."""
    size = len(prefix)
    return Piece(prefix[start:stop], max(start - size, 0), max(stop - size, 0))


def _binary_splits(prefix: Prefix, length: int) -> list[tuple[Piece, Piece]]:
    """All ways to cut a word of a prefix and `length` gluinos in two."""
    size = len(prefix) + length
    return [(_piece(prefix, 0, cut), _piece(prefix, cut, size)) for cut in range(1, size)]


def _triple_splits(prefix: Prefix, length: int) -> list[tuple[Piece, Piece, Piece]]:
    """All ways to cut a word in three vectors."""
    size = len(prefix) + length
    splits = [
        (_piece(prefix, 0, i), _piece(prefix, i, j), _piece(prefix, j, size))
        for i in range(1, size)
        for j in range(i + 1, size)
    ]
    return [split for split in splits if all(piece.is_vector for piece in split)]


def _canonical_helicities(amplitudes: Tensor, states: ExternalStates) -> Tensor:
    """Bring the helicities of every word from the order (1, 0, gluinos) to that of the legs."""
    sizes = tuple(gluon.shape[1] for gluon in states.gluons) + states.gluinos.shape[2:3]
    index = _helicity_index(states.n_out, sizes, amplitudes.device)
    flat = amplitudes.flatten(0, 1).index_select(0, index)
    return flat.unflatten(0, amplitudes.shape[:2])


@lru_cache
def _helicity_index(n_out: int, sizes: tuple[int, ...], device: torch.device) -> Tensor:
    first, second, gluino = sizes
    rows = []
    n_helicities = first * second * gluino**n_out
    for k, word in enumerate(gluino_words(n_out, n_out)):
        layout = torch.arange(n_helicities).reshape(second, first, *(gluino for _ in word))
        places = [1, 0] + [2 + word.index(leg) for leg in range(n_out)]
        rows.append(layout.permute(places).flatten() + k * n_helicities)
    return torch.cat(rows).to(device)


def _sum(terms: list[Tensor]) -> Tensor:
    total = terms[0]
    for term in terms[1:]:
        total = total.add_(term) if total.shape == term.shape else total + term
    return total


def _dot(x: Tensor, y: Tensor) -> Tensor:
    """Twice the Minkowski product of vectors given as V.sigma_bar."""
    return (x[0] * y[3]).addcmul_(x[3], y[0]).addcmul_(x[1], y[2], value=-1).addcmul_(
        x[2], y[1], value=-1
    )


def _square(momentum: Tensor) -> Tensor:
    """Minkowski square, real."""
    return (momentum[0] * momentum[3] - momentum[1] * momentum[2]).real


def _fuse_spinors(x: Tensor, y: Tensor) -> Tensor:
    """Vector L_x^T C gamma^mu L_y of spinors (4, words, helicities, n)."""
    x, y = x[:, :, :, None], y[:, :, None]
    return torch.stack(
        (
            -(y[2] * x[1]).addcmul_(x[2], y[1]),
            (y[2] * x[0]).addcmul_(x[2], y[0]),
            -(y[3] * x[1]).addcmul_(x[3], y[1]),
            (y[3] * x[0]).addcmul_(x[3], y[0]),
        )
    )


def _slash(vector: Tensor, spinor: Tensor) -> Tensor:
    """Slashed vector times spinor; both are (4, ...) and broadcast."""
    a, b, c, d = vector
    left1, left2, right1, right2 = spinor
    return torch.stack(
        (
            (d * right1).addcmul_(b, right2, value=-1),
            (a * right2).addcmul_(c, right1, value=-1),
            (a * left1).addcmul_(b, left2),
            (c * left1).addcmul_(d, left2),
        )
    )


def _apply_propagator(spinor: Tensor, momentum: Tensor, mass: float) -> Tensor:
    """(P_slash - m) times a spinor."""
    return _slash(momentum, spinor).sub_(spinor, alpha=mass)


def _contract_spinors(x: Tensor, y: Tensor) -> Tensor:
    """x^T C y of spinors (4, ...)."""
    return (x[0] * y[1]).addcmul_(x[1], y[0], value=-1).addcmul_(x[3], y[2]).addcmul_(
        x[2], y[3], value=-1
    )


def _three_vertex(x: Tensor, y: Tensor, momentum_x: Tensor, momentum_y: Tensor) -> Tensor:
    """2 (P_y.J_x) J_y - 2 (P_x.J_y) J_x + (P_x - P_y) (J_x.J_y)."""
    onto_x = _dot(momentum_y, x)[:, :, None]
    onto_y = _dot(momentum_x, y)[:, None]
    difference = (momentum_x - momentum_y)[:, :, :, None] / 2
    x, y = x[:, :, :, None], y[:, :, None]
    product = _dot(x, y)
    return (onto_x * y).sub_(onto_y * x).addcmul_(difference, product)


def _four_vertex(x: Tensor, y: Tensor, z: Tensor) -> Tensor:
    """2 (J_x.J_z) J_y - (J_x.J_y) J_z - (J_y.J_z) J_x."""
    x, y, z = x[:, :, :, None, None], y[:, :, None, :, None], z[:, :, None, None]
    outer = (_dot(x, z) * y).mul_(2)
    return outer.sub_(_dot(x, y) * z).sub_(_dot(y, z) * x).div_(2)
