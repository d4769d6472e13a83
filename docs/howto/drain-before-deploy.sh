#!/bin/sh
# Returns when a queue is empty and nobody holds a message of it: then its consumers can be stopped. Stop its publishers first.
#   drain-before-deploy.sh QUEUE [SECONDS]
# Exit code 75 when it is not empty in time (300 s).
exec rmqctl wait queue "$1" --empty --timeout "${2:-300}"
