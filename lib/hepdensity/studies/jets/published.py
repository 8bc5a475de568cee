"""What Mikuni and Nachman (2024, arXiv:2306.03933) published, tables 1 and 2.

Their jets are those of the top-tagging reference data set (doi:10.5281/zenodo.2603256) with up to
100 constituents, and a hidden-valley sample that is not public. In the code of the paper, numbers
of the maximum-likelihood loss mix signal scores of one model with background scores of the other
(docs/physics.md), so they are those of no single score.
"""

from __future__ import annotations

from dataclasses import dataclass

DATA = "top-tagging reference data, up to 100 constituents"


@dataclass(frozen=True)
class Published:
    """A row of table 1 or 2.

    Attributes:
        max_sic: Largest SIC at any threshold.
        auc: AUC of the anomaly score.
        density_ratio_auc: AUC of the ratio of both densities.
        classifier_auc: AUC of the supervised classifier.
    """

    max_sic: float
    auc: float
    density_ratio_auc: float | None = None
    classifier_auc: float | None = None


TABLE_1 = {
    ("qcd", "top", "standard"): Published(1.93, 0.875, 0.975, 0.980),
    ("qcd", "top", "maximum-likelihood"): Published(1.81, 0.855, 0.971, 0.980),
    ("qcd", "zprime", "standard"): Published(3.76, 0.924),
    ("qcd", "zprime", "maximum-likelihood"): Published(3.42, 0.919),
    ("top", "qcd", "standard"): Published(16.0, 0.937),
    ("top", "qcd", "maximum-likelihood"): Published(15.4, 0.930),
    ("top", "zprime", "standard"): Published(11.0, 0.875),
    ("top", "zprime", "maximum-likelihood"): Published(12.5, 0.872),
}
"""(trained on, signal, loss) -> values of table 1."""

TABLE_2 = {
    ("qcd", "zprime"): Published(3.4, 0.71),
    ("top", "zprime"): Published(7.0, 0.93),
}
"""(trained on, signal) -> values of table 2, for jets made after Buss et al. (arXiv:2202.00686)."""
