#!/bin/sh
# Sends the messages of a dead-letter queue back to where they died, and tells what could not be sent.
#   redrive-dead-letters.sh QUEUE
rmqctl redrive "$1" || exit
left=$(rmqctl --quiet list_queues messages --where "name = '$1'" --no-table-headers)
[ "$left" = 0 ] || { echo "$left messages stay in $1" >&2; exit 1; }
