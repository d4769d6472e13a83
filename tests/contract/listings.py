"""The list commands that are compared: their columns for each release, and what identifies a row."""

from dataclasses import dataclass, field

NO_PID = "process ids are not served over HTTP"
NO_DISK = "the statistics that the HTTP API serves leave it out"
INSTANT = "measured anew at every instant; the HTTP API has an older sample"


@dataclass(frozen=True)
class Listing:
    """One list command; a column named by `only` exists in that release alone ("310" or "43")."""

    command: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    only: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    release: str = ""
    selectable: bool = True
    per_vhost: bool = True
    header: bool = True
    # Columns that are left out of the comparison, each with the reason.
    unserved: dict[str, str] = field(default_factory=dict)
    # Columns with AMQP tables; True: of which the key order and the types are known to be lost in every row.
    tables: dict[str, bool] = field(default_factory=dict)

    def columns_in(self, release: str) -> tuple[str, ...]:
        return tuple(column for column in self.columns if self.only.get(column, release) == release)

    def compared_in(self, release: str) -> tuple[str, ...]:
        return tuple(column for column in self.columns_in(release) if column not in self.unserved)

    @property
    def label(self) -> str:
        return " ".join((self.command, *self.arguments))


def words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PERMISSIONS = ("configure", "write", "read")
POLICY = ("vhost", "name", "pattern", "apply-to", "definition", "priority")

LISTINGS = (
    Listing(
        "list_queues",
        ("name",),
        words(
            "name durable auto_delete arguments policy operator_policy effective_policy_definition pid "
            "owner_pid exclusive exclusive_consumer_pid exclusive_consumer_tag messages_ready "
            "messages_unacknowledged messages messages_ready_ram messages_unacknowledged_ram messages_ram "
            "messages_persistent message_bytes message_bytes_ready message_bytes_unacknowledged "
            "message_bytes_ram message_bytes_persistent head_message_timestamp disk_reads disk_writes "
            "consumers consumer_utilisation consumer_capacity memory state type leader members online "
            "slave_pids synchronised_slave_pids"
        ),
        only={
            "operator_policy": "43",
            "effective_policy_definition": "43",
            "slave_pids": "310",
            "synchronised_slave_pids": "310",
        },
        unserved={
            "pid": NO_PID,
            "owner_pid": NO_PID,
            "exclusive_consumer_pid": NO_PID,
            "disk_reads": NO_DISK,
            "disk_writes": NO_DISK,
            "memory": INSTANT,
            "consumer_utilisation": INSTANT,
            "consumer_capacity": INSTANT,
        },
        tables={"arguments": False},
    ),
    Listing(
        "list_exchanges",
        ("name",),
        ("name", "type", "durable", "auto_delete", "internal", "arguments", "policy"),
        tables={"arguments": False},
    ),
    Listing(
        "list_bindings",
        ("source_name", "destination_kind", "destination_name", "routing_key"),
        ("source_name", "source_kind", "destination_name", "destination_kind", "routing_key", "arguments"),
        tables={"arguments": False},
    ),
    Listing(
        "list_consumers",
        ("queue_name", "consumer_tag"),
        words("queue_name channel_pid consumer_tag ack_required prefetch_count active activity_status arguments"),
        unserved={"channel_pid": NO_PID},
        tables={"arguments": False},
    ),
    Listing(
        "list_connections",
        ("name",),
        words(
            "name pid port host peer_port peer_host ssl ssl_protocol ssl_key_exchange ssl_cipher ssl_hash "
            "peer_cert_subject peer_cert_issuer peer_cert_serial_number peer_cert_validity state channels "
            "protocol auth_mechanism user vhost container_id timeout frame_max channel_max client_properties "
            "recv_oct recv_cnt send_oct send_cnt send_pend connected_at"
        ),
        only={"container_id": "43", "peer_cert_serial_number": "43"},
        per_vhost=False,
        unserved={"pid": NO_PID},
        tables={"client_properties": True},
    ),
    Listing(
        "list_channels",
        ("name",),
        words(
            "name pid connection number user vhost transactional confirm consumer_count "
            "messages_unacknowledged messages_uncommitted acks_uncommitted messages_unconfirmed "
            "prefetch_count global_prefetch_count"
        ),
        only={"global_prefetch_count": "310"},
        per_vhost=False,
        unserved={"pid": NO_PID, "connection": NO_PID},
    ),
    Listing(
        "list_vhosts",
        ("name",),
        words("name description tags default_queue_type metadata protected_from_deletion tracing cluster_state"),
        only={"metadata": "43", "protected_from_deletion": "43"},
        per_vhost=False,
    ),
    Listing("list_users", ("user",), ("user", "tags"), selectable=False, per_vhost=False),
    Listing("list_permissions", ("user",), ("user", *PERMISSIONS), selectable=False),
    Listing("list_topic_permissions", ("user", "exchange"), ("user", "exchange", "write", "read"), selectable=False),
    Listing("list_policies", ("name",), POLICY, selectable=False),
    Listing("list_operator_policies", ("name",), POLICY, selectable=False),
    Listing("list_parameters", ("component", "name"), ("component", "name", "value"), selectable=False),
    Listing("list_global_parameters", ("name",), ("name", "value"), selectable=False, per_vhost=False),
    Listing(
        "list_vhost_limits", ("vhost",), ("vhost", "limits"), arguments=("--global",), selectable=False, per_vhost=False
    ),
    Listing(
        "list_user_limits", ("user",), ("user", "limits"), arguments=("--global",), selectable=False, per_vhost=False
    ),
    Listing(
        "list_feature_flags",
        ("name",),
        ("name", "state", "stability", "provided_by", "desc", "doc_url"),
        per_vhost=False,
    ),
    Listing(
        "list_deprecated_features",
        ("name",),
        ("name", "deprecation_phase", "state", "provided_by", "desc", "doc_url"),
        release="43",
        per_vhost=False,
    ),
)


def of_user(command: str, user: str) -> Listing:
    """list_user_permissions and list_user_topic_permissions, whose argument is a user."""
    exchange = ("exchange",) if "topic" in command else ()
    rights = ("write", "read") if exchange else PERMISSIONS
    return Listing(
        command,
        ("vhost", *exchange),
        ("vhost", *exchange, *rights),
        arguments=(user,),
        selectable=False,
        per_vhost=False,
        # In both releases rabbitmqctl prints the rows of this one without the header.
        header=not exchange,
    )


def in_release(release: str) -> list[Listing]:
    return [listing for listing in LISTINGS if listing.release in ("", release)]
