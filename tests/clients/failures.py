"""Prints the cases of a JUnit report that failed, one a line."""

import sys
from xml.etree import ElementTree


def main() -> None:
    failed = set()
    for case in ElementTree.parse(sys.argv[1]).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed.add("::".join(filter(None, (case.get("classname"), case.get("name")))))
    sys.stdout.writelines(f"{name}\n" for name in sorted(failed))


if __name__ == "__main__":
    main()
