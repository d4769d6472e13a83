"""Just enough of the other protocols to hold a connection open: RabbitMQ then has to list it, or not to."""

import socket
import struct

HOST = "127.0.0.1"


def _connect(port: int) -> socket.socket:
    return socket.create_connection((HOST, port), timeout=10)


def mqtt(port: int, client_id: str, user: str = "guest") -> socket.socket:
    """MQTT 3.1.1 CONNECT with guest's password, clean session, no keep-alive. RabbitMQ takes `VHOST:USER` for a user."""

    def text(value: str) -> bytes:
        return struct.pack(">H", len(value.encode())) + value.encode()

    body = text("MQTT") + b"\x04\xc2\x00\x00" + text(client_id) + text(user) + text("guest")
    sock = _connect(port)
    sock.sendall(b"\x10" + _length(len(body)) + body)
    answer = sock.recv(4)
    assert answer == b"\x20\x02\x00\x00", f"MQTT connection refused: {answer!r}"
    return sock


def _length(size: int) -> bytes:
    """As MQTT writes it: seven bits a byte."""
    return bytes([size]) if size < 128 else bytes([size % 128 | 128]) + _length(size // 128)


def stomp(port: int) -> socket.socket:
    """STOMP 1.2 CONNECT as guest to vhost /, no heart-beats."""
    sock = _connect(port)
    sock.sendall(b"CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\nheart-beat:0,0\n\n\0")
    answer = sock.recv(4096)
    assert answer.startswith(b"CONNECTED"), f"STOMP connection refused: {answer!r}"
    return sock


def described(code: int, *fields: bytes) -> bytes:
    body = b"".join(fields)
    return b"\x00\x53" + bytes([code]) + b"\xd0" + struct.pack(">II", len(body) + 4, len(fields)) + body


def frame(kind: int, body: bytes) -> bytes:
    return struct.pack(">IBBH", 8 + len(body), 2, kind, 0) + body


def read_frame(sock: socket.socket) -> bytes:
    size = struct.unpack(">I", _exactly(sock, 4))[0]
    return _exactly(sock, size - 4)


def _exactly(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        assert more, "the node closed the connection"
        data += more
    return data


def amqp10(port: int, container: str, host: str = "") -> socket.socket:
    """AMQP 1.0: SASL PLAIN as guest, open, begin. RabbitMQ understands `vhost:NAME` as a host."""
    sock = _connect(port)
    sock.sendall(b"AMQP\x03\x01\x00\x00")
    assert _exactly(sock, 8) == b"AMQP\x03\x01\x00\x00"
    read_frame(sock)  # the mechanisms on offer
    response = b"\0guest\0guest"
    sock.sendall(frame(1, described(0x41, b"\xa3\x05PLAIN", b"\xa0" + bytes([len(response)]) + response)))
    read_frame(sock)  # the outcome
    sock.sendall(b"AMQP\x00\x01\x00\x00")
    assert _exactly(sock, 8) == b"AMQP\x00\x01\x00\x00"
    names = [b"\xa1" + bytes([len(name)]) + name for name in (container.encode(), host.encode()) if name]
    sock.sendall(frame(0, described(0x10, *names)))
    assert b"\x53\x10" in read_frame(sock), "the node did not open the AMQP 1.0 connection"
    window = b"\x70\x00\x00\x00\x64"
    sock.sendall(frame(0, described(0x11, b"\x40", b"\x43", window, window)))
    assert b"\x53\x11" in read_frame(sock), "the node did not begin the AMQP 1.0 session"
    return sock
