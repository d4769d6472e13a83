"""Runs a program as it stands, with another port where pika would take 5672.

The programs of the tutorials name the host and leave the port to pika. The brokers of the tests are on free ports, so that
they stand beside whatever else runs on the machine; and the programs are to run unchanged, the official ones included
(RMQCTL_TEST_TUTORIALS is their directory). So the default of pika is what changes: python at_port.py PROGRAM [ARGUMENT...].
"""

import os
import runpy
import sys
from pathlib import Path

from pika.connection import Parameters

Parameters.DEFAULT_PORT = int(os.environ["RMQCTL_TEST_AMQP_PORT"])
del sys.argv[0]
sys.path[0] = str(Path(sys.argv[0]).parent)
runpy.run_path(sys.argv[0], run_name="__main__")
