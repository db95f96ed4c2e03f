"""The report of a run as one self-contained HTML page. It reads no files, clocks or stores."""
