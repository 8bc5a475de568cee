"""What the workflow must know about the toy study."""

from collections.abc import Mapping

from hepdensity.study import Study as BaseStudy


class Study(BaseStudy):
    """One dataset, one figure."""

    features: Mapping[str, frozenset[str]] = {"plane": frozenset()}

    def targets(self) -> list[str]:
        """The figure and its table, and the training curves."""
        names = ("log_likelihood", "training_curves_plane")
        files = (f"{self.folder}/figures/{name}.png" for name in names)
        return [*files, f"{self.folder}/tables/log_likelihood.csv"]
