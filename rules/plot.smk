rule plot_gluino_energy:
    input:
        samples=per_run(SAMPLES, first_seed_smallest()),
        summaries=per_run(TRAINING, first_seed_smallest()),
        events=events_of("four_gluino"),
    output:
        pdf="results/figures/fig03_gluino_energy.pdf",
        png=report(
            "results/figures/fig03_gluino_energy.png",
            caption="../workflow/report/fig03_gluino_energy.rst",
            category="Spectra",
            labels={"result": "energy of each gluino", "kind": "figure"},
        ),
        table=report(
            "results/tables/fig03_gluino_energy.csv",
            caption="../workflow/report/fig03_gluino_energy.rst",
            category="Spectra",
            labels={"result": "energy of each gluino", "kind": "table"},
        ),
    log:
        "results/logs/plot_gluino_energy.log",
    benchmark:
        "results/benchmarks/plot_gluino_energy.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_gluino_energy"),
        plot=plot_settings(first_seed_smallest()),
    message:
        "Plotting gluino energies (figure 3)"
    script:
        "../scripts/plot_gluino_energy.py"


rule plot_digluino_mass:
    input:
        samples=per_run(SAMPLES, first_seed()),
        summaries=per_run(TRAINING, first_seed()),
        events=events_of("four_gluino"),
    output:
        pdf="results/figures/fig04_digluino_mass.pdf",
        png=report(
            "results/figures/fig04_digluino_mass.png",
            caption="../workflow/report/fig04_digluino_mass.rst",
            category="Spectra",
            labels={"result": "mass of gluino pairs", "kind": "figure"},
        ),
        table=report(
            "results/tables/fig04_digluino_mass.csv",
            caption="../workflow/report/fig04_digluino_mass.rst",
            category="Spectra",
            labels={"result": "mass of gluino pairs", "kind": "table"},
        ),
    log:
        "results/logs/plot_digluino_mass.log",
    benchmark:
        "results/benchmarks/plot_digluino_mass.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_digluino_mass"),
        plot=plot_settings(first_seed()),
    message:
        "Plotting digluino masses (figure 4)"
    script:
        "../scripts/plot_digluino_mass.py"


rule plot_log_likelihood:
    input:
        table="results/tables/fig05_log_likelihood.csv",
    output:
        pdf="results/figures/fig05_log_likelihood.pdf",
        png=report(
            "results/figures/fig05_log_likelihood.png",
            caption="../workflow/report/fig05_log_likelihood.rst",
            category="Log-likelihood",
            labels={"result": "log-likelihood against training-set size", "kind": "figure"},
        ),
    log:
        "results/logs/plot_log_likelihood.log",
    benchmark:
        "results/benchmarks/plot_log_likelihood.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_log_likelihood"),
        plot=plot_settings(runs()),
    message:
        "Plotting log-likelihoods (figure 5)"
    script:
        "../scripts/plot_log_likelihood.py"


rule plot_training_curves:
    input:
        histories=per_run(HISTORY, runs()),
        summaries=per_run(TRAINING, runs()),
    output:
        pdf="results/figures/training_curves_gluino.pdf",
        png=report(
            "results/figures/training_curves_gluino.png",
            caption="../workflow/report/training_curves_gluino.rst",
            category="Training",
            labels={"result": "loss and learning rate", "kind": "figure"},
        ),
        table=report(
            "results/tables/training_curves_gluino.csv",
            caption="../workflow/report/training_curves_gluino.rst",
            category="Training",
            labels={"result": "loss and learning rate", "kind": "table"},
        ),
    log:
        "results/logs/plot_training_curves.log",
    benchmark:
        "results/benchmarks/plot_training_curves.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_training_curves"),
        plot=plot_settings(runs()),
    message:
        "Plotting training curves"
    script:
        "../scripts/plot_training_curves.py"
