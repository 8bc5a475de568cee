rule train_model:
    input:
        inputs=inputs_of,
    output:
        weights="results/models/gluino/{model}/n{n_train}/seed{seed}/model.safetensors",
        history="results/models/gluino/{model}/n{n_train}/seed{seed}/history.csv",
        summary="results/models/gluino/{model}/n{n_train}/seed{seed}/training.json",
    log:
        "results/logs/train_model/{model}/n{n_train}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train_model/{model}/n{n_train}/seed{seed}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=model_digest("train_model"),
        model=model_settings,
        training=training_settings,
        run=run_settings,
    message:
        "Training '{wildcards.model}' on {wildcards.n_train} events, seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"


rule generate_samples:
    input:
        weights="results/models/gluino/{model}/n{n_train}/seed{seed}/model.safetensors",
        inputs=inputs_of,
    output:
        samples="results/samples/gluino/{model}/n{n_train}/seed{seed}.h5",
    log:
        "results/logs/generate_samples/{model}/n{n_train}/seed{seed}.log",
    benchmark:
        "results/benchmarks/generate_samples/{model}/n{n_train}/seed{seed}.tsv"
    wildcard_constraints:
        model=any_of(models_of("angles", "labels")),
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=model_digest("generate_samples"),
        model=model_settings,
        samples=sample_settings,
    message:
        "Sampling '{wildcards.model}' trained on {wildcards.n_train} events, seed {wildcards.seed}"
    script:
        "../scripts/generate_samples.py"


rule generate_multiplicity_samples:
    input:
        weights="results/models/gluino/{model}/n{n_train}/seed{seed}/model.safetensors",
        inputs=inputs_of,
    output:
        samples="results/samples/gluino/{model}/n{n_train}/seed{seed}_{process}.h5",
    log:
        "results/logs/generate_multiplicity_samples/{model}/n{n_train}/seed{seed}_{process}.log",
    benchmark:
        "results/benchmarks/generate_multiplicity_samples/{model}/n{n_train}/seed{seed}_{process}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=model_digest("generate_multiplicity_samples"),
        model=model_settings,
        samples=class_sample_settings,
    message:
        "Sampling {wildcards.process} events of '{wildcards.model}' trained on {wildcards.n_train}"
        " events, seed {wildcards.seed}"
    script:
        "../scripts/generate_multiplicity_samples.py"
