"""Machines of one network, as namespaces of this one: their links can be cut, slowed or lost."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

SUBNET = "10.77.{0}"


def missing() -> str | None:
    """Why there can be no such network here; ``None`` when there can."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("tc") is None:
        return "needs root and iproute2"
    return None


@dataclass(frozen=True, slots=True)
class Node:
    """A namespace, its link on this side, and the address of this side."""

    name: str
    link: str

    def command(self, command: Sequence[str]) -> list[str]:
        """The command as it is run on this node."""
        return ["ip", "netns", "exec", self.name, *command]

    def cut(self) -> None:
        """Nothing goes through any more."""
        _ip("link", "set", self.link, "down")

    def join(self) -> None:
        """The link is whole again."""
        _ip("link", "set", self.link, "up")

    def slow(self, rate: str) -> None:
        """What comes to the node comes at ``rate`` (as tc writes it)."""
        shape = ("root", "tbf", "rate", rate, "burst", "16kbit", "latency", "400ms")
        subprocess.run(["tc", "qdisc", "replace", "dev", self.link, *shape], check=True)

    def lose(self) -> None:
        """Everything that runs on the node is killed, and its link is cut for good."""
        self.cut()
        listed = subprocess.run(
            ["ip", "netns", "pids", self.name], capture_output=True, text=True, check=False
        )
        for pid in listed.stdout.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), 9)


@contextmanager
def network(count: int) -> Iterator[tuple[str, list[Node]]]:
    """The address of this machine in it, and ``count`` nodes that reach it and one another."""
    tag = f"sv{os.getpid() % 10_000}"
    subnet = SUBNET.format(os.getpid() % 250)
    nodes = [Node(f"{tag}n{k}", f"{tag}v{k}") for k in range(count)]
    try:
        _ip("link", "add", tag, "type", "bridge")
        _ip("addr", "add", f"{subnet}.1/24", "dev", tag)
        _ip("link", "set", tag, "up")
        for k, node in enumerate(nodes):
            _ip("netns", "add", node.name)
            _ip(
                "link", "add", node.link, "type", "veth", "peer", "name", "eth0", "netns", node.name
            )
            _ip("link", "set", node.link, "master", tag, "up")
            _ip("-n", node.name, "addr", "add", f"{subnet}.{k + 2}/24", "dev", "eth0")
            _ip("-n", node.name, "link", "set", "eth0", "up")
            _ip("-n", node.name, "link", "set", "lo", "up")
        yield f"{subnet}.1", nodes
    finally:
        for node in nodes:
            node.lose()
            _ip("netns", "del", node.name, check=False)
        _ip("link", "del", tag, check=False)


def _ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, capture_output=True)
