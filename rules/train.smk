rule train_model:
    input:
        inputs="results/inputs/gluino.h5",
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
        source=digest("train_model"),
        model=model_settings,
        training=config["training"],
        run=run_settings,
    message:
        "Training '{wildcards.model}' on {wildcards.n_train} events, seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"


rule generate_samples:
    input:
        weights="results/models/gluino/{model}/n{n_train}/seed{seed}/model.safetensors",
        inputs="results/inputs/gluino.h5",
    output:
        samples="results/samples/gluino/{model}/n{n_train}/seed{seed}.h5",
    log:
        "results/logs/generate_samples/{model}/n{n_train}/seed{seed}.log",
    benchmark:
        "results/benchmarks/generate_samples/{model}/n{n_train}/seed{seed}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("generate_samples"),
        model=model_settings,
        samples=sample_settings,
    message:
        "Sampling '{wildcards.model}' trained on {wildcards.n_train} events, seed {wildcards.seed}"
    script:
        "../scripts/generate_samples.py"
