rule score_classifier:
    input:
        weights=jets.weights,
        inputs=jets.inputs,
    output:
        scores=f"{jets.folder}/classifiers/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}.h5",
    log:
        log_of("score_classifier", "{dataset}", "{model}", "n{n_train}", "seed{seed}", study="jets"),
    benchmark:
        benchmark_of(
            "score_classifier", "{dataset}", "{model}", "n{n_train}", "seed{seed}", study="jets"
        )
    wildcard_constraints:
        dataset=any_of(jets.for_classifiers()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("jets/score_classifier"),
        model=lambda w: jets.model_params(w.model),
        scoring=lambda w: jets.classification(w.dataset, int(w.seed)),
    message:
        "Classifying jets with '{wildcards.model}' ({wildcards.dataset}), seed {wildcards.seed}"
    script:
        "../../scripts/jets/score_classifier.py"


rule evaluate_accuracy:
    input:
        weights=jets.weights,
        inputs=jets.inputs,
    output:
        accuracy=jets.accuracy_file(),
    log:
        log_of(
            "evaluate_accuracy", "{dataset}", "{model}", "n{n_train}", "seed{seed}", study="jets"
        ),
    benchmark:
        benchmark_of(
            "evaluate_accuracy", "{dataset}", "{model}", "n{n_train}", "seed{seed}", study="jets"
        )
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("jets/measure_accuracy"),
        model=lambda w: jets.model_params(w.model),
        accuracy=lambda w: jets.accuracy(w.dataset, int(w.seed)),
    message:
        "Measuring the accuracy of '{wildcards.model}' ({wildcards.dataset}), seed {wildcards.seed}"
    script:
        "../../scripts/jets/measure_accuracy.py"


rule score_known_truth:
    input:
        weights=lambda w: jets.truth_weights(w.dataset),
        inputs=jets.inputs,
    output:
        scores=jets.known_truth_file("{dataset}"),
    log:
        log_of("score_known_truth", "{dataset}", study="jets"),
    benchmark:
        benchmark_of("score_known_truth", "{dataset}", study="jets")
    wildcard_constraints:
        dataset=any_of(jets.known()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("score_events", module_of(jets.builder(jets.truth))),
        model=lambda w: jets.model_params(jets.truth),
        evaluation=lambda w: jets.true_evaluation(w.dataset),
    message:
        "True log-densities of the samples of {wildcards.dataset}"
    script:
        "../../scripts/score_events.py"


rule evaluate_solvers:
    input:
        weights=per_run(jets.weights, jets.solver_runs()),
        inputs=jets.inputs.format(dataset=jets.solver_dataset()),
    output:
        **table_files("jets", "jets_solvers", "Likelihood", "cost and error of solvers"),
    log:
        log_of("evaluate_solvers", study="jets"),
    benchmark:
        benchmark_of("evaluate_solvers", study="jets")
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("jets/compare_solvers"),
        solvers=jets.solver_settings(),
    message:
        "Comparing solvers and divergences"
    script:
        "../../scripts/jets/compare_solvers.py"


use rule make_table as evaluate_jets with:
    input:
        jets=[jets.jets(name) for name in jets.processes()],
        records=[jets.jets(name, "json") for name in jets.processes()],
    output:
        **table_files("jets", "jets", "Jets", "jets of each process"),
    log:
        log_of("evaluate_jets", study="jets"),
    benchmark:
        benchmark_of("evaluate_jets", study="jets")
    params:
        source=digest("make_table", "hepdensity.studies.jets.evaluation.jet_table"),
        table={
            "function": "hepdensity.studies.jets.evaluation.jet_table:jet_table",
            "processes": jets.processes(),
        },
    message:
        "Jets of each process"


use rule make_table as evaluate_jets_table1 with:
    input:
        scores=per_run(jets.scores, jets.density_runs(), group="all"),
        inputs=[jets.inputs.format(dataset=name) for name in jets.of_jets()],
        classifiers=jets.classifier_files(),
    output:
        **table_files("jets", "jets_table1", "Anomaly scores", "AUC and SIC, density ratio"),
    log:
        log_of("evaluate_jets_table1", study="jets"),
    benchmark:
        benchmark_of("evaluate_jets_table1", study="jets")
    params:
        source=digest("make_table", "hepdensity.studies.jets.evaluation.tables"),
        table={
            "function": "hepdensity.studies.jets.evaluation.tables:table1",
            **jets.comparison(),
        },
    message:
        "AUC and SIC of jets, density ratio and classifier"


use rule evaluate_jets_table1 as evaluate_jets_table2 with:
    output:
        **table_files("jets", "jets_table2", "Anomaly scores", "dark-shower jets"),
    log:
        log_of("evaluate_jets_table2", study="jets"),
    benchmark:
        benchmark_of("evaluate_jets_table2", study="jets")
    params:
        source=digest("make_table", "hepdensity.studies.jets.evaluation.tables"),
        table={
            "function": "hepdensity.studies.jets.evaluation.tables:table2",
            **jets.comparison(),
        },
    message:
        "AUC and SIC of dark-shower jets"


use rule evaluate_jets_table1 as evaluate_jets_measure with:
    output:
        **table_files(
            "jets", "jets_measure", "Anomaly scores", "the same densities in three measures"
        ),
    log:
        log_of("evaluate_jets_measure", study="jets"),
    benchmark:
        benchmark_of("evaluate_jets_measure", study="jets")
    params:
        source=digest("make_table", "hepdensity.studies.jets.evaluation.measure"),
        table={
            "function": "hepdensity.studies.jets.evaluation.measure:measures",
            **jets.comparison(),
        },
    message:
        "AUC of the same densities in three measures"


use rule make_table as evaluate_jets_likelihood with:
    input:
        scores=per_run(jets.scores, jets.density_runs(), group="all"),
        summaries=per_run(jets.summary, jets.density_runs()),
        accuracies=per_run(jets.accuracy_file(), jets.density_runs()),
        inputs=[jets.inputs.format(dataset=name) for name in jets.of_jets()],
    output:
        **table_files("jets", "jets_likelihood", "Likelihood", "held-out log-likelihoods"),
    log:
        log_of("evaluate_jets_likelihood", study="jets"),
    benchmark:
        benchmark_of("evaluate_jets_likelihood", study="jets")
    params:
        source=digest("make_table", "hepdensity.studies.jets.evaluation.likelihood_table"),
        table={
            "function": "hepdensity.studies.jets.evaluation.likelihood_table:likelihood_table",
            **jets.comparison(),
        },
    message:
        "Held-out log-likelihoods of jets"


use rule make_table as evaluate_jets_estimators with:
    input:
        likelihood=f"{jets.folder}/tables/jets_likelihood.csv",
        table1=f"{jets.folder}/tables/jets_table1.csv",
        scores=per_run(jets.scores, jets.leading_runs(), group="all"),
        summaries=per_run(jets.summary, jets.leading_runs()),
        classifiers=jets.classifier_files(),
        classifier_summaries=per_run(jets.summary, jets.classifier_runs()),
    output:
        **table_files("jets", "estimators", "Estimators", "all trainings of this study"),
    log:
        log_of("evaluate_jets_estimators", study="jets"),
    benchmark:
        benchmark_of("evaluate_jets_estimators", study="jets")
    params:
        source=digest("make_table", "hepdensity.studies.jets.evaluation.estimators"),
        table={
            "function": "hepdensity.studies.jets.evaluation.estimators:estimators",
            "runs": jets.density_runs(),
            "leading": jets.leading_runs(),
            "classifiers": jets.classifier_runs(),
        },
    message:
        "Collecting the estimators of the study jets"
