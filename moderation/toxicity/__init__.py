"""Toxicity scores of a text, with Detoxify's labels."""
