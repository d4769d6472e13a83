"""Clients that forget to acknowledge and clients that do not, to see which of them `check acks` names.

`python -m tests.zoo` runs all of them, round by round, and prints how often each was named as what.
"""
