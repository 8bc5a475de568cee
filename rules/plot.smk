# Figures are drawn by `use rule draw_figure as ... with`: see docs/extending.md.
rule draw_figure:
    log:
        f"{RESULTS}/logs/draw_figure.log",
    conda:
        ENVIRONMENT
    threads: 1
    message:
        "Drawing a figure"
    script:
        f"{SCRIPTS}/draw_figure.py"


use rule draw_figure as plot_training_curves with:
    input:
        histories=lambda w: per_run(study_of(w).history, study_of(w).runs(w.dataset)),
        summaries=lambda w: per_run(study_of(w).summary, study_of(w).runs(w.dataset)),
    output:
        pdf=f"{RESULTS}/{{study}}/figures/training_curves_{{dataset}}.pdf",
        record=f"{RESULTS}/{{study}}/figures/training_curves_{{dataset}}.json",
        png=report(
            f"{RESULTS}/{{study}}/figures/training_curves_{{dataset}}.png",
            caption="../workflow/report/training_curves.rst",
            category="{study}",
            subcategory="Training",
            labels={"result": "loss and learning rate, {dataset}", "kind": "figure"},
        ),
        table=report(
            f"{RESULTS}/{{study}}/tables/training_curves_{{dataset}}.csv",
            caption="../workflow/report/training_curves.rst",
            category="{study}",
            subcategory="Training",
            labels={"result": "loss and learning rate, {dataset}", "kind": "table"},
        ),
    log:
        log_of("plot_training_curves", "{dataset}"),
    benchmark:
        benchmark_of("plot_training_curves", "{dataset}")
    params:
        source=digest("draw_figure", "hepdensity.plotting.training"),
        draw=lambda w: drawn_by(
            "hepdensity.plotting.training:training_curves", runs=study_of(w).runs(w.dataset)
        ),
    message:
        "Plotting training curves of {wildcards.dataset} ({wildcards.study})"
