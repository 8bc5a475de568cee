gluino = STUDIES["gluino"]


rule generate_gluino_events:
    output:
        lhe=f"{gluino.folder}/events/embedded/{{process}}/chunk{{chunk}}.lhe.gz",
        summary=f"{gluino.folder}/events/embedded/{{process}}/chunk{{chunk}}.json",
    log:
        log_of("generate_gluino_events", "{process}", "chunk{chunk}", study="gluino"),
    benchmark:
        benchmark_of("generate_gluino_events", "{process}", "chunk{chunk}", study="gluino")
    wildcard_constraints:
        process=any_of(gluino.processes()),
        chunk=r"\d+",
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/generate_events"),
        generation=lambda w: gluino.generation(w.process, int(w.chunk)),
    message:
        "Generating {wildcards.process} events, chunk {wildcards.chunk}"
    script:
        "../../scripts/gluino/generate_events.py"


rule ingest_lhe:
    input:
        lhe=gluino.lhe_files,
        summaries=lambda w: (
            gluino.chunk_files(w.process, "json") if w.source == "embedded" else []
        ),
    output:
        events=f"{gluino.folder}/events/{{source}}/{{process}}.h5",
        summary=f"{gluino.folder}/events/{{source}}/{{process}}.json",
    log:
        log_of("ingest_lhe", "{source}", "{process}", study="gluino"),
    benchmark:
        benchmark_of("ingest_lhe", "{source}", "{process}", study="gluino")
    wildcard_constraints:
        source="embedded|lhe",
        process=any_of(gluino.processes()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 2
    params:
        source=digest("gluino/ingest_lhe"),
        ingestion=gluino.ingestion,
    message:
        "Reading {wildcards.process} events from LHE files ({wildcards.source})"
    script:
        "../../scripts/gluino/ingest_lhe.py"


rule ingest_csv:
    input:
        csv=lambda w: gluino.files(w.process)[0],
    output:
        events=f"{gluino.folder}/events/csv/{{process}}.h5",
        summary=f"{gluino.folder}/events/csv/{{process}}.json",
    log:
        log_of("ingest_csv", "{process}", study="gluino"),
    benchmark:
        benchmark_of("ingest_csv", "{process}", study="gluino")
    wildcard_constraints:
        process=any_of(gluino.processes()),
    conda:
        "../../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("gluino/ingest_csv"),
        ingestion=gluino.ingestion,
    message:
        "Reading {wildcards.process} events from a CSV file"
    script:
        "../../scripts/gluino/ingest_csv.py"
