# shellcheck shell=bash disable=SC2034,SC2154  # run sets and uses the names
# The suite of librabbitmq.
repository=alanxz/rabbitmq-c

install() {
  needs cmake=cmake cc=gcc libssl-dev
  cmake -S . -B "$directory/build" -DRUN_SYSTEM_TESTS=ON -DBUILD_EXAMPLES=OFF -DBUILD_TOOLS=OFF >/dev/null
  cmake --build "$directory/build" >/dev/null
}

prepare() {
  :
}

suite() {
  ctest --test-dir "$directory/build" --output-on-failure --timeout 60 --output-junit "$report" "$@"
}
