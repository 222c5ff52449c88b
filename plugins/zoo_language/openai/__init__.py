"""OpenAI: the platform, its embedding and chat models, fine-tuning jobs and prices."""
