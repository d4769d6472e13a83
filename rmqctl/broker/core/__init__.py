"""What AMQP means: virtual hosts, exchanges, queues, users and policies, without sockets, files, clocks or HTTP."""
