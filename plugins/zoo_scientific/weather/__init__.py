"""Weather: fields on a latitude-longitude grid, and models that forecast them."""
