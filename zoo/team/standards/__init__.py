"""Standards: the models that a team has agreed on for a task and slot, proposed, approved, deprecated, rolled back."""
