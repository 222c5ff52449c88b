"""Commands for a team: policies, standards, who acts, and the audit."""
