"""The API's error answers in our words."""

from typing import Any

from rmqctl.errors import (
    AccessRefused,
    DataError,
    NoSuchUser,
    NotFound,
    RmqctlError,
    TimedOut,
    Unavailable,
    Unreachable,
)

BEARER = "the token"
"""Who was refused, when no user's name is known."""


def reason_of(body: Any) -> str:
    """The broker's reason in an error answer: a string, a list of strings and code points, or nothing."""
    if not isinstance(body, dict):
        return ""
    reason = body.get("reason", body.get("error", ""))
    text = reason if isinstance(reason, str) else _spelled(reason)
    # 3.10 escapes Erlang terms for HTML.
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&amp;", "&")):
        text = text.replace(entity, character)
    return " ".join(text.split())


def _spelled(reason: object) -> str:
    if isinstance(reason, list):
        if reason and all(isinstance(item, int) for item in reason):
            return "".join(chr(item) for item in reason if 0 < item < 0x110000)
        return ": ".join(_spelled(item) for item in reason)
    return str(reason)


def of_answer(status: int, body: Any, what: str, url: str, caller: str, path: str) -> RmqctlError:
    """The error to show for an answer of 400 and above.

    `what` names the object that was asked for ("virtual host 'x'"), `body` is the decoded JSON or None, `caller` is
    "user 'x'" or `BEARER`.
    """
    reason = reason_of(body)
    because = f": {reason}" if reason else ""
    if status in (401, 403):
        return _refused(reason, what, url, caller)
    if status in (404, 406):
        # 406: 3.10 has no such path and offers its web pages instead.
        return _not_found(reason, what, url, caller, path)
    if status == 400 and "stats in management ui are disabled" in reason.lower():
        return Unavailable(f"{what}{because}: it collects no statistics to tell this from ({url})")
    if status == 400 and reason.startswith("403 "):  # publish: what the broker's own channel was told
        return _refused(reason, what, url, caller)
    if status in (400, 409, 412):
        return DataError(f"{what}{because} ({url})")
    if status == 407:
        return Unreachable(f"{url}: the proxy wants a user name and a password of its own (HTTP_PROXY, HTTPS_PROXY)")
    if status == 405:
        return RmqctlError(f"{url}{path}: the broker does not take this method here")
    if status == 503:
        return Unavailable(f"{what}: unavailable{because} ({url})")
    if status in (408, 504):
        return TimedOut(f"{what}: the broker gave up waiting{because} ({url})")
    return RmqctlError(f"{what}: the broker failed with HTTP {status}{because} ({url}); its log says more")


def _refused(reason: str, what: str, url: str, caller: str) -> RmqctlError:
    text = reason.lower()
    if "access virtual host" in text:
        # 4.x hides such a virtual host with a 404: one exit code for both.
        return NotFound(f"{what}: not open to {caller} ({url}); rmqctl list_vhosts shows those that are")
    if "not management user" in text:
        return AccessRefused(f"{url}: {caller} may not use the HTTP API: it needs the tag management or above")
    if "not administrator" in text:
        return AccessRefused(f"{what}: {caller} needs the tag administrator for this ({url})")
    if "not monitor" in text:
        return AccessRefused(f"{what}: {caller} needs the tag monitoring for this ({url})")
    if "localhost" in text:
        return AccessRefused(f"{url}: {caller} may log in from the broker's own host only")
    if "login failed" in text or "not_authorized" in text or not text:
        why = "wrong, expired, or not for this broker" if caller is BEARER else "wrong user name or password"
        options = "--token" if caller is BEARER else "--user, --password-file, --context"
        return AccessRefused(f"{url}: {caller} was refused: {why} ({options})")
    return AccessRefused(f"{what}: refused for {caller}: {reason} ({url})")


def _not_found(reason: str, what: str, url: str, caller: str, path: str) -> RmqctlError:
    detail = (
        f": {reason}" if reason and reason.lower().replace("_", " ") not in ("not found", "object not found") else ""
    )
    if path.startswith("/api/users/"):
        return NoSuchUser(f"{what} does not exist{detail} ({url})")
    hidden = f", or {caller} may not see it" if what.startswith("virtual host") else ""
    return NotFound(f"{what} does not exist{hidden}{detail} ({url})")
