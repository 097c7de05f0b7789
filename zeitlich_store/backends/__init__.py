"""Object stores and hot tiers: one file a backend."""
