"""Colour-ordered amplitudes of gluons and gluinos (Berends-Giele recursion), batched.

A word is a sequence of legs. Its current (Berends, Giele, Nucl. Phys. B 306 (1988) 759) is a
vector for an even number of gluinos and a spinor for an odd one. Words here consist of a gluon
prefix, one of (), (0,), (1,), (1, 0), (0, 1), and gluinos after it. The currents of all words with
the same prefix and number of gluinos form one tensor (4, words, helicities, n). Its axes are the
gluino sequences in lexicographic order, then the helicities of the legs in the order of the word,
the last varying fastest, then the events. Words and helicities share currents, and memory is
contiguous in the events.

Relative to the usual normalisation, the current of l legs has a factor 2^((l - 1) / 2), and a
spinor another factor sqrt(2). With these factors, no vertex has a factor sqrt(2).
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import permutations

import torch
from torch import Tensor

Prefix = tuple[int, ...]
LADDER: Prefix = (1, 0)


@dataclass(frozen=True)
class Piece:
    """A part of a word: a part of its prefix, followed by its gluinos start:stop."""

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
    """Wave functions and momenta of the legs (see `hepdensity.physics.wavefunctions`).

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
        (n_out!, helicities, n) complex, to be multiplied by `amplitude_normalisation`. The words
        are in the order of `colour.half_ladder_orders`; the helicities are those of the legs
        0, 1, 2, ..., the last varying fastest. Signs from Fermi statistics are included.
    """
    total = _Closure(states).amplitudes()
    sizes = (*(gluon.shape[1] for gluon in states.gluons), states.gluinos.shape[2])
    index = _helicity_index(states.n_out, sizes, total.device)
    # Reorder from the helicities of the cyclic word (1, 0, gluinos) to those of the legs.
    return total.flatten(0, 1).index_select(0, index).unflatten(0, total.shape[:2])


class _Recursion:
    """Currents of one batch, each computed when first needed."""

    def __init__(self, states: ExternalStates) -> None:
        self.states = states
        self.device = states.gluinos.device
        self.n_events = states.gluinos.shape[-1]
        gluon0, gluon1 = states.gluons
        self.currents: dict[tuple[Prefix, int], Tensor] = {
            ((0,), 0): gluon0[:, None],
            ((1,), 0): gluon1[:, None],
            ((), 1): states.gluinos * math.sqrt(2),
        }
        self.momenta: dict[tuple[Prefix, int], Tensor] = {}

    def current(self, prefix: Prefix, length: int) -> Tensor:
        """Current (4, words, helicities, n)."""
        key = (prefix, length)
        if key not in self.currents:
            numerator = self.numerator(prefix, length, _binary_splits(prefix, length))
            momentum = self.momentum(prefix, length)[:, :, None]
            if length % 2 == 0:
                result = numerator.mul_(1 / _square(momentum))
            else:
                mass = self.states.mass
                result = numerator * -mass
                _add_slash(result, momentum, numerator)
                result.mul_(1 / (_square(momentum) - mass**2))
            self.currents[key] = result
        return self.currents[key]

    def numerator(self, prefix: Prefix, length: int, splits: list[tuple[Piece, Piece]]) -> Tensor:
        """Current without its propagator, from the given splits into two and all into three."""
        n_words = len(gluino_words(self.states.n_out, length))
        sizes = [self.states.gluons[leg].shape[1] for leg in prefix]
        n_helicities = math.prod(sizes) * self.states.gluinos.shape[2] ** length
        total = torch.zeros(
            (4, n_words, n_helicities, self.n_events), dtype=torch.complex128, device=self.device
        )
        for left, right in splits:
            self._join(total, left, right, length)
        if length % 2 == 0:
            for split in _triple_splits(prefix, length):
                x, y, z = (self.take(piece, length) for piece in split)
                _add_four_vertex(total.unflatten(2, (x.shape[2], y.shape[2], -1)), x, y, z)
        return total

    def momentum(self, prefix: Prefix, length: int) -> Tensor:
        """Momentum (4, words, n) of the words."""
        key = (prefix, length)
        if key not in self.momenta:
            index = _letters(self.states.n_out, length, self.device)
            total = self.states.gluino_momenta[:, index].sum(2)
            for leg in prefix:
                total += self.states.gluon_momenta[:, leg, None]
            self.momenta[key] = total
        return self.momenta[key]

    def take(self, piece: Piece, length: int) -> Tensor:
        """Current of a piece of every word with `length` gluinos."""
        return self.gather(self.current(piece.prefix, piece.length), piece, length)

    def gather(self, values: Tensor, piece: Piece, length: int) -> Tensor:
        """Repeat values (4, words of the piece, ...) for every word with `length` gluinos."""
        if piece.length in (0, length):
            return values
        index = _subword_index(self.states.n_out, length, piece.start, piece.stop, self.device)
        return values.index_select(1, index)

    def _join(self, total: Tensor, left: Piece, right: Piece, length: int) -> None:
        """Add the three-point vertex of two pieces for every word."""
        x, y = self.take(left, length), self.take(right, length)
        total = total.unflatten(2, (x.shape[2], y.shape[2]))
        if left.is_vector and right.is_vector:
            momentum_x, momentum_y = (
                self.gather(self.momentum(piece.prefix, piece.length), piece, length)[:, :, None]
                for piece in (left, right)
            )
            _add_three_vertex(total, x, y, momentum_x, momentum_y)
            return
        x, y = x[:, :, :, None], y[:, :, None]
        if left.is_vector:
            _add_slash(total, x, y)
        elif right.is_vector:
            _add_slash(total, y, x, sign=-1)
        else:
            _add_spinor_pair(total, x, y)


class _Closure:
    """Join currents of the cyclic word (1, 0, gluinos) at its last gluino, the root."""

    def __init__(self, states: ExternalStates) -> None:
        self.states = states
        self.recursion = _Recursion(states)
        n_out = states.n_out
        self.n_out = n_out
        self.n_gluino_helicities = states.gluinos.shape[2]
        self.last = Piece((), n_out - 1, n_out)
        self.signs = _fermi_signs(n_out, states.gluinos.device)

    def amplitudes(self) -> Tensor:
        """Amplitudes (words, helicities, n), helicities in the order of the cyclic word."""
        gluons = math.prod(gluon.shape[1] for gluon in self.states.gluons)
        n_helicities = gluons * self.n_gluino_helicities**self.n_out
        gluinos = self.states.gluinos
        total = torch.zeros(
            (math.factorial(self.n_out), n_helicities, gluinos.shape[-1]),
            dtype=gluinos.dtype,
            device=gluinos.device,
        )
        self._add_both_gluons(total)
        self._add_one_gluon(total)
        for left, right in _binary_splits(LADDER, self.n_out - 1)[len(LADDER) :]:
            self._add_split(total, left, right)
        return total

    def _root(self, values: Tensor) -> Tensor:
        """Values (4, n_out, helicities, n) at the root of every word, with its Fermi sign."""
        return self.recursion.gather(values, self.last, self.n_out).mul_(self.signs)

    def _add_both_gluons(self, total: Tensor) -> None:
        """Trees in which both gluons are on the root's side of all other gluinos."""
        recursion, length = self.recursion, self.n_out - 1
        row = recursion.numerator((0, 1), 1, _binary_splits((0, 1), 1))
        sizes = (*(gluon.shape[1] for gluon in self.states.gluons), -1)
        row = row.unflatten(2, sizes).transpose(2, 3).flatten(2, 3).flatten(2, 3)
        row = self._root(row).unflatten(2, (-1, self.n_gluino_helicities))
        others = recursion.current((), length)
        view = total.unflatten(1, (row.shape[2], -1, self.n_gluino_helicities))
        _add_contraction(view, row[:, :, :, None], others[:, :, None, :, None])

    def _add_one_gluon(self, total: Tensor) -> None:
        """Trees in which only gluon 1 is on the root's side, and gluon 0 is among the gluinos."""
        length = self.n_out - 1
        splits = _binary_splits((0,), length)[1:]
        if not splits:
            return
        row = self._root(self.recursion.current((1,), 1))
        row = row.unflatten(2, (-1, self.n_gluino_helicities))
        others = self.recursion.numerator((0,), length, splits)
        view = total.unflatten(1, (row.shape[2], -1, self.n_gluino_helicities))
        _add_contraction(view, row[:, :, :, None], others[:, :, None, :, None], sign=-1)

    def _add_split(self, total: Tensor, left: Piece, right: Piece) -> None:
        """Trees in which the root meets two currents that both contain gluinos."""
        recursion = self.recursion
        vector, spinor = (left, right) if left.is_vector else (right, left)
        root = self._root(recursion.current((), 1))
        other, x = recursion.take(vector, self.n_out), recursion.take(spinor, self.n_out)
        pair = torch.zeros_like(x[:, :, :, None].expand(-1, -1, -1, root.shape[2], -1))
        _add_spinor_pair(pair, x[:, :, :, None], root[:, :, None])
        first, second = (other, x) if left.is_vector else (x, other)
        view = total.unflatten(1, (first.shape[2], second.shape[2], -1))
        if left.is_vector:
            _add_dot(view, other[:, :, :, None, None], pair[:, :, None])
        else:
            _add_dot(view, pair[:, :, :, None], other[:, :, None, :, None], sign=-1)


@lru_cache
def gluino_words(n_out: int, length: int) -> tuple[tuple[int, ...], ...]:
    """Sequences of distinct gluinos 0 ... n_out - 1 in lexicographic order."""
    return tuple(permutations(range(n_out), length))


@lru_cache
def _letters(n_out: int, length: int, device: torch.device) -> Tensor:
    """The words as a tensor (words, length)."""
    return torch.tensor(gluino_words(n_out, length), dtype=torch.long, device=device)


@lru_cache
def _subword_index(n_out: int, length: int, start: int, stop: int, device: torch.device) -> Tensor:
    """Index of the part start:stop of each word among the words of the same length."""
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
    """All ways to split a word of a prefix and `length` gluinos into two."""
    size = len(prefix) + length
    return [(_piece(prefix, 0, cut), _piece(prefix, cut, size)) for cut in range(1, size)]


def _triple_splits(prefix: Prefix, length: int) -> list[tuple[Piece, Piece, Piece]]:
    """All ways to split a word into three vectors."""
    size = len(prefix) + length
    splits = [
        (_piece(prefix, 0, i), _piece(prefix, i, j), _piece(prefix, j, size))
        for i in range(1, size)
        for j in range(i + 1, size)
    ]
    return [split for split in splits if all(piece.is_vector for piece in split)]


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


def _dot(x: Tensor, y: Tensor) -> Tensor:
    """Twice the Minkowski product of vectors stored as V.sigma_bar."""
    result = x[0] * y[3]
    result.addcmul_(x[3], y[0]).addcmul_(x[1], y[2], value=-1)
    return result.addcmul_(x[2], y[1], value=-1)


def _add_dot(total: Tensor, x: Tensor, y: Tensor, sign: int = 1) -> None:
    """Add twice the Minkowski product."""
    total.addcmul_(x[0], y[3], value=sign).addcmul_(x[3], y[0], value=sign)
    total.addcmul_(x[1], y[2], value=-sign).addcmul_(x[2], y[1], value=-sign)


def _square(momentum: Tensor) -> Tensor:
    """Minkowski square, real."""
    return (momentum[0] * momentum[3] - momentum[1] * momentum[2]).real


def _add_spinor_pair(total: Tensor, x: Tensor, y: Tensor) -> None:
    """Add the vector x^T C gamma^mu y of two spinors."""
    total[0].addcmul_(y[2], x[1], value=-1).addcmul_(x[2], y[1], value=-1)
    total[1].addcmul_(y[2], x[0]).addcmul_(x[2], y[0])
    total[2].addcmul_(y[3], x[1], value=-1).addcmul_(x[3], y[1], value=-1)
    total[3].addcmul_(y[3], x[0]).addcmul_(x[3], y[0])


def _add_slash(total: Tensor, vector: Tensor, spinor: Tensor, sign: int = 1) -> None:
    """Add a slashed vector times a spinor."""
    a, b, c, d = vector
    left1, left2, right1, right2 = spinor
    total[0].addcmul_(d, right1, value=sign).addcmul_(b, right2, value=-sign)
    total[1].addcmul_(a, right2, value=sign).addcmul_(c, right1, value=-sign)
    total[2].addcmul_(a, left1, value=sign).addcmul_(b, left2, value=sign)
    total[3].addcmul_(c, left1, value=sign).addcmul_(d, left2, value=sign)


def _add_contraction(total: Tensor, x: Tensor, y: Tensor, sign: int = 1) -> None:
    """Add x^T C y of two spinors."""
    total.addcmul_(x[0], y[1], value=sign).addcmul_(x[1], y[0], value=-sign)
    total.addcmul_(x[3], y[2], value=sign).addcmul_(x[2], y[3], value=-sign)


def _add_three_vertex(
    total: Tensor, x: Tensor, y: Tensor, momentum_x: Tensor, momentum_y: Tensor
) -> None:
    """Add 2 (P_y.J_x) J_y - 2 (P_x.J_y) J_x + (P_x - P_y) (J_x.J_y)."""
    onto_x = _dot(momentum_y, x)[:, :, None]
    onto_y = _dot(momentum_x, y)[:, None]
    half_difference = (momentum_x - momentum_y)[:, :, :, None] / 2
    x, y = x[:, :, :, None], y[:, :, None]
    total.addcmul_(onto_x, y).addcmul_(onto_y, x, value=-1)
    total.addcmul_(half_difference, _dot(x, y))


def _add_four_vertex(total: Tensor, x: Tensor, y: Tensor, z: Tensor) -> None:
    """Add 2 (J_x.J_z) J_y - (J_x.J_y) J_z - (J_y.J_z) J_x."""
    x, y, z = x[:, :, :, None, None], y[:, :, None, :, None], z[:, :, None, None]
    total.addcmul_(_dot(x, z), y)
    total.addcmul_(_dot(x, y), z, value=-0.5).addcmul_(_dot(y, z), x, value=-0.5)
