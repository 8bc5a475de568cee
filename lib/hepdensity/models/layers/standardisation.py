"""Map real columns to the coordinates of a flow, with their mean and standard deviation."""

import math

import torch
from torch import Generator, Tensor

from hepdensity.models.base import Layer, LayerKind
from hepdensity.models.layout import Layout

BOX = 5.0
"""Half the width of the box in which a flow with a Gaussian base has splines."""

LOG_NORM = 0.5 * math.log(2 * math.pi)


class Standardisation(Layer):
    """Maps columns x with real support to u = Phi((x - mean) / std); others do not change.

    Followed by the identity as a flow, this gives a Gaussian density. A column has the same mean
    and standard deviation for all particles, so that reordering particles commutes with this layer.
    Absent values (NaN) stay absent and contribute nothing.

    For a flow with a Gaussian base, the layer is linear: u = 1/2 + (x - mean) / (2 BOX std), so
    that the box of ``BOX`` standard deviations is the unit interval.

    Otherwise, u is kept a machine epsilon away from 0 and 1. In single precision, all points beyond
    5.2 standard deviations therefore share the spline at the edge, and samples end there. Their
    log-density still falls like that of the Gaussian.
    """

    kind = LayerKind.BIJECTION
    mean: Tensor
    std: Tensor
    columns: Tensor

    def __init__(self, layout: Layout, linear: bool = False) -> None:
        """Create the layer for the real columns of a layout; call ``count`` before use.

        Args:
            layout: columns of the events.
            linear: whether the flow has a Gaussian base.
        """
        super().__init__()
        self._linear = linear
        self._layout = layout
        found = [i for i in range(layout.continuous) if layout.column_of(i).support == "real"]
        self._names = [layout.column_of(i).name for i in found]
        self.register_buffer("columns", torch.tensor(found), persistent=False)
        for name in ("mean", "std"):
            unknown = torch.full((len(found),), torch.nan, dtype=torch.float64)
            self.register_buffer(name, unknown)

    def count(self, training: Tensor) -> None:
        """Compute the mean and standard deviation of each column from training events.

        Args:
            training: events, shape ``(n, d)``.

        Raises:
            ValueError: if a column has infinite values or fewer than two distinct values; names it.
        """
        values = training[:, self.columns].double()
        for name in dict.fromkeys(self._names):
            chosen = torch.tensor([n == name for n in self._names], device=values.device)
            known = values[:, chosen]
            known = known[~known.isnan()]
            if known.isinf().any():
                raise ValueError(f"column '{name}' has infinite values; correct the input events")
            if len(known) < 2 or known.std() == 0:
                raise ValueError(
                    f"column '{name}' has the same value in all training events; omit it from the"
                    " layout"
                )
            self.mean[chosen], self.std[chosen] = known.mean(), known.std()

    def inverse(
        self, x: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map to the cube; the contribution is the sum of log du/dx."""
        t = (x[:, self.columns].double() - self._known_mean()) / self.std
        u = x.clone()
        if self._linear:
            u[:, self.columns] = (0.5 + t / (2 * BOX)).to(x)
        else:
            u[:, self.columns] = self._inside(torch.special.ndtr(t).to(x))
        return u, self._contribution(t).to(x)

    def forward(
        self, z: Tensor, context: Tensor | None = None, generator: Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Map from the cube; the contribution is that of ``inverse``."""
        u = z[:, self.columns]
        if self._linear:
            t = 2 * BOX * (u.double() - 0.5)
        else:
            t = torch.special.ndtri(self._inside(u).double())
        x = z.clone()
        x[:, self.columns] = (self._known_mean() + self.std * t).to(z)
        return x, self._contribution(t).to(z)

    def _known_mean(self) -> Tensor:
        if self.mean.isnan().any():
            raise ValueError(
                "the mean and standard deviation of real columns are missing; call"
                " prepare(training) first"
            )
        return self.mean

    def _contribution(self, t: Tensor) -> Tensor:
        slope = -math.log(2 * BOX) if self._linear else -0.5 * t.square() - LOG_NORM
        each = slope - self.std.log() + torch.zeros_like(t)
        return torch.where(t.isnan(), torch.zeros_like(each), each).sum(dim=1)

    @staticmethod
    def _inside(u: Tensor) -> Tensor:
        margin = torch.finfo(u.dtype).eps
        return u.clamp(margin, 1 - margin)
