"""The training loop with its hyperparameters, optimiser and learning rates."""
