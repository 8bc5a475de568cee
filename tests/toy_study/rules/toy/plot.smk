use rule draw_figure as plot_toy with:
    input:
        inputs=f"{toy.folder}/inputs/plane.h5",
        scores=per_run(toy.scores, toy.runs("plane"), group="test"),
        summaries=per_run(toy.summary, toy.runs("plane")),
    output:
        **figure_with_table("toy", "log_likelihood", "Toy", "distance to the truth"),
    log:
        log_of("plot_toy", study="toy"),
    benchmark:
        benchmark_of("plot_toy", study="toy")
    params:
        source=digest("draw_figure", "hepdensity.studies.toy.figures"),
        draw=drawn_by("hepdensity.studies.toy.figures:log_likelihood", runs=toy.runs("plane")),
    message:
        "Plotting the toy study"
