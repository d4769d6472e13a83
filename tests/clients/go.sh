# shellcheck shell=bash disable=SC2034,SC2154  # run sets and uses the names
# The suite of amqp091-go. Its one dependency is in Debian's packages, for the compiler that is there too.
repository=rabbitmq/amqp091-go
export GO111MODULE=off GOPATH=$directory/gopath:/usr/share/gocode

install() {
  needs go=golang gotestsum=gotestsum golang-uber-goleak-dev
  mkdir -p "$directory/gopath/src/github.com/rabbitmq"
  ln -sfn "$source" "$directory/gopath/src/github.com/$repository"
}

prepare() {
  export AMQP_URL=amqp://guest:guest@127.0.0.1:5672/ RABBITMQ_RABBITMQCTL_PATH=$directory/bin/rabbitmqctl
}

suite() {
  (cd "$directory/gopath/src/github.com/$repository" && gotestsum --format standard-verbose --junitfile "$report" -- -tags integration "$@")
}
