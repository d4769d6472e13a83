"""A command called again and again (`--watch`): drawn in place on a terminal, appended elsewhere.

`option` is the option itself, `rounds` the calls and their failures, `changes` what is different since the round before,
`picture` and `screen` draw it on a terminal, `stream` writes it to a pipe. `loop` puts them together.
"""
