import { useGetManyAggregate } from "react-admin";
import { titleOf } from "../api/records";
import type { ChoiceId, ResourceMeta, Row } from "../api/types";

/** Names of ids that came without a label; what many cells ask for at once is read once. */
export function useNames(target: ResourceMeta | undefined, ids: ChoiceId[]): (id: ChoiceId) => string {
  const { data } = useGetManyAggregate<Row>(target?.name ?? "", { ids }, { enabled: !!target && ids.length > 0, retry: false });
  return (id) => {
    const row = data?.find((item) => item && String(item.id) === String(id));
    return row && target ? titleOf(row, target) : String(id);
  };
}

/** Records by the names they have now. */
export function ReferenceNames({ target, ids }: { target: ResourceMeta; ids: ChoiceId[] }) {
  const nameOf = useNames(target, ids);
  return <>{ids.map(nameOf).join(", ")}</>;
}
