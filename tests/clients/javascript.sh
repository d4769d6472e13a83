# shellcheck shell=bash disable=SC2034,SC2154  # run sets and uses the names
# The suites of JavaScript clients, each run by what it is written for.
packages=()
case $client in
  amqp-client) repository=cloudamqp/amqp-client.js ;;
  amqplib) repository=amqp-node/amqplib ;;
  rascal) repository=onebeyond/rascal ;;
  node-rabbitmq-client) repository=cody-greene/node-rabbitmq-client ;;
  amqp-connection-manager)
    repository=jwalton/node-amqp-connection-manager
    packages=(jest-junit)
    ;;
esac

install() {
  needs node=nodejs npm=npm
  # Its package for a stream of random bytes is not in the registry any more: there is one in its place below.
  [ "$client" = rascal ] && npm pkg delete devDependencies.random-readable
  # Scripts of packages would set up hooks of git, and build what the suites do not use.
  npm install --silent --no-audit --no-fund --ignore-scripts "${packages[@]}"
}

prepare() {
  [ "$client" = rascal ] || return 0
  mkdir -p node_modules/random-readable
  cat >node_modules/random-readable/index.js <<'END'
const { randomBytes } = require('crypto');
const { Readable } = require('stream');

exports.createRandomStream = () => new Readable({
  read(size) {
    this.push(randomBytes(size));
  },
});
END
  # RabbitMQ takes no message above 16 MiB since 4.0, and one case asks a host elsewhere.
  sed -i -e 's/\b20000000\b/16000000/' -e "s/\bit('should timeout connections'/x&/" test/*.tests.js
  # The program that runs it has no option for a report.
  cat >"$directory/zunit.js" <<'END'
const fs = require('fs');
const { Harness, MultiReporter, SpecReporter, Suite, SurefireReporter, syntax } = require(`${process.cwd()}/node_modules/zunit`);

Object.assign(global, syntax);
// Such an error is of the case that runs, which then exceeds its time.
process.on('uncaughtException', console.error);
const stream = fs.createWriteStream(process.argv[2], { highWaterMark: 2 ** 24 });
new Suite('rascal').discover({ pattern: /^[\w-]+.tests.js$/ }).then(async (suite) => {
  const reporter = new MultiReporter().add(new SpecReporter({ colours: false }), new SurefireReporter({ stream }));
  const report = await new Harness(suite).run(reporter);
  stream.end(() => process.exit(report.failed ? 1 : 0));
});
END
}

node_tests() {
  node --test --test-reporter spec --test-reporter-destination stdout --test-reporter junit --test-reporter-destination "$report" "$@"
}

suite() {
  case $client in
    amqp-client) npx vitest run --testTimeout 60000 --exclude test/tls.ts --reporter default --reporter junit --outputFile.junit "$report" "$@" ;;
    amqplib) node_tests --test-timeout 10000 "$@" ;;
    rascal) node "$directory/zunit.js" "$report" ;;
    node-rabbitmq-client) node_tests -r ts-node/register "$@" test/*.ts ;;
    amqp-connection-manager) JEST_JUNIT_OUTPUT_FILE=$report npx jest --ci --reporters default --reporters jest-junit "$@" ;;
  esac
}
