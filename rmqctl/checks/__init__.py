"""What is wrong on a broker, judged from rows of the HTTP API. Nothing is asked for here."""
