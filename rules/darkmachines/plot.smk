use rule draw_figure as plot_max_si with:
    input:
        scores=f"{darkmachines.folder}/tables/darkmachines_scores.csv",
        summary=f"{darkmachines.folder}/tables/darkmachines_summary.csv",
        summaries=per_run(darkmachines.summary, darkmachines.all_runs()),
    output:
        **figure_with_table("darkmachines", "fig14_max_si", "Anomaly scores", "Max SI of signals"),
    log:
        log_of("plot_max_si", study="darkmachines"),
    benchmark:
        benchmark_of("plot_max_si", study="darkmachines")
    params:
        source=digest("draw_figure", "hepdensity.studies.darkmachines.plotting.max_si"),
        draw=drawn_by(
            "hepdensity.studies.darkmachines.plotting.max_si:max_si", **darkmachines.anomaly()
        ),
    message:
        "Plotting Max SI (figure 14)"
