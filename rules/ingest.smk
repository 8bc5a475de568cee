rule generate_gluino_events:
    output:
        lhe="results/events/gluino/embedded/{process}/chunk{chunk}.lhe.gz",
        summary="results/events/gluino/embedded/{process}/chunk{chunk}.json",
    log:
        "results/logs/generate_gluino_events/{process}/chunk{chunk}.log",
    benchmark:
        "results/benchmarks/generate_gluino_events/{process}/chunk{chunk}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("generate_gluino_events"),
        generation=generation_settings,
    message:
        "Generating {wildcards.process} events, chunk {wildcards.chunk}"
    script:
        "../scripts/generate_gluino_events.py"


rule ingest_lhe:
    input:
        lhe=lhe_files,
        summaries=lhe_summaries,
    output:
        events="results/events/gluino/{source}/{process}.h5",
        summary="results/events/gluino/{source}/{process}.json",
    log:
        "results/logs/ingest_lhe/{source}/{process}.log",
    benchmark:
        "results/benchmarks/ingest_lhe/{source}/{process}.tsv"
    wildcard_constraints:
        source="embedded|lhe",
    conda:
        "../envs/hepdensity.yaml"
    threads: 2
    params:
        source=digest("ingest_lhe"),
        ingestion=ingestion_settings,
    message:
        "Reading {wildcards.process} events from LHE files ({wildcards.source})"
    script:
        "../scripts/ingest_lhe.py"


rule ingest_csv:
    input:
        csv=csv_file,
    output:
        events="results/events/gluino/csv/{process}.h5",
        summary="results/events/gluino/csv/{process}.json",
    log:
        "results/logs/ingest_csv/{process}.log",
    benchmark:
        "results/benchmarks/ingest_csv/{process}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("ingest_csv"),
        ingestion=ingestion_settings,
    message:
        "Reading {wildcards.process} events from a CSV file"
    script:
        "../scripts/ingest_csv.py"
