#!/bin/sh
# Metrics for the textfile collector of Prometheus's node_exporter, written whole or not at all.
#   * * * * *  prometheus.sh /var/lib/node_exporter/rmqctl.prom
new=$(mktemp "$1.XXXXXX") || exit
rmqctl check acks --formatter prometheus >"$new"
# What the check found is in rmqctl_check_acks_status.
[ -s "$new" ] && chmod 644 "$new" && mv "$new" "$1" && exit 0
rm -f "$new"
exit 1
