# shellcheck shell=bash disable=SC2034,SC2154  # run sets and uses the names
# The suites of Python clients, run by pytest in an environment of their own.
common=(pytest-timeout)
limit=60
case $client in
  pika)
    repository=pika/pika
    packages=(pytest twisted tornado gevent requests)
    selection=(tests/acceptance/blocking_adapter_test.py tests/acceptance/enforce_one_basicget_test.py
      tests/acceptance/thread_safe_bounded_queue_test.py tests/acceptance/thread_safe_connection_test.py
      tests/acceptance/async_adapter_tests.py tests/acceptance/io_services_tests.py tests/acceptance/twisted_adapter_tests.py)
    ;;
  aio-pika)
    repository=mosquito/aio-pika
    packages=(pytest 'aiomisc>=18' aiomisc-pytest shortuuid timeout-decorator pytest-rst)
    selection=(tests --deselect tests/test_amqps.py --ignore tests/test_amqps.py)
    ;;
  aiormq)
    repository=mosquito/aiormq
    packages=('pytest>=8.4,<9' 'aiomisc-pytest>=1.1,<2' 'aiomisc<17.8' pytest-rst)
    selection=(tests -k 'not amqps and not ssl')
    ;;
  py-amqp)
    repository=celery/py-amqp
    packages=('pytest<=8.0.0' pytest-rerunfailures)
    selection=(t/integration -E rabbitmq -k 'not tls' -p no:rerunfailures)
    ;;
  kombu)
    repository=celery/kombu
    packages=('pytest<9' pytest-rerunfailures)
    selection=(t/integration/test_py_amqp.py -E py-amqp -p no:rerunfailures)
    ;;
  amqpstorm)
    repository=eandersson/amqpstorm
    packages=(pytest requests)
    # One case asks an address that is nobody's, and not on this machine.
    selection=(amqpstorm/tests/functional --ignore amqpstorm/tests/functional/ssl
      -k 'not ssl and not Ssl and not SSL and not test_api_with_inaccessible')
    ;;
  celery)
    repository=celery/celery
    packages=('pytest==9.0.3' 'pytest-celery>=1.3.0' pydantic pytest-subtests pytest-click pytest-order pytest-rerunfailures redis)
    selection=(t/integration/test_tasks.py t/integration/test_inspect.py t/integration/test_canvas.py)
    limit=120
    ;;
  channels-rabbitmq)
    repository=CJWorkbench/channels_rabbitmq
    packages=(pytest pytest-asyncio)
    selection=(tests)
    ;;
esac

install() {
  "$python" -m venv --clear "$directory/venv"
  "$directory/venv/bin/pip" install -q --disable-pip-version-check "$source" "${packages[@]}" "${common[@]}"
}

number_to() { # number_to OLD NEW PATH...: a port, in the files that have it
  local files
  mapfile -t files < <(grep -rlE --include='*.py' "\b$1\b" "${@:3}")
  [ ${#files[@]} = 0 ] || sed -i -E "s/\b$1\b/$2/g" "${files[@]}"
}

prepare() {
  export RABBITMQ_HOST=127.0.0.1 RABBITMQ_5672_TCP=$amqp RABBITMQ_5671_TCP=1
  export AMQP_BROKER=rabbitmq AMQP_HOST=127.0.0.1 AMQP_USERNAME=guest AMQP_PASSWORD=guest
  export AMQP_URI=amqp://guest:guest@127.0.0.1:$amqp/%2F AMQP_HTTP_URL=http://127.0.0.1:$http AMQP_SSL_HOST=127.0.0.1
  export AMQP_SSL_URI=amqps://guest:guest@127.0.0.1:1/%2F
  unset AMQP_URL
  export TEST_BROKER=pyamqp://guest:guest@127.0.0.1:$amqp//
  export PYTHONDONTWRITEBYTECODE=1
  # The suites that have no setting for it get their ports in the scratch copy.
  case $client in
    pika)
      number_to 5672 "$amqp" pika/connection.py tests/acceptance tests/base tests/misc
      number_to 15672 "$http" tests/acceptance
      # Theirs are named in a way that pytest does not look for.
      selection+=(-o 'python_files=*_test.py *_tests.py')
      ;;
    aio-pika | aiormq)
      # They start their broker as a container: this stands in for Docker, and hands out the one that runs.
      cat >tests/docker_client.py <<END
from dataclasses import dataclass


class DockerNotAvailableError(Exception):
    pass


@dataclass
class DockerHostInfo:
    is_tcp: bool = False


@dataclass
class ContainerInfo:
    id: str
    ports: dict
    host: str


def check_docker_available():
    return DockerHostInfo()


class DockerClient:
    def __init__(self, info):
        pass

    def run(self, image, ports, environment=None):
        known = {"5672/tcp": $amqp, "15672/tcp": $http}
        return ContainerInfo("the broker", {port: known.get(port, 1) for port in ports}, "127.0.0.1")

    def kill(self, container_id):
        pass

    def remove(self, container_id):
        pass
END
      ;;
    amqpstorm)
      # Two of its programs have the number in them.
      number_to 5672 "$amqp" amqpstorm/tests/functional amqpstorm/connection.py amqpstorm/uri_connection.py
      "$directory/venv/bin/pip" install -q --disable-pip-version-check --no-deps --force-reinstall .
      ;;
    channels-rabbitmq)
      # Its suite speaks TLS throughout.
      sed -i -e "s|^HOST = .*|HOST = \"amqp://guest:guest@127.0.0.1:$amqp/\"|" -e '/^SSL_CONTEXT/,/^)/d' \
        -e 's/^def ASYNC_TEST/SSL_CONTEXT = None\n\n&/' tests/test_core.py
      ;;
    celery)
      needs redis-server=redis-server
      # Its suite reaches the results through a port only.
      export REDIS_HOST=127.0.0.1 REDIS_PORT=$((amqp < 64000 ? amqp + 1500 : amqp - 1500))
      redis-server --bind 127.0.0.1 --port "$REDIS_PORT" --dir "$directory" --save '' >"$directory/redis.log" &
      background+=($!)
      export TEST_BACKEND=redis://127.0.0.1:$REDIS_PORT
      ;;
  esac
}

suite() {
  "$directory/venv/bin/python" -m pytest -q --timeout "$limit" --tb=short -p no:cacheprovider --junitxml "$report" "${selection[@]}" "$@"
}
