"""What there is to list: columns as data. No I/O, no formatting."""
