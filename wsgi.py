"""The way in for web servers and for `flask --app wsgi …`."""

import gc

from booking.app import create_app

app = create_app()

# What is loaded by now stays for good: the garbage collector need not walk through it at every full round.
gc.collect()
gc.freeze()
