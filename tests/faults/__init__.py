"""Faults on purpose: a proxy that spoils answers, a tool that kills processes, and the promises held against both."""
