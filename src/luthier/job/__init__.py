"""The YAML and JSON files people write: read with places, so that every error says file:line:column.

`document.py` reads any of them safely, `parameters.py` the file of `--params`.
"""
