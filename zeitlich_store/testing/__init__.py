"""Conformance suites for what plugs into zeitlich_store. They need pytest."""
