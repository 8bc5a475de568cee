rule prepare_jets:
    input:
        jets=lambda w: [jets.jets(name) for name in jets.prepared_processes(w.dataset)],
    output:
        inputs=f"{jets.folder}/inputs/{{dataset}}.h5",
        record=f"{jets.folder}/inputs/{{dataset}}.json",
    log:
        log_of("prepare_jets", "{dataset}", study="jets"),
    benchmark:
        benchmark_of("prepare_jets", "{dataset}", study="jets")
    wildcard_constraints:
        dataset=any_of(jets.of_jets()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("jets/prepare_inputs"),
        preparation=lambda w: jets.preparation(w.dataset),
        train=lambda w: jets.largest(w.dataset),
    message:
        "Writing the jets of {wildcards.dataset} as models take them"
    script:
        "../../scripts/jets/prepare_inputs.py"


rule prepare_known_jets:
    input:
        samples=lambda w: jets.truth_samples(jets.parsed[w.dataset].process),
        others=lambda w: [jets.truth_samples(name) for name in jets.others(w.dataset)],
    output:
        inputs=f"{jets.folder}/inputs/{{dataset}}.h5",
        record=f"{jets.folder}/inputs/{{dataset}}.json",
    log:
        log_of("prepare_known_jets", "{dataset}", study="jets"),
    benchmark:
        benchmark_of("prepare_known_jets", "{dataset}", study="jets")
    wildcard_constraints:
        dataset=any_of(jets.known()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("jets/prepare_known"),
        preparation=lambda w: jets.known_preparation(w.dataset),
        others=lambda w: jets.others(w.dataset),
        train=lambda w: jets.largest(w.dataset),
    message:
        "Writing the samples of {wildcards.dataset} as models take them"
    script:
        "../../scripts/jets/prepare_known.py"
