rule make_references:
    input:
        inputs=f"{darkmachines.folder}/inputs/{{dataset}}.h5",
    output:
        scores=darkmachines.reference_file("{dataset}"),
    log:
        log_of("make_references", "{dataset}", study="darkmachines"),
    benchmark:
        benchmark_of("make_references", "{dataset}", study="darkmachines")
    wildcard_constraints:
        dataset=any_of(darkmachines.datasets()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/make_references"),
        referencing=lambda w: darkmachines.referencing(w.dataset),
    message:
        "Scoring events with references ({wildcards.dataset})"
    script:
        "../../scripts/darkmachines/make_references.py"


rule join_scores:
    input:
        folds=lambda w: [
            darkmachines.scores.format(**{**w, "dataset": fold}, group="all")
            for fold in darkmachines.trained_on(w.dataset)
        ],
    output:
        scores=f"{darkmachines.folder}/scores/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/all.h5",
    log:
        log_of(
            "join_scores", "{dataset}", "{model}", "n{n_train}", "seed{seed}", study="darkmachines"
        ),
    benchmark:
        benchmark_of(
            "join_scores", "{dataset}", "{model}", "n{n_train}", "seed{seed}", study="darkmachines"
        )
    wildcard_constraints:
        dataset=any_of(darkmachines.joined()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/join_scores"),
        joining=lambda w: {"groups": darkmachines.scored_groups(w.dataset)},
    message:
        "Joining the scores of all folds ({wildcards.dataset}, {wildcards.model})"
    script:
        "../../scripts/darkmachines/join_scores.py"


rule join_references:
    input:
        folds=lambda w: [
            darkmachines.reference_file(fold) for fold in darkmachines.trained_on(w.dataset)
        ],
    output:
        scores=darkmachines.reference_file("{dataset}"),
    log:
        log_of("join_references", "{dataset}", study="darkmachines"),
    benchmark:
        benchmark_of("join_references", "{dataset}", study="darkmachines")
    wildcard_constraints:
        dataset=any_of(darkmachines.joined()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/join_references"),
    message:
        "Joining the references of all folds ({wildcards.dataset})"
    script:
        "../../scripts/darkmachines/join_references.py"


use rule make_table as evaluate_anomaly_scores with:
    input:
        inputs=[darkmachines.inputs.format(dataset=name) for name in darkmachines.tabled()],
        scores=darkmachines.score_files(),
        references=darkmachines.reference_files(),
    output:
        **table_files(
            "darkmachines", "darkmachines_scores", "Anomaly scores", "all scores and all signals"
        ),
    log:
        log_of("evaluate_anomaly_scores", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_anomaly_scores", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.score_table"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.score_table:anomaly_scores",
            **darkmachines.anomaly(),
        },
    message:
        "Max SI of all scores and signals"


use rule evaluate_anomaly_scores as evaluate_summary with:
    output:
        **table_files(
            "darkmachines", "darkmachines_summary", "Anomaly scores", "medians over signals"
        ),
    log:
        log_of("evaluate_summary", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_summary", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.summary"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.summary:summary",
            **darkmachines.anomaly(),
        },
    message:
        "Medians and geometric means of Max SI over signals"


use rule evaluate_anomaly_scores as evaluate_comparison with:
    output:
        **table_files(
            "darkmachines",
            "darkmachines_comparison",
            "Anomaly scores",
            "one score against another",
        ),
    log:
        log_of("evaluate_comparison", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_comparison", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.comparison"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.comparison:comparison",
            **darkmachines.anomaly(),
        },
    message:
        "Comparing scores on the same events"


use rule evaluate_anomaly_scores as evaluate_coordinates with:
    output:
        **table_files(
            "darkmachines",
            "darkmachines_coordinates",
            "Anomaly scores",
            "one density in two coordinates",
        ),
    log:
        log_of("evaluate_coordinates", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_coordinates", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.coordinates"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.coordinates:coordinates",
            **darkmachines.anomaly(),
        },
    message:
        "Scoring the same densities in pT and in log pT"


use rule make_table as evaluate_challenge_scores with:
    input:
        scores=f"{darkmachines.folder}/tables/darkmachines_scores.csv",
    output:
        **table_files(
            "darkmachines", "challenge_scores", "Anomaly scores", "format of the challenge"
        ),
    log:
        log_of("evaluate_challenge_scores", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_challenge_scores", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.score_table"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.score_table:challenge_format"
        },
    message:
        "Writing scores in the format of the challenge"


use rule make_table as evaluate_composition with:
    input:
        inputs=[
            darkmachines.inputs.format(dataset=darkmachines.widest(channel))
            for channel in darkmachines.channels()
        ],
    output:
        **table_files(
            "darkmachines",
            "darkmachines_composition",
            "Events",
            "composition beside that of the challenge",
        ),
    log:
        log_of("evaluate_composition", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_composition", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.composition"),
        table={"function": "hepdensity.studies.darkmachines.evaluation.composition:composition"},
    message:
        "Composition of the background events"


use rule make_table as evaluate_darkmachines_likelihood with:
    input:
        inputs=[darkmachines.inputs.format(dataset=name) for name in darkmachines.datasets()],
        scores=per_run(darkmachines.scores, darkmachines.all_runs(), group="all"),
        summaries=per_run(darkmachines.summary, darkmachines.all_runs()),
        samples=per_run(darkmachines.samples, darkmachines.all_runs(), sample="all"),
    output:
        **table_files(
            "darkmachines",
            "log_likelihood",
            "Log-likelihood",
            "log-likelihoods, and samples against events",
        ),
    log:
        log_of("evaluate_darkmachines_likelihood", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_darkmachines_likelihood", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.likelihood_table"),
        table={
            "function": (
                "hepdensity.studies.darkmachines.evaluation.likelihood_table:log_likelihood_table"
            ),
            "runs": darkmachines.all_runs(),
            "seed": darkmachines.settings["seed"],
        },
    message:
        "Log-likelihoods of background events, and samples against events"


use rule make_table as evaluate_darkmachines_events with:
    input:
        inputs=[
            f"{darkmachines.folder}/inputs/{darkmachines.widest(channel)}.json"
            for channel in darkmachines.channels()
        ],
        events=[darkmachines.events(name, "json") for name in darkmachines.processes()],
    output:
        **table_files("darkmachines", "events", "Events", "processes, cross-sections and shares"),
    log:
        log_of("evaluate_darkmachines_events", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_darkmachines_events", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.events"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.events:events_table",
            "roles": darkmachines.anomaly()["signals"],
            "scale": darkmachines.scale,
        },
    message:
        "Processes, cross-sections and shares of the events"


use rule make_table as score_unlabelled with:
    input:
        inputs=f"{darkmachines.folder}/inputs/{{dataset}}.h5",
        scores=f"{darkmachines.folder}/scores/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/all.h5",
    output:
        table=darkmachines.unlabelled_file("csv"),
        record=darkmachines.unlabelled_file("json"),
    log:
        log_of(
            "score_unlabelled",
            "{dataset}",
            "{model}",
            "n{n_train}",
            "seed{seed}",
            study="darkmachines",
        ),
    benchmark:
        benchmark_of(
            "score_unlabelled",
            "{dataset}",
            "{model}",
            "n{n_train}",
            "seed{seed}",
            study="darkmachines",
        )
    wildcard_constraints:
        dataset=any_of(darkmachines.tabled()),
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.unlabelled"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.unlabelled:unlabelled_scores",
        },
    message:
        "Scores of unlabelled events ({wildcards.dataset}, {wildcards.model})"


use rule make_table as evaluate_darkmachines_estimators with:
    input:
        log_likelihood=f"{darkmachines.folder}/tables/log_likelihood.csv",
        scores=f"{darkmachines.folder}/tables/darkmachines_scores.csv",
    output:
        **table_files("darkmachines", "estimators", "Estimators", "all trainings of this study"),
    log:
        log_of("evaluate_darkmachines_estimators", study="darkmachines"),
    benchmark:
        benchmark_of("evaluate_darkmachines_estimators", study="darkmachines")
    params:
        source=digest("make_table", "hepdensity.studies.darkmachines.evaluation.estimators"),
        table={
            "function": "hepdensity.studies.darkmachines.evaluation.estimators:estimators",
            "runs": darkmachines.all_runs(),
        },
    message:
        "Collecting the estimators of the study darkmachines"
