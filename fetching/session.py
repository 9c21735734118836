"""The HTTP session that requests to sources share."""

from aiohttp import ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from fetching.contact import user_agent

CONNECT_TIMEOUT_S = 5
READ_TIMEOUT_S = 10
HEADER_BYTES_MAX = 32 * 1_024


def session(through: TCPConnector, *, contact: str = "") -> ClientSession:
    """
    Open a session that keeps nothing of one source for another.

    No cookies, no proxies or credentials from the environment, no decompression (it is bounded in `decode`). The
    total time of a request is the fetch's own, because it spans redirects. `contact` tells a server's owner whom to
    ask.
    """
    return ClientSession(
        connector=through,
        cookie_jar=DummyCookieJar(),
        trust_env=False,
        auto_decompress=False,
        timeout=ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S),
        max_line_size=HEADER_BYTES_MAX,
        max_field_size=HEADER_BYTES_MAX,
        headers={
            "User-Agent": user_agent(contact),
            "Accept": "application/json, application/xml;q=0.9, text/xml;q=0.9, */*;q=0.5",
            "Accept-Encoding": "gzip, br, zstd",
        },
    )
