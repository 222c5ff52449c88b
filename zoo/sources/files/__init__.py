"""Files of models from any platform: paths, hashes, archives, headers, and what they say of the model."""
