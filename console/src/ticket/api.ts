import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { newKey, writeMethod } from "../api/dataProvider";
import type { Upload } from "../api/files";
import { api, query, send } from "../api/http";
import { useResourceMeta } from "../api/metadata";
import { useSession } from "../api/session";
import type { AttachmentInfo, ChoiceId, ListEnvelope } from "../api/types";
import type { TicketDetail } from "./model";

const SERVICE_DESK = "/ux/sd/inci/";

export interface Message {
  communication_id: string;
  type: string;
  is_public: boolean;
  message: string;
  user_id: string | null;
  user_name: string | null;
  user_picture?: string;
  is_requester: boolean;
  edited?: boolean;
  attachments?: AttachmentInfo[];
  event_time: string;
}

export type LoadedTicket = TicketDetail & { etag: string | null };

export const ticketKey = (id: string) => ["ticket", id];
export const conversationKey = (id: string) => ["conversation", id];

/** Requesters hear of no changes, because they see some tickets only: they look again now and then. */
const useLook = () => (useSession().user.kind === "requester" ? 20_000 : false);

export function useTicketDetail(id: string) {
  const meta = useResourceMeta("incident");
  const refetchInterval = useLook();
  return useQuery({
    refetchInterval,
    queryKey: ticketKey(id),
    queryFn: async ({ signal }): Promise<LoadedTicket> => {
      const { data, etag } = await send<TicketDetail>(`${meta.path}${encodeURIComponent(id)}/`, { signal });
      return { ...data, etag };
    },
  });
}

const MESSAGES_PER_PAGE = 100;

/** The conversation from its end: what was said last is there at once, earlier pages are read when asked for. */
export function useConversation(ticketId: string | undefined) {
  const refetchInterval = useLook();
  return useInfiniteQuery({
    refetchInterval,
    queryKey: conversationKey(ticketId ?? ""),
    enabled: !!ticketId,
    initialPageParam: 1,
    queryFn: ({ signal, pageParam }) =>
      api<ListEnvelope<Message>>(`${SERVICE_DESK}conversation/${query({ incident_id: ticketId, items_per_page: MESSAGES_PER_PAGE, page: pageParam, reverse: true })}`, { signal }),
    getNextPageParam: (last, _pages, page) => (last.next ? page + 1 : undefined),
  });
}

export function useTicketFiles(ticketId: string | undefined) {
  const meta = useResourceMeta("incident");
  return useQuery({
    queryKey: ["ticket-files", ticketId],
    enabled: !!ticketId,
    queryFn: async ({ signal }) => (await api<{ results?: AttachmentInfo[] }>(`${meta.path}attachment/${query({ incident_id: ticketId })}`, { signal })).results ?? [],
  });
}

/** The messages of some pages, each once, oldest first; a message that arrives in between moves the pages by one. */
export function inOrder(pages: Pick<ListEnvelope<Message>, "results">[]): Message[] {
  const byId = new Map(pages.flatMap((page) => page.results).map((message) => [message.communication_id, message]));
  return [...byId.values()].sort((a, b) => a.event_time.localeCompare(b.event_time) || a.communication_id.localeCompare(b.communication_id));
}

export interface TicketWrite {
  changes: Record<string, unknown>;
  etag?: string | null;
}

export interface StatusMove {
  kind: "resolve" | "close" | "reopen";
  values: Record<string, unknown>;
}

/** Every write to one ticket; after each, the ticket and the lists it stands in are read again. */
export function useTicketWrites(routeId: string, ticketId: string) {
  const meta = useResourceMeta("incident");
  const client = useQueryClient();
  const reload = () => {
    void client.invalidateQueries({ queryKey: ["incident", "getList"] });
    void client.invalidateQueries({ queryKey: ["history", "incident"] });
    void client.invalidateQueries({ queryKey: conversationKey(ticketId) });
    return client.invalidateQueries({ queryKey: ticketKey(routeId) });
  };
  const update = useMutation({
    mutationFn: ({ changes, etag }: TicketWrite) =>
      api(`${meta.path}${encodeURIComponent(ticketId)}/`, { method: writeMethod(meta), body: changes, headers: etag ? { "If-Match": etag } : undefined }),
    onSettled: reload,
  });
  const move = useMutation({
    mutationFn: ({ kind, values }: StatusMove) => {
      const path = { resolve: "inci_resolve/", close: "close_inci_request/", reopen: "inci_reopen/" }[kind];
      return api(`${meta.path}${path}`, { method: "POST", body: { incident_id: ticketId, ...values } });
    },
    onSettled: reload,
  });
  const post = useMutation({
    mutationFn: (message: { message: string; is_public: boolean; attachments: Upload[] }) =>
      api(`${SERVICE_DESK}conversation/`, {
        method: "POST",
        body: { incident_id: ticketId, type: message.is_public ? "comment" : "note", ...message },
        headers: { "Idempotency-Key": newKey() },
      }),
    onSettled: reload,
  });
  const correct = useMutation({
    mutationFn: ({ id, message }: { id: string; message: string }) => api(`${SERVICE_DESK}conversation/${encodeURIComponent(id)}/`, { method: "PUT", body: { message } }),
    onSettled: reload,
  });
  const takeBack = useMutation({
    mutationFn: (id: string) => api(`${SERVICE_DESK}conversation/${encodeURIComponent(id)}/`, { method: "DELETE" }),
    onSettled: reload,
  });
  return { update, move, post, correct, takeBack, reload };
}

/** An assignment in the words of the documented record. */
export function assignmentChanges(teamId: ChoiceId | null, assigneeId: string | null): Record<string, unknown> {
  return { current_assignment_info: { team_id: teamId, assignee_profile_id: assigneeId } };
}

export interface RequesterHit {
  requester_id: string;
  full_name: string;
  email: string;
}

export async function searchRequesters(path: string, search: string, signal?: AbortSignal): Promise<RequesterHit[]> {
  const body = await api<{ results?: RequesterHit[] } | RequesterHit[]>(`${path}requester_search/${query({ search })}`, { signal });
  return Array.isArray(body) ? body : (body.results ?? []);
}
