"""Commands that fill, check and copy registries and the records of runs."""
