"""The multimodal domain: its tasks, and how its models are named."""

from __future__ import annotations

from zoo.tasks import Architecture, Domain, Head, Task, higher

DESCRIPTION = "Images and text in one model: zero-shot classification, retrieval, captions and questions about images."

TASKS = (
    Task(
        "zero-shot-image-classification",
        "multimodal",
        "Zero-shot image classification",
        ("image", "text"),
        "class",
        higher("accuracy"),
        "none",
    ),
    Task(
        "image-text-retrieval",
        "multimodal",
        "Image-text retrieval",
        ("image", "text"),
        "vector",
        higher("recall_at_1", "recall_at_5"),
        "none",
        read_as=("image", "text"),
    ),
    Task(
        "image-to-text",
        "multimodal",
        "Captioning",
        ("image",),
        "text",
        higher("bleu", "cider"),
        "sequence",
    ),
    Task(
        "visual-question-answering",
        "multimodal",
        "Visual question answering",
        ("image-question",),
        "answers",
        higher("vqa_accuracy", "exact_match"),
        "sequence",
    ),
)

ARCHITECTURES = (
    Architecture("align"),
    Architecture("altclip"),
    Architecture("blip"),
    Architecture("blip-2"),
    Architecture("chinese_clip"),
    Architecture("clip", "CLIP"),
    Architecture("clipseg"),
    Architecture("flava"),
    Architecture("git"),
    Architecture("groupvit"),
    Architecture("llava"),
    Architecture("owlv2"),
    Architecture("owlvit"),
    Architecture("paligemma"),
    Architecture("siglip", "SigLIP"),
    Architecture("siglip2", "SigLIP 2"),
    Architecture("vilt"),
    Architecture("vision-encoder-decoder"),
)

HEADS = (
    Head("BlipForQuestionAnswering", "visual-question-answering", dimension="vision_config.hidden_size"),
    Head("BlipForConditionalGeneration", "image-to-text", dimension="vision_config.hidden_size"),
    Head("CLIPModel", "zero-shot-image-classification"),
    Head("SiglipModel", "zero-shot-image-classification"),
    Head("Siglip2Model", "zero-shot-image-classification"),
)

DOMAIN = Domain(
    "multimodal",
    DESCRIPTION,
    TASKS,
    input="image",
    other_tasks=frozenset(
        {
            "any-to-any",
            "document-question-answering",
            "image-text-to-text",
            "video-text-to-text",
            "visual-document-retrieval",
            "zero-shot-object-detection",
        }
    ),
    architectures=ARCHITECTURES,
    heads=HEADS,
    weights=frozenset({"open_clip_model.safetensors"}),
    libraries=frozenset({"open_clip"}),
)
