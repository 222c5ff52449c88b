"""Documents on the models that a team uses: bills of materials of locks, and facts for the EU AI Act."""
