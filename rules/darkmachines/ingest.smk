darkmachines = STUDIES["darkmachines"]


rule generate_darkmachines_events:
    output:
        root=f"{darkmachines.folder}/events/simulated/{{process}}/chunk{{chunk}}.root",
        summary=f"{darkmachines.folder}/events/simulated/{{process}}/chunk{{chunk}}.json",
    log:
        log_of("generate_darkmachines_events", "{process}", "chunk{chunk}", study="darkmachines"),
    benchmark:
        benchmark_of(
            "generate_darkmachines_events", "{process}", "chunk{chunk}", study="darkmachines"
        )
    wildcard_constraints:
        process=any_of(darkmachines.processes("simulated")),
        chunk=r"\d+",
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    params:
        source=digest("darkmachines/simulate_events"),
        generation=lambda w: darkmachines.generation(w.process, int(w.chunk)),
    message:
        "Simulating {wildcards.process} events, chunk {wildcards.chunk}"
    script:
        "../../scripts/darkmachines/simulate_events.py"


rule generate_external_events:
    output:
        file=f"{darkmachines.folder}/events/external/{{process}}.{{format}}",
        record=f"{darkmachines.folder}/events/external/{{process}}.{{format}}.json",
    log:
        log_of("generate_external_events", "{process}", "{format}", study="darkmachines"),
    benchmark:
        benchmark_of("generate_external_events", "{process}", "{format}", study="darkmachines")
    wildcard_constraints:
        process=any_of(darkmachines.external_processes()),
        format="root|hepmc|csv",
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/run_external"),
        external=lambda w: darkmachines.external(w.process),
    message:
        "Running the command that makes {wildcards.process} events"
    script:
        "../../scripts/darkmachines/run_external.py"


# One job for all processes, because reading takes less time than starting a job.
rule ingest_simulated:
    input:
        chunks=darkmachines.all_chunk_files("root"),
        summaries=darkmachines.all_chunk_files("json"),
    output:
        events=[darkmachines.events(name) for name in darkmachines.processes("simulated")],
        summaries=[
            darkmachines.events(name, "json") for name in darkmachines.processes("simulated")
        ],
    log:
        log_of("ingest_simulated", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_simulated", study="darkmachines")
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_simulated"),
        chunks={
            name: len(darkmachines.chunks(name)) for name in darkmachines.processes("simulated")
        },
    message:
        "Reading the simulated events"
    script:
        "../../scripts/darkmachines/ingest_simulated.py"


rule ingest_root:
    input:
        files=lambda w: darkmachines.files(w.process),
    output:
        events=f"{darkmachines.folder}/events/root/{{process}}.h5",
        summary=f"{darkmachines.folder}/events/root/{{process}}.json",
    log:
        log_of("ingest_root", "{process}", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_root", "{process}", study="darkmachines")
    wildcard_constraints:
        process=any_of(darkmachines.processes("root")),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_root"),
        ingestion=lambda w: darkmachines.ingestion(w.process),
    message:
        "Reading {wildcards.process} events from Delphes files"
    script:
        "../../scripts/darkmachines/ingest_root.py"


rule ingest_challenge_csv:
    input:
        files=lambda w: darkmachines.files(w.process),
    output:
        events=f"{darkmachines.folder}/events/csv/{{process}}.h5",
        summary=f"{darkmachines.folder}/events/csv/{{process}}.json",
    log:
        log_of("ingest_challenge_csv", "{process}", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_challenge_csv", "{process}", study="darkmachines")
    wildcard_constraints:
        process=any_of(darkmachines.processes("csv")),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_challenge_csv"),
        ingestion=lambda w: darkmachines.ingestion(w.process),
    message:
        "Reading {wildcards.process} events from files of the challenge"
    script:
        "../../scripts/darkmachines/ingest_challenge_csv.py"


rule ingest_hepmc:
    input:
        files=lambda w: darkmachines.files(w.process),
    output:
        events=f"{darkmachines.folder}/events/hepmc/{{process}}.h5",
        summary=f"{darkmachines.folder}/events/hepmc/{{process}}.json",
    log:
        log_of("ingest_hepmc", "{process}", study="darkmachines"),
    benchmark:
        benchmark_of("ingest_hepmc", "{process}", study="darkmachines")
    wildcard_constraints:
        process=any_of(darkmachines.processes("hepmc")),
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    params:
        source=digest("darkmachines/ingest_hepmc"),
        ingestion=lambda w: darkmachines.ingestion(w.process),
    message:
        "Passing {wildcards.process} events from HepMC files through the detector"
    script:
        "../../scripts/darkmachines/ingest_hepmc.py"
