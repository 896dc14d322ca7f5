import type { Privilege } from "../api/permissions";

export const PRIVILEGES: Privilege[] = ["view", "add", "edit", "delete", "execute", "export", "approve"];

/** Section → module → privilege → granted: the shape the API calls selected_permissions. */
export type Matrix = Record<string, Record<string, Partial<Record<Privilege, boolean>>>>;

export interface RoleSection {
  name: string;
  label?: string;
  modules: { name: string; label: string; privileges: Privilege[] }[];
}

export function granted(matrix: Matrix, section: string, module: string, privilege: Privilege): boolean {
  return matrix[section]?.[module]?.[privilege] ?? false;
}

/** Whoever may change something has to see it: granting brings "view" along, taking "view" takes all. */
export function grant(matrix: Matrix, section: string, module: string, privilege: Privilege, on: boolean): Matrix {
  const before = matrix[section]?.[module] ?? {};
  const after: Partial<Record<Privilege, boolean>> = { ...before, [privilege]: on };
  if (on && privilege !== "view") after.view = true;
  if (!on && privilege === "view") for (const name of Object.keys(after) as Privilege[]) after[name] = false;
  return { ...matrix, [section]: { ...matrix[section], [module]: after } };
}

export function grantColumn(matrix: Matrix, section: RoleSection, privilege: Privilege, on: boolean): Matrix {
  return section.modules
    .filter((module) => module.privileges.includes(privilege))
    .reduce((next, module) => grant(next, section.name, module.name, privilege, on), matrix);
}

export function columnState(matrix: Matrix, section: RoleSection, privilege: Privilege): "all" | "some" | "none" {
  const modules = section.modules.filter((module) => module.privileges.includes(privilege));
  const on = modules.filter((module) => granted(matrix, section.name, module.name, privilege)).length;
  return on === 0 ? "none" : on === modules.length ? "all" : "some";
}
