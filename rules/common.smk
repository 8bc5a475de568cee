"""The functions of the workflow, and nothing else: the files beside this one only declare."""

import os
import re
import sys
from itertools import product
from pathlib import Path

REPOSITORY = Path(workflow.basedir).parent
LIBRARY = str(REPOSITORY / "lib")  # a checkout runs its own library, installed or not
sys.path.insert(0, LIBRARY)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.getenv("PYTHONPATH")])))

from hepdensity.configuration import effective_configuration, files_of
from hepdensity.provenance import source_digest

TRAINED = "results/models/gluino/{model}/n{n_train}/seed{seed}"
TRAINING = f"{TRAINED}/training.json"
HISTORY = f"{TRAINED}/history.csv"
CHECKPOINT = f"{TRAINED}/checkpoint"
SAMPLES = "results/samples/gluino/{model}/n{n_train}/seed{seed}.h5"
SCORES = "results/scores/gluino/{model}/n{n_train}/seed{seed}.h5"


def configure():
    """Complete `config` from the preset; end with one clear message if it is not valid."""
    try:
        given, command_line = config, workflow.config_settings.config
        config.update(effective_configuration(given, command_line, REPOSITORY / "workflow"))
    except ValueError as error:
        sys.exit(f"Configuration error: {error}")


def any_of(values):
    return "|".join(re.escape(str(value)) for value in values)


def digest(rule):
    """Digest of the script of a rule and of what it imports from the library."""
    try:
        return source_digest(REPOSITORY / "scripts" / f"{rule}.py")
    except ValueError as error:
        sys.exit(f"Source error: {error}")


def processes():
    """Processes of which there are events."""
    names = ["four_gluino", "two_gluino"]
    gluino = config["gluino"]
    return [name for name in names if gluino["source"] == "embedded" or files_of(gluino, name)]


def events_of(process, kind="h5"):
    return f"results/events/gluino/{config['gluino']['source']}/{process}.{kind}"


def chunks(process):
    """Number of events of each chunk of embedded events; the last one may be smaller."""
    size, total = (config["generation"][process][key] for key in ("chunk", "events"))
    return [min(size, total - start) for start in range(0, total, size)]


def generation_settings(wildcards):
    gluino = {key: config["gluino"][key] for key in ("sqrt_s", "mass", "alpha_s", "seed")}
    chunk = int(wildcards.chunk)
    place = {"process": wildcards.process, "chunk": chunk}
    events = chunks(wildcards.process)[chunk]
    return {**gluino, **place, "events": events, "device": config["generation"]["device"]}


def chunk_files(process, kind):
    base = f"results/events/gluino/embedded/{process}/chunk"
    return [f"{base}{chunk}.{kind}" for chunk in range(len(chunks(process)))]


def lhe_files(wildcards):
    if wildcards.source == "embedded":
        return chunk_files(wildcards.process, "lhe.gz")
    return config["gluino"]["lhe"][wildcards.process]


def lhe_summaries(wildcards):
    return chunk_files(wildcards.process, "json") if wildcards.source == "embedded" else []


def csv_file(wildcards):
    return config["gluino"]["csv"][wildcards.process]


def ingestion_settings(wildcards):
    """Your files in their order, which decides what events are for testing, are among these."""
    gluino, process = config["gluino"], wildcards.process
    files = files_of(gluino, process)
    return {"process": process, "tolerance": gluino["tolerance"], "files": files}


def largest_training(wildcards, input):
    """Taking `input`, it does not count as a change: the same inputs serve every n_train."""
    return max(config["grid"]["n_train"])


def normalisation_settings():
    generation = config["generation"]
    settings = {"points": generation["normalisation_points"], "device": generation["device"]}
    return {**settings, "seed": config["gluino"]["seed"]}


def model_settings(wildcards):
    return {**config["flow"], **config["models"][wildcards.model]}


def run_settings(wildcards):
    run = {"n_train": int(wildcards.n_train), "seed": int(wildcards.seed)}
    return {**run, "checkpoint": CHECKPOINT.format(**wildcards)}


def draw_settings(wildcards, **more):
    """Settings of rules that use a trained model once."""
    return {"seed": int(wildcards.seed), "device": config["training"]["device"], **more}


def sample_settings(wildcards):
    return draw_settings(wildcards, count=config["samples"])


def runs(n_train=None, seeds=None):
    """Trainings of the grid: model by model, n_train by n_train, seed by seed."""
    grid = config["grid"]
    values = product(grid["models"], n_train or grid["n_train"], seeds or grid["seeds"])
    return [dict(zip(("model", "n_train", "seed"), value)) for value in values]


def first_seed():
    return runs(seeds=config["grid"]["seeds"][:1])


def first_seed_smallest():
    """As figure 3 of the paper: the smallest training set."""
    return runs(n_train=[min(config["grid"]["n_train"])], seeds=config["grid"]["seeds"][:1])


def per_run(pattern, selected):
    return [pattern.format(**run) for run in selected]


def truth_scores(wildcards):
    """The CSV files have no alpha_s, so the true density of their events is unknown."""
    known = config["gluino"]["source"] != "csv"
    return {"truth": "results/scores/gluino/truth.h5"} if known else {}


def plot_settings(selected):
    """What a figure shows; `runs` names its input files in their order."""
    return {"preset": config["preset"], "runs": selected}


def figures():
    names = ["fig03_gluino_energy", "fig04_digluino_mass", "fig05_log_likelihood"]
    names.append("training_curves_gluino")
    return [f"results/figures/{name}.{kind}" for name in names for kind in ("pdf", "png")]
