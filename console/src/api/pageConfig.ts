import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, query } from "./http";
import type { Clause } from "./filters";

export interface SavedFilter {
  name: string;
  where: Clause[];
  any?: boolean;
  q?: string;
}

/** What a person has set up on one page: which columns, in which order, and their saved filters. */
export interface PageConfig {
  columns?: string[];
  filters?: SavedFilter[];
}

const BASE = "/ux/common/user/profile/";

export function usePageConfig(page: string) {
  const client = useQueryClient();
  const key = ["page-config", page];
  const { data, isPending } = useQuery({
    queryKey: key,
    queryFn: async () => (await api<{ config?: PageConfig }>(`${BASE}retrieve-page-config/${query({ page })}`)).config ?? {},
    staleTime: Infinity,
    retry: false,
  });
  const { mutate } = useMutation({
    mutationFn: (config: PageConfig) => api(`${BASE}save-page-config/`, { method: "POST", body: { page, config } }),
    onMutate: (config) => client.setQueryData(key, config),
  });
  const config = data ?? {};
  return { config, isPending, save: (change: Partial<PageConfig>) => mutate({ ...config, ...change }) };
}

export function savePreferences(preferences: Record<string, unknown>): Promise<unknown> {
  return api(`${BASE}preference/`, { method: "POST", body: { preferences } });
}
