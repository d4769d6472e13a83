# shellcheck shell=bash disable=SC2034,SC2154  # run sets and uses the names
# The suite of Net::AMQP::RabbitMQ. It is built with the librabbitmq in its repository's submodule.
repository=net-amqp-rabbitmq/net-amqp-rabbitmq

install() {
  needs prove=perl cc=gcc make=make libssl-dev libmath-int64-perl libjson-perl libwww-perl libtap-formatter-junit-perl
  local commit
  commit=$(git rev-parse HEAD:rabbitmq-c)
  clone manchicken/rabbitmq-c "$source/rabbitmq-c"
  git -C rabbitmq-c checkout -q "$commit"
  perl Makefile.PL >/dev/null
  make >/dev/null 2>&1
}

prepare() {
  export MQHOST=127.0.0.1 MQPORT=$amqp MQUSERNAME=guest MQPASSWORD=guest MQVHOST=/ MQADMINPROTOCOL=http MQADMINPORT=$http MQSKIPSSL=1
  # Asks an address elsewhere.
  rm -f t/012_timeout.t
}

suite() {
  prove --blib --formatter TAP::Formatter::JUnit "$@" t >"$report"
}
