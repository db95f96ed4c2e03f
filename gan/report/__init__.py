"""The report of a run: facts in, one self-contained HTML page out. No files, no clocks, no store."""
