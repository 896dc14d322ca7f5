"""SNMP (RFC 1157, 3411-3418, 3584, 3826, 7860): messages in and out, the user-based security model, a client."""
