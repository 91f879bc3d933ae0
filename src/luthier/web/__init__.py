"""The live dashboard: one page that shows a record as it grows, served on this machine.

Begin with `serving.py`, which runs it, and `app.py`, which says what stands at which address. `guard.py` and `tokens.py` let in
who may come in; `sitting.py` follows the record and `columns.py` keeps what pages ask for most; `live.py` is the socket. What
people see is in the project's `web/` folder and is built into `page/`. This room may know `view/` and what is below it; nothing
of the command line's hot path may know this room.
"""
