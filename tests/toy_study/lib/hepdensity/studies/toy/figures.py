"""The figure of the toy study."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from hepdensity.evaluation.estimates import columns, mean_with_error
from hepdensity.evaluation.runs import read_runs
from hepdensity.evaluation.scores import TIGHT
from hepdensity.models.inputs import read_array
from hepdensity.plotting.style import draw_note, journal_style, looks_of, note_of
from hepdensity.studies.toy.mixture import log_density


def log_likelihood(
    files: Mapping[str, Any], settings: Mapping[str, Any]
) -> tuple[Figure, list[dict[str, Any]]]:
    """Draw the distance of each model to the truth."""
    truth = log_density(read_array(files["inputs"], "test"))
    runs = read_runs(settings["runs"], files["scores"], files["summaries"])
    rows = [
        {
            **run.named("model", "n_train", "seed"),
            **columns("kl_to_truth", mean_with_error(truth - run.scores.arrays[TIGHT])),
        }
        for run in runs
    ]
    with journal_style():
        figure = Figure(figsize=(4, 3))
        axes = figure.subplots()
        for i, (row, look) in enumerate(
            zip(rows, looks_of(settings["runs"]).values(), strict=True)
        ):
            style = {"color": look.colour, "marker": look.marker, "label": look.label}
            axes.errorbar([i], [row["kl_to_truth"]], yerr=[row["kl_to_truth_error"]], **style)
        axes.set_ylabel("KL(truth || model)  [nats]")
        axes.legend()
        draw_note(figure, note_of(files, settings))
    return figure, rows
