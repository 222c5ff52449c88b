"""Training on several devices of this machine, whose processes divide each batch."""
