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


use rule draw_figure as plot_detector_closure with:
    output:
        **figure_with_table(
            "darkmachines", "detector_closure", "Events", "efficiencies and resolutions"
        ),
    log:
        log_of("plot_detector_closure", study="darkmachines"),
    benchmark:
        benchmark_of("plot_detector_closure", study="darkmachines")
    conda:
        str(REPOSITORY / "envs" / "simulation.yaml")
    params:
        source=digest("draw_figure", "hepdensity.studies.darkmachines.plotting.closure"),
        draw=drawn_by(
            "hepdensity.studies.darkmachines.plotting.closure:detector_closure",
            **darkmachines.closure(),
        ),
    message:
        "Checking the detector against the formulas of its card"
