"""The doors of other systems: their own commands, words, tables and exit codes, in front of Luthier's engine.

A door translates what was typed into a `Description` and hands it to `beginning.begin`; it shows the record in its own
words. It decides nothing about how trials run. Each door is a package with a click group named `command`.
"""
