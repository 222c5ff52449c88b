"""The audio domain: its tasks, and how its models are named."""

from __future__ import annotations

from zoo.tasks import CLASSIFICATION, MULTI_LABEL, Architecture, Domain, Head, Task, higher, lower

DESCRIPTION = "Speech recognition, sound and speaker classification, voice synthesis and music from recordings or text."

TASKS = (
    Task(
        "automatic-speech-recognition",
        "audio",
        "Speech recognition",
        ("audio",),
        "text",
        lower("word_error_rate", "character_error_rate"),
        "sequence",
        use_case=True,
    ),
    Task(
        "audio-classification",
        "audio",
        "Audio classification",
        ("audio",),
        "class",
        CLASSIFICATION,
        "linear",
        use_case=True,
    ),
    Task(
        "multi-label-audio-classification",
        "audio",
        "Multi-label audio classification",
        ("audio",),
        "labels",
        MULTI_LABEL,
        "linear",
    ),
    Task(
        "text-to-speech",
        "audio",
        "Voice synthesis",
        ("text",),
        "generated-audio",
        lower("word_error_rate", "character_error_rate", "mel_cepstral_distortion")
        + higher("speaker_similarity", "predicted_mos"),
        "generator",
        use_case=True,
    ),
    Task(
        "text-to-audio",
        "audio",
        "Music generation",
        ("text",),
        "generated-audio",
        lower("frechet_audio_distance") + higher("clap_score"),
        "generator",
        use_case=True,
    ),
    Task(
        "zero-shot-audio-classification",
        "audio",
        "Zero-shot audio classification",
        ("audio", "text"),
        "class",
        higher("accuracy"),
        "none",
    ),
    Task(
        "speech-quality-prediction",
        "audio",
        "Predicted quality of speech",
        ("audio",),
        "number",
        higher("spearman"),
        "none",
    ),
)

ARCHITECTURES = (
    Architecture("audio-spectrogram-transformer"),
    Architecture("bark"),
    Architecture("clap", "CLAP"),
    Architecture("encodec"),
    Architecture("hubert", "HuBERT"),
    Architecture("mimi"),
    Architecture("moonshine"),
    Architecture("musicgen", "MusicGen"),
    Architecture("sew"),
    Architecture("speech_to_text"),
    Architecture("speecht5", "SpeechT5"),
    Architecture("unispeech"),
    Architecture("vits", "VITS"),
    Architecture("wav2vec2", "wav2vec 2.0"),
    Architecture("wav2vec2-bert"),
    Architecture("wavlm", "WavLM"),
    Architecture("whisper", "Whisper"),
)

HEADS = (
    Head("ForSequenceClassification", "audio-classification"),
    Head("ForCTC", "automatic-speech-recognition"),
    Head("ForSpeechSeq2Seq", "automatic-speech-recognition"),
    Head("WhisperForConditionalGeneration", "automatic-speech-recognition"),
    Head("ForAudioClassification", "audio-classification"),
    Head("ForTextToSpeech", "text-to-speech"),
    Head("VitsModel", "text-to-speech"),
    Head("MusicgenForConditionalGeneration", "text-to-audio"),
    Head("ClapModel", "zero-shot-audio-classification"),
)

DOMAIN = Domain(
    "audio",
    DESCRIPTION,
    TASKS,
    input="audio",
    other_tasks=frozenset({"audio-to-audio", "voice-activity-detection"}),
    architectures=ARCHITECTURES,
    heads=HEADS,
    libraries=frozenset({"espnet", "fairseq", "nemo", "pyannote-audio", "speechbrain"}),
)
