"""The doctor: what will not work with a model endpoint, and why, before a run pays for it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import httpx2

from surveyor.agent.capability_checks import (
    CheckFinding,
    Health,
    ProbedEndpoint,
    probe_grammar,
    probe_image,
    probe_many_images,
    probe_parallel,
    probe_places,
    probe_tags,
    probe_text,
    probe_tool_call,
    probe_tool_image,
    probe_two_turns,
)
from surveyor.agent.chat.capabilities import DialectName, capabilities_of
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.endpoint import Endpoint
from surveyor.core.errors import ServiceUnavailable, UserError

_Probe = Callable[[ProbedEndpoint], Awaitable[CheckFinding]]


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All findings of an examination.

    ``overrides`` are the capabilities to configure so that what works is used and what does not
    is avoided.
    """

    model: str
    base_url: str
    findings: tuple[CheckFinding, ...]

    @property
    def overrides(self) -> dict[str, Any]:
        """Values for ``ChatConfig.capabilities``."""
        return dict(finding.override for finding in self.findings if finding.override)

    @property
    def usable(self) -> bool:
        """Whether a run makes sense: it answers, and what is broken can be configured away."""
        return all(f.health is not Health.BROKEN or f.override for f in self.findings)

    @property
    def verdict(self) -> str:
        """One sentence: whether to run, and with what."""
        stuck = [f for f in self.findings if f.health is Health.BROKEN and not f.override]
        if stuck:
            return f"not usable: {stuck[0].detail}"
        if self.overrides:
            return "usable with these settings, and not without them"
        worse = [f.probe for f in self.findings if f.health is Health.DEGRADED]
        if worse:
            return f"usable as it is; expect trouble with: {', '.join(worse)}"
        return "ready: everything that a run needs works"

    @property
    def settings(self) -> str:
        """What to put into a run's configuration file, as TOML; empty when nothing is needed."""
        if not self.overrides or not self.usable:
            return ""
        lines = [f"{name} = {_toml(value)}" for name, value in self.overrides.items()]
        return "\n".join(("[planner_options.capabilities]", *lines))


async def examine(
    config: ChatConfig, transport: httpx2.AsyncBaseTransport | None = None
) -> Diagnosis:
    """Probe an endpoint with text, a tool call, two turns, parallel calls and images.

    Where native calls do not work, tagged ones are tried before they are advised, and a grammar
    where those do not work well either. At most twelve short requests, each tried at most twice.
    Never raises for what the endpoint does; `UserError` only for a configuration that cannot be
    tried at all.
    """
    capabilities = capabilities_of(config.model, config.capabilities)
    endpoint = Endpoint(_brisk(config), transport=transport)
    endpoint.prepare()
    try:
        patient = ProbedEndpoint(endpoint, capabilities)
        findings = [await probe_text(patient)]
        if findings[0].health is not Health.BROKEN:
            for name, probe, wanted in _plan(capabilities.dialect, capabilities.images):
                findings.append(await probe(patient) if wanted else _skipped(name))
            if ("dialect", DialectName.TAGS.value) in [finding.override for finding in findings]:
                findings = await _without_native(patient, findings)
    finally:
        await endpoint.aclose()
    return Diagnosis(config.model, config.base_url, tuple(findings))


async def _without_native(
    patient: ProbedEndpoint, findings: Sequence[CheckFinding]
) -> list[CheckFinding]:
    """The findings with how calls can be made otherwise: as tags, or held to a grammar.

    A grammar is tried where tags fail or need repairs: what a server enforces cannot be wrong.
    """
    tagged = await probe_tags(patient)
    more: list[CheckFinding] = []
    if tagged.health is not Health.WORKS:
        more = await probe_grammar(patient)
        if more[0].override is not None and tagged.health is Health.BROKEN:
            tagged = replace(tagged, health=Health.DEGRADED, advice="use the grammar dialect")
    return [*(tagged if f.probe == tagged.probe else f for f in findings), *more]


async def preflight(config: ChatConfig, transport: httpx2.AsyncBaseTransport | None = None) -> None:
    """One short request before anything is written for a run.

    Raises `UserError` with one sentence when the endpoint cannot answer as configured: a wrong
    key, a missing model, a web page, nobody listening, answers that go into the reasoning; and
    `ServiceUnavailable` when it says that it is busy or broken itself (429, 5xx). An endpoint that
    refuses this one request may take others: each episode will say.
    """
    endpoint = Endpoint(_brisk(config), transport=transport)
    endpoint.prepare()
    try:
        finding = await probe_text(ProbedEndpoint(endpoint, capabilities_of(config.model)))
    finally:
        await endpoint.aclose()
    if finding.later:
        raise ServiceUnavailable(f"{finding.detail}; run the same command again later")
    if finding.health is Health.BROKEN and not finding.once:
        raise UserError(finding.detail)


def _brisk(config: ChatConfig) -> ChatConfig:
    """The same endpoint with little patience: an examination should not hang."""
    attempts, patience = min(config.attempts, 2), min(config.patience, 60.0)
    return config.model_copy(update={"attempts": attempts, "patience": patience})


def _plan(dialect: DialectName, images: bool) -> tuple[tuple[str, _Probe, bool], ...]:
    native = dialect is DialectName.NATIVE
    return (
        ("tool call", probe_tool_call, native),
        ("tagged call", probe_tags, not native),
        ("two turns", probe_two_turns, native),
        ("parallel calls", probe_parallel, native),
        ("image", probe_image, images),
        ("several images", probe_many_images, images),
        ("image in a tool result", probe_tool_image, native and images),
        ("places", probe_places, images),
    )


def _toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else json.dumps(value)


def _skipped(name: str) -> CheckFinding:
    return CheckFinding(name, Health.SKIPPED, "this model is configured not to use it")
