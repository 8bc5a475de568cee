use rule draw_figure as plot_gluino_energy with:
    input:
        samples=per_run(gluino.samples, gluino.smallest(), sample="all"),
        summaries=per_run(gluino.summary, gluino.smallest()),
        events=gluino.events("four_gluino"),
    output:
        **figure_with_table("gluino", "fig03_gluino_energy", "Spectra", "energy of each gluino"),
    log:
        log_of("plot_gluino_energy", study="gluino"),
    benchmark:
        benchmark_of("plot_gluino_energy", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.spectra"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.spectra:gluino_energy", runs=gluino.smallest()
        ),
    message:
        "Plotting gluino energies (figure 3)"


use rule draw_figure as plot_digluino_mass with:
    input:
        samples=per_run(gluino.samples, gluino.first_seed("angles"), sample="all"),
        summaries=per_run(gluino.summary, gluino.first_seed("angles")),
        events=gluino.events("four_gluino"),
    output:
        **figure_with_table("gluino", "fig04_digluino_mass", "Spectra", "mass of gluino pairs"),
    log:
        log_of("plot_digluino_mass", study="gluino"),
    benchmark:
        benchmark_of("plot_digluino_mass", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.spectra"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.spectra:digluino_mass",
            runs=gluino.first_seed("angles"),
        ),
    message:
        "Plotting digluino masses (figure 4)"


use rule draw_figure as plot_log_likelihood with:
    input:
        table=f"{gluino.folder}/tables/fig05_log_likelihood.csv",
    output:
        **figure_files(
            "gluino",
            "fig05_log_likelihood",
            "Log-likelihood",
            "log-likelihood against training-set size",
        ),
    log:
        log_of("plot_log_likelihood", study="gluino"),
    benchmark:
        benchmark_of("plot_log_likelihood", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.likelihood"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.likelihood:log_likelihood",
            runs=gluino.runs("angles"),
        ),
    message:
        "Plotting log-likelihoods (figure 5)"


use rule draw_figure as plot_varying_dimension with:
    input:
        four_gluino=per_run(gluino.samples, gluino.largest_of("multiplicity"), sample="four_gluino"),
        two_gluino=per_run(gluino.samples, gluino.largest_of("multiplicity"), sample="two_gluino"),
        summaries=per_run(gluino.summary, gluino.largest_of("multiplicity")),
        events_four_gluino=gluino.events("four_gluino"),
        events_two_gluino=gluino.events("two_gluino"),
    output:
        **figure_with_table(
            "gluino",
            "fig07_varying_dimension",
            "Varying dimension",
            "spectra of two- and four-gluino events",
        ),
    log:
        log_of("plot_varying_dimension", study="gluino"),
    benchmark:
        benchmark_of("plot_varying_dimension", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.multiplicity"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.multiplicity:varying_dimension",
            runs=gluino.largest_of("multiplicity"),
            p_four=gluino.settings["p_four"],
        ),
    message:
        "Plotting two- and four-gluino events (figure 7)"


use rule draw_figure as plot_discrete_log_likelihood with:
    input:
        table=f"{gluino.folder}/tables/fig10_discrete_log_likelihood.csv",
    output:
        **figure_files(
            "gluino",
            "fig10_discrete_log_likelihood",
            "Labels",
            "log-likelihood and distance to the truth with labels",
        ),
    log:
        log_of("plot_discrete_log_likelihood", study="gluino"),
    benchmark:
        benchmark_of("plot_discrete_log_likelihood", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.label_likelihood"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.label_likelihood:label_likelihood",
            runs=gluino.runs("labels"),
        ),
    message:
        "Plotting log-likelihoods of labelled events (figure 10)"


use rule draw_figure as plot_importance_bound with:
    input:
        table=f"{gluino.folder}/tables/fig10_importance_bound.csv",
        summaries=per_run(gluino.summary, gluino.runs("labels")),
    output:
        **figure_files("gluino", "fig10_importance_bound", "Labels", "bound against draws"),
    log:
        log_of("plot_importance_bound", study="gluino"),
    benchmark:
        benchmark_of("plot_importance_bound", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.importance_bound"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.importance_bound:importance_bound",
            runs=gluino.runs("labels"),
        ),
    message:
        "Plotting importance-weighted bounds"


use rule draw_figure as plot_discrete_marginals with:
    input:
        samples=per_run(gluino.samples, gluino.shown_labels(), sample="all"),
        summaries=per_run(gluino.summary, gluino.shown_labels()),
        events=gluino.events("four_gluino"),
    output:
        **figure_with_table(
            "gluino",
            "fig11_discrete_marginals",
            "Labels",
            "fractions of helicities and colour orders",
        ),
    log:
        log_of("plot_discrete_marginals", study="gluino"),
    benchmark:
        benchmark_of("plot_discrete_marginals", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.label_fractions"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.label_fractions:discrete_marginals",
            runs=gluino.shown_labels(),
        ),
    message:
        "Plotting fractions of helicities and colour orders (figure 11)"


use rule plot_discrete_marginals as plot_energy_by_colour with:
    output:
        **figure_with_table(
            "gluino",
            "fig12_energy_by_colour",
            "Labels",
            "energy of the first gluino by colour order",
        ),
    log:
        log_of("plot_energy_by_colour", study="gluino"),
    benchmark:
        benchmark_of("plot_energy_by_colour", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.label_spectra"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.label_spectra:energy_by_colour",
            runs=gluino.shown_labels(),
        ),
    message:
        "Plotting gluino energies by colour order (figure 12)"


use rule plot_discrete_marginals as plot_delta_psi_by_helicity with:
    output:
        **figure_with_table(
            "gluino",
            "fig13_delta_psi_by_helicity",
            "Labels",
            "angle between planes by helicity",
        ),
    log:
        log_of("plot_delta_psi_by_helicity", study="gluino"),
    benchmark:
        benchmark_of("plot_delta_psi_by_helicity", study="gluino")
    params:
        source=digest("draw_figure", "hepdensity.studies.gluino.plotting.label_spectra"),
        draw=drawn_by(
            "hepdensity.studies.gluino.plotting.label_spectra:delta_psi_by_helicity",
            runs=gluino.shown_labels(),
        ),
    message:
        "Plotting angles between planes by helicity (figure 13)"
