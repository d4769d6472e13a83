# Shared by up and down: where the brokers of the tests live, and what each node is called.
# RMQCTL_TEST_DIR    everything that is downloaded, generated or written (default /var/tmp/rmqctl-brokers)
# RMQCTL_TEST_PORTS  first of the ports used, ten for each node (default 21000)
# RMQCTL_TEST_SID    the Debian sid tree with RabbitMQ 4.3 (default: inside RMQCTL_TEST_DIR)
# shellcheck shell=bash
BASE=${RMQCTL_TEST_DIR:-/var/tmp/rmqctl-brokers}
PORTS=${RMQCTL_TEST_PORTS:-21000}
SID=${RMQCTL_TEST_SID:-$BASE/sid}
LOGS=$BASE/log
CERTS=$BASE/certs
SINGLE=(310 43)
CLUSTER=(c1 c2 c3)

# The path of a node's own files is the same for the node, which may be in the tree, and for us, behind root_of.
root_of() { if [ "$1" != 310 ]; then printf %s "$SID"; fi; }
home_of() { printf %s "$BASE/nodes/$1"; }
name_of() { printf %s "rmqctl-$1-$PORTS@localhost"; }

port_of() { # port_of NODE SERVICE
  local block service
  case $1 in 310) block=0 ;; 43) block=1 ;; c1) block=2 ;; c2) block=3 ;; c3) block=4 ;; esac
  case $2 in
    amqp) service=0 ;; http) service=1 ;; dist) service=2 ;; stream) service=3 ;; mqtt) service=4 ;; stomp) service=5 ;;
    amqps) service=6 ;; https) service=7 ;;
  esac
  echo $((PORTS + 10 * block + service))
}

# The pid of a node started by up, or nothing: a stale pid file must never name somebody else's process.
pid_of() {
  local pid
  pid=$(cat "$(root_of "$1")$(home_of "$1")/pid" 2>/dev/null) || return 0
  if tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$(home_of "$1")"; then echo "$pid"; fi
}
