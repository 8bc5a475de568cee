rule prepare_gluino:
    input:
        events=gluino.events("four_gluino"),
    output:
        inputs=f"{gluino.folder}/inputs/{{dataset}}.h5",
        record=f"{gluino.folder}/inputs/{{dataset}}.json",
    log:
        log_of("prepare_gluino", "{dataset}", study="gluino"),
    benchmark:
        benchmark_of("prepare_gluino", "{dataset}", study="gluino")
    wildcard_constraints:
        dataset="angles|labels",
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/prepare_inputs"),
        preparation=lambda w: gluino.preparation(w.dataset),
        # A function of `input` does not trigger a rerun; the same file serves every n_train.
        train=lambda w, input: gluino.largest(w.dataset),
    message:
        "Mapping momenta to angles; splitting off test and validation events ({wildcards.dataset})"
    script:
        "../../scripts/gluino/prepare_inputs.py"


rule prepare_multiplicity:
    input:
        four_gluino=gluino.events("four_gluino"),
        two_gluino=gluino.events("two_gluino"),
    output:
        inputs=f"{gluino.folder}/inputs/multiplicity.h5",
        record=f"{gluino.folder}/inputs/multiplicity.json",
    log:
        log_of("prepare_multiplicity", study="gluino"),
    benchmark:
        benchmark_of("prepare_multiplicity", study="gluino")
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/prepare_multiplicity"),
        preparation=gluino.preparation("multiplicity"),
        train=lambda w, input: gluino.largest("multiplicity"),
    message:
        "Mixing two- and four-gluino events"
    script:
        "../../scripts/gluino/prepare_multiplicity.py"


rule prepare_normalisation:
    input:
        events=lambda w: gluino.events(w.process),
    output:
        normalisation=f"{gluino.folder}/inputs/normalisation_{{process}}.json",
    log:
        log_of("prepare_normalisation", "{process}", study="gluino"),
    benchmark:
        benchmark_of("prepare_normalisation", "{process}", study="gluino")
    wildcard_constraints:
        process=any_of(gluino.processes()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/prepare_normalisation"),
        normalisation=gluino.normalisation(),
    message:
        "Normalising the true density of {wildcards.process} events"
    script:
        "../../scripts/gluino/prepare_normalisation.py"
