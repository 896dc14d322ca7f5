import { describe, expect, it } from "vitest";
import { middle } from "./picture";

describe("a picture of oneself", () => {
  it("is the square in the middle of the photograph", () => {
    expect(middle(4000, 3000)).toEqual({ x: 500, y: 0, side: 3000 });
    expect(middle(300, 401)).toEqual({ x: 0, y: 51, side: 300 });
    expect(middle(64, 64)).toEqual({ x: 0, y: 0, side: 64 });
  });
});
