"""Log agents: ready configurations of log shippers that send to this server, each with a token of its own."""
