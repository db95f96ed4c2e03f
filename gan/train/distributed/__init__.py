"""Several devices or several workers that train one run."""
