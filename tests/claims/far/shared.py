"""Nodes that share nothing but a store: parts merged, answers found, the store killed.

The store is a real S3 server on this machine (moto's, over HTTP); a node is a cache of its own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from surveyor.benchmarks.run.merge import merge
from surveyor.benchmarks.scoring import score_apart
from surveyor.compose.sharing import gathered
from tests.claims.claim import Claim
from tests.claims.runner.crash_tests import expert_calls, integrity, interrupt_at
from tests.claims.runner.crashes import Site, make_site
from tests.support.object_server import BUCKET, ObjectServer, object_server

_LOST = "a store for all nodes, {}: episodes lost"
_TWICE = "a store for all nodes, {}: twice or otherwise"


def measure(folder: Path) -> Iterator[Claim]:
    """Every row, on two rooms; where the server is not installed, a row that says so."""
    if find_spec("moto") is None or find_spec("s3fs") is None:
        yield Claim.holds("a store for all nodes", False, note="moto or s3fs is not installed")
        return
    site = make_site(folder)
    with object_server() as server, site.experts() as handle:
        os.environ.update(server.environment)
        whole = site.scored_run("whole", handle.endpoints_file)
        yield from _parts(site, handle.endpoints_file)
        again = site.scored_run("again", handle.endpoints_file, "--store", f"s3://{BUCKET}/nodes")
        first, second = expert_calls(whole), expert_calls(again)
        name = "a store for all nodes, one that asks what others asked: requests to experts"
        yield Claim.at_most(name, second, 0, f"{first} without the store")
        yield from _killed(site, handle.endpoints_file, server)


def _parts(site: Site, endpoints: Path) -> Iterator[Claim]:
    store = f"s3://{BUCKET}/nodes"
    for index in (1, 2):
        more = ("--store", store, "--shard", f"{index}/2")
        name = f"part{index}"
        interrupt_at(site.command(name, endpoints, *more), site.run(name), None)
    urls = [f"{store}/runs/part{index}" for index in (1, 2)]
    with gathered(urls, site.run("merged")) as parts:
        merged = merge(site.run("merged"), parts)
    score_apart(merged, site.dataset)
    yield from _rows("two parts merged from it", site, "merged")


def _killed(site: Site, endpoints: Path, server: ObjectServer) -> Iterator[Claim]:
    session = site.command("killed", endpoints, "--store", f"s3://{BUCKET}/killed")
    cut = interrupt_at(session, site.run("killed"), site.total // 3, lambda _: server.kill())
    server.kill()
    server.start()  # empty: what it held is lost too
    resumed = interrupt_at(session, site.run("killed"), None)
    site.scored("killed")
    ended = f", sessions ended with {cut.returncode}, then {resumed.returncode}"
    yield from _rows("killed in mid-run and come back empty", site, "killed", ended)


def _rows(what: str, site: Site, name: str, note: str = "") -> Iterator[Claim]:
    found = integrity(site.opened(name), site.opened("whole"))
    others = found.twice + found.rewritten + found.different
    yield Claim.at_most(_LOST.format(what), found.lost, 0, f"of {found.total}{note}")
    yield Claim.at_most(_TWICE.format(what), others, 0)
