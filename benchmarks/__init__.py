"""Claims of the project, each measured against its peers: `python -m benchmarks.<name> [--json]`."""
