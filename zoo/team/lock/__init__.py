"""The lock: the exact models that a project uses, in the file ``zoo.lock`` under version control."""
