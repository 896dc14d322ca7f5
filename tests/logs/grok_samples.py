"""A line for every well-known grok pattern, which it must match whole, and fields that it must find there."""

from __future__ import annotations

from typing import Any

ASA_OUT = "outside:198.51.100.7/443"
ASA_IN = "inside:10.1.2.3/51514"
MAIL = "1sZxYz-0004Ab-7Q"
FLOW = "10.1.2.3/51514->198.51.100.7/443"
NAGIOS_MESSAGE = "CRITICAL - load average: 31.02"
NGINX = '10.0.0.9 - ann [22/Nov/2026:07:01:02 +0100] "GET /a?b=1 HTTP/2.0" 200 512 "-" "curl/8.5"'
APACHE = '10.0.0.9 - ann [22/Nov/2026:07:01:02 +0100] "GET /a?b=1 HTTP/1.1" 200 512'
HAPROXY = (
    "10.0.0.9:50012 [22/Nov/2026:07:01:02.123] https~ app/web1 0/0/1/12/13 200 4211 - - ---- 7/7/1/1/0 0/0 "
    '"GET /health HTTP/1.1"'
)

# Pattern → line, or (line, fields).
SAMPLES: dict[str, str | tuple[str, dict[str, Any]]] = {
    # base
    "USERNAME": "j.doe-2_x", "USER": "root", "EMAILLOCALPART": "jane.doe+tag", "EMAILADDRESS": "jane@mail.example.org",
    "INT": "-17", "BASE10NUM": "-3.25", "NUMBER": "42", "BASE16NUM": "0xDEADbeef", "BASE16FLOAT": "0x1F.8",
    "POSINT": "4711", "NONNEGINT": "0", "WORD": "eth0_up", "NOTSPACE": "a=b;c", "SPACE": " \t ", "DATA": "any text",
    "GREEDYDATA": "any text: even this", "QUOTEDSTRING": r'"say \"hi\" now"', "QS": "'single'",
    "UUID": "8d3f7c1a-09ab-4c1d-9e2f-0123456789ab", "URN": "urn:isbn:0451450523", "MAC": "00:1b:44:11:3a:b7",
    "CISCOMAC": "001b.4411.3ab7", "WINDOWSMAC": "00-1B-44-11-3A-B7", "COMMONMAC": "00:1b:44:11:3a:b7",
    "IPV4_OCTET": "255", "IPV4": "192.0.2.250", "IPV6_GROUP": "fe80", "IPV6_PLAIN": "2001:db8:0:0:8:800:200c:417a",
    "IPV6_SHORT": "2001:db8::8:800:200c:417a", "IPV6_LEADING": "::ffff:192.0.2.1", "IPV6": "fe80::1%eth0",
    "IP": "2001:db8::1", "HOSTNAME": "core-sw01.fra.example.net", "IPORHOST": "db_1", "HOSTPORT": "db1:5432",
    "PATH": "/var/log/syslog.1", "UNIXPATH": "/usr/lib/x86_64", "TTY": "/dev/pts/3", "WINPATH": r"C:\Program Files\App",
    "URIPROTO": "https", "URIHOST": "[2001:db8::1]:8443", "URIPATH": "/a/b.c/", "URIPARAM": "?q=x&r[]=1",
    "URIPATHPARAM": "/a/b?q=1", "URI": "https://ann:pw@www.example.org:8080/a?b=c",
    "MONTH": "Sep", "MONTHNUM": "12", "MONTHNUM2": "09", "MONTHDAY": "31", "DAY": "Wednesday", "YEAR": "2026",
    "HOUR": "23", "MINUTE": "59", "SECOND": "59.123", "TIME": "23:59:59.999", "DATE_US": "11/22/2026",
    "DATE_EU": "22.11.2026", "DATE": "11-22-2026", "DATESTAMP": "11/22/2026-07:01:02", "TZ": "CEST",
    "ISO8601_TIMEZONE": "+05:30", "ISO8601_SECOND": "07", "TIMESTAMP_ISO8601": "2026-11-22T07:01:02.123+01:00",
    "DATESTAMP_RFC822": "Sun Nov 22 2026 07:01:02 UTC", "DATESTAMP_RFC2822": "Sun, 22 Nov 2026 07:01:02 +0100",
    "DATESTAMP_OTHER": "Sun Nov 22 07:01:02 CET 2026", "DATESTAMP_EVENTLOG": "20261122070102",
    "HTTPDATE": "22/Nov/2026:07:01:02 +0100", "LOGLEVEL": "WARNING",
    # syslog
    "SYSLOGTIMESTAMP": "Nov  2 07:01:02", "PROG": "postfix/smtpd", "SYSLOGPROG": ("sshd[812]", {"pid": "812"}),
    "SYSLOGHOST": "web01", "SYSLOGFACILITY": ("<4.6>", {"facility": "4", "priority": "6"}),
    "SYSLOGBASE": ("Nov 22 07:01:02 web01 sshd[812]:", {"logsource": "web01", "program": "sshd", "pid": "812"}),
    "SYSLOG5424PRINTASCII": "app-1!", "SYSLOGBASE2": ("2026-11-22T07:01:02Z web01 cron:", {"program": "cron"}),
    "SYSLOGPAMSESSION": (
        "Nov 22 07:01:02 web01 sudo[9]: pam_unix(sudo:session): session opened for user root(uid=0) by ann(uid=1000)",
        {"pam_caller": "sudo:session", "username": "root", "pam_by": "ann(uid=1000)"},
    ),
    "CRON_ACTION": "CMD",
    "CRONLOG": ("Nov 22 07:01:02 web01 CRON[77]: (root) CMD (run-parts /etc/cron.hourly)",
                {"user": "root", "action": "CMD", "message": "run-parts /etc/cron.hourly"}),
    "SYSLOGLINE": ("Nov 22 07:01:02 web01 kernel: eth0: link up", {"program": "kernel", "message": "eth0: link up"}),
    "SYSLOG5424PRI": ("<165>", {"syslog5424_pri": "165"}), "SYSLOG5424SD": r'[ex@32473 iut="3" q="a\"]b"][x@1 y="2"]',
    "SYSLOG5424BASE": ('<165>1 2026-11-22T07:01:02.003Z host.example app 8710 ID47 [ex@1 a="b"]',
                       {"syslog5424_app": "app", "syslog5424_sd": '[ex@1 a="b"]'}),
    "SYSLOG5424LINE": ("<34>1 2026-11-22T07:01:02Z mymachine su - ID47 - failed for lonvick",
                       {"syslog5424_msg": "failed for lonvick", "syslog5424_host": "mymachine"}),
    "SSHD_LOGIN": ("Failed password for invalid user admin from 203.0.113.4 port 40022 ssh2",
                   {"username": "admin", "src_ip": "203.0.113.4", "auth_method": "password"}),
    # httpd
    "HTTPDUSER": "ann@example.org", "HTTPDERROR_DATE": "Sun Nov 22 07:01:02.123456 2026",
    "HTTPD_COMMONLOG": (APACHE, {"clientip": "10.0.0.9", "auth": "ann", "verb": "GET", "response": "200"}),
    "HTTPD_COMBINEDLOG": (APACHE + ' "https://x.example/" "Mozilla/5.0"', {"agent": '"Mozilla/5.0"', "bytes": "512"}),
    "HTTPD20_ERRORLOG": ("[Sun Nov 22 07:01:02 2026] [error] [client 10.0.0.9] File does not exist: /srv/x",
                         {"loglevel": "error", "clientip": "10.0.0.9", "message": "File does not exist: /srv/x"}),
    "HTTPD24_ERRORLOG": (
        "[Sun Nov 22 07:01:02.5 2026] [proxy:error] [pid 17:tid 14] (111)Connection refused: "
        "[client 10.0.0.9:50012] AH00957: HTTP: attempt to connect failed",
        {"module": "proxy", "proxy_errorcode": "111", "errorcode": "AH00957", "clientport": "50012"},
    ),
    "HTTPD_ERRORLOG": ("[Sun Nov 22 07:01:02 2026] [notice] caught SIGTERM", {"message": "caught SIGTERM"}),
    "COMMONAPACHELOG": (APACHE, {"request": "/a?b=1", "httpversion": "1.1"}),
    "COMBINEDAPACHELOG": (APACHE + ' "-" "curl/8.5"', {"ident": "-", "referrer": '"-"'}),
    "NGINXACCESS": (NGINX, {"auth": "ann", "httpversion": "2.0"}),
    "NGINXERROR": ("2026/11/22 07:01:02 [error] 31#31: *7 connect() failed", {"pid": "31", "connection": "7"}),
    "SQUID3": ("1732258862.123    812 10.0.0.9 TCP_MISS/200 4211 GET http://x.example/ - DIRECT/198.51.100.7 text/html",
               {"cache_result": "TCP_MISS", "server": "198.51.100.7", "content_type": "text/html"}),
    "HAPROXYTIME": ("07:01:02", {"haproxy_hour": "07"}),
    "HAPROXYDATE": ("22/Nov/2026:07:01:02.123", {"haproxy_milliseconds": "123", "haproxy_time": "07:01:02"}),
    "HAPROXYCAPTUREDREQUESTHEADERS": ("www.example.org|curl", {"captured_request_headers": "www.example.org|curl"}),
    "HAPROXYCAPTUREDRESPONSEHEADERS": ("nginx|", {"captured_response_headers": "nginx|"}),
    "HAPROXYSTAMP": "22/Nov/2026:07:01:02.123",
    "HAPROXYURI": ("http://www.example.org/a", {"http_host": "www.example.org", "http_request": "/a"}),
    "HAPROXYHTTPREQUESTLINE": ("GET /health HTTP/1.1", {"http_verb": "GET", "http_version": "1.1"}),
    "HAPROXYHTTPBASE": (HAPROXY, {"server_name": "web1", "http_status_code": "200", "http_request": "/health"}),
    "HAPROXYHTTP": (f"Nov 22 07:01:02 lb1 haproxy[99]: {HAPROXY}", {"syslog_server": "lb1", "backend_name": "app"}),
    "HAPROXYTCP": (
        "Nov 22 07:01:02 lb1 haproxy[99]: 10.0.0.9:50012 [22/Nov/2026:07:01:02.123] db pg/pg1 0/1/5007 212 -- "
        "1/1/1/1/0 0/0",
        {"server_name": "pg1", "time_duration": "5007", "termination_state": "--"},
    ),
    "S3_REQUEST_LINE": ("GET /bucket/key HTTP/1.1", {"verb": "GET", "httpversion": "1.1"}),
    "S3_ACCESS_LOG": (
        "79a5 bkt [22/Nov/2026:07:01:02 +0000] 192.0.2.3 79a5 3E57427F3 REST.GET.OBJECT photos/a.jpg "
        '"GET /bkt/photos/a.jpg HTTP/1.1" 200 - 2662 3462 70 10 "-" "curl/8.5" -',
        {"bucket": "bkt", "response": 200, "bytes": 2662, "turnaround_time_ms": 10},
    ),
    "ELB_URIPATHPARAM": ("/a/b?c=d", {"path": "/a/b", "params": "?c=d"}),
    "ELB_URI": ("https://www.example.org:443/a?b=c", {"proto": "https", "urihost": "www.example.org:443"}),
    "ELB_REQUEST_LINE": ("GET http://www.example.org:80/ HTTP/1.1", {"verb": "GET", "path": "/"}),
    "ELB_ACCESS_LOG": (
        "2026-11-22T07:01:02.123456Z my-lb 192.0.2.3:2817 10.0.0.1:80 0.000073 0.001048 0.000057 200 200 0 29 "
        '"GET http://www.example.org:80/ HTTP/1.1"',
        {"clientport": 2817, "backend_processing_time": 0.001048, "bytes": 29, "backendip": "10.0.0.1"},
    ),
    "CLOUDFRONT_ACCESS_LOG": (
        "\t".join(["2026-11-22", "07:01:02", "FRA2", "182", "192.0.2.3", "GET", "d11.cloudfront.net",
        "/view/my/file.html",
                   "200", "www.example.org", "Mozilla/4.0", "-", "-", "RefreshHit", "MRVMF7KydIvxMWfJ", "x.example.org",
                   "http", "312", "0.001"]),
        {"sc_bytes": 182, "sc_status": 200, "x_edge_result_type": "RefreshHit", "time_taken": 0.001},
    ),
    # network
    "CISCOTIMESTAMP": "Nov 22 2026 07:01:02", "CISCO_IOS_STAMP": "*Nov 22 07:01:02.345 CET",
    "CISCO_IOS_MNEMONIC": ("LINEPROTO-5-UPDOWN", {"cisco_facility": "LINEPROTO", "cisco_severity": "-5"[1:]}),
    "CISCO_IOS": (
        "000123: *Nov 22 07:01:02.345: %LINK-3-UPDOWN: Interface GigabitEthernet0/1, changed state to down",
        {"sequence": "000123", "cisco_mnemonic": "UPDOWN", "cisco_severity": "3"},
    ),
    "CISCO_INTERFACE": "TenGigabitEthernet1/0/48.100",
    "JUNOS_STRUCTURED": ("SNMP_TRAP_LINK_DOWN: ifIndex 507", {"junos_event": "SNMP_TRAP_LINK_DOWN"}),
    "LINK_STATE": ("Interface Gi0/1, changed state to down", {"interface": "Gi0/1", "state": "down"}),
    "BIND9_TIMESTAMP": "22-Nov-2026 07:01:02.123", "BIND9_DNSTYPE": "AAAA",
    "BIND9_QUERYLOG": ("client @0x7f 10.0.0.9#50012 (www.example.org): query: www.example.org IN A +E(0)K (10.0.0.53)",
                       {"query": "www.example.org", "querytype": "A", "dns": "10.0.0.53"}),
    "BIND9": ("22-Nov-2026 07:01:02.123 queries: info: client 10.0.0.9#50012 (a.example): query: a.example IN MX + "
              "(10.0.0.53)", {"clientip": "10.0.0.9", "querytype": "MX"}),
    "DHCPD_ACK": ("DHCPACK on 10.0.0.77 to 00:1b:44:11:3a:b7 (laptop-9) via eth1",
                  {"dhcp_message": "ACK", "dhcp_address": "10.0.0.77", "dhcp_hostname": "laptop-9"}),
    "BRO_HTTP": ("\t".join(["1732258862.1", "CXWv6p3", "10.0.0.9", "50012", "198.51.100.7", "80", "1", "GET",
    "x.example",
                            "/a", "-", "curl", "0", "512", "200", "OK\t-"]), {"method": "GET", "status_code": "200"}),
    "BRO_DNS": ("\t".join(["1732258862.1", "CXWv6p3", "10.0.0.9", "50012", "10.0.0.53", "53", "udp", "1234",
    "a.example",
                           "1\tC_INTERNET"]), {"query": "a.example", "proto": "udp"}),
    "BRO_CONN": ("\t".join(["1732258862.1", "CXWv6p3", "10.0.0.9", "50012", "198.51.100.7", "443", "tcp", "ssl", "1.5",
                            "100", "200", "SF", "T"]), {"service": "ssl", "conn_state": "SF"}),
    "BRO_FILES": ("\t".join(["1732258862.1", "FXWv6p3", "198.51.100.7", "10.0.0.9", "CXWv", "HTTP", "0\t-"]),
                  {"source_name": "HTTP"}),
    "EXIM_MSGID": MAIL, "EXIM_FLAGS": "<=", "EXIM_DATE": ("2026-11-22 07:01:02", {"exim_year": "2026"}),
    "EXIM_PID": ("[812]", {"pid": "812"}), "EXIM_QT": "1d2h3m", "EXIM_EXCLUDE_TERMS": "Message is frozen",
    "EXIM_REMOTE_HOST": ("H=mx.example.org (helo.example) [203.0.113.4]", {"remote_host": "203.0.113.4"}),
    "EXIM_INTERFACE": ("I=[192.0.2.1]:25", {"exim_interface_port": "25"}),
    "EXIM_PROTOCOL": ("P=esmtps", {"protocol": "esmtps"}), "EXIM_MSG_SIZE": ("S=2311", {"exim_msg_size": "2311"}),
    "EXIM_HEADER_ID": ("id=abc@example.org", {"exim_header_id": "abc@example.org"}),
    "EXIM_SUBJECT": ('T="Invoice 7"', {"exim_subject": '"Invoice 7"'}),
    "POSTFIX_QUEUEID": "3F1A92B0C4",
    "POSTFIX_DELIVERY": (
        "3F1A92B0C4: to=<ann@example.org>, relay=mx.example.org[203.0.113.4]:25, delay=1.2, delays=0.1/0/0.5/0.6, "
        "dsn=2.0.0, status=sent (250 ok)",
        {"to": "ann@example.org", "delay": 1.2, "status": "sent", "reason": "250 ok)"[:-1]},
    ),
    # firewall
    "NETSCREENSESSIONLOG": (
        "Nov 22 07:01:02 fw1 fw1: NetScreen device_id=fw1  [Root]system-notification-00257(traffic): "
        'start_time="2026-11-22 07:01:00" duration=2 policy_id=7 service=dns proto=17 src zone=Trust dst zone=Untrust '
        "action=Permit sent=80 rcvd=160 src=10.1.2.3 dst=198.51.100.7 src_port=51514 dst_port=53 "
        "src-xlated ip=192.0.2.1 port=2001 dst-xlated ip=198.51.100.7 port=53",
        {"policy_id": "7", "src_zone": "Trust", "dst_port": "53", "src_xlated_ip": "192.0.2.1"},
    ),
    "CISCO_TAGGED_SYSLOG": ("<166>Nov 22 2026 07:01:02 asa1 : %ASA-6-302013:", {"ciscotag": "ASA-6-302013"}),
    "CISCOTAG": "ASA-6-302013", "CISCO_ACTION": "Teardown", "CISCO_REASON": "TCP FINs", "CISCO_DIRECTION": "inbound",
    "CISCO_INTERVAL": "300-second interval", "CISCO_XLATE_TYPE": "dynamic",
    "CISCO_ENDPOINT_SRC": (f"{ASA_IN}(ann)", {"src_interface": "inside", "src_fwuser": "ann"}),
    "CISCO_ENDPOINT_DST": (ASA_OUT, {"dst_ip": "198.51.100.7", "dst_port": "443"}),
    "CISCOFW104001": ("(Secondary) Switching to ACTIVE - no failover cable", {"switch_reason": "no failover cable"}),
    "CISCOFW104002": ("(Primary) Switching to STANDBY - interface check", {"switch_reason": "interface check"}),
    "CISCOFW104003": "(Primary) Switching to FAILED.", "CISCOFW104004": "(Primary) Switching to OK.",
    "CISCOFW105003": ("(Primary) Monitoring on interface inside waiting", {"interface_name": "inside"}),
    "CISCOFW105004": ("(Primary) Monitoring on interface inside normal", {"interface_name": "inside"}),
    "CISCOFW105005": ("(Primary) Lost Failover communications with mate on interface dmz", {"interface_name": "dmz"}),
    "CISCOFW105008": ("(Primary) Testing Interface dmz", {"interface_name": "dmz"}),
    "CISCOFW105009": ("(Primary) Testing on interface dmz Passed", {"interface_name": "dmz"}),
    "CISCOFW106001": (
        "Inbound TCP connection denied from 203.0.113.4/40022 to 192.0.2.1/23 flags SYN  on interface outside",
        {"direction": "Inbound", "dst_port": "23", "interface": "outside"},
    ),
    "CISCOFW106006_106007_106010": (
        "Deny inbound UDP from 203.0.113.4/53 to 192.0.2.1/4711 due to DNS Response",
        {"action": "Deny", "protocol": "UDP", "reason": "DNS Response"},
    ),
    "CISCOFW106014": (
        "Deny inbound icmp src outside:203.0.113.4 dst inside:192.0.2.1 (type 8, code 0)",
        {"icmp_type": "8", "dst_interface": "inside"},
    ),
    "CISCOFW106015": (
        "Deny TCP (no connection) from 10.1.2.3/51514 to 198.51.100.7/443 flags FIN ACK  on interface inside",
        {"policy_id": "no connection", "interface": "inside"},
    ),
    "CISCOFW106021": ("Deny UDP reverse path check from 10.9.9.9 to 192.0.2.1 on interface outside",
                      {"src_ip": "10.9.9.9"}),
    "CISCOFW106023": (
        f'Deny tcp src {ASA_OUT} dst {ASA_IN} by access-group "outside_in" [0x0, 0x0]',
        {"policy_id": "outside_in", "src_port": "443", "dst_ip": "10.1.2.3"},
    ),
    "CISCOFW106100_2_3": (
        "access-list acl1 denied tcp for user 'ann' inside/10.1.2.3(51514) -> outside/198.51.100.7(443) hit-cnt 1 "
        "first hit [0x1, 0x2]",
        {"src_fwuser": "ann", "hit_count": "1", "interval": "first hit"},
    ),
    "CISCOFW106100": (
        "access-list acl1 permitted tcp inside/10.1.2.3(51514) -> outside/198.51.100.7(443) hit-cnt 5 "
        "300-second interval [0x1, 0x2]",
        {"action": "permitted", "dst_port": "443"},
    ),
    "CISCOFW304001": ("10.1.2.3 Accessed URL 198.51.100.7:/index.html", {"dst_url": "/index.html"}),
    "CISCOFW110002": (
        "Failed to locate egress interface for UDP from inside:10.1.2.3/51514 to 198.51.100.7/443",
        {"reason": "Failed to locate egress interface", "src_interface": "inside"},
    ),
    "CISCOFW302010": ("12 in use, 34 most used", {"connection_count_max": "34"}),
    "CISCOFW302013_302014_302015_302016": (
        "Teardown TCP connection 4711 for outside:198.51.100.7/443 to inside:10.1.2.3/51514 duration 0:01:30 "
        "bytes 8812 "
        "TCP FINs (ann)",
        {"connection_id": "4711", "bytes": "8812", "duration": "0:01:30", "reason": "TCP FINs", "user": "ann"},
    ),
    "CISCOFW302020_302021": (
        "Built inbound ICMP connection for faddr 198.51.100.7/0 gaddr 192.0.2.1/512 laddr 10.1.2.3/512",
        {"dst_ip": "198.51.100.7", "src_ip": "10.1.2.3"},
    ),
    "CISCOFW305011": (
        f"Built dynamic TCP translation from {ASA_IN} to outside:192.0.2.1/2001",
        {"xlate_type": "dynamic", "src_xlated_port": "2001"},
    ),
    "CISCOFW313001_313004_313008": ("Denied ICMP type=3, code=1 from 203.0.113.4 on interface outside",
                                    {"icmp_code": "1", "interface": "outside"}),
    "CISCOFW313005": (
        "No matching connection for ICMP error message: icmp src outside:203.0.113.4 dst inside:10.1.2.3 (type 3, code "
        "3) on outside interface.  Original IP payload: udp src 10.1.2.3/51514 dst 203.0.113.4/53",
        {"reason": "No matching connection", "err_icmp_code": "3", "orig_dst_port": "53"},
    ),
    "CISCOFW321001": ("Resource 'conns' limit of 10000 reached for system", {"resource_limit": "10000"}),
    "CISCOFW402117": ("IPSEC: Received a non-IPSec packet (protocol= TCP) from 203.0.113.4 to 192.0.2.1.",
                      {"orig_protocol": "TCP"}),
    "CISCOFW402119": (
        "IPSEC: Received an ESP packet (SPI= 0x1A2B, sequence number= 0x7) from 203.0.113.4 (user= ann) to 192.0.2.1 "
        "that failed anti-replay checking.",
        {"spi": "0x1A2B", "user": "ann"},
    ),
    "CISCOFW419001": (f"Dropping TCP packet from {ASA_OUT} to {ASA_IN}, reason: MSS exceeded",
                      {"reason": "MSS exceeded", "dst_port": "51514"}),
    "CISCOFW419002": (
        f"Duplicate TCP SYN from {ASA_IN} to {ASA_OUT} with different initial sequence number",
        {"reason": "Duplicate TCP SYN"},
    ),
    "CISCOFW500004": ("Invalid transport field for protocol=UDP, from 10.1.2.3/51514 to 198.51.100.7/0",
                      {"reason": "Invalid transport field", "dst_port": "0"}),
    "CISCOFW602303_602304": (
        "IPSEC: An outbound LAN-to-LAN SA (SPI= 0x1A2B) between 192.0.2.1 and 203.0.113.4 (user= ann) has "
        "been created.",
        {"direction": "outbound", "tunnel_type": "LAN-to-LAN", "action": "created"},
    ),
    "CISCOFW710001_710002_710003_710005_710006": (
        "TCP access denied from 203.0.113.4/40022 to outside:192.0.2.1/ssh", {"dst_port": "ssh", "action": "denied"},
    ),
    "CISCOFW713172": (
        "Group = vpn, IP = 203.0.113.4, Automatic NAT Detection Status:     Remote end is NOT behind a NAT device     "
        "This   end is behind a NAT device",
        {"group": "vpn", "is_remote_natted": "is NOT", "is_local_natted": "is"},
    ),
    "CISCOFW733100": (
        "[ Scanning] drop rate-1 exceeded. Current burst rate is 9 per second, max configured rate is 10; "
        "Current average "
        "rate is 5 per second, max configured rate is 5; Cumulative total count is 3111",
        {"drop_type": "Scanning", "drop_total_count": "3111"},
    ),
    "SHOREWALL": (
        "Nov 22 07:01:02 gw kernel: Shorewall:net2all:DROP:IN=eth1 OUT= MAC=00:1b:44:11:3a:b7:00:1b:44:11:3a:b8:08:00 "
        "SRC=203.0.113.4 DST=192.0.2.1 LEN=60 TOS=0x00 PREC=0x00 TTL=49 ID=6480 PROTO=TCP SPT=40022 DPT=23",
        {"nf_action2": "DROP", "nf_src_ip": "203.0.113.4", "nf_protocol": "TCP", "nf_dst_port": "23"},
    ),
    "SFW2": (
        "Nov 22 07:01:02 gw kernel: SFW2-INext-DROP-DEFLT IN=eth0 OUT= MAC=00 SRC=203.0.113.4 DST=192.0.2.1 LEN=60 "
        "PROTO=TCP SPT=40022 DPT=23",
        {"nf_action": "DROP-DEFLT", "nf_dst_port": "23"},
    ),
    "IPTABLES": ("IN=eth0 OUT= MAC=00:1b SRC=203.0.113.4 DST=192.0.2.1 LEN=60 TTL=49 PROTO=TCP SPT=40022 DPT=23",
                 {"src_port": 40022, "dst_port": 23, "protocol": "TCP"}),
    "RT_FLOW_TAG": "RT_FLOW_SESSION_CLOSE", "RT_FLOW_EVENT": "RT_FLOW_SESSION_CREATE_LS",
    "RT_FLOW1": (
        f"RT_FLOW_SESSION_CLOSE: session closed TCP FIN: {FLOW} junos-https 192.0.2.1/2001->198.51.100.7/443 "
        f"src-nat None "
        "6 out trust untrust 4711 5(400) 4(900) 2",
        {"close_reason": "session closed TCP FIN", "bytes_from_server": "900", "policy_name": "out"},
    ),
    "RT_FLOW2": (
        f"RT_FLOW_SESSION_CREATE: session created {FLOW} junos-https 192.0.2.1/2001->198.51.100.7/443 src-nat "
        f"None 6 out "
        "trust untrust 4711",
        {"service": "junos-https", "session_id": "4711"},
    ),
    "RT_FLOW3": (f"RT_FLOW_SESSION_DENY: session denied {FLOW} junos-https 6(0) deny-all trust untrust",
                 {"policy_name": "deny-all", "to_zone": "untrust"}),
    # applications
    "JAVACLASS": "com.acme.shop.Order$1", "JAVAFILE": "Order.java", "JAVAMETHOD": "<init>",
    "JAVASTACKTRACEPART": ("    at com.acme.Order.pay(Order.java:42)",
                           {"class": "com.acme.Order", "method": "pay", "line": "42"}),
    "JAVATHREAD": "TP-Processor3", "JAVALOGMESSAGE": "anything", "CATALINA_DATESTAMP": "Nov 22, 2026 7:01:02 AM",
    "CATALINA8_DATESTAMP": "22-Nov-2026 07:01:02.123", "TOMCAT_DATESTAMP": "2026-11-22 07:01:02,123 +0100",
    "CATALINALOG": ("Nov 22, 2026 7:01:02 AM org.apache.Startup start INFO: Server up",
                    {"class": "org.apache.Startup", "loglevel": "INFO", "logmessage": "Server up"}),
    "CATALINA8LOG": ("22-Nov-2026 07:01:02.123 INFO [main] org.apache.Startup.start Server up",
                     {"thread": "main", "method": "start"}),
    "TOMCATLOG": ("2026-11-22 07:01:02,123 +0100 | ERROR | com.acme.Order - failed", {"level": "ERROR"}),
    "LOG4JLOG": ("2026-11-22 07:01:02,123 ERROR [main] com.acme.Order:42 - failed to pay",
                 {"loglevel": "ERROR", "line": "42", "logmessage": "failed to pay"}),
    "MAVEN_VERSION": "1.2.3-SNAPSHOT", "MCOLLECTIVE": ("I, [2026-11-22T07:01:02.123456 #812]  INFO", {"pid": "812"}),
    "MCOLLECTIVEAUDIT": ("2026-11-22T07:01:02:", {"timestamp": "2026-11-22T07:01:02"}),
    "MONGO_LOG": ("Nov 22 07:01:02 [conn7] end connection", {"component": "conn7", "message": "end connection"}),
    "MONGO_QUERY": '{ status: "A" }', "MONGO_WORDDASH": "shop-db",
    "MONGO_SLOWQUERY": (
        "query shop.orders query: { a: 1 } ntoreturn:10 ntoskip:0 nscanned:500 keyUpdates:0 nreturned:10 "
        "reslen:90 150ms",
        {"collection": "orders", "nscanned": "500", "duration": "150"},
    ),
    "MONGO3_SEVERITY": "I", "MONGO3_COMPONENT": "NETWORK",
    "MONGO3_LOG": ("2026-11-22T07:01:02.123+0100 I NETWORK  [conn7] end connection",
                   {"component": "NETWORK", "context": "conn7"}),
    "POSTGRESQL": ("11/22/2026 07:01:02 CET ann [local] 812", {"user_id": "ann", "pid": "812"}),
    "POSTGRESQL_LINE": ("2026-11-22 07:01:02.123 CET [812] ann@shop ERROR:  relation does not exist",
                        {"user": "ann", "database": "shop", "message": "relation does not exist"}),
    "MYSQL_ERROR": ("2026-11-22T07:01:02.123456Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed.",
                    {"loglevel": "Warning", "error_code": "MY-010068", "subsystem": "Server"}),
    "RUUID": "0123456789abcdef0123456789abcdef", "RCONTROLLER": ("OrdersController#index", {"action": "index"}),
    "RAILS3HEAD": ('Started GET "/orders" for 10.0.0.9 at 2026-11-22 07:01:02 +0100', {"verb": "GET", "hour": "07"}),
    "RPROCESSING": ('Processing by OrdersController#show as HTML\n  Parameters: {"id"=>"7"}\n',
                    {"controller": "OrdersController", "format_name": "HTML", "params": '"id"=>"7"'}),
    "RAILS3FOOT": ("Completed 200 OK in 41ms (Views: 20.1ms | ActiveRecord: 3.2ms)", {"totalms": "41",
    "viewms": "20.1"}),
    "RAILS3PROFILE": ("(Views: 20.1ms | ActiveRecord: 3.2ms", {"activerecordms": "3.2"}),
    "RAILS3": ('Started GET "/orders" for 10.0.0.9 at 2026-11-22 07:01:02 +0100', {"clientip": "10.0.0.9"}),
    "REDISTIMESTAMP": "22 Nov 07:01:02.123", "REDISLOG": ("[812] 22 Nov 07:01:02 * Saving", {"message": "Saving"}),
    "REDIS3LOG": ("812:M 22 Nov 2026 07:01:02.123 * DB saved on disk", {"pid": "812", "message": "DB saved on disk"}),
    "REDISMONLOG": ('1732258862.123456 [0 10.0.0.9:50012] "SET" "k" "v"', {"command": "SET", "params": '"k" "v"'}),
    "RUBY_LOGLEVEL": "WARN",
    "RUBY_LOGGER": ("E, [2026-11-22T07:01:02.123456 #812] ERROR -- app: boom", {"progname": "app", "message": "boom"}),
    "NAGIOSTIME": ("[1732258862]", {"nagios_epoch": "1732258862"}),
    "NAGIOS_TYPE_CURRENT_SERVICE_STATE": "CURRENT SERVICE STATE",
    "NAGIOS_TYPE_CURRENT_HOST_STATE": "CURRENT HOST STATE",
    "NAGIOS_TYPE_SERVICE_NOTIFICATION": "SERVICE NOTIFICATION", "NAGIOS_TYPE_HOST_NOTIFICATION": "HOST NOTIFICATION",
    "NAGIOS_TYPE_SERVICE_ALERT": "SERVICE ALERT", "NAGIOS_TYPE_HOST_ALERT": "HOST ALERT",
    "NAGIOS_TYPE_PASSIVE_SERVICE_CHECK": "PASSIVE SERVICE CHECK",
    "NAGIOS_TYPE_PASSIVE_HOST_CHECK": "PASSIVE HOST CHECK", "NAGIOS_TYPE_EXTERNAL_COMMAND": "EXTERNAL COMMAND",
    "NAGIOS_CURRENT_SERVICE_STATE": (f"CURRENT SERVICE STATE: db1;Load;CRITICAL;HARD;3;{NAGIOS_MESSAGE}",
                                     {"nagios_service": "Load", "nagios_statetype": "HARD"}),
    "NAGIOS_CURRENT_HOST_STATE": ("CURRENT HOST STATE: db1;UP;HARD;1;PING OK", {"nagios_state": "UP"}),
    "NAGIOS_SERVICE_NOTIFICATION": (
        f"SERVICE NOTIFICATION: ops;db1;Load;CRITICAL;notify-by-email;{NAGIOS_MESSAGE}",
        {"nagios_notifyname": "ops", "nagios_contact": "notify-by-email"},
    ),
    "NAGIOS_HOST_NOTIFICATION": ("HOST NOTIFICATION: ops;db1;DOWN;notify-by-sms;PING CRITICAL",
                                 {"nagios_state": "DOWN"}),
    "NAGIOS_SERVICE_ALERT": (f"SERVICE ALERT: db1;Load;CRITICAL;SOFT;1;{NAGIOS_MESSAGE}", {"nagios_attempt": "1"}),
    "NAGIOS_HOST_ALERT": ("HOST ALERT: db1;DOWN;HARD;3;PING CRITICAL", {"nagios_statelevel": "HARD"}),
    "NAGIOS_PASSIVE_SERVICE_CHECK": ("PASSIVE SERVICE CHECK: db1;Backup;0;OK", {"nagios_comment": "OK"}),
    "NAGIOS_PASSIVE_HOST_CHECK": ("PASSIVE HOST CHECK: db1;0;OK", {"nagios_hostname": "db1"}),
    "NAGIOS_EXTERNAL_COMMAND": ("EXTERNAL COMMAND: DISABLE_SVC_CHECK;db1;Load", {"nagios_arguments": "db1;Load"}),
    "NAGIOSLOGLINE": (f"[1732258862] SERVICE ALERT: db1;Load;CRITICAL;SOFT;1;{NAGIOS_MESSAGE}",
                      {"nagios_hostname": "db1", "nagios_message": NAGIOS_MESSAGE}),
}  # fmt: skip

NOT: dict[str, list[str]] = {
    "IPV4": ["256.1.1.1", "1.2.3", "01.2.3.4567"], "IPV6": ["12:34:56", "1:2:3:4:5:6:7:8:9", "fe80:::1", "g::1"],
    "TIME": ["24:00:00", "7:60:00"], "POSINT": ["0", "-1", "a1"], "WORD": ["a b", "-"], "INT": ["1.5", "x"],
    "MAC": ["00:1b:44:11:3a", "00:1b:44:11:3a:b7:c8"], "UUID": ["8d3f7c1a-09ab-4c1d-9e2f"], "MONTH": ["Foo", "Mayday"],
    "EMAILADDRESS": ["jane", "@example.org"], "QUOTEDSTRING": ['"open', "none"], "HOSTPORT": ["db1", "db1:x"],
    "TIMESTAMP_ISO8601": ["2026-13-01T00:00:00Z", "22.11.2026"], "URI": ["www.example.org", "/a/b"],
    "COMMONAPACHELOG": ["Nov 22 07:01:02 web01 sshd[812]: hello"],
}  # fmt: skip
