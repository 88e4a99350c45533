"""Vocabulary filters: named lists of terms, matched on word boundaries."""
