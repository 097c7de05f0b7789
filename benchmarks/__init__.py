"""Measures the store on real transcripts: ``python -m benchmarks``."""
