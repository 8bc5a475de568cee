rule train_model:
    input:
        inputs=f"{RESULTS}/{{study}}/inputs/{{dataset}}.h5",
    output:
        weights=f"{RESULTS}/{{study}}/models/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/model.safetensors",
        history=f"{RESULTS}/{{study}}/models/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/history.csv",
        summary=f"{RESULTS}/{{study}}/models/{{dataset}}/{{model}}/n{{n_train}}/seed{{seed}}/training.json",
    log:
        log_of("train_model", "{dataset}", "{model}", "n{n_train}", "seed{seed}"),
    benchmark:
        benchmark_of("train_model", "{dataset}", "{model}", "n{n_train}", "seed{seed}")
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=model_digest("train_model"),
        model=model_params,
        training=training_params,
        run=run_params,
    message:
        "Training '{wildcards.model}' on {wildcards.n_train} events ({wildcards.dataset}),"
        " seed {wildcards.seed}"
    script:
        "../scripts/train_model.py"
