import { createContext, useContext, type ReactNode } from "react";
import type { FieldMeta, Metadata, ResourceMeta } from "./types";

interface MetadataIndex {
  metadata: Metadata;
  byName: Map<string, ResourceMeta>;
}

const Context = createContext<MetadataIndex | null>(null);

export function indexMetadata(metadata: Metadata): MetadataIndex {
  return { metadata, byName: new Map(metadata.resources.map((resource) => [resource.name, resource])) };
}

export function MetadataProvider({ metadata, children }: { metadata: Metadata; children: ReactNode }) {
  return <Context.Provider value={indexMetadata(metadata)}>{children}</Context.Provider>;
}

export function useMetadata(): MetadataIndex {
  const index = useContext(Context);
  if (!index) throw new Error("useMetadata is called outside of MetadataProvider");
  return index;
}

export function useResourceMeta(name: string): ResourceMeta {
  const meta = useMetadata().byName.get(name);
  if (!meta) throw new Error(`There is no resource ${name}`);
  return meta;
}

export function findField(meta: ResourceMeta, name: string): FieldMeta | undefined {
  const key = name.replace(/^custom_field_data\./, "");
  return meta.fields.find((field) => field.name === name || field.name === key);
}

const USER_RESOURCES = ["user", "user_profile", "profile"];

/** The resource that a field points to: users are a reference whose target goes without saying. */
export function referencedResource(field: FieldMeta, byName: Map<string, ResourceMeta>): ResourceMeta | undefined {
  if (field.reference) return byName.get(field.reference);
  if (field.kind === "user" || field.kind === "users") {
    for (const name of USER_RESOURCES) {
      const meta = byName.get(name);
      if (meta) return meta;
    }
  }
  return undefined;
}
