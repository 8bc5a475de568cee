darkmachines = STUDIES["darkmachines"]


rule generate_darkmachines_events:
    output:
        root=f"{darkmachines.folder}/events/simulated/{{sample}}/chunk{{chunk}}.root",
        summary=f"{darkmachines.folder}/events/simulated/{{sample}}/chunk{{chunk}}.json",
    log:
        log_of("generate_darkmachines_events", "{sample}", "chunk{chunk}", study="darkmachines"),
    benchmark:
        benchmark_of(
            "generate_darkmachines_events", "{sample}", "chunk{chunk}", study="darkmachines"
        )
    wildcard_constraints:
        sample=any_of(darkmachines.samples("simulated")),
        chunk=r"\d+",
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    params:
        source=digest("darkmachines/simulate_events"),
        generation=lambda w: darkmachines.generation(w.sample, int(w.chunk)),
    message:
        "Simulating {wildcards.sample} events, chunk {wildcards.chunk}"
    script:
        "../../scripts/darkmachines/simulate_events.py"


rule generate_external_events:
    output:
        file=f"{darkmachines.folder}/events/external/{{sample}}.{{format}}",
        record=f"{darkmachines.folder}/events/external/{{sample}}.{{format}}.json",
    log:
        log_of("generate_external_events", "{sample}", "{format}", study="darkmachines"),
    benchmark:
        benchmark_of("generate_external_events", "{sample}", "{format}", study="darkmachines")
    wildcard_constraints:
        sample=any_of(darkmachines.samples("external")),
        format="root|hepmc|csv",
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/run_external"),
        external=lambda w: darkmachines.external(w.sample),
    message:
        "Running the command that makes {wildcards.sample} events"
    script:
        "../../scripts/darkmachines/run_external.py"


rule ingest_simulated:
    input:
        chunks=lambda w: darkmachines.chunk_files(w.sample, "root"),
        summaries=lambda w: darkmachines.chunk_files(w.sample, "json"),
    output:
        events=f"{darkmachines.folder}/events/simulated/{{sample}}.h5",
        summary=f"{darkmachines.folder}/events/simulated/{{sample}}.json",
    log:
        log_of("ingest_simulated", "{sample}", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_simulated", "{sample}", study="darkmachines")
    wildcard_constraints:
        sample=any_of(darkmachines.samples("simulated")),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_simulated"),
        ingestion=lambda w: darkmachines.ingestion("simulated", w.sample),
    message:
        "Reading the simulated {wildcards.sample} events"
    script:
        "../../scripts/darkmachines/ingest_simulated.py"


rule ingest_root:
    input:
        files=lambda w: darkmachines.local_files("root", w.sample),
    output:
        events=f"{darkmachines.folder}/events/root/{{sample}}.h5",
        summary=f"{darkmachines.folder}/events/root/{{sample}}.json",
    log:
        log_of("ingest_root", "{sample}", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_root", "{sample}", study="darkmachines")
    wildcard_constraints:
        sample=any_of(darkmachines.samples("root")),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_root"),
        ingestion=lambda w: darkmachines.ingestion("root", w.sample),
    message:
        "Reading {wildcards.sample} events from Delphes files"
    script:
        "../../scripts/darkmachines/ingest_root.py"


rule ingest_challenge_csv:
    input:
        files=lambda w: darkmachines.local_files("csv", w.sample),
    output:
        events=f"{darkmachines.folder}/events/csv/{{sample}}.h5",
        summary=f"{darkmachines.folder}/events/csv/{{sample}}.json",
    log:
        log_of("ingest_challenge_csv", "{sample}", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_challenge_csv", "{sample}", study="darkmachines")
    wildcard_constraints:
        sample=any_of(darkmachines.samples("csv")),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_challenge_csv"),
        ingestion=lambda w: darkmachines.ingestion("csv", w.sample),
    message:
        "Reading {wildcards.sample} events from files of the challenge"
    script:
        "../../scripts/darkmachines/ingest_challenge_csv.py"


rule ingest_hepmc:
    input:
        files=lambda w: darkmachines.local_files("hepmc", w.sample),
    output:
        events=f"{darkmachines.folder}/events/hepmc/{{sample}}.h5",
        summary=f"{darkmachines.folder}/events/hepmc/{{sample}}.json",
    log:
        log_of("ingest_hepmc", "{sample}", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_hepmc", "{sample}", study="darkmachines")
    wildcard_constraints:
        sample=any_of(darkmachines.samples("hepmc")),
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_hepmc"),
        ingestion=lambda w: darkmachines.ingestion("hepmc", w.sample),
    message:
        "Passing {wildcards.sample} events from HepMC files through the detector"
    script:
        "../../scripts/darkmachines/ingest_hepmc.py"
