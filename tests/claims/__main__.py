"""``make claims [NAME=group] [JSON=file]``: measure what we state, and print it beside its bound.

Nothing is asserted: a row that misses its bound is printed like any other.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from pathlib import Path

import orjson

from surveyor.core.errors import UserError
from tests.claims.claim import Claim
from tests.claims.groups import APART, GROUPS, measure


def main() -> int:
    """Exit code 2 for an unknown group."""
    parser = argparse.ArgumentParser(prog="python -m tests.claims", description=__doc__)
    parser.add_argument("name", nargs="?", default="all", help=f"all, or {', '.join(GROUPS)}")
    parser.add_argument("--json", type=Path, help="also write the rows here")
    options = parser.parse_args()
    names = [g for g in GROUPS if g not in APART] if options.name == "all" else [options.name]
    rows: list[Claim] = []
    told = sys.stdout
    try:
        for name in names:
            with redirect_stdout(sys.stderr):  # what is measured may talk; the rows stand alone
                for row in measure(name):
                    rows.append(row)
                    print(row, file=told, flush=True)
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        if options.json and rows:
            table = [asdict(row) for row in rows]
            options.json.write_bytes(orjson.dumps(table, option=orjson.OPT_INDENT_2))
    print(f"{sum(row.ok for row in rows)} of {len(rows)} within bounds")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
