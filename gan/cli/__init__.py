"""The `gan` command line: parsing and printing, no maths."""
