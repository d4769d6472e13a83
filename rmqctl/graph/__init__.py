"""Who is bound to what: the exchanges, bindings, queues and consumers of a virtual host as a graph, and ways to write it."""
