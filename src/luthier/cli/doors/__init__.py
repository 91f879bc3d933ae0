"""The doors of other systems: their own commands, words, tables and exit codes, in front of Luthier's engine.

A door translates what was typed into a `Description`, hands it to `drive/beginning.py` and shows the record in its own
words; it decides nothing about how trials run. Each is a package with a click group named `command`: `gradient`, `kaos`,
`riseml`, `spell`. What is said of an unfinished twin is in `twins.py`, the group that loads a command's file in `door.py`.
The words that Python programs of those systems speak are `luthier.compat`'s.
"""
