"""The vision domain: its tasks, and how its models are named."""

from __future__ import annotations

from zoo.tasks import CLASSIFICATION, MULTI_LABEL, Architecture, Domain, Head, Task, higher, lower

DESCRIPTION = (
    "Photographs, drawings and scans: classification, detection, segmentation and generation, with convolutional and "
    "transformer backbones of timm, torchvision and transformers."
)

TASKS = (
    Task(
        "image-classification",
        "vision",
        "Image classification",
        ("image",),
        "class",
        CLASSIFICATION,
        "linear",
        use_case=True,
    ),
    Task(
        "multi-label-image-classification",
        "vision",
        "Multi-label image classification",
        ("image",),
        "labels",
        MULTI_LABEL,
        "linear",
    ),
    Task(
        "object-detection",
        "vision",
        "Object detection",
        ("image",),
        "boxes",
        higher("map", "map_50"),
        "detection",
        use_case=True,
    ),
    Task("image-segmentation", "vision", "Segmentation", ("image",), "mask", higher("mean_iou"), "mask", use_case=True),
    Task(
        "text-to-image",
        "vision",
        "Image generation",
        ("prompt",),
        "generated-image",
        lower("fid", "cmmd") + higher("clip_score"),
        "generator",
        read_as=("image", "text"),
        use_case=True,
    ),
    Task(
        "unconditional-image-generation",
        "vision",
        "Image generation without a prompt",
        ("prompt",),
        "generated-image",
        lower("fid", "cmmd"),
        "generator",
        read_as=("image", "text"),
    ),
)

ARCHITECTURES = (
    Architecture("beit", "BEiT"),
    Architecture("convnext", "ConvNeXt"),
    Architecture("convnextv2", "ConvNeXt V2"),
    Architecture("cvt"),
    Architecture("deit", "DeiT"),
    Architecture("detr", "DETR"),
    Architecture("dinov2", "DINOv2"),
    Architecture("dinov2_with_registers"),
    Architecture("dinov3_vit"),
    Architecture("dpt"),
    Architecture("efficientnet"),
    Architecture("focalnet"),
    Architecture("hiera"),
    Architecture("levit"),
    Architecture("mask2former", dimension=None),
    Architecture("maskformer"),
    Architecture("mobilenet_v1"),
    Architecture("mobilenet_v2", "MobileNetV2"),
    Architecture("mobilevit"),
    Architecture("poolformer"),
    Architecture("pvt"),
    Architecture("regnet"),
    Architecture("resnet", "ResNet"),
    Architecture("rt_detr"),
    Architecture("sam"),
    Architecture("segformer", "SegFormer"),
    Architecture("swin", "Swin"),
    Architecture("swinv2"),
    Architecture("timm_wrapper"),
    Architecture("vit", "ViT"),
    Architecture("vit_mae"),
    Architecture("vit_msn"),
    Architecture("yolos", "YOLOS"),
    Architecture("oneformer", dimension=None),
)

HEADS = (
    Head("ForImageClassification", "image-classification"),
    Head("ForObjectDetection", "object-detection"),
    Head("Segmentation", "image-segmentation"),
)

DOMAIN = Domain(
    "vision",
    DESCRIPTION,
    TASKS,
    input="image",
    other_tasks=frozenset(
        {
            "depth-estimation",
            "image-feature-extraction",
            "image-to-image",
            "image-to-video",
            "keypoint-detection",
            "mask-generation",
            "text-to-video",
            "video-classification",
        }
    ),
    architectures=ARCHITECTURES,
    heads=HEADS,
    libraries=frozenset({"diffusers", "timm", "ultralytics"}),
)
