jets = STUDIES["jets"]


rule generate_jets:
    output:
        root=f"{jets.folder}/events/{{process}}/chunk{{chunk}}.root",
        summary=f"{jets.folder}/events/{{process}}/chunk{{chunk}}.json",
    log:
        log_of("generate_jets", "{process}", "chunk{chunk}", study="jets"),
    benchmark:
        benchmark_of("generate_jets", "{process}", "chunk{chunk}", study="jets")
    wildcard_constraints:
        process=any_of(jets.processes("simulated")),
        chunk=r"\d+",
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    params:
        source=digest("jets/simulate_jets"),
        generation=lambda w: jets.generation(w.process, int(w.chunk)),
    message:
        "Simulating {wildcards.process} jets, chunk {wildcards.chunk}"
    script:
        "../../scripts/jets/simulate_jets.py"


rule ingest_jet_chunks:
    input:
        chunks=lambda w: jets.chunk_files(w.process, "root"),
        summaries=lambda w: jets.chunk_files(w.process, "json"),
    output:
        jets=f"{jets.folder}/jets/simulated/{{process}}.h5",
        record=f"{jets.folder}/jets/simulated/{{process}}.json",
    log:
        log_of("ingest_jet_chunks", "{process}", study="jets"),
    benchmark:
        benchmark_of("ingest_jet_chunks", "{process}", study="jets")
    wildcard_constraints:
        process=any_of(jets.processes("simulated")),
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    params:
        source=digest("jets/ingest_chunks"),
        ingestion=lambda w: jets.ingestion_of_chunks(w.process),
    message:
        "Reading the simulated {wildcards.process} jets"
    script:
        "../../scripts/jets/ingest_chunks.py"


rule ingest_jet_files:
    input:
        files=lambda w: jets.files(w.process),
    output:
        jets=f"{jets.folder}/jets/{{format}}/{{process}}.h5",
        record=f"{jets.folder}/jets/{{format}}/{{process}}.json",
    log:
        log_of("ingest_jet_files", "{format}", "{process}", study="jets"),
    benchmark:
        benchmark_of("ingest_jet_files", "{format}", "{process}", study="jets")
    wildcard_constraints:
        format="top_tagging|hidden_valley|root|hepmc",
        process=any_of(jets.processes() if jets.source == "files" else []),
    conda:
        "../../envs/simulation.yaml"
    threads: 1
    params:
        source=digest("jets/ingest_files"),
        ingestion=lambda w: jets.ingestion(w.process),
    message:
        "Reading {wildcards.process} jets from {wildcards.format} files"
    script:
        "../../scripts/jets/ingest_files.py"
