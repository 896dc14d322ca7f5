"""Who is wired to whom: from what devices hear of each other (LLDP, CDP), their bridge and ARP tables to links."""
