"""
The connector behind the gate: what it learns of a certificate is noted, and encrypted connections at rest are bounded.

An encrypted connection at rest takes 47 KiB, five times what a plain one does.
"""

from collections import OrderedDict
from typing import Any, override

from aiohttp import ClientRequest, ClientTimeout, TCPConnector
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.tracing import Trace

from fetching.certificates import Certificates

#: 190 MiB of connections; a handshake for who is asked after that costs as much as ten polls.
IDLE_TLS_MAX = 4_096
#: So many are closed at once, so that looking for those that are closed already is worth its while.
CLOSED_AT_ONCE = 256


class Connector(TCPConnector):
    """Notes certificates, and closes the encrypted connections that rested longest when there are too many."""

    def __init__(self, *, certificates: Certificates, idle_tls_max: int = IDLE_TLS_MAX, **settings: Any) -> None:
        super().__init__(**settings)
        self._certificates = certificates
        self._idle_tls_max = idle_tls_max
        self._idle: OrderedDict[ResponseHandler, None] = OrderedDict()

    @override
    async def connect(self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout) -> Connection:
        """Give a connection, one that rests or a new one, and take note when it rests again."""
        connection = await super().connect(req, traces, timeout)
        protocol = connection.protocol
        if protocol is not None and req.is_ssl():
            self._idle.pop(protocol, None)
            connection.add_callback(lambda: self._rests(protocol))
        return connection

    @override
    async def _create_connection(
        self, req: ClientRequest, traces: list[Trace], timeout: ClientTimeout
    ) -> ResponseHandler:
        protocol = await super()._create_connection(req, traces, timeout)
        certificate = protocol.transport.get_extra_info("peercert") if protocol.transport else None
        if certificate:
            self._certificates.note(f"{req.url.host}:{req.url.port}", certificate)
        return protocol

    def _rests(self, protocol: ResponseHandler) -> None:
        if protocol.should_close:
            return
        self._idle[protocol] = None
        if len(self._idle) <= self._idle_tls_max:
            return
        self._idle = OrderedDict.fromkeys(one for one in self._idle if one.is_connected())
        while len(self._idle) > max(1, self._idle_tls_max - CLOSED_AT_ONCE):
            self._idle.popitem(last=False)[0].close()
