"""The commands of ``mainstay``, by subject; ``mainstay.cli`` puts them together."""
