"""What Crossdock costs: scripts that print the tables of docs/benchmarks.md."""
