"""How texts stand out, in the colours of the terminal."""

GOOD = "ansi_green"
NOTABLE = "ansi_yellow"
ALARMING = "bold ansi_red"
QUIET = "dim"
STRONG = "bold"
TREND = "ansi_cyan"

CSS = """
Grid, #one { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
#one { display: none; }
#header, #tabs, #keys { text-wrap: nowrap; text-overflow: ellipsis; }
#keys.news { text-wrap: wrap; height: auto; max-height: 4; text-style: bold; }
#troubles { max-height: 4; }
#tabs { height: 1; }
#keys { height: 1; color: ansi_default; text-style: dim; }
#filter, #vhost { display: none; height: 1; border: none; }
Confirm, Help, Columns, Publish, Messages { align: center middle; }
OptionList { height: auto; max-height: 16; }
.dialog { width: 76; max-width: 100%; height: auto; max-height: 100%; border: round ansi_cyan; padding: 0 1; }
.dialog .keys { margin-top: 1; text-style: bold; }
"""
