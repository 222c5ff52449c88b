"""Files of models from any platform: paths, hashes, archives, headers, and model cards made from them."""
