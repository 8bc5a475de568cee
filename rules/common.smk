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

from hepdensity.configuration import FOUR_PER_TWO, data_of, effective_configuration, files_of
from hepdensity.models.registry import builder_of
from hepdensity.provenance import source_digest

TRAINED = "results/models/gluino/{model}/n{n_train}/seed{seed}"
TRAINING = f"{TRAINED}/training.json"
HISTORY = f"{TRAINED}/history.csv"
CHECKPOINT = f"{TRAINED}/checkpoint"
SAMPLES = "results/samples/gluino/{model}/n{n_train}/seed{seed}.h5"
SCORES = "results/scores/gluino/{model}/n{n_train}/seed{seed}.h5"
SYMMETRIC = ("phase-space", "phase-space-labels")  # by construction
OURS = ("phase-space", "phase-space-labels", "own")
PROCESSES = ("four_gluino", "two_gluino")
CLASS_SAMPLES = "results/samples/gluino/{model}/n{n_train}/seed{seed}_{process}.h5"
TWO_SAMPLE = "results/two_sample/gluino/{model}/n{n_train}/seed{seed}.json"


def configure():
    """Complete `config` from the preset; end with one clear message if it is not valid."""
    try:
        given, command_line = config, workflow.config_settings.config
        config.update(effective_configuration(given, command_line, REPOSITORY / "workflow"))
    except ValueError as error:
        sys.exit(f"Configuration error: {error}")


def any_of(values):
    return "|".join(re.escape(str(value)) for value in values)


def digest(rule, modules=()):
    """Digest of the script of a rule, of what it imports from the library and of `modules`."""
    try:
        return source_digest(REPOSITORY / "scripts" / f"{rule}.py", modules=modules)
    except ValueError as error:
        sys.exit(f"Source error: {error}")


def model_digest(rule):
    """Digest for rules that build a model: only the code of that model counts."""

    def of_wildcards(wildcards):
        builder, _ = builder_of(config["models"][wildcards.model])
        return digest(rule, [builder])

    return of_wildcards


def processes():
    """Processes of which there are events."""
    gluino = config["gluino"]
    return [name for name in PROCESSES if gluino["source"] == "embedded" or files_of(gluino, name)]


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


def parts():
    """Parts of the grid to be done: those with models, and with events for them."""
    possible = {"multiplicity": "two_gluino" in processes()}
    return [
        part for part, grid in config["grid"].items() if grid["models"] and possible.get(part, True)
    ]


def models_of(*names):
    return [model for part in names if part in parts() for model in config["grid"][part]["models"]]


def part_of(model):
    return data_of(config["models"][model])


def grid_values(key):
    """All values of `n_train` or `seeds` in the parts to be done."""
    return sorted({value for part in parts() for value in config["grid"][part][key]})


def largest_training(wildcards, input):
    """Taking `input`, it does not count as a change: the same inputs serve every n_train."""
    wanted = [part for part in parts() if part != "multiplicity"] or ["angles"]
    return max(n for part in wanted for n in config["grid"][part]["n_train"])


def largest_mixed_training(wildcards, input):
    return max(config["grid"]["multiplicity"]["n_train"])


def inputs_of(wildcards):
    mixed = part_of(wildcards.model) == "multiplicity"
    return f"results/inputs/gluino{'_multiplicity' if mixed else ''}.h5"


def normalisation_settings():
    generation = config["generation"]
    settings = {"points": generation["normalisation_points"], "device": generation["device"]}
    return {**settings, "seed": config["gluino"]["seed"]}


def model_settings(wildcards):
    """Block of a model for its builder; its training is no matter of the builder."""
    block = {k: v for k, v in config["models"][wildcards.model].items() if k != "training"}
    if block["kind"] == "own":
        return block
    shared = {"p_four": config["gluino"]["p_four"]} if block["kind"] == "dropout" else {}
    return {**config["flow"], **shared, **block}


def training_settings(wildcards):
    """What a model says of its training wins over its part of the grid, and this over the rest."""
    model = config["models"][wildcards.model]
    part = config["grid"][part_of(wildcards.model)]
    return {**config["training"], **part.get("training", {}), **model.get("training", {})}


def run_settings(wildcards):
    run = {"n_train": int(wildcards.n_train), "seed": int(wildcards.seed)}
    data = part_of(wildcards.model)
    return {**run, "data": data, "checkpoint": CHECKPOINT.format(**wildcards)}


def draw_settings(wildcards, **more):
    """Settings of rules that use a trained model once."""
    return {"seed": int(wildcards.seed), "device": config["training"]["device"], **more}


def evaluation_settings(wildcards):
    return draw_settings(wildcards, data=part_of(wildcards.model), **config["evaluation"])


def sample_settings(wildcards):
    return draw_settings(wildcards, count=config["samples"])


def class_sample_settings(wildcards):
    return draw_settings(wildcards, count=config["samples"], process=wildcards.process)


def described_run(model, n_train, seed):
    """A training, with what tables and figures say of its model."""
    block = config["models"][model]
    told = {**block.get("settings", {}), **block}
    permutation = told.get("permutation")
    return {
        **{"model": model, "n_train": n_train, "seed": seed},
        **{"kind": block["kind"], "permutation": permutation},
        "treatment": model.removesuffix(f"-{permutation}"),
        "objective": told.get("objective"),
        "symmetric": permutation in ("stochastic", "sort") or block["kind"] in SYMMETRIC,
        "family": "ours" if block["kind"] in OURS else "paper",
    }


def runs(part, n_train=None, seeds=None):
    """Trainings of a part of the grid: model by model, n_train by n_train, seed by seed."""
    if part not in parts():
        return []
    grid = config["grid"][part]
    values = product(grid["models"], n_train or grid["n_train"], seeds or grid["seeds"])
    return [described_run(*value) for value in values]


def first_seed(part="angles", n_train=None):
    return runs(part, n_train, config["grid"][part]["seeds"][:1])


def first_seed_smallest():
    """As figure 3 of the paper: the smallest training set."""
    return first_seed("angles", [min(config["grid"]["angles"]["n_train"])])


def first_seed_largest(part):
    return first_seed(part, [max(config["grid"][part]["n_train"])])


TWINS = (("noise", "uniform", "flow"), ("objective", "balanced", "likelihood"))


def has_better_twin(model):
    """Whether a treatment is in the grid that differs from this one in being the better one."""
    blocks = config["models"]
    better = [
        {**blocks[model], key: better}
        for key, worse, better in TWINS
        if blocks[model].get(key) == worse
    ]
    return any(blocks[other] in better for other in models_of("labels"))


def shown_labels():
    """As figures 11 to 13 of the paper: of twin treatments the better one."""
    return [run for run in first_seed_largest("labels") if not has_better_twin(run["model"])]


def bounded(selected):
    """Those trainings whose models have no exact log-likelihood, or may have none."""
    return [run for run in selected if run["kind"] in ("dequantisation", "argmax", "own")]


def per_run(pattern, selected, **more):
    return [pattern.format(**run, **more) for run in selected]


def truth_scores(name):
    """Input function for true densities, which the CSV files, without alpha_s, do not have."""
    known = config["gluino"]["source"] != "csv"
    return lambda wildcards: {"truth": f"results/scores/gluino/{name}.h5"} if known else {}


def all_runs():
    return [run for part in parts() for run in runs(part)]


def samples_of(wildcards):
    """Files of samples of a training: one, or one for each process."""
    if part_of(wildcards.model) != "multiplicity":
        return [SAMPLES.format(**wildcards)]
    return [CLASS_SAMPLES.format(**wildcards, process=process) for process in PROCESSES]


def two_sample_run(wildcards):
    return described_run(wildcards.model, int(wildcards.n_train), int(wildcards.seed))


def two_sample_settings(wildcards):
    return {"seed": int(wildcards.seed), "data": part_of(wildcards.model)}


def plot_settings(selected, **more):
    """What a figure shows; `runs` names its input files in their order."""
    return {"preset": config["preset"], "runs": selected, **more}


FIGURES = {
    "angles": ("fig03_gluino_energy", "fig04_digluino_mass", "fig05_log_likelihood"),
    "multiplicity": ("fig07_varying_dimension",),
    "labels": (
        *("fig10_discrete_log_likelihood", "fig11_discrete_marginals"),
        *("fig12_energy_by_colour", "fig13_delta_psi_by_helicity"),
    ),
}
TABLES = {
    "angles": ("fig05_log_likelihood",),
    "multiplicity": ("fig07_log_likelihood", "p_four_gluino"),
    "labels": ("fig10_discrete_log_likelihood", "fig10_importance_bound"),
}


def figures():
    names = [name for part in parts() for name in FIGURES[part]]
    names += ["fig10_importance_bound"] if bounded(runs("labels")) else []
    names += [f"training_curves_{part}" for part in parts()]
    return [f"results/figures/{name}.{kind}" for name in names for kind in ("pdf", "png")]


def tables():
    names = [name for part in parts() for name in TABLES[part]]
    return [f"results/tables/{name}.csv" for name in [*names, "two_sample_gluino", "events_gluino"]]
