"""Image generation: prompts, diffusion pipelines and their training."""
