"""Every number the README claims, measured: `python -m bench.<name> [--json FILE]`, or all with `make bench`."""
