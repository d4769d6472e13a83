"""One object, or who and what belongs to it."""
