"""How a team agrees on models: its policy, standards, approvals, lock file and audit trail."""
