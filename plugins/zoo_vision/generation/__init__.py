"""Image generation: prompts and generated images, diffusion pipelines and their training."""
