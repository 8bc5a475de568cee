rule score_events:
    input:
        weights=f"{RESULTS}/{{study}}/models/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/model.safetensors",
        inputs=f"{RESULTS}/{{study}}/inputs/{{dataset}}.h5",
    output:
        scores=f"{RESULTS}/{{study}}/scores/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/{{group}}.h5",
    log:
        log_of("score_events", "{dataset}", "{model}", "n{n_train}", "seed{seed}", "{group}"),
    benchmark:
        benchmark_of("score_events", "{dataset}", "{model}", "n{n_train}", "seed{seed}", "{group}")
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=model_digest("score_events"),
        model=model_params,
        evaluation=evaluation_params,
    message:
        "Scoring {wildcards.group} events with '{wildcards.model}' trained on {wildcards.n_train}"
        " events ({wildcards.dataset}), seed {wildcards.seed}"
    script:
        "../scripts/score_events.py"


rule draw_samples:
    input:
        weights=f"{RESULTS}/{{study}}/models/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/model.safetensors",
        inputs=f"{RESULTS}/{{study}}/inputs/{{dataset}}.h5",
    output:
        samples=f"{RESULTS}/{{study}}/samples/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/{{sample}}.h5",
    log:
        log_of("draw_samples", "{dataset}", "{model}", "n{n_train}", "seed{seed}", "{sample}"),
    benchmark:
        benchmark_of("draw_samples", "{dataset}", "{model}", "n{n_train}", "seed{seed}", "{sample}")
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=model_digest("draw_samples"),
        model=model_params,
        samples=sample_params,
    message:
        "Drawing samples ({wildcards.sample}) of '{wildcards.model}' trained on"
        " {wildcards.n_train} events ({wildcards.dataset}), seed {wildcards.seed}"
    script:
        "../scripts/draw_samples.py"


# Tables are made by `use rule make_table as ... with`: see docs/extending.md.
rule make_table:
    log:
        f"{RESULTS}/logs/make_table.log",
    conda:
        ENVIRONMENT
    threads: 1
    message:
        "Making a table"
    script:
        f"{SCRIPTS}/make_table.py"


use rule make_table as evaluate_estimators_by_study with:
    input:
        estimators=estimator_tables(),
    output:
        table=report(
            f"{RESULTS}/tables/estimators_by_study.csv",
            caption="../workflow/report/estimators_by_study.rst",
            category="all studies",
            subcategory="Estimators",
            labels={"result": "all estimators on all studies", "kind": "table"},
        ),
        record=f"{RESULTS}/tables/estimators_by_study.json",
    log:
        f"{RESULTS}/logs/evaluate_estimators_by_study.log",
    benchmark:
        f"{RESULTS}/benchmarks/evaluate_estimators_by_study.tsv"
    params:
        source=digest("make_table", "hepdensity.evaluation.estimators"),
        table={"function": "hepdensity.evaluation.estimators:by_study"},
    message:
        "Collecting the estimators of all studies"
