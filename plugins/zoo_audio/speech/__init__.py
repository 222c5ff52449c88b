"""Speech: synthesis, vocoders and the predicted quality of recordings."""
