rule prepare_gluino:
    input:
        events=events_of("four_gluino"),
    output:
        inputs="results/inputs/gluino.h5",
    log:
        "results/logs/prepare_gluino.log",
    benchmark:
        "results/benchmarks/prepare_gluino.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("prepare_gluino"),
        split=config["split"],
        train=largest_training,
    message:
        "Mapping momenta to the unit cube; splitting off test and validation events"
    script:
        "../scripts/prepare_gluino.py"


rule prepare_normalisation:
    input:
        events=lambda wildcards: events_of(wildcards.process),
    output:
        normalisation="results/inputs/normalisation_{process}.json",
    log:
        "results/logs/prepare_normalisation/{process}.log",
    benchmark:
        "results/benchmarks/prepare_normalisation/{process}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("prepare_normalisation"),
        normalisation=normalisation_settings(),
    message:
        "Normalising the true density of {wildcards.process} events"
    script:
        "../scripts/prepare_normalisation.py"


rule prepare_multiplicity:
    input:
        four_gluino=events_of("four_gluino"),
        two_gluino=events_of("two_gluino"),
    output:
        inputs="results/inputs/gluino_multiplicity.h5",
    log:
        "results/logs/prepare_multiplicity.log",
    benchmark:
        "results/benchmarks/prepare_multiplicity.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("prepare_multiplicity"),
        split={**config["split"], "four_per_two": FOUR_PER_TWO},
        tolerance=config["gluino"]["tolerance"],
        train=largest_mixed_training,
    message:
        "Mixing two- and four-gluino events"
    script:
        "../scripts/prepare_multiplicity.py"
