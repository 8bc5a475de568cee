"""Published results of the Dark Machines challenge, as reference markers of figure 14.

Source: Aarrestad et al. 2021 (arXiv:2105.14027), tables in the repository
bostdiek/DarkMachines-UnsupervisedChallenge (data/Flow.csv and others); they are for the events of
the challenge, so nothing here can be compared with results on other events.

In all rows of `Flow-Efficient_Likelihood`, eps_S at 1e-3 equals eps_S at 1e-4, perhaps because more
than 0.1 % of the background had the same extreme score; no other such model has this. Its values at
1e-4 are then too large, and the SI of the two larger working points is the safer one. Values are
rounded to 0.01, so at 1e-4 SI has steps of 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hepdensity.evaluation.anomaly import WORKING_POINTS, max_si

CHANNELS = ("1", "2a", "2b", "3")

DM_FLOW = "Flow-Efficient_Likelihood"
"""The flow of ref. 19 of Verheyen 2022 (Caron, Hendriks and Verheyen)."""

DM_FLOW_NO_ENERGY = "Flow-Efficient-No-E_Likelihood"
"""The same flow without the energies of objects."""


@dataclass(frozen=True)
class Published:
    """Result for a signal in a channel.

    Attributes:
        auc: Area under the ROC curve.
        eps_s: Background efficiency -> signal efficiency.
    """

    auc: float
    eps_s: Mapping[float, float]

    def max_si(self, points: Sequence[float] = WORKING_POINTS) -> float:
        """Largest SI over some working points."""
        return max_si({point: self.eps_s[point] for point in points})


@dataclass(frozen=True)
class Spread:
    """Max SI over the signals of a channel."""

    median: float
    least: float
    most: float


# Channel, signal; then AUC and eps_S at 1e-2, 1e-3 and 1e-4 of both flows.
_FLOWS = """
1   glgl1400_neutralino1100       0.91 0.44 0.15 0.15  0.85 0.24 0.07 0.03
1   glgl1600_neutralino800        0.96 0.61 0.20 0.20  0.94 0.44 0.14 0.04
1   monojet_Zp2000.0_DM_50.0      0.95 0.61 0.25 0.25  0.96 0.69 0.47 0.30
1   monotop_200_A                 0.96 0.68 0.29 0.29  0.89 0.37 0.15 0.08
1   sqsq1_sq1400_neut800          0.93 0.50 0.16 0.16  0.94 0.44 0.17 0.06
1   sqsq_sq1800_neut800           0.99 0.82 0.45 0.45  0.99 0.89 0.73 0.53
1   stlp_st1000                   0.99 0.88 0.51 0.51  0.97 0.60 0.28 0.13
1   stop2b1000_neutralino300      0.97 0.72 0.30 0.30  0.97 0.66 0.34 0.15
2a  chaneut_cha200_neut50         0.64 0.03 0.00 0.00  0.77 0.02 0.00 0.00
2a  chaneut_cha250_neut150        0.67 0.03 0.00 0.00  0.77 0.04 0.00 0.00
2a  chaneut_cha300_neut100        0.78 0.11 0.00 0.00  0.82 0.06 0.02 0.01
2a  chaneut_cha400_neut200        0.78 0.09 0.00 0.00  0.80 0.06 0.01 0.01
2a  gluino_1000.0_neutralino_1.0  0.91 0.21 0.01 0.01  0.97 0.49 0.08 0.05
2a  pp23mt_50                     0.63 0.04 0.00 0.00  0.67 0.02 0.00 0.00
2a  pp24mt_50                     0.72 0.09 0.01 0.01  0.74 0.03 0.01 0.00
2b  chacha_cha300_neut140         1.00 0.93 0.26 0.26  0.80 0.14 0.05 0.01
2b  chacha_cha400_neut60          1.00 0.96 0.39 0.39  0.82 0.22 0.09 0.00
2b  chacha_cha600_neut200         0.99 0.82 0.11 0.11  0.86 0.30 0.14 0.01
2b  chaneut_cha200_neut50         0.97 0.66 0.10 0.10  0.76 0.10 0.03 0.01
2b  chaneut_cha250_neut150        0.97 0.69 0.12 0.12  0.70 0.10 0.04 0.01
2b  gluino_1000.0_neutralino_1.0  0.99 0.89 0.15 0.15  0.99 0.86 0.58 0.27
2b  pp23mt_50                     0.95 0.62 0.08 0.08  0.67 0.03 0.01 0.00
2b  pp24mt_50                     0.95 0.63 0.14 0.14  0.69 0.07 0.02 0.00
2b  stlp_st1000                   1.00 1.00 0.54 0.54  0.97 0.72 0.34 0.05
3   glgl1400_neutralino1100       0.96 0.52 0.01 0.01  0.95 0.53 0.25 0.08
3   glgl1600_neutralino800        0.97 0.60 0.01 0.01  0.98 0.74 0.45 0.16
3   gluino_1000.0_neutralino_1.0  0.99 0.78 0.01 0.01  0.99 0.83 0.56 0.22
3   monoV_Zp2000.0_DM_1.0         0.98 0.80 0.10 0.10  0.98 0.81 0.52 0.21
3   monojet_Zp2000.0_DM_50.0      0.98 0.76 0.05 0.05  0.98 0.81 0.53 0.19
3   monotop_200_A                 0.97 0.68 0.02 0.02  0.96 0.59 0.33 0.10
3   sqsq1_sq1400_neut800          0.96 0.57 0.01 0.01  0.97 0.68 0.38 0.12
3   sqsq_sq1800_neut800           0.99 0.81 0.03 0.03  0.99 0.87 0.71 0.46
3   stlp_st1000                   0.99 0.87 0.03 0.03  0.97 0.67 0.41 0.16
3   stop2b1000_neutralino300      0.98 0.77 0.02 0.02  0.98 0.79 0.52 0.20
"""

# Model; then median, minimum and maximum of Max SI over the signals of channels 1, 2a, 2b and 3.
_MODELS = """
Flow-Efficient_Likelihood        27 15 51  0.9 0.3 2.1  14 8 54  7.65 5.2 10
Flow-Efficient-No-E_Likelihood   10.5 3 53  0.4 0.2 5  1.58 0.316 27  17.5 8 46
Combined-AND-DeepSVDD-Flow       15 4 69  0.316 0.1 6.01  10 3 79  7.32 2.5 50
Combined-AVG-DeepSVDD-Flow       15.5 4 78  0.5 0.1 6  16 5 97  6.16 3.2 48
Combined-OR-DeepSVDD-Flow        5.55 3.5 18  1 0.1 4.6  7.2 5.8 31  6.5 3.6 14
Combined-PROD-DeepSVDD-Flow      1.58 0.632 16.1  0.316 0.1 10.4  10 10 24  0 0 3
Combined-AND-VAE_beta1_z21-Flow  2.35 0.8 37  0.2 0.1 8  7 2 66  7.5 2 19
Combined-AVG-VAE_beta1_z21-Flow  2.55 1 29  0.1 0 13  7 2.6 69  6.82 2 15
Combined-OR-VAE_beta1_z21-Flow   5.35 3.5 8.6  0.3 0 12  7.2 5.7 22  6.65 3.7 9
Combined-PROD-VAE_beta1_z21-Flow 2.55 1 29  0.1 0 13  7 2.6 69  6.82 2 15
DeepSetVAE_beta_1.0_weight_1.0   3.38 2.12 7.75  0.0278 0 2.41  3.3 1.39 16.9  3.86 2.92 9.9
DeepSetVAE_beta_1.0_weight_10.0  1.27 0.784 5.94  0.0965 0 2.99  4.56 2.86 18.8  1.07 0.505 8.1
SimpleAE                         4.6 1.5 31.4  0.442 0.14 0.632  0.6 0.32 39.6  4.64 0.949 29.9
KDE_PCA_D=9                      2.09 0.988 9.79  0.1 0 1.5  1.43 0.539 12.2  1.4 0.649 3.35
VAE-dynamic-beta1-z13_Radius     1.65 0.5 9  0 0 16  0.7 0.1 28  3.15 1.3 9.49
"""


def flow_results(model: str = DM_FLOW) -> dict[str, dict[str, Published]]:
    """Channel -> signal -> result of one of the two flows.

    Args:
        model: `DM_FLOW` or `DM_FLOW_NO_ENERGY`.
    """
    first = {DM_FLOW: 2, DM_FLOW_NO_ENERGY: 6}[model]
    found: dict[str, dict[str, Published]] = {channel: {} for channel in CHANNELS}
    for line in _FLOWS.strip().splitlines():
        fields = line.split()
        auc, *efficiencies = map(float, fields[first : first + 4])
        eps_s = dict(zip(WORKING_POINTS, efficiencies, strict=True))
        found[fields[0]][fields[1]] = Published(auc, eps_s)
    return found


def max_si_of_models() -> dict[str, dict[str, Spread]]:
    """Model -> channel -> Max SI over all three working points, over its signals."""
    found = {}
    for line in _MODELS.strip().splitlines():
        model, *fields = line.split()
        values = list(map(float, fields))
        found[model] = {
            channel: Spread(*values[3 * i : 3 * i + 3]) for i, channel in enumerate(CHANNELS)
        }
    return found


def total_improvement(results: Mapping[str, Mapping[str, Published]]) -> dict[str, float]:
    """Signal -> total improvement, the largest Max SI over all channels that the signal is in.

    Args:
        results: Channel -> signal -> result.
    """
    total: dict[str, float] = {}
    for signals in results.values():
        for signal, result in signals.items():
            total[signal] = max(total.get(signal, 0.0), result.max_si())
    return total
