import type { FieldMeta, ResourceMeta, User } from "./types";

export type Privilege = "view" | "add" | "edit" | "delete" | "execute" | "export" | "approve";

export function allows(meta: Pick<ResourceMeta, "privileges">, privilege: Privilege): boolean {
  return meta.privileges.includes(privilege);
}

/** What may be done with a resource: the caller's privilege and the verb both have to be there. */
export function abilities(meta: ResourceMeta) {
  return {
    create: allows(meta, "add") && meta.verbs.create !== undefined,
    edit: allows(meta, "edit"),
    remove: allows(meta, "delete"),
    export: allows(meta, "export") && meta.verbs.export !== undefined,
    import: allows(meta, "add") && meta.verbs.import !== undefined && meta.verbs.columns !== undefined,
  };
}

export type Abilities = ReturnType<typeof abilities>;

export function userMay(user: User | undefined, module: string, privilege: Privilege): boolean {
  return user?.permissions[module]?.includes(privilege) ?? false;
}

/** Field Configuration may hide a field or make it read-only or mandatory for this caller. */
export function fieldAccess(field: FieldMeta): { hidden: boolean; readOnly: boolean; required: boolean } {
  const readOnly = Boolean(field.read_only) || field.behaviour === "read_only";
  return {
    hidden: field.behaviour === "hidden",
    readOnly,
    required: !readOnly && (Boolean(field.required) || field.behaviour === "mandatory"),
  };
}
