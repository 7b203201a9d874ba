"""Which proxy the environment asks for, if any; our own machine is never asked through one."""

from __future__ import annotations

import re
import ssl
import urllib.request
from ipaddress import ip_address, ip_network

import httpx2

from surveyor.core.errors import UserError
from surveyor.core.untrusted_text import clean
from surveyor.tools.lanes import trust

_PORTS = {"http": 80, "https": 443}


def transport_to(
    url: httpx2.URL, verify: ssl.SSLContext | None = None
) -> httpx2.AsyncHTTPTransport:
    """Connections to ``url``, through the environment's proxy where it names one.

    Raises `UserError` for a proxy that can't be used, before anything is sent.
    """
    proxy = proxy_for(url)
    try:
        return httpx2.AsyncHTTPTransport(verify=verify or trust(url), proxy=proxy)
    except ImportError:
        raise UserError(
            f"the proxy {_shown(proxy)} needs the package socksio: pip install socksio, or unset "
            f"the variable (ALL_PROXY, {url.scheme.upper()}_PROXY) that names it"
        ) from None
    except (ValueError, httpx2.InvalidURL) as error:
        raise UserError(
            f"the proxy {_shown(proxy)} of the environment cannot be used ({clean(str(error))}); "
            "write it as http://host:port"
        ) from None


def proxy_for(url: httpx2.URL) -> str | None:
    """The proxy for this address; one without a scheme is an HTTP proxy, as curl takes it."""
    proxies = urllib.request.getproxies()
    port = url.port or _PORTS.get(url.scheme)
    if is_ours(url.host) or _excluded(url.host, port, proxies.get("no", "")):
        return None
    proxy = proxies.get(url.scheme) or proxies.get("all")
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def is_ours(host: str) -> bool:
    """Whether a host is this machine by its name or address: 127.0.0.0/8, ::1, localhost."""
    try:
        address = ip_address(host)
    except ValueError:
        return host.rstrip(".").lower().rpartition(".")[2] == "localhost"
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def _excluded(host: str, port: int | None, exceptions: str) -> bool:
    """Whether NO_PROXY names the host: as a name, a domain, an address, a network, with or without
    a port; ``*`` names them all."""
    return any(_names(entry, host, port) for entry in re.split(r"[,\s]+", exceptions) if entry)


def _names(entry: str, host: str, port: int | None) -> bool:
    entry = entry.partition("://")[2] or entry
    bracketed = re.fullmatch(r"\[(.*)\](?::(\d+))?", entry)
    plain = re.fullmatch(r"([^:]*):(\d+)", entry)
    if found := bracketed or plain:
        entry = found[1]
        if found[2] and int(found[2]) != port:
            return False
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        name = entry.removeprefix("*").lstrip(".").rstrip(".").lower()
        told = host.rstrip(".").lower()
        return entry == "*" or (name != "" and (told == name or told.endswith(f".{name}")))
    try:
        return ip_address(host) in network
    except ValueError:
        return False


def _shown(proxy: str | None) -> str:
    """A proxy without the name and password that may stand in it."""
    return clean(re.sub(r"//[^/]*@", "//", proxy or ""))
