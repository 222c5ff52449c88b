"""Materials: crystals, and models of their energies and forces."""
