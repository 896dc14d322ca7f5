import { describe, expect, it } from "vitest";
import type { FieldMeta } from "../api/types";
import { inOrder, type Message } from "./api";
import { flatRecord, mergeable, otherFields, relatives, assignable, matrixPriority, moveFor, nextStatuses, readTicket, type TicketDetail } from "./model";

const ada = { profile_id: "p1", full_name: "Ada" };
const detail: TicketDetail = {
  incident: {
    incident_id: "i1", display_id: "INC1", creation_time: "2026-01-01T00:00:00Z",
    basic_info: { summary: "Mail", description: "<p>x</p>", state: "Open", status: "New", status_id: 1, priority: "High", priority_id: 2, urgency: { id: 1, name: "High" }, impact: 5 },
    requester: { requester_id: "r1", full_name: "Rosa", email: "rosa@example.com" },
    current_assignment_info: { team_id: "t1", team: "Desk", assignee: "Ada", assignee_profile_id: "p1" },
  },
  options: {
    status: [{ id: 1, name: "New", state: "Open", color: "#123456" }], priority: [{ id: 2, name: "High" }, { id: 4, name: "Low" }],
    urgency: [{ id: 1, name: "High" }], impact: [{ id: 5, name: "User" }], priority_matrix: { "5": { "1": 4 } },
    teams: [{ team_id: "t1", name: "Desk", staffs: [ada], owner: [ada] }], users: [ada, { profile_id: "p2", full_name: "Bo" }],
  },
};

describe("a ticket as a row", () => {
  it("has the value of each field under the field's name", () => {
    const row = flatRecord({
      ...detail.incident, location: { id: "l1", name: "Dublin" }, source: "Phone", source_info: { id: 3, name: "Phone" }, close_info: { close_type: "Fixed" },
      reporter_info: { name: "Ron", email: "ron@example.com" }, current_watcher: ["p2"], impacted_asset: [{ asset_id: "a1", name: "core-sw" }, { asset_id: "old box", name: "old box" }],
    });
    expect(row).toMatchObject({
      summary: "Mail", location: "l1", location_name: "Dublin", source: 3, source_name: "Phone", close_type: "Fixed", reporter_name: "Ron", reporter_email: "ron@example.com",
      requester: "r1", requester_name: "Rosa", watcher: ["p2"], assets: ["a1", "old box"], assets_name: ["core-sw", "old box"],
    });
  });
  it("says nothing about what is hidden", () => {
    expect(Object.keys(flatRecord({ incident_id: "i3", location: {} }))).toEqual(["incident_id", "location", "location_name"]);
    expect(flatRecord({ location: {} }).location).toBeNull();
  });
  it("shows apart what has no place of its own, custom fields first, as they behave in its status", () => {
    const fields: FieldMeta[] = [
      { name: "summary", label: "Summary", kind: "text" }, { name: "location", label: "Location", kind: "reference" }, { name: "config", label: "Settings", kind: "json" },
      { name: "cost_centre", label: "Cost centre", kind: "text", custom: true, behaviour: "visible" },
    ];
    expect(otherFields({ fields }, { cost_centre: "read_only" }).map((field) => [field.name, field.behaviour])).toEqual([["cost_centre", "read_only"], ["location", undefined]]);
  });
  it("can be merged while it is neither closed nor merged; the oldest comes first", () => {
    const rows = [
      { id: "b", display_id: "INC-2", summary: "Second", state: "Open", creation_time: "2026-01-02T00:00:00Z" }, { id: "a", display_id: "INC-1", summary: "First", state: "On Hold", creation_time: "2026-01-01T00:00:00Z" },
      { id: "c", display_id: "INC-3", state: "Closed", creation_time: "2025-01-01T00:00:00Z" }, { id: "d", display_id: "INC-4", state: "Open", is_merge_incident: true, creation_time: "2025-01-01T00:00:00Z" },
    ];
    expect(mergeable(rows).map((ticket) => ticket.displayId)).toEqual(["INC-1", "INC-2"]);
  });
});

describe("the ticket", () => {
  it("is read out of the documented record", () => {
    expect(readTicket(detail)).toMatchObject({
      id: "i1", displayId: "INC1", summary: "Mail", state: "Open", status: { id: 1, color: "#123456" }, priority: { id: 2, name: "High" }, urgency: { name: "High" }, impact: { name: "User" },
      requester: { id: "r1", name: "Rosa" }, teamId: "t1", teamName: "Desk", assigneeId: "p1", assigneeName: "Ada",
    });
  });
  it("may be nearly empty", () => {
    expect(readTicket({ incident: { incident_id: "i2" }, options: {} })).toMatchObject({ id: "i2", status: null, assigneeId: null, requester: { name: "" } });
  });
  it("takes its priority from impact and urgency", () => {
    expect(matrixPriority(detail, 5, 1)?.name).toBe("Low");
    expect(matrixPriority(detail, 5, 9)).toBeNull();
  });
  it("goes to the members of its team, each once, or to anybody while it has none", () => {
    expect(assignable(detail, "t1")).toEqual([ada]);
    expect(assignable(detail, null)).toHaveLength(2);
  });
  it("may be reopened where its status allows it", () => {
    const status = { id: 7, name: "Closed", state: "Closed", reopen_allowed: true };
    expect(nextStatuses({ status, transition_status: [] }, "Reopen").map((option) => moveFor("Closed", option))).toEqual(["reopen"]);
    expect(nextStatuses({ status: { ...status, reopen_allowed: false }, transition_status: [] }, "Reopen")).toEqual([]);
  });
  it("knows which transitions have an operation of their own", () => {
    const to = (state: string) => ({ id: 1, name: state, state });
    expect([moveFor("Open", to("In Progress")), moveFor("In Progress", to("Resolved")), moveFor("Resolved", to("Closed")), moveFor("Closed", to("Open"))]).toEqual(["status", "resolve", "close", "reopen"]);
  });
  it("shows its messages oldest first, and none twice when pages have moved", () => {
    const message = (id: string, event_time: string) => ({ communication_id: id, event_time }) as Message;
    const [one, two, three] = [message("m1", "2026-01-01T00:00:00Z"), message("m2", "2026-01-01T00:00:01Z"), message("m3", "2026-01-01T00:00:01Z")];
    expect(inOrder([{ results: [three, two] }, { results: [two, one] }]).map((item) => item.communication_id)).toEqual(["m1", "m2", "m3"]);
  });
});

describe("merged tickets", () => {
  it("are told apart: where this one went, and what came here", () => {
    const reference = [{ type: "merged", incident_id: "a", display_id: "INC-1" }, { type: "merged_into", incident_id: "b", display_id: "INC-2" }, { type: "other" }];
    expect(relatives(reference)).toEqual({ into: { id: "b", displayId: "INC-2" }, merged: [{ id: "a", displayId: "INC-1" }] });
    expect(relatives(undefined)).toEqual({ into: undefined, merged: [] });
  });
});
