#!/bin/sh
# Queues that hold messages and have no consumer, the fullest first. Exit code 1 when there are any.
found=$(rmqctl --quiet list_queues name messages --where 'consumers = 0 and messages > 0' --sort=-messages --no-table-headers) || exit
[ -z "$found" ] && exit 0
printf '%s\n' "$found"
exit 1
