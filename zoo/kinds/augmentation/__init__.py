"""Random changes of training inputs: images and recordings."""
