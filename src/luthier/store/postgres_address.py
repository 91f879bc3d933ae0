"""Where a PostgreSQL server is: a URL made into what its client library takes, and into a name without its secrets.

What the URL leaves open comes, as for every PostgreSQL client, from the environment (PGHOST, PGPASSWORD and so on) and
from ~/.pgpass. A password stands in none of the texts that are made here.
"""

from __future__ import annotations

import logging
from typing import Any

from luthier.errors import StoreError, UsageError

__all__ = ["address", "masked", "psycopg"]

_SILENT = logging.NullHandler()
_OPENED = {
    "application_name": "luthier",
    "connect_timeout": "10",
    # A server that vanished without a word is noticed within half a minute.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
}


def psycopg() -> Any:
    """The library that speaks to PostgreSQL.

    **Raises** StoreError, with how to install it, where it is missing.
    """
    try:
        import psycopg as library
    except ImportError as error:
        raise StoreError(
            f"a store on PostgreSQL needs the package psycopg ({error}); install it with: pip install 'luthier[postgres]'"
        ) from error
    # It warns of connections that are lost anyway, which is told in other words; a program that wants that listens to it.
    logging.getLogger("psycopg").addHandler(_SILENT)
    return library


def address(url: str) -> dict[str, Any]:
    """The parts of a `postgresql://` or `postgres://` URL, with what Luthier asks of every connection besides.

    **Raises** UsageError, without the URL, where it can't be read.
    """
    library = psycopg()
    try:
        given = library.conninfo.conninfo_to_dict(url)
    except library.ProgrammingError:
        # The library's own words show the URL with its password.
        raise UsageError(
            "the URL of the store could not be read; write it as postgresql://USER@HOST:5432/DATABASE and "
            "percent-encode what is special in a password, or keep it in ~/.pgpass"
        ) from None
    return {**_OPENED, **given}


def masked(parts: dict[str, Any]) -> str:
    """The server and database as errors call them: the user, the place, and three stars for a password."""
    user = str(parts.get("user", ""))
    secret = ":***" if parts.get("password") else ""
    host, port = str(parts.get("host", "")), str(parts.get("port", ""))
    if "," in host:  # one of several, each with a port or all with one
        ports = port.split(",") * (1 if "," in port else host.count(",") + 1)
        place = ",".join(f"{h}:{p}" if p else h for h, p in zip(host.split(","), ports, strict=False))
    elif host.startswith("/"):
        place = f"{host.replace('/', '%2F')}{f':{port}' if port else ''}"
    else:
        place = f"[{host}]" if ":" in host else host
        place += f":{port}" if port else ""
    return f"postgresql://{user}{secret}{'@' if user else ''}{place}/{parts.get('dbname', '')}"
