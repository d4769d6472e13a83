"""What is set of a virtual host as a whole: metadata, limits, tracing and parameters. It journals itself."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from rmqctl.broker.core.classic import ClassicQueue
from rmqctl.broker.core.limits import check_vhost_limits
from rmqctl.broker.core.node import Node


class Settings:
    """What is handed out is not to be changed; every change raises Refusal when the disk does not take it."""

    def __init__(self, node: Node, name: str) -> None:
        self.node = node
        self.name = name
        self._metadata: dict[str, Any] = {"description": "", "tags": []}
        self._tracing = False
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
        return self._tracing

    @property
    def parameters(self) -> Mapping[tuple[str, str], Any]:
        """By component and name; those that have a place of their own, as limits and policies, are not among them."""
        return self._parameters

    def describe(self, metadata: Mapping[str, Any], *, tracing: bool | None = None) -> None:
        """Sets the metadata (see `checked_metadata`); what is not given is reset, but for the protection from deletion."""
        kept = {key: value for key, value in self._metadata.items() if key == "protected_from_deletion"}
        self._metadata = {**kept, **metadata}
        if tracing is not None:
            self._tracing = tracing
        self._define()

    def protect(self, on: bool) -> None:
        """From deletion."""
        self._metadata["protected_from_deletion"] = on
        self._define()

    def limit(self, limits: Mapping[str, Any]) -> None:
        """Sets these limits; others stay."""
        check_vhost_limits(limits)
        self._limits |= limits
        self._define()

    def replace_limits(self, limits: Mapping[str, Any]) -> None:
        """Sets these limits and no others."""
        check_vhost_limits(limits)
        self._limits = dict(limits)
        self._define()

    def unlimit(self, name: str) -> None:
        self._limits.pop(name, None)
        self._define()

    def set_parameter(self, component: str, name: str, value: Any) -> None:
        """None clears it."""
        if value is None:
            self._parameters.pop((component, name), None)
        else:
            self._parameters[component, name] = value
        self.node.define("parameter", (self.name, component, name), None if value is None else {"value": value})
        self.node.settle()

    def _define(self) -> None:
        document = {"metadata": self._metadata, "limits": self._limits, "tracing": self._tracing}
        self.node.define("vhost", (self.name,), document)
        self.node.settle()

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
        """Takes over what `_define` has journaled."""
        self._metadata |= document["metadata"]
        self._limits = dict(document["limits"])
        self._tracing = document["tracing"]
