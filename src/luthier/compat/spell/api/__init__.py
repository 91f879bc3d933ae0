"""Spell's `spell.api`: here only `models`, the values a program hands to a search."""
