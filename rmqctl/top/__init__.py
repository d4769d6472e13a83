"""`top`: the live view of a broker. `app` is the screen, `source` what is asked of the broker, the rest is data and text."""
