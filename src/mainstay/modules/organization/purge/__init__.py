"""How long an organization keeps what grows with time; every night what is older goes."""
