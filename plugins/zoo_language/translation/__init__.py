"""Translation: language codes and the models that take them."""
