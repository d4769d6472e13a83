"""Where rabbitmqctl fails, rmqctl fails with the same code, unless a difference is documented."""

import pytest

from .brokers import Node, Ran, rmqctl

USAGE, DATA, NO_USER, UNAVAILABLE, TEMPORARY, REFUSED = 64, 65, 67, 69, 75, 77

SAME = (
    ("zzzz",),
    ("lst_queues",),
    ("list_queues", "--bogus", "x"),
    ("list_queues", "no_such_column"),
    ("list_queues", "name", "no_such_column"),
    ("list_queues", "name messages"),
    ("list_queues", "NAME"),
    ("list_exchanges", "no_such_column"),
    ("list_bindings", "no_such_column"),
    ("list_consumers", "no_such_column"),
    ("list_connections", "no_such_column"),
    ("list_channels", "no_such_column"),
    ("list_vhosts", "no_such_column"),
    ("list_feature_flags", "no_such_column"),
    ("list_queues", "-p"),
    ("list_queues", "--formatter", "json", "--no-table-headers"),
    ("list_users", "too", "many"),
    ("list_policies", "too", "many"),
    ("list_user_permissions",),
    ("list_user_permissions", "a", "b"),
    ("list_user_permissions", "no such user"),
    ("list_user_topic_permissions", "no such user"),
    ("list_user_limits", "--user", "no such user"),
    ("list_permissions", "-p", "no such vhost"),
    ("list_topic_permissions", "-p", "no such vhost"),
    ("list_policies", "-p", "no such vhost"),
    ("list_operator_policies", "-p", "no such vhost"),
    ("list_parameters", "-p", "no such vhost"),
    ("list_vhost_limits", "-p", "no such vhost"),
    ("list_users", "-t", "0"),
    ("authenticate_user", "guest", "guest"),
    ("authenticate_user", "guest", "wrong"),
    ("authenticate_user", "guest"),
)

# What rabbitmqctl says, and what rmqctl says instead: an unknown vhost is an error, and so is an unknown formatter.
DIFFERENT = {
    ("list_queues", "-p", "no such vhost"): (0, DATA),
    ("list_exchanges", "-p", "no such vhost"): (0, DATA),
    ("list_bindings", "-p", "no such vhost"): (0, DATA),
    ("list_consumers", "-p", "no such vhost"): (0, DATA),
    ("list_queues", "--formatter", "nonesuch"): (1, USAGE),
}


@pytest.mark.parametrize("arguments", SAME, ids=" ".join)
def test_the_same_exit_code(node: Node, arguments: tuple[str, ...]) -> None:
    expected, got = node.ctl(*arguments), node.rmqctl(*arguments)
    assert got.exit == expected.exit, f"{expected}\n{got}"
    _assert_explained(got)


def test_nothing_at_all_is_the_same_error_with_the_help_on_standard_output(node: Node) -> None:
    expected, got = node.ctl(), node.rmqctl()
    assert (got.exit, got.errors) == (expected.exit, "")
    assert got.text == node.rmqctl("--help").text


@pytest.mark.parametrize(("arguments", "codes"), DIFFERENT.items(), ids=lambda value: " ".join(map(str, value)))
def test_a_documented_difference(node: Node, arguments: tuple[str, ...], codes: tuple[int, int]) -> None:
    expected, got = node.ctl(*arguments), node.rmqctl(*arguments)
    assert (expected.exit, got.exit) == codes, f"{expected}\n{got}"
    _assert_explained(got)


def _assert_explained(ran: Ran) -> None:
    """Errors are on stderr and nowhere else, in the user's words."""
    if ran.exit:
        assert ran.stdout == b"", str(ran)
        assert ran.stderr.strip(), str(ran)
        assert "Traceback" not in ran.errors, str(ran)


def test_a_wrong_password_is_refused(node: Node) -> None:
    got = rmqctl("list_queues", url=node.url.replace("guest:guest@", "guest:s3cret@"))
    assert got.exit == REFUSED, str(got)
    assert "s3cret" not in got.errors
    _assert_explained(got)


def test_nobody_listens() -> None:
    got = rmqctl("list_queues", url="http://guest:guest@127.0.0.1:1")
    assert got.exit == UNAVAILABLE, str(got)
    assert "127.0.0.1:1" in got.errors
    _assert_explained(got)


def test_the_node_option_names_one_of_the_cluster(node: Node) -> None:
    got = node.rmqctl("-n", node.name, "list_queues")
    assert got.exit == 0, str(got)
    got = node.rmqctl("-n", "nobody@nowhere", "list_queues")
    assert got.exit == UNAVAILABLE, str(got)
    assert node.name in got.errors
