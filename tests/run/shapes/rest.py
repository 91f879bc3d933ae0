"""Rests until it is ended."""

import ready

ready.rest()
