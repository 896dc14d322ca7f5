import { describe, expect, it } from "vitest";
import { isSafeUrl } from "./clean";
import { count, dateOnly, dateTime, fileSize, initials, plainText, relativeTime, textOn, textToHtml, inSentence } from "./format";
import { addRecent } from "./recent";
import { pastedName } from "../api/files";

const now = new Date("2026-05-10T12:00:00Z");

describe("formats", () => {
  it("says how long ago", () => {
    expect(relativeTime("2026-05-10T11:59:40Z", now)).toBe("just now");
    expect(relativeTime("2026-05-10T11:58:00Z", now)).toBe("2 min. ago");
    expect(relativeTime("2026-05-09T11:00:00Z", now)).toBe("yesterday");
    expect(relativeTime(null, now)).toBe("");
    expect(relativeTime("nonsense", now)).toBe("");
  });
  it("writes times in a zone and dates without one", () => {
    expect(dateTime("2026-01-31T23:30:00Z", "Europe/Berlin")).toBe("1 Feb 2026, 00:30");
    expect(dateTime("2026-01-31T23:30:00Z", "No/Zone")).not.toBe("");
    expect(dateOnly("2026-01-31")).toBe("31 Jan 2026");
  });
  it("writes sizes, counts and initials", () => {
    expect([fileSize(12), fileSize(2048), fileSize(20 * 1024 * 1024)]).toEqual(["12 B", "2.0 KB", "20 MB"]);
    expect(count(1234567)).toBe("1,234,567");
    expect([initials("Ada Lovelace"), initials("root"), initials("")]).toEqual(["AL", "R", "?"]);
  });
  it("takes the text out of HTML", () => {
    expect(plainText("<p>a &lt;b&gt;</p><ul><li>one</li><li>two</li></ul>")).toBe("a <b>\none\ntwo");
  });
  it("keeps what is typed as text", () => {
    expect(textToHtml("a <b>\nc\n\nd & e")).toBe("<p>a &lt;b&gt;<br>c</p><p>d &amp; e</p>");
    expect(textToHtml("")).toBe("");
  });
  it("puts readable text on a colour", () => {
    expect([textOn("#ffee00"), textOn("#102040"), textOn("none")]).toEqual(["#000", "#fff", "#000"]);
  });
});

describe("links", () => {
  it("refuse schemes that run something, hidden or not", () => {
    for (const url of ["javascript:alert(1)", " java\nscript:alert(1)", "data:text/html,x", "vbscript:x"]) expect(isSafeUrl(url, false)).toBe(false);
    for (const url of ["https://a.example", "mailto:a@b.c", "/incident/1", "#top"]) expect(isSafeUrl(url, false)).toBe(true);
    expect(isSafeUrl("data:image/png;base64,AA", true)).toBe(true);
    expect(isSafeUrl("data:image/svg+xml;base64,AA", true)).toBe(false);
    expect(isSafeUrl("https://tracker.example/x.png", true)).toBe(false);
  });
});

describe("small lists", () => {
  it("keeps what was seen last first and once", () => {
    const a = { resource: "team", id: "1", title: "A" };
    const list = addRecent(addRecent([a], { resource: "team", id: "2", title: "B" }), { ...a, title: "A2" });
    expect(list.map((entry) => entry.title)).toEqual(["A2", "B"]);
    expect(Array.from({ length: 30 }, (_, id) => ({ resource: "t", id: String(id), title: "" })).reduce(addRecent, [] as (typeof a)[])).toHaveLength(12);
  });
  it("names a pasted picture", () => {
    expect(pastedName(new File([], "image.png", { type: "image/png" }), now)).toBe("pasted-20260510-120000.png");
    expect(pastedName(new File([], "plan.pdf"), now)).toBe("plan.pdf");
  });
});

describe("a label within a sentence", () => {
  it("is small but for abbreviations", () => {
    expect(["Event rules", "MIBs", "API keys", "Items"].map(inSentence)).toEqual(["event rules", "MIBs", "API keys", "items"]);
  });
});
