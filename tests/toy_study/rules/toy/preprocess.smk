toy = STUDIES["toy"]


rule prepare_toy:
    output:
        inputs=f"{toy.folder}/inputs/plane.h5",
    log:
        log_of("prepare_toy", study="toy"),
    benchmark:
        benchmark_of("prepare_toy", study="toy")
    conda:
        ENVIRONMENT
    params:
        source=digest("toy/prepare_toy"),
        toy={key: toy.settings[key] for key in ("seed", "events", "split")},
    script:
        "../../scripts/toy/prepare_toy.py"
