"""Named entities: tagged files, NER models and spaCy pipelines."""
