"""What a run is asked to do: options over a file or an earlier run, and those over the defaults.

A file, and the folder of a run, may come from a stranger. What they name that would start
programs, or send requests and keys somewhere, is shown and waits for ``--trust``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.repeat import config_of
from surveyor.benchmarks.run.surroundings import Surroundings
from surveyor.core.blobs import sha256_of
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder

_NESTED = ("planner_options", "expert_options")


def configured(
    file: Path | None,
    repeated: Path | None,
    typed: Mapping[str, object],
    *,
    trusted: bool = False,
) -> RunConfig:
    """The configuration of ``file`` or of the run ``repeated`` with what was ``typed`` over it.

    ``typed`` holds fields of `RunConfig`, only those that were really given; options of planners
    and experts are merged one by one; the environment says what none of them does. Raises
    `UserError` when both are given, when no dataset is named, and when the file or the run names
    what needs ``trusted``.
    """
    if file is not None and repeated is not None:
        raise UserError("say --config or --from, not both; options go over either")
    source = file or repeated
    if repeated is not None:
        base = config_of(RunFolder.open(repeated))
    elif file is not None:
        base = RunConfig.read(file, {"dataset": typed["dataset"]} if typed.get("dataset") else {})
    elif typed.get("dataset"):
        base = RunConfig(dataset=str(typed["dataset"]))
    else:
        raise UserError("name a dataset to run: a folder, rooms or vsi-meta")
    base = Surroundings.read(os.environ).under(base)
    if source is not None and not trusted:
        check_trust(source, base, typed)
    if typed.get("planner") == "program" != base.planner:  # it asks no model any more
        base = base.changed(planner_options={})
    nested = {name: {**getattr(base, name), **_options(typed, name)} for name in _NESTED}
    return base.changed(**{**typed, **nested})


def environment_experts(surroundings: Surroundings, cache: Path) -> Path | None:
    """The endpoints file of the experts that the environment names, kept in ``cache``."""
    endpoints = surroundings.endpoints()
    if endpoints is None:
        return None
    text = endpoints.model_dump_json().encode()
    path = cache / "endpoints" / f"{sha256_of(text)[:16]}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text)
    return path


def check_trust(source: Path, config: RunConfig, typed: Mapping[str, object]) -> None:
    """`UserError` that shows what ``source`` would start, or send where; options that were typed
    are the user's own."""
    if told := list(_reaching(config, _options(typed, "planner_options"))):
        raise UserError(
            f"{source} {'; '.join(told)}. Add --trust if you know who wrote it and want that"
        )


def config_to_replay(run: RunFolder, *, trusted: bool = False) -> RunConfig:
    """The configuration of a run whose decisions are taken again: no model is asked, so its
    endpoint and key count for nothing; what else reaches out needs ``trusted`` (`UserError`)."""
    config = config_of(run)
    if not trusted:
        check_trust(run.path, config, {"planner_options": config.planner_options})
    return config


def _reaching(config: RunConfig, typed: Mapping[str, object]) -> Iterator[str]:
    for name, server in config.mcp.items():
        if server.startswith(("http://", "https://")):
            yield f"uses the tools of {_shown(server)} (MCP server {_shown(name)})"
        else:
            yield f"runs the command {_shown(server)} (MCP server {_shown(name)})"
    options = {k: v for k, v in config.planner_options.items() if k not in typed}
    url, key = options.get("base_url"), options.get("key_env")
    if key is not None:
        yield f"sends the value of the environment variable {_shown(key)} as a key"
    if url is not None and not is_loopback(str(url)):
        yield f"sends requests to {_shown(url)}"


def is_loopback(url: str) -> bool:
    """Whether a URL leads to this machine and nowhere else."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _options(typed: Mapping[str, object], name: str) -> Mapping[str, object]:
    found = typed.get(name, {})
    return found if isinstance(found, Mapping) else {}


def _shown(value: object) -> str:
    """Text of a stranger's in quotes, its control characters escaped."""
    return json.dumps(value)
