"""Receiving what devices send: datagrams and streams, at the rate they come, without losing count.

``udp`` and ``tcp`` listen and hand on batches, ``stats`` counts per listener and per source, ``storm`` keeps one source
from drowning the others, ``inbox`` carries batches from the receiving threads to the event loop with bounded room.
What the bytes mean is the business of the feature that listens.
"""
