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
        events=events_of("four_gluino"),
    output:
        normalisation="results/inputs/gluino_normalisation.json",
    log:
        "results/logs/prepare_normalisation.log",
    benchmark:
        "results/benchmarks/prepare_normalisation.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("prepare_normalisation"),
        normalisation=normalisation_settings(),
    message:
        "Normalising the true density"
    script:
        "../scripts/prepare_normalisation.py"
