"""The demo world: the editions of 2011 and 2023 as their press releases tell them, and a week to come to try things on.

The facts stand in the YAML files beside this one. `load_demo` brings them into a database and may be repeated.
"""

from booking.demo.load import Loaded, load_demo

__all__ = ["Loaded", "load_demo"]
