# shellcheck shell=bash disable=SC2034,SC2154  # run sets and uses the names
# The suites of PHP clients, with the libraries of Debian's packages: php-amqplib, of which cases that need toxiproxy skip
# themselves, and php-amqp, an extension that is built here.
case $client in
  php-amqplib) repository=php-amqplib/php-amqplib ;;
  php-amqp) repository=php-amqp/php-amqp ;;
esac

install() {
  install_"${client#php-}"
}

install_amqp() {
  needs php=php-cli phpize=php-dev cc=gcc make=make librabbitmq-dev
  { phpize && ./configure && make; } >/dev/null 2>&1
}

install_amqplib() {
  needs phpunit=phpunit php-phpseclib3 php-httpful php-curl php-mbstring
  mkdir -p vendor
  # What Composer would write.
  cat >vendor/autoload.php <<'END'
<?php
require_once '/usr/share/php/phpseclib3/autoload.php';
require_once '/usr/share/php/Httpful/autoload.php';
spl_autoload_register(function (string $class): void {
    $folders = ['PhpAmqpLib\\Tests\\Functional\\' => 'tests/Functional', 'PhpAmqpLib\\Tests\\Unit\\' => 'tests/Unit', 'PhpAmqpLib\\' => 'PhpAmqpLib'];
    foreach ($folders as $prefix => $folder) {
        $file = dirname(__DIR__) . "/$folder/" . strtr(substr($class, strlen($prefix)), '\\', '/') . '.php';
        if (str_starts_with($class, $prefix) && is_file($file)) {
            require_once $file;
            return;
        }
    }
});
END
}

prepare() {
  export TEST_RABBITMQ_HOST=127.0.0.1 PHP_AMQP_HOST=127.0.0.1
}

suite() {
  suite_"${client#php-}" "$@"
}

suite_amqp() {
  NO_INTERACTION=1 TEST_PHP_JUNIT=$report make test TESTS="-q ${*:-tests}"
}

suite_amqplib() {
  # No case of TLS.
  phpunit --filter '/^(?!.*(SSLConnectionTest|secure_with_correct_crypto_method|insecure_connection))/' \
    --no-coverage --no-logging --log-junit "$report" "$@"
}
