"""Discovery: from address ranges and credentials to items of the CMDB, and why each address became one or did not."""
