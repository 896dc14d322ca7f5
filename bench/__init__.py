"""Benchmarks against peers: each is one command that prints both side by side. See docs/performance.md."""
