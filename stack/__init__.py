"""Pulumi components, each named after a thing a reader can name."""
