use rule draw_figure as plot_jets_permutation with:
    input:
        accuracies=per_run(jets.accuracy_file(), jets.density_runs()),
        summaries=per_run(jets.summary, jets.density_runs()),
    output:
        **figure_with_table("jets", "jets_fig1_permutation", "Likelihood", "permuted particles"),
    log:
        log_of("plot_jets_permutation", study="jets"),
    benchmark:
        benchmark_of("plot_jets_permutation", study="jets")
    params:
        source=digest("draw_figure", "hepdensity.studies.jets.plotting.distributions"),
        draw=drawn_by(
            "hepdensity.studies.jets.plotting.distributions:permutations",
            trained_on=jets.first_trained(),
            **jets.comparison(),
        ),
    message:
        "Plotting log-densities of permuted particles (figure 1)"


use rule draw_figure as plot_jets_score_qcd with:
    input:
        scores=per_run(jets.scores, jets.density_runs(), group="all"),
        summaries=per_run(jets.summary, jets.density_runs()),
        inputs=[jets.inputs.format(dataset=name) for name in jets.of_jets()],
    output:
        **figure_with_table("jets", "jets_fig2_score_qcd", "Anomaly scores", "trained on QCD jets"),
    log:
        log_of("plot_jets_score_qcd", study="jets"),
    benchmark:
        benchmark_of("plot_jets_score_qcd", study="jets")
    params:
        source=digest("draw_figure", "hepdensity.studies.jets.plotting.distributions"),
        draw=drawn_by(
            "hepdensity.studies.jets.plotting.distributions:score_distribution",
            trained_on="qcd",
            **jets.comparison(),
        ),
    message:
        "Plotting anomaly scores of models of QCD jets (figure 2)"


use rule plot_jets_score_qcd as plot_jets_score_top with:
    output:
        **figure_with_table("jets", "jets_fig4_score_top", "Anomaly scores", "trained on top jets"),
    log:
        log_of("plot_jets_score_top", study="jets"),
    benchmark:
        benchmark_of("plot_jets_score_top", study="jets")
    params:
        source=digest("draw_figure", "hepdensity.studies.jets.plotting.distributions"),
        draw=drawn_by(
            "hepdensity.studies.jets.plotting.distributions:score_distribution",
            trained_on="top",
            **jets.comparison(),
        ),
    message:
        "Plotting anomaly scores of models of top jets (figure 4)"


use rule plot_jets_score_qcd as plot_jets_nll with:
    output:
        **figure_with_table("jets", "jets_fig6_nll", "Likelihood", "negative log-likelihood"),
    log:
        log_of("plot_jets_nll", study="jets"),
    benchmark:
        benchmark_of("plot_jets_nll", study="jets")
    params:
        source=digest("draw_figure", "hepdensity.studies.jets.plotting.distributions"),
        draw=drawn_by(
            "hepdensity.studies.jets.plotting.distributions:nll_distribution", **jets.comparison()
        ),
    message:
        "Plotting log-likelihoods (figure 6)"


use rule plot_jets_score_qcd as plot_jets_sic with:
    output:
        **figure_with_table("jets", "jets_fig3_sic", "Anomaly scores", "SIC curves"),
    log:
        log_of("plot_jets_sic", study="jets"),
    benchmark:
        benchmark_of("plot_jets_sic", study="jets")
    params:
        source=digest("draw_figure", "hepdensity.studies.jets.plotting.curves"),
        draw=drawn_by("hepdensity.studies.jets.plotting.curves:sic_curves", **jets.comparison()),
    message:
        "Plotting signal improvement (figure 3)"


use rule draw_figure as plot_jets_roc with:
    input:
        scores=per_run(jets.scores, jets.density_runs(), group="all"),
        summaries=per_run(jets.summary, jets.density_runs()),
        inputs=[jets.inputs.format(dataset=name) for name in jets.of_jets()],
        classifiers=jets.classifier_files(),
    output:
        **figure_with_table("jets", "jets_fig5_roc", "Anomaly scores", "ROC curves"),
    log:
        log_of("plot_jets_roc", study="jets"),
    benchmark:
        benchmark_of("plot_jets_roc", study="jets")
    params:
        source=digest("draw_figure", "hepdensity.studies.jets.plotting.curves"),
        draw=drawn_by("hepdensity.studies.jets.plotting.curves:roc_curves", **jets.comparison()),
    message:
        "Plotting ROC curves (figure 5)"


use rule draw_figure as plot_jets_known_truth with:
    input:
        scores=per_run(jets.scores, jets.density_runs(known=True), group="all"),
        summaries=per_run(jets.summary, jets.density_runs(known=True)),
        inputs=[jets.inputs.format(dataset=name) for name in jets.known()],
        truths=[jets.known_truth_file(name) for name in jets.known()],
    output:
        **figure_with_table("jets", "jets_known_truth", "Known truth", "learned and true ratios"),
    log:
        log_of("plot_jets_known_truth", study="jets"),
    benchmark:
        benchmark_of("plot_jets_known_truth", study="jets")
    params:
        source=digest("draw_figure", "hepdensity.studies.jets.plotting.known_truth"),
        draw=drawn_by(
            "hepdensity.studies.jets.plotting.known_truth:known_truth", **jets.known_comparison()
        ),
    message:
        "Plotting learned against known ratios"
