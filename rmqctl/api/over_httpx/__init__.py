"""The side of the client that needs httpx: imported at the first request, once that is on its way."""

import sys

if "httpx" not in sys.modules:
    # httpx brings its own command line along where click is installed, and with it rich: a third of the time of a small
    # command of ours. With None in its place importing it fails, and httpx goes without.
    sys.modules["httpx._main"] = None  # type: ignore[assignment]
    import httpx  # noqa: F401

    del sys.modules["httpx._main"]
