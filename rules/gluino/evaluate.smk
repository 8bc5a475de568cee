rule evaluate_truth:
    input:
        inputs=f"{gluino.folder}/inputs/angles.h5",
        normalisation=f"{gluino.folder}/inputs/normalisation_four_gluino.json",
    output:
        **table_files("gluino", "truth", "Log-likelihood", "the best that any model can reach"),
        scores=f"{gluino.folder}/scores/truth.h5",
    log:
        log_of("evaluate_truth", study="gluino"),
    benchmark:
        benchmark_of("evaluate_truth", study="gluino")
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/evaluate_truth"),
        truth={"device": config["devices"]["generation"]},
    message:
        "Evaluating the true density of the test events"
    script:
        "../../scripts/gluino/evaluate_truth.py"


rule evaluate_truth_multiplicity:
    input:
        inputs=f"{gluino.folder}/inputs/multiplicity.h5",
        normalisation_four_gluino=f"{gluino.folder}/inputs/normalisation_four_gluino.json",
        normalisation_two_gluino=f"{gluino.folder}/inputs/normalisation_two_gluino.json",
    output:
        **table_files(
            "gluino",
            "truth_multiplicity",
            "Log-likelihood",
            "the best that any model of two and four gluinos can reach",
            caption="truth",
        ),
        scores=f"{gluino.folder}/scores/truth_multiplicity.h5",
    log:
        log_of("evaluate_truth_multiplicity", study="gluino"),
    benchmark:
        benchmark_of("evaluate_truth_multiplicity", study="gluino")
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/evaluate_truth_multiplicity"),
        truth={"device": config["devices"]["generation"]},
    message:
        "Evaluating the true density of two- and four-gluino test events"
    script:
        "../../scripts/gluino/evaluate_truth_multiplicity.py"


rule evaluate_two_sample:
    input:
        inputs=f"{gluino.folder}/inputs/{{dataset}}.h5",
        samples=lambda w: [
            gluino.samples.format(**w, sample=name) for name in gluino.sample_names(w.dataset)
        ],
    output:
        result=gluino.two_sample_file(),
    log:
        log_of("evaluate_two_sample", "{dataset}/{model}/n{n_train}/seed{seed}", study="gluino"),
    benchmark:
        benchmark_of(
            "evaluate_two_sample", "{dataset}/{model}/n{n_train}/seed{seed}", study="gluino"
        )
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/evaluate_two_sample"),
        two_sample=lambda w: {"seed": int(w.seed), "dataset": w.dataset},
    message:
        "Two-sample test of '{wildcards.model}' ({wildcards.dataset}, {wildcards.n_train} events,"
        " seed {wildcards.seed})"
    script:
        "../../scripts/gluino/evaluate_two_sample.py"


use rule make_table as evaluate_events with:
    input:
        summaries=[gluino.events(process, "json") for process in gluino.processes()],
    output:
        **table_files("gluino", "events", "Events", "events and cross-sections"),
    log:
        log_of("evaluate_events", study="gluino"),
    benchmark:
        benchmark_of("evaluate_events", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.events"),
        table=drawn_by("hepdensity.studies.gluino.evaluation.events:events_table"),
    message:
        "Making the table of events"


use rule make_table as evaluate_log_likelihood with:
    input:
        **gluino.truth("truth"),
        scores=per_run(gluino.scores, gluino.runs("angles"), group="test"),
        summaries=per_run(gluino.summary, gluino.runs("angles")),
        samples=per_run(gluino.samples, gluino.runs("angles"), sample="all"),
    output:
        **table_files(
            "gluino",
            "fig05_log_likelihood",
            "Log-likelihood",
            "log-likelihood and distance to the truth",
        ),
    log:
        log_of("evaluate_log_likelihood", study="gluino"),
    benchmark:
        benchmark_of("evaluate_log_likelihood", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.likelihood_table"),
        table=drawn_by(
            "hepdensity.studies.gluino.evaluation.likelihood_table:log_likelihood_table",
            runs=gluino.runs("angles"),
        ),
    message:
        "Collecting log-likelihoods and distances to the truth"


use rule make_table as evaluate_label_likelihood with:
    input:
        **gluino.truth("truth"),
        scores=per_run(gluino.scores, gluino.runs("labels"), group="test"),
        summaries=per_run(gluino.summary, gluino.runs("labels")),
        samples=per_run(gluino.samples, gluino.runs("labels"), sample="all"),
    output:
        **table_files(
            "gluino",
            "fig10_discrete_log_likelihood",
            "Labels",
            "log-likelihood and distance to the truth with labels",
        ),
    log:
        log_of("evaluate_label_likelihood", study="gluino"),
    benchmark:
        benchmark_of("evaluate_label_likelihood", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.label_table"),
        table=drawn_by(
            "hepdensity.studies.gluino.evaluation.label_table:label_table",
            runs=gluino.runs("labels"),
        ),
    message:
        "Collecting log-likelihoods of labelled events"


use rule make_table as evaluate_importance_bound with:
    input:
        **gluino.truth("truth"),
        scores=per_run(gluino.scores, gluino.runs("labels"), group="test"),
        summaries=per_run(gluino.summary, gluino.runs("labels")),
    output:
        **table_files("gluino", "fig10_importance_bound", "Labels", "bound against draws"),
    log:
        log_of("evaluate_importance_bound", study="gluino"),
    benchmark:
        benchmark_of("evaluate_importance_bound", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.label_table"),
        table=drawn_by(
            "hepdensity.studies.gluino.evaluation.label_table:bound_table",
            runs=gluino.runs("labels"),
        ),
    message:
        "Collecting importance-weighted bounds of labelled events"


use rule make_table as evaluate_multiplicity_likelihood with:
    input:
        **gluino.truth("truth_multiplicity"),
        inputs=f"{gluino.folder}/inputs/multiplicity.h5",
        scores=per_run(gluino.scores, gluino.runs("multiplicity"), group="test"),
        summaries=per_run(gluino.summary, gluino.runs("multiplicity")),
        four_gluino=per_run(gluino.samples, gluino.runs("multiplicity"), sample="four_gluino"),
        two_gluino=per_run(gluino.samples, gluino.runs("multiplicity"), sample="two_gluino"),
    output:
        **table_files(
            "gluino",
            "fig07_log_likelihood",
            "Varying dimension",
            "log-likelihood and distance to the truth for both processes",
        ),
    log:
        log_of("evaluate_multiplicity_likelihood", study="gluino"),
    benchmark:
        benchmark_of("evaluate_multiplicity_likelihood", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.multiplicity"),
        table=drawn_by(
            "hepdensity.studies.gluino.evaluation.multiplicity:multiplicity_table",
            runs=gluino.runs("multiplicity"),
        ),
    message:
        "Collecting log-likelihoods of two- and four-gluino events"


use rule make_table as evaluate_p_four with:
    input:
        summaries=[gluino.events(process, "json") for process in gluino.processes()],
    output:
        **table_files("gluino", "p_four", "Varying dimension", "fraction of four-gluino events"),
    log:
        log_of("evaluate_p_four", study="gluino"),
    benchmark:
        benchmark_of("evaluate_p_four", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.multiplicity"),
        table=drawn_by(
            "hepdensity.studies.gluino.evaluation.multiplicity:p_four_table",
            p_four=gluino.settings["p_four"],
        ),
    message:
        "Comparing the fraction of four-gluino events with cross-sections"


use rule make_table as evaluate_two_sample_table with:
    input:
        results=per_run(gluino.two_sample_file(), gluino.all_runs()),
    output:
        **table_files(
            "gluino", "two_sample", "Two-sample test", "can a classifier tell samples from events"
        ),
    log:
        log_of("evaluate_two_sample_table", study="gluino"),
    benchmark:
        benchmark_of("evaluate_two_sample_table", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.two_sample"),
        table=drawn_by(
            "hepdensity.studies.gluino.evaluation.two_sample:two_sample_table",
            runs=gluino.all_runs(),
        ),
    message:
        "Collecting two-sample tests"


use rule make_table as evaluate_gluino_estimators with:
    input:
        scores=per_run(gluino.scores, gluino.all_runs(), group="test"),
        summaries=per_run(gluino.summary, gluino.all_runs()),
        results=per_run(gluino.two_sample_file(), gluino.all_runs()),
    output:
        **table_files("gluino", "estimators", "Estimators", "all trainings of this study"),
    log:
        log_of("evaluate_gluino_estimators", study="gluino"),
    benchmark:
        benchmark_of("evaluate_gluino_estimators", study="gluino")
    params:
        source=digest("make_table", "hepdensity.studies.gluino.evaluation.estimators"),
        table={
            "function": "hepdensity.studies.gluino.evaluation.estimators:estimators",
            "runs": gluino.all_runs(),
        },
    message:
        "Collecting the estimators of the study gluino"
