"""Where work runs: executors that spread tasks over processes and machines."""
