"""What every format is for, in a sentence: loaded for help and the reference pages only."""

MEANINGS = {
    "table": "rabbitmqctl's tab-separated table. The header line appears only if there are rows.",
    "tsv": "The same as table, always with a header line. Control characters are escaped.",
    "pretty_table": "A table with a frame.",
    "json": 'rabbitmqctl\'s JSON: one array. A missing cell is "", arguments are `[key, type, value]`.',
    "json_stream": "rabbitmqctl's JSON: one object a line.",
    "raw_json": "The HTTP API's own values and types: one array.",
    "pretty_json": "The same as raw_json, indented.",
    "jsonl": "The HTTP API's own values and types: one object a line.",
    "yaml": "The HTTP API's own values as YAML; a list is written row by row.",
    "csv": "Comma-separated values with a header line. Cells are quoted where necessary.",
    "kvp": "One line `name: value` for each cell, and an empty line after each row.",
    "markdown": "A Markdown table, to paste into an issue or a page.",
    "erlang": "Erlang terms.",
    "nagios": "One line with performance data for Nagios and its like, then the findings.",
    "prometheus": "Metrics for the textfile collector of Prometheus.",
    "dot": "A graph for Graphviz.",
    "mermaid": "A graph for Mermaid, which Markdown pages can show.",
    "svg": "A picture for a browser.",
}
"""By the name of the format."""
