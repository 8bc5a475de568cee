rule evaluate_truth:
    input:
        inputs="results/inputs/gluino.h5",
        normalisation="results/inputs/gluino_normalisation.json",
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
        inputs="results/inputs/gluino.h5",
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
        source=digest("evaluate_likelihood"),
        model=model_settings,
        evaluation=draw_settings,
    message:
        "Testing '{wildcards.model}' trained on {wildcards.n_train} events, seed {wildcards.seed}"
    script:
        "../scripts/evaluate_likelihood.py"


rule evaluate_log_likelihood:
    input:
        unpack(truth_scores),
        scores=per_run(SCORES, runs()),
        summaries=per_run(TRAINING, runs()),
        samples=per_run(SAMPLES, runs()),
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
        grid={"runs": runs()},
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
