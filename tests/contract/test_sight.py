"""A list that is short of rows because of who asks says so, and a whole one says nothing."""

from collections.abc import Iterator

import pytest

from .brokers import Node, rmqctl

VHOST = "contract-sight"
TAGS = ("management", "monitoring", "administrator")


@pytest.fixture(scope="module")
def watched(node: Node) -> Iterator[Node]:
    users = [f"sight-{tag}" for tag in TAGS]
    node.put("vhosts", VHOST)
    try:
        for user, tag in zip(users, TAGS, strict=True):
            node.put("users", user, body={"password": "p", "tags": tag})
        yield node
    finally:
        for user in users:
            node.delete("users", user)
        node.delete("vhosts", VHOST)


@pytest.mark.parametrize(
    ("command", "sees"),
    [
        ("list_queues --all-vhosts", ("administrator",)),
        ("list_exchanges --all-vhosts", ("administrator",)),
        ("list_connections", ("administrator", "monitoring")),
        ("list_channels", ("administrator", "monitoring")),
        ("list_vhosts", ("administrator", "monitoring")),
    ],
)
@pytest.mark.parametrize("tag", TAGS)
def test_what_a_user_does_not_see_is_said(watched: Node, command: str, sees: tuple[str, ...], tag: str) -> None:
    got = rmqctl("-q", *command.split(), url=watched.url.replace("guest:guest@", f"sight-{tag}:p@"))
    assert got.exit == 0, str(got)
    assert ("warning: user" in got.errors) is (tag not in sees), str(got)
    if command == "list_vhosts":
        assert (VHOST in got.text) is (tag in sees)
