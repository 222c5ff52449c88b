"""The licence of a card is that of the weights, not of the package or the training data."""

from __future__ import annotations

import pytest

from zoo import catalog
from zoo.catalog import reading
from zoo.entities import ModelCard


@pytest.fixture(scope="module")
def cards() -> dict[str, ModelCard]:
    return {card.id: card for domain in catalog.domains() for card in reading.models(domain)}


@pytest.mark.parametrize(
    ("model", "license"),
    [
        ("torchhub:pytorch/vision:vit_h_14", "CC-BY-NC-4.0"),  # SWAG's weights
        ("torchhub:pytorch/vision:regnet_y_128gf", "CC-BY-NC-4.0"),
        ("torchhub:pytorch/vision:vit_l_16", "BSD-3-Clause"),  # torchvision's own, which are its default
        ("openclip:MobileCLIP-S1/datacompdr", "other"),  # Apple's own
        ("openclip:MobileCLIP-B/datacompdr_lt", "other"),
        ("openclip:ViT-B-16/datacomp_xl_s13b_b90k", "MIT"),
        ("hf:jinaai/jina-clip-v2", "CC-BY-NC-4.0"),
        ("hf:jinaai/jina-clip-v1", "Apache-2.0"),
        ("hf:Sailesh97/Hinvec", "CC-BY-NC-4.0"),
        *(
            (f"openclip:ViT-{size}/datacomp1b", "Apache-2.0")
            for size in (
                "L-14-CLIPA",
                "L-14-CLIPA-336",
                "H-14-CLIPA",
                "H-14-CLIPA-336",
                "bigG-14-CLIPA",
                "bigG-14-CLIPA-336",
            )
        ),
        ("openclip:ViT-H-14-CLIPA-336/laion2b", "Apache-2.0"),
    ],
)
def test_licences_are_those_of_the_weights(cards: dict[str, ModelCard], model: str, license: str) -> None:
    assert cards[model].license == license


def test_the_weights_that_a_torchvision_card_names_decide_its_licence(cards: dict[str, ModelCard]) -> None:
    for card in cards.values():
        if card.id.startswith("torchhub:pytorch/vision:"):
            swag = "SWAG" in str(card.loader["weights"])
            assert card.license == ("CC-BY-NC-4.0" if swag else "BSD-3-Clause"), card.id


def test_jina_clip_v2_gives_1024_dimensions(cards: dict[str, ModelCard]) -> None:
    assert cards["hf:jinaai/jina-clip-v2"].embedding_dimension == 1024


def test_torchvision_describes_weights_with_their_own_licence() -> None:
    pytest.importorskip("torchvision")
    from zoo.sources.torch_hub.weights import describe_weights

    assert describe_weights("vit_b_16", "IMAGENET1K_SWAG_LINEAR_V1").license == "CC-BY-NC-4.0"
    assert describe_weights("vit_b_16", None).license == "BSD-3-Clause"
