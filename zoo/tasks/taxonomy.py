"""The tasks that the core knows; plugins add theirs through ``zoo_domains``."""

from __future__ import annotations

from collections.abc import Mapping

from zoo.errors import UnknownTask, suggest
from zoo.tasks.types import Task, TaskMetric


def _up(*names: str) -> tuple[TaskMetric, ...]:
    return tuple(TaskMetric(name) for name in names)


def _down(*names: str) -> tuple[TaskMetric, ...]:
    return tuple(TaskMetric(name, higher_is_better=False) for name in names)


_CLASSIFICATION = _up("accuracy", "macro_f1", "matthews_correlation")

_ALL = (
    Task("image-classification", "vision", "Image classification", ("image",), "class", _CLASSIFICATION, "linear"),
    Task("object-detection", "vision", "Object detection", ("image",), "boxes", _up("map", "map_50"), "detection"),
    Task("image-segmentation", "vision", "Segmentation", ("image",), "mask", _up("mean_iou"), "mask"),
    Task(
        "text-to-image",
        "vision",
        "Image generation",
        ("prompt",),
        "generated-image",
        _down("fid", "cmmd") + _up("clip_score"),
        "generator",
        read_as=("image", "text"),
    ),
    Task("text-classification", "language", "Text classification", ("text",), "class", _CLASSIFICATION, "linear"),
    Task(
        "token-classification",
        "language",
        "Named-entity recognition",
        ("text",),
        "spans",
        _up("entity_f1", "token_accuracy"),
        "token-linear",
    ),
    Task(
        "question-answering",
        "language",
        "Question answering",
        ("question",),
        "answers",
        _up("answer_f1", "exact_match"),
        "span",
    ),
    Task("translation", "language", "Translation", ("text",), "text", _up("bleu", "chrf"), "sequence"),
    Task(
        "automatic-speech-recognition",
        "audio",
        "Speech recognition",
        ("audio",),
        "text",
        _down("word_error_rate", "character_error_rate"),
        "sequence",
    ),
    Task("audio-classification", "audio", "Audio classification", ("audio",), "class", _CLASSIFICATION, "linear"),
    Task(
        "text-to-speech",
        "audio",
        "Voice synthesis",
        ("text",),
        "generated-audio",
        _down("word_error_rate", "character_error_rate", "mel_cepstral_distortion")
        + _up("speaker_similarity", "predicted_mos"),
        "generator",
    ),
    Task(
        "text-to-audio",
        "audio",
        "Music generation",
        ("text",),
        "generated-audio",
        _down("frechet_audio_distance") + _up("clap_score"),
        "generator",
    ),
    Task(
        "zero-shot-audio-classification",
        "audio",
        "Zero-shot audio classification",
        ("audio", "text"),
        "class",
        _up("accuracy"),
        "none",
        use_case=False,
    ),
    Task(
        "speech-quality-prediction",
        "audio",
        "Predicted quality of speech",
        ("audio",),
        "number",
        _up("spearman"),
        "none",
        use_case=False,
    ),
    Task(
        "molecular-property-prediction",
        "scientific",
        "Drug discovery (molecular properties)",
        ("molecule",),
        "number",
        _down("rmse") + _up("roc_auc"),
        "linear",
    ),
    Task(
        "protein-structure-prediction",
        "scientific",
        "Protein folding",
        ("protein",),
        "structure",
        _up("lddt", "tm_score"),
        "none",
    ),
    Task(
        "inverse-folding",
        "scientific",
        "Protein sequences for a structure (inverse folding)",
        ("protein-structure",),
        "residues",
        _up("sequence_recovery") + _down("native_perplexity"),
        "none",
        use_case=False,
    ),
    Task(
        "materials-property-prediction",
        "scientific",
        "Materials",
        ("crystal",),
        "number",
        _down("mean_absolute_error") + _up("f1"),
        "linear",
    ),
    Task(
        "weather-forecasting",
        "scientific",
        "Climate and weather",
        ("grid",),
        "grid",
        _down("latitude_weighted_rmse") + _up("anomaly_correlation"),
        "none",
    ),
    Task(
        "time-series-forecasting",
        "scientific",
        "Forecasts of time series",
        ("time-series",),
        "series",
        _down("mase", "weighted_quantile_loss", "forecast_rmse"),
        "none",
        use_case=False,
    ),
    Task(
        "unconditional-image-generation",
        "vision",
        "Image generation without a prompt",
        ("prompt",),
        "generated-image",
        _down("fid", "cmmd"),
        "generator",
        read_as=("image", "text"),
        use_case=False,
    ),
    Task(
        "interatomic-potential",
        "scientific",
        "Energies and forces of crystals",
        ("crystal",),
        "forces",
        _down("force_mae", "energy_mae"),
        "none",
        use_case=False,
    ),
    Task(
        "sentence-similarity",
        "language",
        "Sentence similarity",
        ("text",),
        "number",
        _up("spearman"),
        "none",
        use_case=False,
    ),
    Task(
        "feature-extraction",
        "language",
        "Embeddings and retrieval",
        ("text",),
        "vector",
        _up("ndcg_at_10"),
        "none",
        use_case=False,
    ),
    Task(
        "text-generation",
        "language",
        "Text generation",
        ("text",),
        "text",
        _down("perplexity"),
        "sequence",
        use_case=False,
    ),
    Task(
        "zero-shot-image-classification",
        "multimodal",
        "Zero-shot image classification",
        ("image", "text"),
        "class",
        _up("accuracy"),
        "none",
        use_case=False,
    ),
    Task(
        "image-text-retrieval",
        "multimodal",
        "Image-text retrieval",
        ("image", "text"),
        "vector",
        _up("recall_at_1", "recall_at_5"),
        "none",
        read_as=("image", "text"),
        use_case=False,
    ),
    Task(
        "image-to-text",
        "multimodal",
        "Captioning",
        ("image",),
        "text",
        _up("bleu", "cider"),
        "sequence",
        use_case=False,
    ),
    Task(
        "visual-question-answering",
        "multimodal",
        "Visual question answering",
        ("image-question",),
        "answers",
        _up("vqa_accuracy", "exact_match"),
        "sequence",
        use_case=False,
    ),
    Task(
        "protein-property-prediction",
        "scientific",
        "Protein fitness and function",
        ("protein",),
        "number",
        _up("spearman"),
        "linear",
        use_case=False,
    ),
)

TASKS: Mapping[str, Task] = {task.name: task for task in _ALL}
"""The tasks that the core knows, by name. Plugins add theirs through ``zoo_domains``."""


def tasks_of(domain: str) -> tuple[Task, ...]:
    """The core tasks that a domain serves, in the order of the taxonomy."""
    return tuple(task for task in _ALL if task.domain == domain)


def find_task(name: str, known: Mapping[str, Task] = TASKS) -> Task:
    """The task called ``name``.

    Raises:
        UnknownTask: with the nearest names.
    """
    try:
        return known[name]
    except KeyError:
        hint = suggest(name, known) or f"Tasks: {', '.join(sorted(known))}."
        raise UnknownTask(f"There is no task called '{name}'.", hint) from None
