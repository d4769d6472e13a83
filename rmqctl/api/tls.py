"""TLS contexts, and what a failed handshake means in words."""

import ssl

from rmqctl.errors import ConfigError, TlsFailed
from rmqctl.settings import Tls


def context(tls: Tls) -> ssl.SSLContext:
    """A client context: the system's authorities, or those of `ca_file` alone. Raises ConfigError naming a bad file."""
    made = ssl.create_default_context(cafile=_checked(tls.ca_file, "--ca-file"))
    if not tls.ca_file and not made.get_ca_certs() and ssl.get_default_verify_paths().capath is None:
        # Pythons that come without the system's authorities have certifi's, which httpx installs.
        import certifi

        made.load_verify_locations(certifi.where())
    if tls.insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if tls.cert_file:
        _load_certificate(made, tls)
    return made


def no_context() -> ssl.SSLContext:
    """A context that trusts nobody: for http endpoints, where loading authorities would cost the start-up 60 ms."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _checked(file: str | None, option: str) -> str | None:
    if file is None:
        return None
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(file)
    except ssl.SSLError as error:
        raise ConfigError(f"{option} {file}: no certificate in PEM in it ({error.reason or error})") from None
    except OSError as error:
        raise ConfigError(f"{option} {file}: {error.strerror}") from None
    return file


def _load_certificate(made: ssl.SSLContext, tls: Tls) -> None:
    assert tls.cert_file is not None
    for option, file in (("--cert-file", tls.cert_file), ("--key-file", tls.key_file)):
        if file is not None:
            try:
                open(file, "rb").close()  # noqa: PTH123 (only whether it opens)
            except OSError as error:
                raise ConfigError(f"{option} {file}: {error.strerror}") from None
    try:
        made.load_cert_chain(tls.cert_file, tls.key_file, password=_no_passphrase)
    except (ssl.SSLError, ValueError) as error:
        key = f" with --key-file {tls.key_file}" if tls.key_file else ""
        reason = str(error) if isinstance(error, ValueError) else (error.reason or "").replace("_", " ").lower()
        raise ConfigError(f"--cert-file {tls.cert_file}{key}: {reason or _NO_PAIR}") from None


_NO_PAIR = "no certificate with its private key in PEM, which may be in a --key-file of its own"


def _no_passphrase() -> str:
    raise ValueError("the private key has a passphrase: decrypt it first (openssl pkey)")


def explain(error: ssl.SSLError, url: str) -> TlsFailed:
    """One line that names the cause of a failed handshake and the next step."""
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message
        if "ostname" in reason or "IP address mismatch" in reason:
            return TlsFailed(f"{url}: the certificate is for another host: {reason}")
        if "expired" in reason or "not yet valid" in reason:
            return TlsFailed(f"{url}: the broker's certificate is not valid now: {reason}")
        return TlsFailed(f"{url}: the broker's certificate is not trusted: {reason} (trust its CA with --ca-file FILE)")
    code = (error.reason or "").upper()
    if "CERTIFICATE_REQUIRED" in code or ("HANDSHAKE_FAILURE" in code and "ALERT" in code):
        return TlsFailed(f"{url}: the broker asks for a client certificate: give --cert-file and --key-file")
    if "WRONG_VERSION_NUMBER" in code or "HTTP_REQUEST" in code:
        plain = url.partition("://")[0].removesuffix("s")
        return TlsFailed(f"{url}: the port does not speak TLS: use {plain}://, or the port of the listener with TLS")
    if "UNKNOWN_CA" in code or "BAD_CERTIFICATE" in code or "CERTIFICATE_UNKNOWN" in code:
        return TlsFailed(f"{url}: the broker refused the client certificate ({code.replace('_', ' ').lower()})")
    if "EOF" in code or isinstance(error, ssl.SSLEOFError):
        return TlsFailed(f"{url}: the connection was closed during the TLS handshake: no TLS listener at this port?")
    return TlsFailed(f"{url}: TLS failed: {error.reason or error}")
