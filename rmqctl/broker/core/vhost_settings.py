"""What is set of a virtual host as a whole: metadata, limits, tracing and parameters. It journals itself."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from rmqctl.broker.core.classic import ClassicQueue
from rmqctl.broker.core.errors import Refusal
from rmqctl.broker.core.firehose import Firehose
from rmqctl.broker.core.limits import check_vhost_limits
from rmqctl.broker.core.node import Node


class Settings:
    """What is handed out is not to be changed; every change raises Refusal when the disk does not take it."""

    def __init__(self, node: Node, name: str, firehose: Firehose) -> None:
        self.node = node
        self.name = name
        self._metadata: dict[str, Any] = {"description": "", "tags": []}
        self.firehose = firehose
        self._limits: dict[str, int] = {}
        self._parameters: dict[tuple[str, str], Any] = {}

    @property
    def metadata(self) -> Mapping[str, Any]:
        """description, tags, default_queue_type, protected_from_deletion."""
        return MappingProxyType(self._metadata)

    @property
    def limits(self) -> Mapping[str, int]:
        """max-connections, max-queues."""
        return MappingProxyType(self._limits)

    @property
    def tracing(self) -> bool:
        """Whether the firehose is on."""
        return self.firehose.on

    @property
    def parameters(self) -> Mapping[tuple[str, str], Any]:
        """By component and name; those that have a place of their own, as limits and policies, are not among them."""
        return self._parameters

    def describe(self, metadata: Mapping[str, Any], *, tracing: bool | None = None) -> None:
        """Sets the metadata (see `checked_metadata`); what is not given is reset, but for the protection from deletion."""
        kept = {key: value for key, value in self._metadata.items() if key == "protected_from_deletion"}
        with self._change():
            self._metadata = {**kept, **metadata}
            if tracing is not None:
                self.firehose.on = tracing

    def protect(self, on: bool) -> None:
        """From deletion."""
        with self._change():
            self._metadata = {**self._metadata, "protected_from_deletion": on}

    def limit(self, limits: Mapping[str, Any]) -> None:
        """Sets these limits; others stay."""
        check_vhost_limits(limits)
        with self._change():
            self._limits = {**self._limits, **limits}

    def replace_limits(self, limits: Mapping[str, Any]) -> None:
        """Sets these limits and no others."""
        check_vhost_limits(limits)
        with self._change():
            self._limits = dict(limits)

    def unlimit(self, name: str) -> None:
        with self._change():
            self._limits = {key: value for key, value in self._limits.items() if key != name}

    def set_parameter(self, component: str, name: str, value: Any) -> None:
        """None clears it."""
        self.node.define("parameter", (self.name, component, name), None if value is None else {"value": value})
        self.node.settle()
        if value is None:
            self._parameters.pop((component, name), None)
        else:
            self._parameters[component, name] = value

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Journals what is set within; it is as before when the disk does not take it."""
        before = self._metadata, self._limits, self.firehose.on
        yield
        try:
            document = {"metadata": self._metadata, "limits": self._limits, "tracing": self.tracing}
            self.node.define("vhost", (self.name,), document)
            self.node.settle()
        except Refusal:
            self._metadata, self._limits, self.firehose.on = before
            raise

    def shown_metadata(self) -> dict[str, Any]:
        """As in lists and definitions."""
        return {
            "description": self._metadata.get("description") or "",
            "tags": self._metadata.get("tags") or [],
            "default_queue_type": self._metadata.get("default_queue_type") or ClassicQueue.kind,
            # Only where the protection has been switched.
            **{key: value for key, value in self._metadata.items() if key == "protected_from_deletion"},
        }

    def restore(self, document: Mapping[str, Any]) -> None:
        """Takes over what `_change` has journaled."""
        self._metadata |= document["metadata"]
        self._limits = dict(document["limits"])
        self.firehose.on = document["tracing"]
