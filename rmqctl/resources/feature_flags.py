"""Columns of feature flags and deprecated features: GET /api/feature-flags, /api/deprecated-features."""

from rmqctl.resources.column import Column, Resource, definitions

FEATURE_FLAGS = Resource(
    plural="feature flags",
    default=("name", "state"),
    streamed=False,
    columns=tuple(map(Column, ("name", "state", "stability", "provided_by", "desc", "doc_url"))),
    api_fields=definitions("callbacks", "experiment_level", "require_level"),
)
DEPRECATED_FEATURES = Resource(
    plural="deprecated features",
    default=("name", "deprecation_phase", "state"),
    streamed=False,
    columns=tuple(map(Column, ("name", "deprecation_phase", "state", "provided_by", "desc", "doc_url"))),
    api_fields={},
)
