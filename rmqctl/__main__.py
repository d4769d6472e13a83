"""`python -m rmqctl`."""

from rmqctl.cli import main

if __name__ == "__main__":
    main()
