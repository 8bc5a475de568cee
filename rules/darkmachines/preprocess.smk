rule prepare_darkmachines:
    input:
        events=lambda w: [
            entry["path"] for entry in darkmachines.preparation(w.dataset)["processes"]
        ],
    output:
        inputs=f"{darkmachines.folder}/inputs/{{dataset}}.h5",
        record=f"{darkmachines.folder}/inputs/{{dataset}}.json",
    log:
        log_of("prepare_darkmachines", "{dataset}", study="darkmachines"),
    benchmark:
        benchmark_of("prepare_darkmachines", "{dataset}", study="darkmachines")
    wildcard_constraints:
        dataset=any_of([*darkmachines.datasets(), *darkmachines.tabled()]),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/prepare_inputs"),
        preparation=lambda w: darkmachines.preparation(w.dataset),
        # A function of `input` does not trigger a rerun; the same file serves every n_train.
        train=lambda w, input: darkmachines.train_rows(w.dataset),
    message:
        "Selecting the events of a channel ({wildcards.dataset})"
    script:
        "../../scripts/darkmachines/prepare_inputs.py"
