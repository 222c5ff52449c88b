"""OpenAI: embeddings, chat models, fine-tuning jobs and prices."""
