"""A small Stable Diffusion: its CLIP and its autoencoder are trained here, its U-Net is left to ``zoo tune``."""

from __future__ import annotations

import itertools
from pathlib import Path

import diffusers
import numpy as np
import torch
import transformers
from PIL import Image, ImageDraw
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch.nn import functional

SIDE, LENGTH = 16, 10
COLOURS = {"red": (230, 40, 30), "blue": (40, 70, 240)}
OTHERS = {"green": (30, 200, 50), "white": (245, 245, 245)}
SHAPES, PLACES = ("disc", "square"), {"left": 4, "right": 11}


def captions(colours: dict[str, tuple[int, int, int]]) -> list[str]:
    return [f"a {c} {s} on the {p}" for c, s, p in itertools.product(colours, SHAPES, PLACES)]


def drawn(caption: str, chance: np.random.Generator) -> Image.Image:
    _, colour, shape, _, _, place = caption.split()
    image = Image.new("RGB", (SIDE, SIDE), (25, 25, 25))
    x, y, r = PLACES[place], 8 + chance.integers(-3, 4), 3 + chance.integers(0, 2)
    pen = ImageDraw.Draw(image)
    (pen.ellipse if shape == "disc" else pen.rectangle)(
        (x - r, y - r, x + r, y + r), fill={**COLOURS, **OTHERS}[colour]
    )
    return image


def table(folder: Path, colours: dict[str, tuple[int, int, int]], each: int, seed: int) -> str:
    """``each`` images of every caption, next to it; a pixel in the corner makes them differ, so that none are copies."""
    folder.mkdir(parents=True)
    chance = np.random.default_rng(seed)
    lines = ["image,caption"]
    for number, caption in enumerate(captions(colours) * each):
        image = drawn(caption, chance)
        image.putpixel((0, 0), (20 + number % 10, 20 + number // 10 % 10, 20 + number // 100))
        image.save(folder / f"{number}.png")
        lines.append(f"{number}.png,{caption}")
    (folder / "captions.csv").write_text("\n".join(lines))
    return str(folder / "captions.csv")


def pixels(caption_list: list[str], chance: np.random.Generator) -> torch.Tensor:
    values = np.stack([np.asarray(drawn(caption, chance)) for caption in caption_list])
    return torch.from_numpy(values).permute(0, 3, 1, 2).float() / 127.5 - 1


def clip(folder: Path, steps: int = 150) -> transformers.CLIPModel:
    """Trained to tell all captions apart by their images."""
    known = captions({**COLOURS, **OTHERS})
    words = ["[PAD]", "[UNK]", "[BOS]", "[EOS]", *sorted({word for caption in known for word in caption.split()})]
    inner = Tokenizer(models.WordLevel({word: place for place, word in enumerate(words)}, unk_token="[UNK]"))
    inner.pre_tokenizer = pre_tokenizers.Whitespace()
    inner.post_processor = processors.TemplateProcessing(
        single="[BOS] $A [EOS]", special_tokens=[("[BOS]", 2), ("[EOS]", 3)]
    )
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=inner,
        pad_token="[PAD]",
        bos_token="[BOS]",
        eos_token="[EOS]",
        unk_token="[UNK]",
        model_max_length=LENGTH,
    )
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "projection_dim": 32}
    config = transformers.CLIPConfig(
        text_config={
            **sizes,
            "num_hidden_layers": 1,
            "vocab_size": len(words),
            "max_position_embeddings": LENGTH,
            "pad_token_id": 0,
            "bos_token_id": 2,
            "eos_token_id": 3,
        },
        vision_config={**sizes, "num_hidden_layers": 2, "image_size": SIDE, "patch_size": 4},
        projection_dim=32,
    )
    torch.manual_seed(0)
    model = transformers.CLIPModel(config)
    processor = transformers.CLIPImageProcessor(
        size={"shortest_edge": SIDE},
        crop_size={"height": SIDE, "width": SIDE},
        image_mean=[0.5] * 3,
        image_std=[0.5] * 3,
    )
    tokens = tokenizer(known, padding="max_length", return_tensors="pt").input_ids
    chance, optimizer = np.random.default_rng(0), torch.optim.AdamW(model.parameters(), lr=2e-3)
    for _ in range(steps):
        found = model(input_ids=tokens, pixel_values=pixels(known, chance))
        own = torch.arange(len(known))
        loss = functional.cross_entropy(found.logits_per_image, own) + functional.cross_entropy(
            found.logits_per_text, own
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    for part in (model.eval(), tokenizer, processor):
        part.save_pretrained(folder)
    return model


def autoencoder(steps: int = 220) -> diffusers.AutoencoderKL:
    """Trained to reconstruct images of all colours from 8 x 8 latents."""
    torch.manual_seed(0)
    vae = diffusers.AutoencoderKL(
        block_out_channels=(16, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=8,
        sample_size=SIDE,
        mid_block_add_attention=False,
    )
    known, chance = captions({**COLOURS, **OTHERS}), np.random.default_rng(1)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=4e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        batch = pixels(known, chance)
        spread = vae.encode(batch).latent_dist
        loss = functional.mse_loss(vae.decode(spread.sample()).sample, batch) + 1e-4 * spread.kl().mean() / (
            SIDE * SIDE
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    with torch.no_grad():
        vae.register_to_config(scaling_factor=1 / float(vae.encode(batch).latent_dist.mean.std()))
    return vae.eval()


def save(folder: Path, clip_folder: Path, vae: diffusers.AutoencoderKL, checker: object = None) -> str:
    """The pipeline with a U-Net that has learned nothing."""
    text_encoder = transformers.CLIPTextModel.from_pretrained(clip_folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(clip_folder)
    torch.manual_seed(0)
    unet = diffusers.UNet2DConditionModel(
        sample_size=8,
        in_channels=4,
        out_channels=4,
        block_out_channels=(32, 48),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=4,
    )
    diffusers.StableDiffusionPipeline(
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
        unet=unet,
        scheduler=diffusers.DDIMScheduler(
            beta_schedule="scaled_linear",
            beta_start=0.00085,
            beta_end=0.012,
            clip_sample=False,
            set_alpha_to_one=False,
            steps_offset=1,
        ),
        safety_checker=checker,
        feature_extractor=checker and transformers.CLIPImageProcessor.from_pretrained(clip_folder),
        requires_safety_checker=checker is not None,
    ).save_pretrained(folder)
    return f"file:{folder}"
