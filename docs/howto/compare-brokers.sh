#!/bin/sh
# What differs between two brokers: files, URLs or contexts.
#   compare-brokers.sh context:staging context:production
# Exit code 0: nothing, 1: something.
exec rmqctl definitions diff "$1" "$2"
