"""Log-odds of a classifier for the test jets of every process."""

from typing import Any

import torch

from hepdensity.evaluation.scores import Scores, write_group_scores
from hepdensity.logs import configure
from hepdensity.models.build import load_model
from hepdensity.models.inputs import read_batch, read_layout
from hepdensity.models.set_classifier import SetClassifier
from hepdensity.provenance import record
from hepdensity.training.device import choose_device


def main(snakemake: Any) -> None:
    """Score the test jets."""
    configure(snakemake.log[0])
    torch.set_num_threads(snakemake.threads)
    params, settings = snakemake.params, snakemake.params.scoring
    inputs, seed = snakemake.input.inputs, settings["seed"]
    layout, device = read_layout(inputs), choose_device(settings["device"])
    weights = snakemake.input.weights
    model = load_model(SetClassifier, weights, params.model, layout, seed, device)
    test = read_batch(inputs, "test")
    groups = {
        name: test[i :: len(settings["processes"])] for i, name in enumerate(settings["processes"])
    }
    groups |= {name: read_batch(inputs, name) for name in settings["others"]}
    with torch.no_grad():
        odds = {name: model.log_odds(rows.float().to(device)) for name, rows in groups.items()}
    scores = {
        name: Scores({"log_odds": values.double().cpu().numpy()}, {})
        for name, values in odds.items()
    }
    blocks = {"model": params.model, "layout": layout.to_json(), "scoring": settings}
    write_group_scores(snakemake.output.scores, scores, record(blocks, seed, params.source))


if __name__ == "__main__":
    main(snakemake)  # type: ignore[name-defined]  # noqa: F821
