"""Networks on the pairs of the six legs of an event, equivariant under relabelling of the legs.

Scores of labels are built such that a relabelling of the event relabels the scores, that flipping
all helicities changes nothing, and that a colour trace and its reversal score alike.
"""

from itertools import combinations, permutations

import torch
from torch import Tensor, nn
from torch.nn import functional

LEGS = 6
PAIRS = tuple(combinations(range(LEGS), 2))
"""The 15 pairs of legs, in the order of all tensors of pairs."""
TRIPLES = tuple(
    (centre, *ends)
    for centre in range(LEGS)
    for ends in combinations([leg for leg in range(LEGS) if leg != centre], 2)
)
"""Neighbours in a trace: (centre, one end, other end), the ends ascending."""
TRACES = tuple((0, *rest) for rest in permutations(range(1, LEGS)) if rest[0] < rest[-1])
"""The 60 colour traces up to reversal, leg 0 first."""
HELICITIES = 2**LEGS

_TRIANGLE_WIDTH = 16
_PAIR = {pair: k for k, pair in enumerate(PAIRS)}


def _pair(i: int, j: int) -> int:
    return _PAIR[min(i, j), max(i, j)]


class PairNetwork(nn.Module):
    """Embeds each pair of legs, in view of all others.

    In each round a pair sees itself, the mean of the pairs that share a leg with it, the mean of
    all pairs, and products over the triangles that it is a side of.
    """

    means: Tensor
    sides: Tensor

    def __init__(self, features: int, width: int, rounds: int) -> None:
        """Create a network from ``features`` per pair to ``width`` with ``rounds`` rounds."""
        super().__init__()
        self.embedding = nn.Linear(features, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(rounds))
        self.corners = nn.ModuleList(nn.Linear(width, _TRIANGLE_WIDTH) for _ in range(rounds))
        seen = 3 * width + _TRIANGLE_WIDTH
        self.first = nn.ModuleList(nn.Linear(seen, width) for _ in range(rounds))
        self.last = nn.ModuleList(nn.Linear(width, width) for _ in range(rounds))
        others = [[k for k in range(LEGS) if k not in pair] for pair in PAIRS]
        # for each pair (i, j) and each other leg k the pairs (i, k) and (j, k)
        sides = [
            [_pair(pair[side], k) for pair, rest in zip(PAIRS, others, strict=True) for k in rest]
            for side in range(2)
        ]
        # Products with ones and zeros: a GPU sums the gradient of an index in no fixed order.
        selection = functional.one_hot(torch.tensor(sides), len(PAIRS)).float()
        self.register_buffer("sides", selection, persistent=False)
        shared = [[len({*p} & {*q}) == 1 for q in PAIRS] for p in PAIRS]
        touching = torch.tensor(shared).float() / (2 * LEGS - 4)
        total = torch.full((len(PAIRS), len(PAIRS)), 1 / len(PAIRS))
        self.register_buffer("means", torch.cat((touching, total)), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Embeddings ``(n, 15, width)`` of features ``(n, 15, features)``."""
        e: Tensor = self.embedding(features)
        layers = zip(self.norms, self.corners, self.first, self.last, strict=True)
        for norm, corner, first, last in layers:
            x = norm(e)
            near = corner(x)
            triangles = (self.sides[0] @ near) * (self.sides[1] @ near)
            triangles = triangles.unflatten(1, (len(PAIRS), -1)).mean(2)
            touching, total = (self.means @ x).chunk(2, dim=1)
            seen = torch.cat((x, touching, total, triangles), dim=-1)
            e = e + last(functional.silu(first(seen)))
        return e


class HelicityScores(nn.Module):
    """Log-probabilities of the helicity configurations.

    The score is a sum over even products of helicities, the most general function that does not
    change when all flip: 15 pairs, 15 quadruples (each the complement of a pair) and all six.
    """

    products: Tensor

    def __init__(self, features: int, width: int, rounds: int) -> None:
        """Create the network, see ``PairNetwork``; it begins at equal probabilities."""
        super().__init__()
        self.network = PairNetwork(features, width, rounds)
        self.pairs, self.all = nn.Linear(width, 2), nn.Linear(width, 1)
        _zero(self.pairs, self.all)
        codes = torch.arange(HELICITIES)[:, None]
        h = ((codes & (1 << torch.arange(LEGS - 1, -1, -1))) > 0).float() * 2 - 1
        pairs = torch.stack([h[:, i] * h[:, j] for i, j in PAIRS])
        every = h.prod(1, keepdim=True).T
        self.register_buffer("products", torch.cat((pairs, pairs * every, every)), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Log-probabilities ``(n, 64)`` by helicity code, from pair features ``(n, 15, f)``."""
        e = self.network(features)
        weights = torch.cat((self.pairs(e).transpose(1, 2).flatten(1), self.all(e.mean(1))), dim=1)
        return (weights @ self.products).log_softmax(dim=1)


class TraceScores(nn.Module):
    """Log-probabilities of the colour traces.

    A trace is the sum of the embeddings of its six triples of neighbours; a network scores the sum.
    """

    incidence: Tensor
    near: Tensor
    far: Tensor

    def __init__(self, features: int, width: int, rounds: int, trace_width: int = 32) -> None:
        """Create the network, see ``PairNetwork``; it begins at equal probabilities."""
        super().__init__()
        self.network = PairNetwork(features, width, rounds)
        self.beside, self.across = nn.Linear(width, trace_width), nn.Linear(width, trace_width)
        self.triple = nn.Linear(trace_width, trace_width)
        self.hidden = nn.Linear(trace_width, trace_width)
        self.score, self.direct = nn.Linear(trace_width, 1), nn.Linear(trace_width, 1)
        _zero(self.score, self.direct)
        number = {triple: k for k, triple in enumerate(TRIPLES)}
        incidence = torch.zeros(len(TRACES), len(TRIPLES))
        for row, trace in enumerate(TRACES):
            for triple in _neighbours(trace):
                incidence[row, number[triple]] = 1
        self.register_buffer("incidence", incidence, persistent=False)
        triples = torch.tensor([(_pair(i, j), _pair(j, k), _pair(i, k)) for j, i, k in TRIPLES])
        chosen = functional.one_hot(triples, len(PAIRS)).float()
        self.register_buffer("near", chosen[:, :2].sum(1), persistent=False)
        self.register_buffer("far", chosen[:, 2], persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """Log-probabilities ``(n, 60)`` of ``TRACES``, from pair features ``(n, 15, f)``."""
        e = self.network(features)
        joined = self.near @ self.beside(e) + self.far @ self.across(e)
        embedded = self.triple(functional.silu(joined))
        trace = self.incidence @ embedded
        scores = self.score(functional.silu(self.hidden(trace))) + self.direct(trace)
        return scores[..., 0].log_softmax(dim=1)


def _neighbours(trace: tuple[int, ...]) -> list[tuple[int, int, int]]:
    """The triples of a closed trace."""
    triples = []
    for place, centre in enumerate(trace):
        ends = (trace[place - 1], trace[(place + 1) % LEGS])
        triples.append((centre, min(ends), max(ends)))
    return triples


def _zero(*layers: nn.Linear) -> None:
    for layer in layers:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
