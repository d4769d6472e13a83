"""How texts stand out, in the colours of the terminal."""

GOOD = "ansi_green"
NOTABLE = "ansi_yellow"
ALARMING = "bold ansi_red"
QUIET = "dim"
STRONG = "bold"
TREND = "ansi_cyan"
