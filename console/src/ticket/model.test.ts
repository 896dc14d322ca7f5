import { describe, expect, it } from "vitest";
import { inOrder, type Message } from "./api";
import { relatives, assignable, matrixPriority, moveFor, nextStatuses, readTicket, type TicketDetail } from "./model";

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
