"""rabbitmqadmin's files as contexts."""

from pathlib import Path

import pytest

from rmqctl.contexts import Context, add, load
from rmqctl.errors import ConfigError
from rmqctl.rabbitmqadmin_conf import import_rabbitmqadmin

V1 = """\
# rabbitmqadmin.conf
[host_normal]
hostname = localhost
port = 15672
username = guest
password = %gu=est #1
declare_vhost = / # Used as default for declare / delete only
vhost = /         # Used as default for declare / delete / list

[host_https]
hostname = otherhost
port = 15671
path_prefix = /rmq/
ssl = True
ssl_key_file = /path/to/client_key.pem
ssl_cert_file = /path/to/client_certificate.pem
ssl_ca_cert_file = /ca.pem
ssl_disable_hostname_verification = True
ssl_insecure = False
request_timeout = 45
declare_vhost = orders
format = pretty_json

[bare]
"""

V2 = """\
[default]
hostname = "localhost"
port = 15672
username = "lolz"
password = "lolz"
vhost = '/'
table_style = "markdown"

[node_a]
base_uri = "https://u%40:p%2Fw@rmq.example.com:15999/ignored"
path_prefix = "/rmq/api"
virtual_host = "staging"
vhost = "other"
ca_certificate_bundle_path = "/ca.pem"
client_certificate_file_path = "/cert.pem"
client_private_key_file_path = "/key.pem"
quiet = true

[tls]
tls = true
path_prefix = "/proxied"

[six]
hostname = "::1"
scheme = "https"
path_prefix = "/api"
"""


def note(node: str, text: str) -> str:
    return f"r.conf: node {node!r}: {text}"


def test_version_1_is_imported() -> None:
    found, notes = import_rabbitmqadmin(V1, "r.conf")
    assert found == [
        Context("host_normal", url="http://localhost:15672", user="guest", password="%gu=est #1", vhost="/"),
        Context(
            "host_https",
            url="https://otherhost:15671/rmq",
            timeout=45,
            ca_file="/ca.pem",
            cert_file="/path/to/client_certificate.pem",
            key_file="/path/to/client_key.pem",
        ),
        Context("bare", url="http://localhost:15672"),
    ]
    assert notes == [
        note("host_normal", "declare_vhost: what follows ' #' is taken for a comment"),
        note("host_normal", "vhost: what follows ' #' is taken for a comment"),
        note(
            "host_https",
            "ssl_disable_hostname_verification is left out: rmqctl verifies the certificate with its host name, "
            "or with insecure = true nothing",
        ),
        note("host_https", "declare_vhost has no counterpart in rmqctl and is left out"),
        note("host_https", "format has no counterpart in rmqctl and is left out"),
    ]


def test_version_2_is_imported() -> None:
    found, notes = import_rabbitmqadmin(V2, "r.conf")
    assert found == [
        Context("default", url="http://localhost:15672", user="lolz", password="lolz", vhost="/"),
        Context(
            "node_a",
            url="https://rmq.example.com:15999/rmq",
            user="u@",
            password="p/w",
            vhost="staging",
            ca_file="/ca.pem",
            cert_file="/cert.pem",
            key_file="/key.pem",
        ),
        Context("tls", url="https://localhost:15671/proxied"),
        Context("six", url="https://[::1]:15672"),
    ]
    assert notes == [
        note("default", "table_style has no counterpart in rmqctl and is left out"),
        note("node_a", "the path of base_uri is left out, as rabbitmqadmin does"),
        note("node_a", "vhost 'other' is left out: virtual_host is 'staging'"),
        note("node_a", "quiet has no counterpart in rmqctl and is left out"),
        note("tls", "path_prefix '/proxied' does not end in /api, which rmqctl puts behind the url's path"),
    ]


def test_what_was_imported_can_be_added(tmp_path: Path) -> None:
    path = tmp_path / "contexts.toml"
    for text in (V1, V2):
        for context in import_rabbitmqadmin(text, "r.conf")[0]:
            add(path, context)
    assert len(load(path).contexts) == 7


def test_nothing_gives_nothing() -> None:
    assert import_rabbitmqadmin("", "r.conf") == ([], [])
    assert import_rabbitmqadmin("# nothing\n", "r.conf") == ([], [])


def test_version_1_insecure_covers_the_host_name() -> None:
    text = "[a]\nhostname = h\nssl = True\nssl_insecure = True\nssl_disable_hostname_verification = True\n"
    assert import_rabbitmqadmin(text, "r") == ([Context("a", url="https://h:15672", insecure=True)], [])


def test_version_1_base_uri_goes_before_the_other_keys() -> None:
    text = "[a]\nhostname = h\nport = 1\nusername = x\npassword = y\nbase_uri = https://u:p@g:2\n"
    assert import_rabbitmqadmin(text, "r") == ([Context("a", url="https://g:2", user="u", password="p")], [])


def test_version_2_ignores_the_login_of_base_uri_beside_its_keys() -> None:
    text = '[a]\nusername = "x"\npassword = "y"\nbase_uri = "http://u:p@g"\n'
    assert import_rabbitmqadmin(text, "r") == ([Context("a", url="http://g:15672", user="x", password="y")], [])
    text = '[a]\nbase_uri = "https://g"\n'
    assert import_rabbitmqadmin(text, "r") == ([Context("a", url="https://g:15671")], [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[a]\nhostname = "x\n', "line 2: Illegal character '\\n'"),
        ('[a]\nhostname = "x"\npassword "secret"\n', "line 3: Expected '=' after a key in a key/value pair"),
        ("hostname = x\n", "line 1: neither TOML nor `key = value` below a [node]"),
        ("[a]\nhostname = x\nsecret\n", "line 3: neither TOML nor `key = value` below a [node]"),
        ("[a]\nhostname = x\n[a]\n", "line 3: node of [a] is given twice"),
        ("[a]\nhostname = x\nhostname = y\n", "line 3: key 'hostname' of [a] is given twice"),
        (
            "[b]\nport = x\n[a]\nhostname: h\nPort: secret\n",
            "line 2: 'port' of node 'b' must be a number from 1 to 65535",
        ),
        ("[b]\n[a]\nhostname: h\nPort: secret\n", "line 4: 'port' of node 'a' must be a number from 1 to 65535"),
        ("[a]\nhostname = h\nssl = maybe\n", "line 3: 'ssl' of node 'a' must be true or false"),
        (
            "[a]\nhostname = h\nrequest_timeout = 1m\n",
            "line 3: 'request_timeout' of node 'a' must be a number of seconds",
        ),
        ('hostname = "x"\n', "line 1: 'hostname' stands outside of a node's table"),
        ("[b]\nport = 1\n[a]\nport = 70000\n", "line 4: 'port' of node 'a' must be a number from 1 to 65535"),
        ("[a]\nport = true\n", "line 2: 'port' of node 'a' must be a number from 1 to 65535"),
        ("[a]\nhostname = 5\n", "line 2: 'hostname' of node 'a' must be a string"),
        ("[a]\ntls = 5\n", "line 2: 'tls' of node 'a' must be true or false"),
        ('[a]\nbase_uri = "http://h:x"\n', "line 2: 'base_uri' of node 'a' must be a URL"),
        ('[a]\n[""]\n', "line 2: '' is no name for a context"),
    ],
)
def test_a_broken_file_of_rabbitmqadmin_is_refused_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        import_rabbitmqadmin(text, "r.conf")
    assert str(caught.value) == f"r.conf, {message}"
