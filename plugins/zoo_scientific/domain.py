"""The scientific domain: its tasks, and how its models are named."""

from __future__ import annotations

from zoo.tasks import CLASSIFICATION, Architecture, Domain, Head, Task, higher, lower

DESCRIPTION = "Molecules for drug discovery, protein structure and fitness, materials, climate and weather."

TASKS = (
    Task(
        "molecular-property-prediction",
        "scientific",
        "Drug discovery (molecular properties)",
        ("molecule",),
        "number",
        lower("rmse") + higher("roc_auc"),
        "linear",
        use_case=True,
    ),
    Task(
        "protein-structure-prediction",
        "scientific",
        "Protein folding",
        ("protein",),
        "structure",
        higher("lddt", "tm_score"),
        "none",
        use_case=True,
    ),
    Task(
        "inverse-folding",
        "scientific",
        "Protein sequences for a structure (inverse folding)",
        ("protein-structure",),
        "residues",
        higher("sequence_recovery") + lower("native_perplexity"),
        "none",
    ),
    Task(
        "materials-property-prediction",
        "scientific",
        "Materials",
        ("crystal",),
        "number",
        lower("mean_absolute_error") + higher("f1"),
        "linear",
        use_case=True,
    ),
    Task(
        "weather-forecasting",
        "scientific",
        "Climate and weather",
        ("grid",),
        "grid",
        lower("latitude_weighted_rmse") + higher("anomaly_correlation"),
        "none",
        use_case=True,
    ),
    Task(
        "time-series-forecasting",
        "scientific",
        "Forecasts of time series",
        ("time-series",),
        "series",
        lower("mase", "weighted_quantile_loss", "forecast_rmse"),
        "none",
    ),
    Task(
        "interatomic-potential",
        "scientific",
        "Energies and forces of crystals",
        ("crystal",),
        "forces",
        lower("force_mae", "energy_mae"),
        "none",
    ),
    Task(
        "protein-property-prediction",
        "scientific",
        "Protein fitness and function",
        ("protein",),
        "number",
        higher("spearman"),
        "linear",
    ),
    Task(
        "molecule-classification",
        "scientific",
        "Molecules by activity, toxicity or kind",
        ("molecule",),
        "class",
        higher("matthews_correlation", "accuracy", "macro_f1"),
        "linear",
    ),
    Task(
        "protein-classification",
        "scientific",
        "Proteins by family, function or place in the cell",
        ("protein",),
        "class",
        CLASSIFICATION,
        "linear",
    ),
)

ARCHITECTURES = (
    Architecture("esm", "ESM", input="protein"),
    Architecture("molformer", "MoLFormer", input="molecule"),
)

HEADS = (
    Head("EsmForProteinFolding", "protein-structure-prediction"),
    Head("ForWeatherForecasting", "weather-forecasting"),
    Head("ForForecasting", "time-series-forecasting"),
    Head("Chronos2Model", "time-series-forecasting"),
)

DOMAIN = Domain(
    "scientific",
    DESCRIPTION,
    TASKS,
    architectures=ARCHITECTURES,
    heads=HEADS,
)
