"""Rows of `jets_likelihood.csv`: held-out log-likelihoods, with the errors of the solver."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hepdensity.evaluation.estimates import columns, mean_with_error, ratio_with_error
from hepdensity.files import read_json
from hepdensity.studies.jets.evaluation.parts import PartReader, Parts, family_of
from hepdensity.studies.jets.layouts import JetDataset

COMMON = "logit"
"""Measure in which all models are compared, whatever their coordinates."""

REFERENCE = "flow-matching"
"""Loss of the model with which others are compared, jet by jet."""


def likelihood_table(files: Mapping[str, Any], settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the table: one per training, on test jets of the process that it was trained on.

    `nll` is the mean of -log p(jet, N) [nats], `nll_jet` and `nll_particles` that of its parts,
    `nll_per_particle` the sum of the particle part over all jets divided by the number of their
    constituents, all in one measure (logit of pT, eta and z; log of the mass), with standard
    errors. `difference` is `nll_per_particle` minus that of the flow-matching model of the same
    network, dataset, size and seed, paired jet by jet. `solver_mean` and `solver_rms` are mean and
    root mean square of log p minus that of a finer solve [nats per jet]: a cheap solver shifts log
    p, differently for each model. `probe_rms` is the noise of random probes, 0 if none are drawn.
    Jets without a value are left out and counted.

    Args:
        files: `scores`, `inputs`, `summaries` and `accuracies` of the trainings.
        settings: `runs` and `window`.
    """
    reader = PartReader(files["scores"], files["inputs"], settings["window"])
    rows = []
    told = zip(settings["runs"], files["summaries"], files["accuracies"], strict=True)
    for run, summary, accuracy in told:
        parts = reader.read(run, "test", COMMON)
        rows.append(
            {
                **{key: run[key] for key in ("dataset", "model", "n_train", "seed")},
                **{"family": family_of(run["objective"]), "loss": run["objective"]},
                **_likelihoods(parts),
                **_difference(parts, _partner(run, settings["runs"]), reader),
                **_accuracy(accuracy),
                **_training(summary),
            }
        )
    return rows


def _likelihoods(parts: Parts) -> dict[str, Any]:
    kept = parts.finite
    return {
        **columns("nll", mean_with_error(parts.nll[kept])),
        **columns("nll_jet", mean_with_error(-parts.jet[kept])),
        **columns("nll_particles", mean_with_error(-parts.particles[kept])),
        **columns("nll_per_particle", ratio_with_error(-parts.particles[kept], parts.n[kept])),
        "jets": len(parts),
        "not_finite": int((~kept).sum()),
    }


def _partner(run: Mapping[str, Any], runs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Flow matching on the same process with the same network, size and seed."""
    process = JetDataset.parse(run["dataset"]).process
    for other in runs:
        if (
            other["objective"] == REFERENCE
            and other["dataset"] == process
            and _network(other) == _network(run)
            and all(other[key] == run[key] for key in ("n_train", "seed"))
        ):
            return other
    return None


def _network(run: Mapping[str, Any]) -> bool:
    """Whether the network is block-hollow."""
    return "block-hollow" in run["look"]["label"]


def _difference(
    parts: Parts, partner: Mapping[str, Any] | None, reader: PartReader
) -> dict[str, float | None]:
    if partner is None:
        return columns("difference", None)
    other = reader.read(partner, "test", COMMON)
    if len(other) != len(parts) or (other.n != parts.n).any():
        return columns("difference", None)
    kept = parts.finite & other.finite
    change = other.particles[kept] - parts.particles[kept]
    return columns("difference", ratio_with_error(change, parts.n[kept]))


def _accuracy(path: str | Path) -> dict[str, Any]:
    known = read_json(path)
    names = ("solver_mean", "solver_rms", "probe_rms", "ms_per_jet")
    return {name: known[name] for name in names}


def _training(path: str | Path) -> dict[str, Any]:
    known = read_json(path)
    return {name: known[name] for name in ("steps", "ended_by", "train_seconds", "parameters")}
