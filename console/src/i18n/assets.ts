export const assets = { map: "Relation map" };
