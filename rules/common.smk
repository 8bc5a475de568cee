"""All functions of the workflow; the other rule files contain only declarations."""

import os
import re
import sys
from functools import cache
from pathlib import Path

REPOSITORY = Path(workflow.basedir).parent
LIBRARY = str(REPOSITORY / "lib")  # Every checkout uses its own library, installed or not.
sys.path.insert(0, LIBRARY)
os.environ.update(PYTHONPATH=os.pathsep.join(filter(None, [LIBRARY, os.getenv("PYTHONPATH")])))
if re.search(r"\s", sys.executable):
    # Snakemake does not quote the interpreter in the commands of jobs: let them find it by name.
    interpreter = Path(sys.executable)
    os.environ.update(PATH=os.pathsep.join([str(interpreter.parent), os.getenv("PATH", "")]))
    sys.executable = interpreter.name

from hepdensity.configuration import effective_configuration, load_study, results_folder
from hepdensity.source_tree import SourceTree

# Absolute paths: those of a rule used as a template are resolved from the folder that uses it.
SCRIPTS = REPOSITORY / "scripts"
ENVIRONMENT = str(REPOSITORY / "envs" / "hepdensity.yaml")
STAGES = ("ingest", "preprocess", "train", "evaluate", "plot")
SOURCES = SourceTree(Path(LIBRARY))
STUDIES = {}
"""Name -> study, for the selected studies."""


def configure():
    """Complete `config` from the presets, or exit with one clear message if it is invalid."""
    global RESULTS
    if set("{}") & set(str(REPOSITORY)):
        sys.exit(
            f"{REPOSITORY}: Snakemake reads braces in this path as wildcards; rename the folder"
        )
    try:
        given, command_line = config, workflow.config_settings.config
        files = [*workflow.configfiles, *workflow.config_settings.configfiles]
        directory = REPOSITORY / "workflow"
        effective = effective_configuration(given, command_line, directory, files)
        config.clear()
        config.update(effective)
        RESULTS = results_folder(config)
        STUDIES.update({name: load_study(name, config) for name in config["studies"]})
    except ValueError as error:
        sys.exit(f"Configuration error: {error}")
    if workflow.is_main_process:
        for line in (line for study in STUDIES.values() for line in study.warnings()):
            print(f"Warning: {line}", file=sys.stderr)


def any_of(values):
    return "|".join(re.escape(str(value)) for value in sorted(set(values))) or "(?!)"


def wildcards_of_studies():
    """Allowed values of the wildcards of the shared rules."""
    studies = STUDIES.values()
    return {
        "study": any_of(STUDIES),
        "dataset": any_of(name for study in studies for name in study.datasets()),
        "model": any_of(name for study in studies for name in study.models()),
        "n_train": any_of(value for study in studies for value in study.grid("n_train")),
        "seed": any_of(value for study in studies for value in study.grid("seeds")),
    }


def rule_files(stage):
    """Files with the rules of a stage, first the shared one, then those of the studies."""
    files = [REPOSITORY / "rules" / f"{stage}.smk"]
    files += [REPOSITORY / "rules" / name / f"{stage}.smk" for name in STUDIES]
    return [str(path) for path in files if path.is_file()]


@cache
def digest(script, *modules):
    """Digest of a script, of the library modules that it imports, and of `modules`."""
    try:
        return SOURCES.digest(REPOSITORY / "scripts" / f"{script}.py", modules)
    except ValueError as error:
        sys.exit(f"Source error: {error}")


def model_digest(script):
    """Digest for rules that build a model; of all models, only the code of this one counts."""
    return lambda wildcards: digest(script, module_of(study_of(wildcards).builder(wildcards.model)))


def module_of(function):
    """Module of "module:function"."""
    return function.partition(":")[0]


def estimator_tables():
    """Tables of trainings in the columns that all studies share."""
    return [path for study in STUDIES.values() for path in study.estimators()]


def targets_of_all():
    """Tables of all studies together, if any of them takes part."""
    return [f"{RESULTS}/tables/estimators_by_study.csv"] if estimator_tables() else []


def study_of(wildcards):
    return STUDIES[wildcards.study]


def model_params(wildcards):
    return study_of(wildcards).model_params(wildcards.model)


def training_params(wildcards):
    return study_of(wildcards).training(wildcards.dataset, wildcards.model)


def run_params(wildcards):
    """Number of events to train on, and the seed."""
    n_train = int(wildcards.n_train)
    rows = study_of(wildcards).rows(wildcards.dataset, n_train)
    return {"n_train": n_train, "rows": rows, "seed": int(wildcards.seed)}


def evaluation_params(wildcards):
    study = study_of(wildcards)
    return {
        **{"seed": int(wildcards.seed), "device": config["devices"]["training"]},
        **{"group": wildcards.group, "symmetrised": study.symmetrised(wildcards.dataset)},
        "groups": study.groups(wildcards.dataset, wildcards.group),
        **study.evaluation(),
    }


def sample_params(wildcards):
    return {
        **{"seed": int(wildcards.seed), "device": config["devices"]["training"]},
        **{"sample": wildcards.sample, "count": study_of(wildcards).sample_count()},
    }


def per_run(pattern, runs, **more):
    """One file per training."""
    return [pattern.format(**run, **more) for run in runs]


def log_of(rule, *wildcards, study="{study}"):
    """Log file of a rule; the wildcards name folders, and the last one names the file."""
    return f"{RESULTS}/{study}/logs/{'/'.join([rule, *wildcards])}.log"


def benchmark_of(rule, *wildcards, study="{study}"):
    return f"{RESULTS}/{study}/benchmarks/{'/'.join([rule, *wildcards])}.tsv"


def in_report(path, study, name, category, result, kind):
    """A file shown in the report, with the caption of this name."""
    caption = REPOSITORY / "workflow" / "studies" / study / "report" / f"{name}.rst"
    labels = {"result": result, "kind": kind}
    return report(path, caption=str(caption), category=study, subcategory=category, labels=labels)


def table_files(study, name, category, result, caption=None):
    """What a rule that makes a table writes, CSV and the record of what made it."""
    path = f"{RESULTS}/{study}/tables/{name}"
    shown = in_report(f"{path}.csv", study, caption or name, category, result, "table")
    return {"table": shown, "record": f"{path}.json"}


def figure_files(study, name, category, result):
    """What a rule that draws a figure writes, PDF, PNG and the record of what made it."""
    path = f"{RESULTS}/{study}/figures/{name}"
    shown = in_report(f"{path}.png", study, name, category, result, "figure")
    return {"pdf": f"{path}.pdf", "png": shown, "record": f"{path}.json"}


def figure_with_table(study, name, category, result):
    """Outputs of a rule that draws a figure and makes its table."""
    table = table_files(study, name, category, result)["table"]
    return {**figure_files(study, name, category, result), "table": table}


def drawn_by(function, **settings):
    """Params of a figure or table: the function that makes it, and its settings."""
    return {"function": function, "preset": config["preset"], **settings}
