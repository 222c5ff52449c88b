"""Policies: a team's rules on which models may be used for what, in a file under version control."""

from __future__ import annotations

from zoo.team.policy.loading import decide, in_force, load

__all__ = ["decide", "in_force", "load"]
