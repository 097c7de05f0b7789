"""Tiered storage for AI-agent conversation threads."""
