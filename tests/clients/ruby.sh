# shellcheck shell=bash disable=SC2034,SC2154  # run sets and uses the names
# The suite of bunny, with Debian's gems, and two of its own that are newer.
repository=ruby-amqp/bunny
stand_ins=$directory/stand-ins

install() {
  needs rspec=ruby-rspec ruby-rspec-junit-formatter ruby-rspec-retry ruby-sorted-set ruby-faraday-middleware ruby-hashie \
    ruby-multi-json ruby-addressable
  clone ruby-amqp/amq-protocol "$directory/amq-protocol"
  clone ruby-amqp/rabbitmq_http_api_client "$directory/rabbitmq_http_api_client"
  # The spelling of Faraday 1.
  sed -i 's/:authorization, :basic,/:basic_auth,/' "$directory/rabbitmq_http_api_client/lib/rabbitmq/http/client.rb"
  # In place of Bundler, and of a gem that Debian has under another name.
  mkdir -p "$stand_ins/faraday"
  cat >"$stand_ins/bundler.rb" <<'END'
%w[rspec/retry sorted_set base64 logger rabbitmq/http/client].each { |name| require name }

module Bundler
  def self.require(*) = nil
end
END
  cat >"$stand_ins/faraday/follow_redirects.rb" <<'END'
require 'faraday_middleware'

module Faraday::FollowRedirects
  Middleware = FaradayMiddleware::FollowRedirects
end
END
}

prepare() {
  # Its virtual hosts and users. What it asks the node to evaluate is about statistics, and of older releases.
  grep -v ' eval ' bin/ci/before_build.sh | BUNNY_RABBITMQCTL=rabbitmqctl BUNNY_RABBITMQ_PLUGINS=true sh >"$directory/before_build" 2>&1 || true
}

suite() {
  # Not those of streams, nor one that passes only while the HTTP API does not list its connection yet: it recovers a durable
  # queue by declaring it as a transient one.
  rspec --example-matches '^(?!.*(stream|recovers client-named queues declared with passive: true))' \
    -I "$stand_ins" -I "$directory/amq-protocol/lib" -I "$directory/rabbitmq_http_api_client/lib" \
    --pattern 'spec/{higher_level_api,lower_level_api,issues}/**/*_spec.rb' --exclude-pattern '**/{tls,toxiproxy}_*' \
    --format documentation --format RspecJunitFormatter --out "$report" "$@"
}
