import { expect, it } from "vitest";
import type { Statistics } from "../traps/api";
import { doorName, example, rate, trapListener, type Door } from "./intakeModel";

const door = (kind: string, protocol: string, address = "10.0.0.1"): Door => ({ kind, protocol, address, port: 5514, url: "http://x/api/logs/", enabled: true, help: "" });

it("says how to send a line to each door", () => {
  expect(example(door("syslog", "udp"))).toBe('logger -n 10.0.0.1 -P 5514 -d "hello"');
  expect(example(door("syslog", "tcp"))).toContain("-T");
  expect(example(door("http", "http"))).toContain("http://x/api/logs/");
  expect(example(door("otlp", "http"))).toBe("");
});

it("counts lines a second between two looks", () => {
  expect(rate(undefined, { stored: 5, at: 1000 })).toBeUndefined();
  expect(rate({ stored: 100, at: 1000 }, { stored: 400, at: 4000 })).toBe(100);
  expect(rate({ stored: 400, at: 1000 }, { stored: 3, at: 4000 })).toBeUndefined();
});

it("shows the door of the traps with all that it lost", () => {
  const traps = { listening: true, port: 1162, problem: "", received: 90, kernel_dropped: 3, lost: 2, limited: 7 } as Statistics;
  expect(trapListener(traps)).toMatchObject({ name: "snmp-traps", port: 1162, received: 90, dropped_by_kernel: 5, storm_limited: 7 });
});

it("calls the doors as people do", () => {
  expect([door("syslog", "tls"), door("http", "http"), door("otlp", "http")].map(doorName)).toEqual(["Syslog over TLS", "JSON lines, HTTP", "OpenTelemetry, HTTP"]);
  expect(doorName(door("new", "quic"))).toBe("new quic");
});
