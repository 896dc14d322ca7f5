export const teams = {
  level: "Level",
  people: "People",
  turn: "Turn %{n}",
  addLevel: "Add a level",
  addTurn: "Add a turn",
  noLevels: "No levels: everybody in the team takes everything.",
  noTurns: "No turns of their own: they follow the list of members.",
  levelsHint: "Whoever is at a level is a member of the team.",
  turnsHint: "From the first to the last; those of one turn decide together.",
};
