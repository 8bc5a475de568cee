rule evaluate_truth:
    input:
        inputs="results/inputs/gluino.h5",
        normalisation="results/inputs/normalisation_four_gluino.json",
    output:
        scores="results/scores/gluino/truth.h5",
        table=report(
            "results/tables/truth_gluino.csv",
            caption="../workflow/report/truth_gluino.rst",
            category="Log-likelihood",
            labels={"result": "the best that any model can reach", "kind": "table"},
        ),
    log:
        "results/logs/evaluate_truth.log",
    benchmark:
        "results/benchmarks/evaluate_truth.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_truth"),
        truth={"device": config["generation"]["device"]},
    message:
        "Evaluating the true density of the test events"
    script:
        "../scripts/evaluate_truth.py"


rule evaluate_likelihood:
    input:
        weights="results/models/gluino/{model}/n{n_train}/seed{seed}/model.safetensors",
        inputs=inputs_of,
    output:
        scores="results/scores/gluino/{model}/n{n_train}/seed{seed}.h5",
    log:
        "results/logs/evaluate_likelihood/{model}/n{n_train}/seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_likelihood/{model}/n{n_train}/seed{seed}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=model_digest("evaluate_likelihood"),
        model=model_settings,
        evaluation=evaluation_settings,
    message:
        "Testing '{wildcards.model}' trained on {wildcards.n_train} events, seed {wildcards.seed}"
    script:
        "../scripts/evaluate_likelihood.py"


rule evaluate_log_likelihood:
    input:
        unpack(truth_scores("truth")),
        scores=per_run(SCORES, runs("angles")),
        summaries=per_run(TRAINING, runs("angles")),
        samples=per_run(SAMPLES, runs("angles")),
    output:
        table=report(
            "results/tables/fig05_log_likelihood.csv",
            caption="../workflow/report/fig05_log_likelihood.rst",
            category="Log-likelihood",
            labels={"result": "log-likelihood and distance to the truth", "kind": "table"},
        ),
    log:
        "results/logs/evaluate_log_likelihood.log",
    benchmark:
        "results/benchmarks/evaluate_log_likelihood.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_log_likelihood"),
        grid={"runs": runs("angles")},
    message:
        "Collecting log-likelihoods and distances to the truth"
    script:
        "../scripts/evaluate_log_likelihood.py"


rule evaluate_events:
    input:
        summaries=[events_of(process, "json") for process in processes()],
    output:
        table=report(
            "results/tables/events_gluino.csv",
            caption="../workflow/report/events_gluino.rst",
            category="Events",
            labels={"result": "events and cross-sections", "kind": "table"},
        ),
    log:
        "results/logs/evaluate_events.log",
    benchmark:
        "results/benchmarks/evaluate_events.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_events"),
    message:
        "Collecting what is known of the events"
    script:
        "../scripts/evaluate_events.py"


rule evaluate_truth_multiplicity:
    input:
        inputs="results/inputs/gluino_multiplicity.h5",
        normalisation_four_gluino="results/inputs/normalisation_four_gluino.json",
        normalisation_two_gluino="results/inputs/normalisation_two_gluino.json",
    output:
        scores="results/scores/gluino/truth_multiplicity.h5",
        table=report(
            "results/tables/truth_gluino_multiplicity.csv",
            caption="../workflow/report/truth_gluino.rst",
            category="Log-likelihood",
            labels={
                "result": "the best that any model of two and four gluinos can reach",
                "kind": "table",
            },
        ),
    log:
        "results/logs/evaluate_truth_multiplicity.log",
    benchmark:
        "results/benchmarks/evaluate_truth_multiplicity.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_truth_multiplicity"),
        truth={"device": config["generation"]["device"]},
    message:
        "Evaluating the true density of two- and four-gluino test events"
    script:
        "../scripts/evaluate_truth_multiplicity.py"


rule evaluate_label_likelihood:
    input:
        unpack(truth_scores("truth")),
        scores=per_run(SCORES, runs("labels")),
        summaries=per_run(TRAINING, runs("labels")),
        samples=per_run(SAMPLES, runs("labels")),
    output:
        table=report(
            "results/tables/fig10_discrete_log_likelihood.csv",
            caption="../workflow/report/fig10_discrete_log_likelihood.rst",
            category="Labels",
            labels={
                "result": "log-likelihood and distance to the truth with labels",
                "kind": "table",
            },
        ),
        curve=report(
            "results/tables/fig10_importance_bound.csv",
            caption="../workflow/report/fig10_importance_bound.rst",
            category="Labels",
            labels={"result": "bound against importance draws", "kind": "table"},
        ),
    log:
        "results/logs/evaluate_label_likelihood.log",
    benchmark:
        "results/benchmarks/evaluate_label_likelihood.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_label_likelihood"),
        grid={"runs": runs("labels")},
    message:
        "Collecting log-likelihoods of labelled events"
    script:
        "../scripts/evaluate_label_likelihood.py"


rule evaluate_multiplicity_likelihood:
    input:
        unpack(truth_scores("truth_multiplicity")),
        inputs="results/inputs/gluino_multiplicity.h5",
        scores=per_run(SCORES, runs("multiplicity")),
        summaries=per_run(TRAINING, runs("multiplicity")),
        four_gluino=per_run(CLASS_SAMPLES, runs("multiplicity"), process="four_gluino"),
        two_gluino=per_run(CLASS_SAMPLES, runs("multiplicity"), process="two_gluino"),
    output:
        table=report(
            "results/tables/fig07_log_likelihood.csv",
            caption="../workflow/report/fig07_log_likelihood.rst",
            category="Varying dimension",
            labels={
                "result": "log-likelihood and distance to the truth of both classes",
                "kind": "table",
            },
        ),
    log:
        "results/logs/evaluate_multiplicity_likelihood.log",
    benchmark:
        "results/benchmarks/evaluate_multiplicity_likelihood.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_multiplicity_likelihood"),
        grid={"runs": runs("multiplicity")},
    message:
        "Collecting log-likelihoods of two- and four-gluino events"
    script:
        "../scripts/evaluate_multiplicity_likelihood.py"


rule evaluate_p_four:
    input:
        summaries=[events_of(process, "json") for process in processes()],
    output:
        table=report(
            "results/tables/p_four_gluino.csv",
            caption="../workflow/report/p_four_gluino.rst",
            category="Varying dimension",
            labels={"result": "share of four-gluino events", "kind": "table"},
        ),
    log:
        "results/logs/evaluate_p_four.log",
    benchmark:
        "results/benchmarks/evaluate_p_four.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_p_four"),
        p_four=config["gluino"]["p_four"],
    message:
        "Comparing the share of four-gluino events with cross-sections"
    script:
        "../scripts/evaluate_p_four.py"


rule evaluate_two_sample:
    input:
        inputs=inputs_of,
        samples=samples_of,
    output:
        result="results/two_sample/gluino/{model}/n{n_train}/seed{seed}.json",
    log:
        "results/logs/evaluate_two_sample/{model}/n{n_train}/seed{seed}.log",
    benchmark:
        "results/benchmarks/evaluate_two_sample/{model}/n{n_train}/seed{seed}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_two_sample"),
        run=two_sample_run,
        two_sample=two_sample_settings,
    message:
        "Telling samples of '{wildcards.model}' ({wildcards.n_train} events, seed {wildcards.seed}) from events"
    script:
        "../scripts/evaluate_two_sample.py"


rule evaluate_two_sample_table:
    input:
        results=per_run(TWO_SAMPLE, all_runs()),
    output:
        table=report(
            "results/tables/two_sample_gluino.csv",
            caption="../workflow/report/two_sample_gluino.rst",
            category="Two-sample test",
            labels={"result": "can a classifier tell samples from events", "kind": "table"},
        ),
    log:
        "results/logs/evaluate_two_sample_table.log",
    benchmark:
        "results/benchmarks/evaluate_two_sample_table.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("evaluate_two_sample_table"),
        grid={"runs": all_runs()},
    message:
        "Collecting two-sample tests"
    script:
        "../scripts/evaluate_two_sample_table.py"
