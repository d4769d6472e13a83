"""What is run on this project, by name: `nox -l` lists it, `nox -s lint` runs one, `.ci/run` runs all.

The sessions use the environment that nox runs in, the one of `pip install -e '.[dev]'`: nothing is installed twice.
"""

import nox

nox.options.sessions = ["lint", "generated", "unit"]
DURABILITY = "tests/acceptance/test_durability.py"


def suite(name: str, about: str, *arguments: str) -> None:
    """A session that runs pytest on these, with what stands behind `--`."""

    def run(session: nox.Session) -> None:
        session.run("python", "-m", "pytest", *arguments, *session.posargs, external=True)

    run.__doc__ = about
    nox.session(run, name=name, python=False)


@nox.session(python=False)
def lint(session: nox.Session) -> None:
    """ruff, its formatter and mypy."""
    session.run("ruff", "check", ".", external=True)
    session.run("ruff", "format", "--check", ".", external=True)
    session.run("mypy", external=True)


@nox.session(python=False)
def generated(session: nox.Session) -> None:
    """The files that scripts write are up to date; `nox -s generated -- write` writes them."""
    how = [] if "write" in session.posargs else ["--check"]
    for script in ("completions", "manpages", "features", "reference"):
        session.run("python", f"scripts/{script}", *how, external=True)


suite("unit", "Rules and commands, without processes and sockets.", "tests/unit", "-n", "auto")
suite("process", "Whole programs, terminals, shells and sockets.", "tests/process", "-n", "auto")
suite("page", "The page of the embedded broker, in Chromium.", "tests/page")
suite("acceptance", "Tutorials and recipes as users write them.", "tests/acceptance", "--ignore", DURABILITY)
suite(
    "contract", "rmqctl against RabbitMQ 3.10 and 4.3, a cluster, TLS.", "tests/contract", "tests/cluster", "tests/tls"
)
suite("beside", "The embedded broker beside RabbitMQ 4.3.", "tests/embedded")
suite("simulation", "Whole brokers from seeds, with disks that fail.", "tests/simulation")
suite("fuzz", "Frames and requests at random.", "tests/fuzz")
suite("durability", "kill -9 under load.", DURABILITY)
