"""Encryption of the cold tier: which keys there are, and AES-256-GCM under them."""

from .keyring import ENVIRONMENT, Keyring
from .settings import Encryption, KeySource

__all__ = ["ENVIRONMENT", "Encryption", "KeySource", "Keyring"]
