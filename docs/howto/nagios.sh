#!/bin/sh
# A plugin for Nagios, Icinga and others that know its conventions: one line with performance data, exit code 0, 1, 2 or 3.
#   nagios.sh [MESSAGES [MINUTES]]: critical from so many forgotten messages (100), or when held idle for so long (20)
exec rmqctl check acks --formatter nagios --warning 1 --critical "${1:-100}" --age-critical "${2:-20}m"
