"""Snapshot formats: bytes to `Snapshot` and back, pure and without I/O."""
