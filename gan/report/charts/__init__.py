"""Charts as SVG: axes, curves, geometry. Pure."""
