"""`python -m gan` is the `gan` command."""

from gan.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
