export type FieldKind =
  | "text" | "longtext" | "html" | "integer" | "number" | "boolean" | "date" | "datetime"
  | "choice" | "choices" | "user" | "users" | "reference" | "references"
  | "email" | "phone" | "url" | "color" | "json" | "secret";

export type ChoiceId = string | number;

export interface Choice {
  id: ChoiceId;
  name: string;
  color?: string | null;
}

export interface FieldMeta {
  name: string;
  label: string;
  kind: FieldKind;
  required?: boolean;
  read_only?: boolean;
  unique?: boolean;
  max_length?: number | null;
  minimum?: number | null;
  maximum?: number | null;
  /** Whether list rows carry the field; others come with the single record. */
  listed?: boolean;
  /** Forms show it only where these fields have one of these values. */
  only?: Record<string, (string | number)[]> | null;
  choices?: Choice[] | null;
  reference?: string | null;
  filterable?: boolean;
  sortable?: boolean;
  searchable?: boolean;
  csv?: boolean;
  section?: string | null;
  help?: string | null;
  default?: unknown;
  custom?: boolean;
  behaviour?: "visible" | "read_only" | "mandatory" | "hidden" | null;
}

export type Verb =
  | "list" | "create" | "options" | "multidelete" | "template" | "columns" | "validate"
  | "import" | "export" | "history" | "attachments" | "comments" | "replace" | "patch";

export interface ResourceMeta {
  name: string;
  label: string;
  plural: string;
  area: string;
  path: string;
  id: string;
  title: string;
  permission: string;
  privileges: string[];
  verbs: Partial<Record<Verb, string>>;
  default_sort?: string | null;
  default_reverse?: boolean;
  default_columns: string[];
  custom_fields?: boolean;
  hidden_in_menu?: boolean;
  page?: string | null;
  fields: FieldMeta[];
  /** How fields behave in the statuses that have rules of their own, by the status in small letters. */
  by_status?: Record<string, Record<string, NonNullable<FieldMeta["behaviour"]>>>;
}

export interface Area {
  name: string;
  label: string;
}

export interface Metadata {
  version: string;
  product: string;
  areas: Area[];
  resources: ResourceMeta[];
  /** Resources that there are, and that the caller may not see. */
  hidden: string[];
}

export interface User {
  profile_id: string;
  user: number;
  username: string;
  email: string;
  full_name: string;
  organization: string;
  organization_name: string;
  role?: string | null;
  roles?: { id: string; name: string }[];
  permissions: Record<string, string[]>;
  preferences?: Record<string, unknown> | null;
  timezone?: string | null;
  profile_image?: string | null;
  is_admin?: boolean;
  /** Staff, or a requester who follows what they reported. */
  kind?: "staff" | "requester";
}

export interface SessionAnswer {
  user: User;
  csrf: string;
  password_change_required?: boolean;
}

export interface ListEnvelope<T> {
  count: number;
  next: string | null;
  previous: string | null;
  results: T[];
  total_pages?: number;
  max_page_limit?: number;
}

export type Row = Record<string, unknown> & { id: ChoiceId };

export interface Change {
  field: string;
  label?: string;
  old: unknown;
  new: unknown;
}

export interface HistoryEntry {
  id: string;
  at: string;
  actor: string | null;
  actor_name: string | null;
  action: string;
  changes: Change[];
}

export interface AttachmentInfo {
  id: string;
  name: string;
  size: number;
  content_type: string;
  created_by_name?: string | null;
  creation_time?: string | null;
  url: string;
}

export interface CommentInfo {
  id: string;
  text: string;
  author_name: string | null;
  creation_time: string;
  type?: string;
}
