"""What several tests share, apart from fixtures (those are in conftest.py)."""
