"""A broker as a process: sockets, the event loop, signals, and one that runs in the background."""
