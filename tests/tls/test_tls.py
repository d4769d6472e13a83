"""TLS against real listeners: 4.3 takes anybody, 3.10 wants a client certificate and is named localhost only."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ..contract.brokers import Node, Ran, read_settings, rmqctl, running_node

pytestmark = pytest.mark.broker

UNAVAILABLE = 69
LIST = ("-q", "list_users")


@pytest.fixture(scope="module")
def modern() -> Iterator[Node]:
    with running_node("43") as node:
        yield node


@pytest.fixture(scope="module")
def strict() -> Iterator[Node]:
    """The node that refuses clients without a certificate."""
    with running_node("310") as node:
        yield node


@pytest.fixture(scope="module")
def certificates() -> Path:
    return Path(read_settings()["RMQCTL_TEST_CERTS"])


def https(node: Node, host: str = "localhost") -> str:
    return f"https://guest:guest@{host}:{node.port('https')}"


def assert_listed(ran: Ran) -> None:
    assert ran.exit == 0, str(ran)
    assert b"guest\t[administrator]" in ran.stdout


def assert_refused(ran: Ran, *causes: str) -> None:
    """One line on stderr that has the URL and one of the words that tell the cause."""
    assert ran.exit == UNAVAILABLE, str(ran)
    assert ran.stdout == b""
    assert ran.errors.count("\n") == 1, f"more than one line: {ran.errors}"
    assert any(cause in ran.errors.lower() for cause in causes), f"none of {causes} in {ran.errors}"
    assert "guest:guest" not in ran.errors


def own(certificates: Path) -> tuple[str, ...]:
    return "--cert-file", str(certificates / "client.pem"), "--key-file", str(certificates / "client.key")


def ca(certificates: Path, name: str = "ca.pem") -> tuple[str, str]:
    return "--ca-file", str(certificates / name)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_the_right_ca(modern: Node, certificates: Path, host: str) -> None:
    ran = rmqctl(*LIST, *ca(certificates), url=https(modern, host))
    assert_listed(ran)
    assert ran.stderr == b""


def test_the_wrong_ca(modern: Node, certificates: Path) -> None:
    assert_refused(rmqctl(*LIST, *ca(certificates, "other-ca.pem"), url=https(modern)), "certificate")


def test_no_ca(modern: Node) -> None:
    assert_refused(rmqctl(*LIST, url=https(modern)), "certificate")


def test_a_host_name_that_the_certificate_does_not_have(strict: Node, certificates: Path) -> None:
    ran = rmqctl(*LIST, *ca(certificates), *own(certificates), url=https(strict, "127.0.0.1"))
    assert_refused(ran, "host name", "hostname", "ip address mismatch", "not valid for")


def test_a_client_certificate_where_it_is_required(strict: Node, certificates: Path) -> None:
    assert_listed(rmqctl(*LIST, *ca(certificates), *own(certificates), url=https(strict)))


def test_no_client_certificate_where_it_is_required(strict: Node, certificates: Path) -> None:
    assert_refused(rmqctl(*LIST, *ca(certificates), url=https(strict)), "client certificate", "certificate required")


def test_a_client_certificate_of_another_ca(strict: Node, certificates: Path) -> None:
    # The foreign CA's own certificate is as good as any that ours did not sign.
    pair = ("--cert-file", str(certificates / "other-ca.pem"), "--key-file", str(certificates / "other-ca.key"))
    assert_refused(rmqctl(*LIST, *ca(certificates), *pair, url=https(strict)), "certificate")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_insecure_works_and_says_so_loudly(modern: Node, host: str) -> None:
    ran = rmqctl(*LIST, "--insecure", url=https(modern, host))
    assert_listed(ran)
    assert "warning" in ran.errors.lower()


def test_insecure_cannot_replace_a_client_certificate(strict: Node) -> None:
    ran = rmqctl(*LIST, "--insecure", url=https(strict))
    assert ran.exit == UNAVAILABLE, str(ran)
    assert "certificate" in ran.errors.lower()


def test_https_to_a_plain_port(modern: Node, certificates: Path) -> None:
    url = f"https://guest:guest@localhost:{modern.url.rpartition(':')[2]}"
    assert_refused(rmqctl(*LIST, *ca(certificates), url=url), "http://", "no tls", "not speak tls", "plain")


def test_http_to_a_tls_port(modern: Node) -> None:
    url = f"http://guest:guest@localhost:{modern.port('https')}"
    assert_refused(rmqctl(*LIST, url=url), "https", "tls", "disconnected", "closed", "not http")


def test_a_certificate_without_its_key(strict: Node, certificates: Path) -> None:
    ran = rmqctl(*LIST, "--cert-file", str(certificates / "client.pem"), url=https(strict))
    assert ran.exit == 78, str(ran)
    assert "--key-file" in ran.errors


@pytest.mark.parametrize("option", ["--ca-file", "--cert-file"])
def test_a_file_that_does_not_exist(modern: Node, option: str) -> None:
    ran = rmqctl(*LIST, option, "/nonexistent/file.pem", url=https(modern))
    assert ran.exit != 0, str(ran)
    assert "/nonexistent/file.pem" in ran.errors
    assert "Traceback" not in ran.errors


def test_amqp_uses_tls_where_the_http_api_is_asked_with_it(modern: Node, certificates: Path) -> None:
    """The node listens without TLS too."""
    words = ("publish", "-k", "tls nobody", "--allow-unroutable", "--amqp", "auto", "x", *ca(certificates))
    ran = rmqctl(*words, "--verbose", url=https(modern))
    assert ran.exit == 0, str(ran)
    ran = rmqctl(*words[:-2], "--amqp", f"amqps://localhost:{modern.port('amqps')}", url=modern.url)
    assert_refused(ran, "not trusted", "--ca-file")


def test_amqp_with_tls_at_a_port_without(modern: Node, certificates: Path) -> None:
    address = f"amqps://localhost:{modern.port('amqp')}"
    assert_refused(
        rmqctl("publish", "-k", "q", "x", "--amqp", address, *ca(certificates), url=modern.url), "use amqp://"
    )
