"""Every number of docs/numbers.md, measured: `python -m bench.<name> [--json FILE]`, or all with `make bench`."""
