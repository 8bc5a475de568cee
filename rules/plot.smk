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
        plot=plot_settings(runs("angles")),
    message:
        "Plotting log-likelihoods (figure 5)"
    script:
        "../scripts/plot_log_likelihood.py"


rule plot_training_curves:
    input:
        histories=lambda wildcards: per_run(HISTORY, runs(wildcards.part)),
        summaries=lambda wildcards: per_run(TRAINING, runs(wildcards.part)),
    output:
        pdf="results/figures/training_curves_{part}.pdf",
        png=report(
            "results/figures/training_curves_{part}.png",
            caption="../workflow/report/training_curves.rst",
            category="Training",
            labels={"result": "loss and learning rate, {part}", "kind": "figure"},
        ),
        table=report(
            "results/tables/training_curves_{part}.csv",
            caption="../workflow/report/training_curves.rst",
            category="Training",
            labels={"result": "loss and learning rate, {part}", "kind": "table"},
        ),
    log:
        "results/logs/plot_training_curves/{part}.log",
    benchmark:
        "results/benchmarks/plot_training_curves/{part}.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_training_curves"),
        plot=lambda wildcards: plot_settings(runs(wildcards.part)),
    message:
        "Plotting training curves of {wildcards.part}"
    script:
        "../scripts/plot_training_curves.py"


rule plot_varying_dimension:
    input:
        samples_four_gluino=per_run(
            CLASS_SAMPLES, first_seed_largest("multiplicity"), process="four_gluino"
        ),
        samples_two_gluino=per_run(
            CLASS_SAMPLES, first_seed_largest("multiplicity"), process="two_gluino"
        ),
        summaries=per_run(TRAINING, first_seed_largest("multiplicity")),
        events_four_gluino=events_of("four_gluino"),
        events_two_gluino=events_of("two_gluino"),
    output:
        pdf="results/figures/fig07_varying_dimension.pdf",
        png=report(
            "results/figures/fig07_varying_dimension.png",
            caption="../workflow/report/fig07_varying_dimension.rst",
            category="Varying dimension",
            labels={"result": "spectra of two- and four-gluino events", "kind": "figure"},
        ),
        table=report(
            "results/tables/fig07_varying_dimension.csv",
            caption="../workflow/report/fig07_varying_dimension.rst",
            category="Varying dimension",
            labels={"result": "spectra of two- and four-gluino events", "kind": "table"},
        ),
    log:
        "results/logs/plot_varying_dimension.log",
    benchmark:
        "results/benchmarks/plot_varying_dimension.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_varying_dimension"),
        plot=plot_settings(first_seed_largest("multiplicity"), p_four=config["gluino"]["p_four"]),
    message:
        "Plotting two- and four-gluino events (figure 7)"
    script:
        "../scripts/plot_varying_dimension.py"


rule plot_discrete_log_likelihood:
    input:
        table="results/tables/fig10_discrete_log_likelihood.csv",
    output:
        pdf="results/figures/fig10_discrete_log_likelihood.pdf",
        png=report(
            "results/figures/fig10_discrete_log_likelihood.png",
            caption="../workflow/report/fig10_discrete_log_likelihood.rst",
            category="Labels",
            labels={
                "result": "log-likelihood and distance to the truth with labels",
                "kind": "figure",
            },
        ),
    log:
        "results/logs/plot_discrete_log_likelihood.log",
    benchmark:
        "results/benchmarks/plot_discrete_log_likelihood.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_discrete_log_likelihood"),
        plot=plot_settings(runs("labels")),
    message:
        "Plotting log-likelihoods of labelled events (figure 10)"
    script:
        "../scripts/plot_discrete_log_likelihood.py"


rule plot_importance_bound:
    input:
        table="results/tables/fig10_importance_bound.csv",
        summaries=per_run(TRAINING, runs("labels")),
    output:
        pdf="results/figures/fig10_importance_bound.pdf",
        png=report(
            "results/figures/fig10_importance_bound.png",
            caption="../workflow/report/fig10_importance_bound.rst",
            category="Labels",
            labels={"result": "bound against importance draws", "kind": "figure"},
        ),
    log:
        "results/logs/plot_importance_bound.log",
    benchmark:
        "results/benchmarks/plot_importance_bound.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_importance_bound"),
        plot=plot_settings(runs("labels")),
    message:
        "Plotting importance-weighted bounds"
    script:
        "../scripts/plot_importance_bound.py"


rule plot_discrete_marginals:
    input:
        samples=per_run(SAMPLES, shown_labels()),
        summaries=per_run(TRAINING, shown_labels()),
        events=events_of("four_gluino"),
    output:
        pdf="results/figures/fig11_discrete_marginals.pdf",
        png=report(
            "results/figures/fig11_discrete_marginals.png",
            caption="../workflow/report/fig11_discrete_marginals.rst",
            category="Labels",
            labels={"result": "fractions of helicities and colour orders", "kind": "figure"},
        ),
        table=report(
            "results/tables/fig11_discrete_marginals.csv",
            caption="../workflow/report/fig11_discrete_marginals.rst",
            category="Labels",
            labels={"result": "fractions of helicities and colour orders", "kind": "table"},
        ),
    log:
        "results/logs/plot_discrete_marginals.log",
    benchmark:
        "results/benchmarks/plot_discrete_marginals.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_discrete_marginals"),
        plot=plot_settings(shown_labels()),
    message:
        "Plotting fractions of helicities and colour orders (figure 11)"
    script:
        "../scripts/plot_discrete_marginals.py"


rule plot_energy_by_colour:
    input:
        samples=per_run(SAMPLES, shown_labels()),
        summaries=per_run(TRAINING, shown_labels()),
        events=events_of("four_gluino"),
    output:
        pdf="results/figures/fig12_energy_by_colour.pdf",
        png=report(
            "results/figures/fig12_energy_by_colour.png",
            caption="../workflow/report/fig12_energy_by_colour.rst",
            category="Labels",
            labels={"result": "energy of the first gluino by colour order", "kind": "figure"},
        ),
        table=report(
            "results/tables/fig12_energy_by_colour.csv",
            caption="../workflow/report/fig12_energy_by_colour.rst",
            category="Labels",
            labels={"result": "energy of the first gluino by colour order", "kind": "table"},
        ),
    log:
        "results/logs/plot_energy_by_colour.log",
    benchmark:
        "results/benchmarks/plot_energy_by_colour.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_energy_by_colour"),
        plot=plot_settings(shown_labels()),
    message:
        "Plotting gluino energies by colour order (figure 12)"
    script:
        "../scripts/plot_energy_by_colour.py"


rule plot_delta_psi_by_helicity:
    input:
        samples=per_run(SAMPLES, shown_labels()),
        summaries=per_run(TRAINING, shown_labels()),
        events=events_of("four_gluino"),
    output:
        pdf="results/figures/fig13_delta_psi_by_helicity.pdf",
        png=report(
            "results/figures/fig13_delta_psi_by_helicity.png",
            caption="../workflow/report/fig13_delta_psi_by_helicity.rst",
            category="Labels",
            labels={"result": "angle between planes by helicity", "kind": "figure"},
        ),
        table=report(
            "results/tables/fig13_delta_psi_by_helicity.csv",
            caption="../workflow/report/fig13_delta_psi_by_helicity.rst",
            category="Labels",
            labels={"result": "angle between planes by helicity", "kind": "table"},
        ),
    log:
        "results/logs/plot_delta_psi_by_helicity.log",
    benchmark:
        "results/benchmarks/plot_delta_psi_by_helicity.tsv"
    conda:
        "../envs/hepdensity.yaml"
    threads: 1
    params:
        source=digest("plot_delta_psi_by_helicity"),
        plot=plot_settings(shown_labels()),
    message:
        "Plotting angles between planes by helicity (figure 13)"
    script:
        "../scripts/plot_delta_psi_by_helicity.py"
